"""A file that is being received: under a name of its own until it is whole.

What an interruption leaves, the next download of the same object goes on with: of Pithos by the
blocks that are there, of Swift by a list of the parts that have arrived and are on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pelagos.clients.errors import ClientError
from pelagos.clients.folder.names import UNFINISHED

_LONGEST = 200
_UMASK_READ = 0o666


class PartialFile:
    """A file in the making.

    Args:
        target: where it shall stand.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        name = target.name
        if len(os.fsencode(name)) > _LONGEST:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        self.path = target.with_name(f".{name}{UNFINISHED}")
        self._list = target.with_name(f".{name}.done{UNFINISHED}")

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file, for writing and reading; with what a former attempt has left in it.

        Raises:
            ClientError: another download is writing it, or it is nothing that a download has left.
        """
        while True:
            file = _opened(self.path)
            handle = file.fileno()
            try:
                self._lock(handle)
                if not self._is_still(handle):  # it was finished between opening and locking
                    continue
                yield file
            finally:
                file.close()
            return

    def _lock(self, handle: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ClientError(
                f"another download is writing {self.target}", hint="wait until it is done"
            ) from error

    def _is_still(self, handle: int) -> bool:
        mine = os.fstat(handle)
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def finish(self, file: IO[bytes], *, modified: float | None, replace: bool) -> None:
        """Put the file, which is whole now, under its name.

        Args:
            file: as `open` gave it.
            modified: its time, in seconds since 1970; None: now.
            replace: whether a file of that name may go.

        Raises:
            FileExistsError: there is one, and it may not.
        """
        handle = file.fileno()
        if modified is not None:
            os.utime(handle, (modified, modified))
        os.fsync(handle)
        if replace:
            self.path.replace(self.target)
        else:
            _put_new(self.path, self.target)
        self._list.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what there is of it."""
        self.path.unlink(missing_ok=True)
        self._list.unlink(missing_ok=True)

    def journal(self, file: IO[bytes]) -> Journal:
        """The list of parts that have arrived."""
        return Journal(self._list, file)


class Journal:
    """Which parts of an object are in a file; see `storage.download.Journal`."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def begin(self, etag: str, size: int, part_size: int) -> frozenset[int]:
        """Where the parts begin that are there already, of just this object."""
        head = json.dumps({"etag": etag, "size": size, "part": part_size})
        with _opened(self._path) as kept:
            lines = kept.read().decode("utf-8", "replace").split("\n")
        if lines[:1] == [head] and os.fstat(self._file.fileno()).st_size == size:
            # The last line counts when it is whole, which is when something is behind it.
            return frozenset(int(line) for line in lines[1:-1] if line.isdecimal())
        os.ftruncate(self._file.fileno(), 0)
        os.ftruncate(self._file.fileno(), size)
        with _opened(self._path) as kept:
            kept.truncate(0)
            kept.write(f"{head}\n".encode())
        return frozenset()

    def note(self, start: int) -> None:
        """A part is in the file."""
        os.fdatasync(self._file.fileno())
        with _opened(self._path, os.O_APPEND) as kept:
            kept.write(f"{start}\n".encode())

    def forget(self) -> None:
        """Nothing in the file counts."""
        self._path.unlink(missing_ok=True)


def _opened(path: Path, more: int = 0) -> io.FileIO:
    """A file that a former download left, or a new one; no link, pipe or file of somebody else.

    Raises:
        ClientError: something else has its name, as others may arrange it in a common folder.
        OSError: a link has.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | more
    handle = os.open(path, flags, _UMASK_READ)
    seen = os.fstat(handle)
    said = ""
    if not stat.S_ISREG(seen.st_mode):
        said = "is no plain file"
    elif seen.st_uid != os.geteuid():
        said = "belongs to somebody else"
    elif seen.st_nlink > 1:
        said = "has other names, too"
    if not said:
        return io.FileIO(handle, "r+b")
    os.close(handle)
    raise ClientError(
        f"{path} {said}: no download of yours has left it", hint="look what it is, and remove it"
    )


def _put_new(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        with target.open("xb"):
            pass
        path.replace(target)
        return
    path.unlink()
