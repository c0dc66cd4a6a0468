"""Files written whole or not at all, folders emptied, locks that outlive a killed agent."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pelagos.core.files import write_atomic
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.removal import empty_folder, remove
from pelagos.slap.agent.untrusted import read_untrusted

__all__ = [
    "empty_folder",
    "ensure_folder",
    "locked",
    "read_tail",
    "read_text",
    "remove_folder",
    "write_atomic",
]


def ensure_folder(path: Path, mode: int) -> None:
    """Make `path` a real folder with exactly `mode`; its parents exist."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=mode)
    seen = path.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        raise NotADirectoryError(20, "Not a folder (a link or a file is in its place)", str(path))
    if stat.S_IMODE(seen.st_mode) != mode:
        path.chmod(mode)


def remove_folder(path: Path) -> None:
    """Remove a folder and everything in it; nothing happens when it is not there."""
    remove(path)


def read_text(path: Path, limit: int = 65536) -> str | None:
    """The start of a small text file; None when there is no such plain file."""
    content = read_untrusted(path, limit=limit)
    return None if content is None else content.decode("utf-8", "replace")


def read_tail(path: Path, limit: int = 65536) -> str:
    """The end of a log; empty when there is no such plain file."""
    return (read_untrusted(path, limit=limit, from_end=True) or b"").decode("utf-8", "replace")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold the lock of a file; yields its descriptor, with which a child may hold it on.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with acting_as(owner_of(path.parent)):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield handle
    finally:
        os.close(handle)
