"""Remove what others wrote: as deep, as many and as odd as it may be.

Works from descriptors of folders that were opened without following a link, so that nothing that
is swapped meanwhile leads elsewhere. A folder inside a folder is moved up to the top before its
turn comes: there is no depth at which this ends, and never more than three folders are open.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Names that are looked at before they are dealt with.
_BATCH = 1000


def empty_folder(path: Path) -> None:
    """Remove everything in `path`, read-only folders too; links are removed, never followed."""
    with _opened(path) as folder:
        _empty(folder)


def remove(path: Path) -> None:
    """Remove whatever is there; nothing happens when nothing is."""
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_folder:
        path.unlink(missing_ok=True)
        return
    empty_folder(path)
    path.rmdir()


def _empty(top: int) -> None:
    fresh = (f".being-removed-{uuid.uuid4().hex}-{number}" for number in itertools.count())
    while entries := _entries(top):
        for name, is_folder in entries:
            if is_folder:
                _dissolve(top, name, fresh)
            else:
                os.unlink(name, dir_fd=top)


def _dissolve(top: int, name: str, fresh: Iterator[str]) -> None:
    """Remove a folder of the top folder; the folders in it come up there for their turn."""
    with _opened(name, top) as folder:
        while entries := _entries(folder):
            for inner, is_folder in entries:
                if is_folder:
                    _lift(folder, inner, top, fresh)
                else:
                    os.unlink(inner, dir_fd=folder)
    os.rmdir(name, dir_fd=top)


def _lift(folder: int, name: str, top: int, fresh: Iterator[str]) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
        with _opened(name, folder):  # a folder that is moved must be writable itself
            pass
        os.rename(name, next(fresh), src_dir_fd=folder, dst_dir_fd=top)


def _entries(folder: int) -> list[tuple[str, bool]]:
    with os.scandir(folder) as entries:
        some = itertools.islice(entries, _BATCH)
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in some]


@contextlib.contextmanager
def _opened(path: Path | str, within: int | None = None) -> Iterator[int]:
    """A folder, open, made writable for its owner."""
    try:
        handle = os.open(path, _FOLDER, dir_fd=within)
    except PermissionError:  # its owner may always change that; it is no link, so far
        _unlock(path, within)
        handle = os.open(path, _FOLDER, dir_fd=within)
    try:
        if stat.S_IMODE(os.fstat(handle).st_mode) & 0o700 != 0o700:  # noqa: PLR2004 - rwx
            os.fchmod(handle, 0o700)
        yield handle
    finally:
        os.close(handle)


def _unlock(path: Path | str, within: int | None) -> None:
    """Make a folder that cannot be opened writable for its owner, and nothing behind a link."""
    handle = os.open(path, _FOLDER | os.O_PATH, dir_fd=within)
    try:
        Path(f"/proc/self/fd/{handle}").chmod(0o700)
    finally:
        os.close(handle)
