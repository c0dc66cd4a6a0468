"""Whose files and processes a partition's are: the owner of its folder, when the agent is root.

As root an agent touches nothing of a partition with root's rights: programs run as the owner of
the folder that they start in, and the agent's own reads and writes there count as that owner's.
So a link that an instance leaves in its folder leads the agent nowhere that the instance itself
could not go. An agent that is not root has nothing to give up, and `owner_of` says None.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.slap.agent.errors import AgentError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this system that is not root, with its groups.

    Attributes:
        groups: all of them, also `gid`.
        home: as the system knows it.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: Path = Path("/")

    def __post_init__(self) -> None:
        """Refuse root: dropping privileges to it would drop nothing."""
        if self.uid == 0 or self.gid == 0 or 0 in self.groups:
            raise AgentError(
                f"the user {self.name!r} is root, or in root's group, so nothing of a partition "
                "may run as that user",
                hint="give the partition a user of its own: pelagos node format",
            )

    @property
    def environ(self) -> dict[str, str]:
        """The variables that name the user."""
        return {"USER": self.name, "LOGNAME": self.name}

    @property
    def process_arguments(self) -> dict[str, Any]:
        """What `subprocess.Popen` needs to start a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": list(self.groups)}


def owner_of(folder: Path) -> Account | None:
    """The user to act as in a folder; None to go on as oneself.

    Raises:
        AgentError: the owner is unknown to the system, or in root's group.
        OSError: there is no such folder.
    """
    if os.geteuid() != 0:
        return None
    uid = folder.lstat().st_uid
    return account_of(uid) if uid else None


@functools.lru_cache(maxsize=1024)
def account_of(uid: int) -> Account:
    """The account with this number.

    Raises:
        AgentError: there is none, or it is in root's group.
    """
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise AgentError(
            f"no user of this system has the number {uid}, which owns a folder of the agent",
            hint="format the computer again: pelagos node format",
        ) from None
    groups = tuple(sorted(set(os.getgrouplist(entry.pw_name, entry.pw_gid))))
    return Account(entry.pw_name, uid, entry.pw_gid, groups, Path(entry.pw_dir))


@contextlib.contextmanager
def acting_as(account: Account | None) -> Iterator[None]:
    """Have file access of this thread checked as the account's; None changes nothing.

    Files that are made belong to the account. Linux keeps this per thread, and takes root's right
    to pass over file modes away meanwhile. Threads that are started inside would keep it: start
    none. See setfsuid(2).
    """
    if account is None:
        yield
        return
    libc = _libc()
    group, user = libc.setfsgid(account.gid), libc.setfsuid(account.uid)
    try:
        if libc.setfsuid(-1) != account.uid or libc.setfsgid(-1) != account.gid:
            raise AgentError(
                f"the agent may not act as the user {account.name}",
                hint="run it as root with the capabilities CAP_SETUID and CAP_SETGID",
            )
        yield
    finally:
        libc.setfsuid(user)
        libc.setfsgid(group)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
