"""Blocks on disk, each once, named by its digest.

A block is whole or not there: it is written beside its place and moved. Nothing that the process's
end leaves behind is ever read: a block that no object names is only a file too many, and goes when
it is a day old. While a block is being read or about to be named, it is pinned, and stays.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pelagos.box.objects.hashmap import EMPTY, block_digest
from pelagos.core.files import UNFINISHED

_PIECE = 256 * 1024
_DAY = 86_400.0


class Blocks:
    """The blocks in a folder; safe to share between threads of one process.

    Args:
        is_durable: whether a block that was put survives a power cut.
        is_named: whether an object has a block of this digest.
    """

    def __init__(
        self, folder: Path, *, is_durable: bool, is_named: Callable[[bytes], bool]
    ) -> None:
        self._folder = folder
        self._is_durable = is_durable
        self._is_named = is_named
        self._guard = threading.Lock()
        self._pins: Counter[bytes] = Counter()
        self._doomed: set[bytes] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()

    def has(self, digest: bytes) -> bool:
        """Whether it is there. Pin it before, if the answer shall stay true."""
        return self._path(digest).exists()

    def put(self, block: bytes) -> bytes:
        """Keep a block; its digest. Pin that before if it shall stay."""
        digest = block_digest(block)
        self.put_as(digest, block)
        return digest

    def put_as(self, digest: bytes, block: bytes) -> None:
        """Keep a block whose digest is known."""
        path = self._path(digest)
        if path.exists():
            return
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(block.rstrip(b"\0"))
                stream.flush()
                if self._is_durable:
                    os.fsync(stream.fileno())
            Path(name).rename(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        if self._is_durable:
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def read(self, digest: bytes, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a pinned block from start to end, zeros where it has none of its own."""
        left = end - start
        with self._path(digest).open("rb") as stream:
            stream.seek(start)
            while left > 0 and (piece := stream.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
        while left > 0:
            yield bytes(min(_PIECE, left))
            left -= min(_PIECE, left)

    @contextmanager
    def pinned(self, digests: Iterable[bytes]) -> Iterator[None]:
        """Let these blocks stay, or not come and go, within the block of code."""
        held = list(set(digests))
        self.pin(held)
        try:
            yield
        finally:
            self.unpin(held)

    def pin(self, digests: Iterable[bytes]) -> None:
        """Let blocks stay until they are unpinned as often."""
        with self._guard:
            self._pins.update(digests)

    def unpin(self, digests: Iterable[bytes]) -> None:
        """See `pin`."""
        with self._guard:
            for digest in digests:
                self._pins[digest] -= 1
                if self._pins[digest] <= 0:
                    del self._pins[digest]
                    if digest in self._doomed:
                        self._doomed.discard(digest)
                        self._drop(digest)

    def forget(self, digests: Iterable[bytes]) -> None:
        """Remove blocks that no object names any longer, now or when they are not needed."""
        with self._guard:
            for digest in digests:
                if digest in self._pins:
                    self._doomed.add(digest)
                else:
                    self._drop(digest)

    def _drop(self, digest: bytes) -> None:
        if digest != EMPTY and not self._is_named(digest):
            self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name

    def _sweep(self) -> None:
        """Remove what nobody has asked for in a day."""
        long_ago = time.time() - _DAY
        for path in self._folder.glob("??/*"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < long_ago and self._is_rest(path.name):
                    path.unlink()

    def _is_rest(self, name: str) -> bool:
        if name.startswith(UNFINISHED):
            return True
        digest = bytes.fromhex(name)
        return digest != EMPTY and not self._is_named(digest)
