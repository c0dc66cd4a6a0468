"""The file of a backup: an archive, packed with gzip and, with a key, sealed in pieces."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pelagos.core.errors import PelagosError
from pelagos.core.sealing import SealError, seal, unseal

#: What to do about a backup that cannot be used.
OTHER = "restore another one: pelagos db backups"

_PIECE = 1024 * 1024
_LENGTH = 4


class _Sealing:
    """A file that seals what is written to it, piece by piece; no piece can be left out."""

    def __init__(self, file: IO[bytes], key: bytes, name: str) -> None:
        self._file = file
        self._key = key
        self._name = name
        self._count = 0
        self._left = bytearray()

    def write(self, data: bytes) -> int:
        self._left += data
        while len(self._left) > _PIECE:
            self._put(bytes(self._left[:_PIECE]), is_last=False)
            del self._left[:_PIECE]
        return len(data)

    def flush(self) -> None:
        pass  # pieces are of one size, but for the last

    def finish(self) -> None:
        self._put(bytes(self._left), is_last=True)

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        sealed = seal(self._key, piece, _about(self._name, self._count, is_last=is_last))
        self._file.write(len(sealed).to_bytes(_LENGTH, "big") + sealed)
        self._count += 1


def _about(name: str, count: int, *, is_last: bool) -> str:
    return f"{name} {count} {'last' if is_last else 'more'}"


def pack(plain: Path, packed: Path, key: bytes | None, name: str) -> None:
    """Pack an archive into a file.

    Args:
        key: seals it; None: it is only packed.
        name: of the backup; sealed under another one it cannot be opened.
    """
    with plain.open("rb") as source, packed.open("wb") as target:
        sealing = None if key is None else _Sealing(target, key, name)
        out = target if sealing is None else sealing
        # The time in the head would make two backups of one plane differ.
        with gzip.GzipFile("", "wb", 6, out, mtime=0) as packer:
            shutil.copyfileobj(source, packer, _PIECE)
        if sealing is not None:
            sealing.finish()


def unpack(packed: Path, plain: Path, key: bytes | None, name: str, limit: int) -> None:
    """Bring a packed archive back.

    Args:
        limit: bytes that it has at the most.

    Raises:
        PelagosError: it is damaged, or the key is another one.
    """
    try:
        with packed.open("rb") as source, plain.open("wb") as target, _damages(name):
            unpacker = zlib.decompressobj(wbits=31)
            pieces = _pieces(source) if key is None else _unsealed(source, key, name)
            size = 0
            for piece in pieces:
                while piece:
                    data = unpacker.decompress(piece, _PIECE)
                    piece = unpacker.unconsumed_tail  # noqa: PLW2901  # what is left of it
                    size += len(data)
                    if size > limit:
                        raise PelagosError(f"{name} is larger than it says", hint=OTHER)
                    target.write(data)
            if not unpacker.eof:
                raise PelagosError(f"{name} is cut off", hint=OTHER)
    except SealError as error:
        raise PelagosError(
            f"{name} cannot be read: the key is another one, or it was changed", hint=OTHER
        ) from error


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def _unsealed(source: IO[bytes], key: bytes, name: str) -> Iterator[bytes]:
    count = 0
    sealed = _next(source, name)
    while sealed:
        following = _next(source, name)
        yield unseal(key, sealed, _about(name, count, is_last=not following))
        sealed, count = following, count + 1


def _next(source: IO[bytes], name: str) -> bytes:
    head = source.read(_LENGTH)
    length = int.from_bytes(head, "big")
    sealed = source.read(length) if length <= 2 * _PIECE else b""
    if head and len(sealed) != length:
        raise PelagosError(f"{name} is cut off", hint=OTHER)
    return sealed


@contextmanager
def _damages(name: str) -> Iterator[None]:
    try:
        yield
    except zlib.error as error:
        raise PelagosError(f"{name} is damaged: {error}", hint=OTHER) from error
