"""The one way to open what somebody else wrote: an instance, a release, a recipe.

What lies in a partition may be anything: a pipe that nobody writes to, a link to a device without
an end, a link to a file of root's, a file of any size. So a file there is opened as the owner of
the partition, never waited for, looked at through its descriptor, and read up to a limit. Nothing
else in the agent opens such files; `tests/unit/slap/agent/test_untrusted.py` looks that it stays
so.
"""

from __future__ import annotations

import errno
import itertools
import os
from pathlib import Path
from typing import BinaryIO

from pelagos.core.files import open_plain, plain_stream
from pelagos.slap.agent.account import Account, acting_as

#: What is wrong with this computer and not with the file; never taken for "there is none".
_NOT_THE_FILE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})


def read_untrusted(
    path: Path,
    *,
    limit: int,
    owner: Account | None = None,
    from_end: bool = False,
    follow: bool = False,
) -> bytes | None:
    """At most `limit` bytes of a file that others may have put there; never waits.

    Args:
        path: may name anything at all.
        limit: bytes to read at the most.
        owner: whose rights count (see `account.owner_of`); None: those that the thread has now.
        from_end: the last bytes instead of the first.
        follow: go where a link leads. Only with the rights of whoever may have made the link.

    Returns:
        None when there is no such plain file, or the owner may not read it.

    Raises:
        OSError: the computer itself fails (no descriptors, a broken disk).
    """
    stream = open_untrusted(path, owner=owner, follow=follow)
    if stream is None:
        return None
    with stream:
        try:
            if from_end:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - limit))
            return stream.read(limit)
        except OSError as error:
            _raise_unless_of_the_file(error)
            return None


def open_untrusted(
    path: Path, *, owner: Account | None = None, follow: bool = False
) -> BinaryIO | None:
    """A plain file, open for reading; None for whatever else is there. See `read_untrusted`."""
    try:
        with acting_as(owner):
            return open_plain(path, follow=follow)
    except OSError as error:
        _raise_unless_of_the_file(error)
        return None


def list_untrusted(folder: Path, *, limit: int, owner: Account | None = None) -> list[str]:
    """At most `limit` names in a folder, sorted; however many there are, no more are looked at.

    None of a folder that is not there, or is something else.

    Raises:
        OSError: the owner may not look into it.
    """
    try:
        with acting_as(owner), os.scandir(folder) as entries:
            return sorted(entry.name for entry in itertools.islice(entries, limit))
    except (FileNotFoundError, NotADirectoryError):
        return []


def append_untrusted(path: Path, *, mode: int, owner: Account | None = None) -> BinaryIO:
    """A plain file to add to, made when it is not there.

    Raises:
        OSError: something else is in its place, or the owner may not write there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with acting_as(owner):
        handle = os.open(path, flags, mode)
    stream = plain_stream(handle, "ab")
    if stream is None:
        raise OSError(errno.EINVAL, "Not a file (something else is in its place)", str(path))
    return stream


def _raise_unless_of_the_file(error: OSError) -> None:
    if error.errno in _NOT_THE_FILE:
        raise error
