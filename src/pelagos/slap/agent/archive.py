"""A built release as one file: packed, and unpacked without trusting it.

What comes out lies below one folder, whatever the archive says: no path and no link leads out of
it, nothing is a device, nothing has another owner or a set-user bit, and it is no larger than
allowed. What would not be taken is not packed either.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from pelagos.slap.agent.errors import AgentError

_PIECE = 256 * 1024
#: Bytes of one read while headers are read: a header that says to be larger is a trap.
_HEADER_LIMIT = 4 * 1024 * 1024
_MEMBERS = 2_000_000
_HOPS = 40


class ArchiveRefused(AgentError):
    """An archive, or a folder to be packed, holds something that is not taken."""


@dataclass(slots=True)
class _Contents:
    """What an archive turned out to hold; names are relative to its one folder."""

    folders: dict[str, int] = field(default_factory=lambda: {"": 0o755})
    files: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)


def pack(folder: Path, into: IO[bytes], *, leave_out: frozenset[str] = frozenset()) -> None:
    """Write a release as tar.gz below its own name.

    Args:
        leave_out: names at its top that are not packed.

    Raises:
        ArchiveRefused: a link leads out of it, or something is no file, folder or link.
        OSError: reading or writing failed.
    """
    links: dict[str, str] = {}
    with (
        gzip.GzipFile(fileobj=into, mode="wb", compresslevel=4, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.add(folder, arcname=folder.name, recursive=False, filter=_nobody)
        for path in _walk(folder, leave_out):
            name = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                links[name] = str(path.readlink())
            elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ArchiveRefused(f"{path} is neither a file nor a folder nor a link")
            tar.add(path, arcname=f"{folder.name}/{name}", recursive=False, filter=_nobody)
    _check_links(links, folder)


def _walk(folder: Path, leave_out: frozenset[str]) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        if here == folder:
            folders[:] = [name for name in folders if name not in leave_out]
            files = [name for name in files if name not in leave_out]  # noqa: PLW2901 - narrowed
        folders.sort()
        found += [here / name for name in sorted((*folders, *files))]
    return found


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(
    source: IO[bytes],
    folder: Path,
    *,
    name: str,
    final: Path,
    limit: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Unpack a release into an empty folder.

    Args:
        source: the tar.gz.
        folder: exists and is empty.
        name: the one folder that the archive must hold.
        final: where `folder` will be moved to; absolute links into it are fine.
        limit: bytes of all files together.
        is_stopped: asked now and then; True ends it.

    Raises:
        ArchiveRefused: it holds something that is not taken, or is damaged.
        OSError: writing failed.
    """
    held = _Contents()
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as unzipped:
            stream = _Stream(unzipped, limit + 512 * _MEMBERS // 100)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
                _unpack_members(tar, stream, folder, name, held, limit, is_stopped)
            stream.drain()  # to the checksum
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise ArchiveRefused(f"the archive is damaged: {error}") from error
    if not (held.files or held.links):
        raise ArchiveRefused("the archive is empty")
    _check_links(held.links, final)
    for path, target in held.links.items():
        (folder / path).symlink_to(target)
    for path, mode in reversed(held.folders.items()):
        (folder / path).chmod(mode)


def _unpack_members(
    tar: tarfile.TarFile,
    stream: _Stream,
    folder: Path,
    name: str,
    held: _Contents,
    limit: int,
    is_stopped: Callable[[], bool],
) -> None:
    total = 0
    for count, member in enumerate(tar):
        tar.members = []  # type: ignore[attr-defined]  # else it remembers each one
        total += max(0, member.size)
        if total > limit or count > _MEMBERS:
            raise ArchiveRefused(f"the archive holds more than {limit:,} bytes of files")
        if is_stopped():
            raise ArchiveRefused("the agent stops")
        path = _relative(member.name, name)
        _check_parent(path, held)
        _unpack_one(tar, member, folder, name, path, held)
        stream.check()


def _relative(name: str, top: str) -> str:
    """The member's name below the one folder, clean."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise ArchiveRefused(f"the archive names {name[:200]!r}, which leads out of it")
    clean = posixpath.normpath(name)
    if clean == top:
        return ""
    if not clean.startswith(f"{top}/"):
        raise ArchiveRefused(f"the archive holds {name[:200]!r} beside the release {top}")
    return clean[len(top) + 1 :]


def _check_parent(path: str, held: _Contents) -> None:
    """Parents are folders of this archive; a link among them could lead anywhere."""
    parent = posixpath.dirname(path)
    if parent not in held.folders:
        raise ArchiveRefused(f"the archive puts {path[:200]!r} where it has no folder")
    if path and (path in held.files or path in held.links):
        raise ArchiveRefused(f"the archive holds {path[:200]!r} twice")


def _unpack_one(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    folder: Path,
    top: str,
    path: str,
    held: _Contents,
) -> None:
    target = folder / path
    mode = (member.mode & 0o755) | 0o600
    if member.isdir():
        if path not in held.folders:
            target.mkdir(mode=0o700)
        held.folders[path] = mode | 0o700
    elif not path:
        raise ArchiveRefused("the release in the archive is no folder")
    elif member.issym():
        held.links[path] = member.linkname
    elif member.islnk():
        first = _relative(member.linkname, top)
        if first not in held.files:
            raise ArchiveRefused(f"the archive links {path[:200]!r} to what it does not hold")
        os.link(folder / first, target)
        held.files.add(path)
    elif member.isreg() and not member.issparse():
        _write(tar, member, target, mode)
        held.files.add(path)
    else:
        raise ArchiveRefused(f"the archive holds {path[:200]!r}, which is no file, folder or link")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, mode: int) -> None:
    source = tar.extractfile(member)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out:
        left = member.size
        while left and source is not None:
            piece = source.read(min(left, _PIECE))
            if not piece:
                raise ArchiveRefused("the archive ends in the middle of a file")
            out.write(piece)
            left -= len(piece)
        out.flush()
        os.fchmod(out.fileno(), mode)
    when = max(0.0, float(member.mtime))
    os.utime(target, (when, when))


def _check_links(links: Mapping[str, str], final: Path) -> None:
    """Follow each link as the system would; none may leave the folder."""
    for name in links:
        _follow(name, links, str(final))


def _follow(name: str, links: Mapping[str, str], final: str) -> None:
    left = name.split("/")
    here: list[str] = []
    hops = 0
    while left:
        part = left.pop(0)
        target = links.get("/".join((*here, part)))
        if target is not None:
            hops += 1
            if hops > _HOPS:
                raise ArchiveRefused(f"the link {name[:200]!r} leads round in circles")
            if target.startswith("/"):
                here, target = [], _inside(name, target, final)
            left = target.split("/") + left
        elif part != "..":
            here += [] if part in {"", "."} else [part]
        elif here:
            here.pop()
        else:
            raise ArchiveRefused(f"the link {name[:200]!r} leads out of the release")


def _inside(name: str, target: str, final: str) -> str:
    """The path within the release that an absolute link names."""
    if target != final and not target.startswith(f"{final}/"):
        raise ArchiveRefused(f"the link {name[:200]!r} leads out of the release")
    return target[len(final) + 1 :]


class _Stream:
    """Reads forward only, in pieces that fit memory, and no more than so many bytes in all.

    tarfile wants to seek; it goes forward, and back by the one byte that it looks at twice.
    """

    def __init__(self, source: gzip.GzipFile, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._position = 0
        self._last = b""
        self._is_back = False

    def tell(self) -> int:
        return self._position - self._is_back

    def drain(self) -> None:
        """Read what is left."""
        while self._take(_PIECE):
            pass

    def check(self) -> None:
        """Raise when more came out of the archive than it may hold."""
        if self._position > self._limit:
            raise ArchiveRefused("the archive holds more than it may")

    def seek(self, position: int, _whence: int = 0) -> int:
        if position == self._position - 1 and self._last:
            self._is_back = True
            return position
        if position < self._position:
            raise ArchiveRefused("the archive is not in order")
        self._is_back = False
        while self._position < position:
            piece = self._take(min(_PIECE, position - self._position))
            if not piece:
                break
        return self._position

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _HEADER_LIMIT:
            raise ArchiveRefused("the archive has a header larger than any file name needs")
        head = b""
        if self._is_back and size:
            self._is_back = False
            head, size = self._last, size - 1
        found = bytearray(head)
        while size:
            piece = self._take(min(size, _PIECE))
            if not piece:
                break
            found += piece
            size -= len(piece)
        return bytes(found)

    def _take(self, size: int) -> bytes:
        piece: Any = self._source.read(size)
        self._position += len(piece)
        self._last = piece[-1:] or self._last
        self.check()
        return bytes(piece)
