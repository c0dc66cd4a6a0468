"""Who listens on which TCP port of this machine: a program of the partition, or a stranger."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.facts import ProgramStatus
from pelagos.slap.agent.files import read_text
from pelagos.slap.agent.process import tree_of
from pelagos.slap.agent.untrusted import list_untrusted, read_untrusted

_STATE_LISTEN = "0A"
_TABLE_LIMIT = 1 << 20
#: Ports that one partition keeps, and digits of one.
_KEPT_LIMIT, _DIGITS = 1000, 5


@dataclass(frozen=True, slots=True)
class Listening:
    """Who listens on the ports that a partition keeps.

    Attributes:
        programs: names of its programs that listen on one of them.
        stranger: such a port on which somebody listens and none of its programs does; None: none.
    """

    programs: frozenset[str] = frozenset()
    stranger: int | None = None


def listeners() -> Mapping[int, frozenset[str]]:
    """The TCP ports of this machine that somebody listens on, with the inodes of the sockets."""
    found: dict[int, set[str]] = {}
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (read_text(Path(name), _TABLE_LIMIT) or "").splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _STATE_LISTEN:  # noqa: PLR2004 - up to the inode
                port = int(fields[1].rpartition(":")[2], 16)
                found.setdefault(port, set()).add(fields[9])
    return {port: frozenset(inodes) for port, inodes in found.items()}


def kept_ports(folder: Path) -> frozenset[int]:
    """The ports that the recipe pelagos:free-port keeps for a partition."""
    found = set()
    place = folder / "var" / "port"
    with contextlib.suppress(OSError), acting_as(owner_of(folder)):
        for name in list_untrusted(place, limit=_KEPT_LIMIT):
            words = (read_untrusted(place / name, limit=64) or b"").split()
            if words and words[0].isdigit() and len(words[0]) <= _DIGITS:
                found.add(int(words[0]))
    return frozenset(found)


def look(
    folder: Path,
    programs: Iterable[ProgramStatus],
    taken: Mapping[int, frozenset[str]] | None = None,
) -> Listening:
    """Who listens on the ports that the partition in `folder` keeps.

    A listener whose processes cannot be looked into (of another user, of a container) counts as a
    stranger.
    """
    ports = kept_ports(folder)
    if not ports:
        return Listening()
    taken = listeners() if taken is None else taken
    held = {port: taken[port] for port in ports & taken.keys()}
    if not held:
        return Listening()
    wanted = frozenset().union(*held.values())
    owned = {p.name: _owned(p.pid, wanted) for p in programs if p.pid is not None}
    ours = frozenset().union(*owned.values())
    strange = [port for port, inodes in held.items() if not inodes & ours]
    return Listening(
        programs=frozenset(name for name, inodes in owned.items() if inodes),
        stranger=min(strange, default=None),
    )


def _owned(pid: int, wanted: frozenset[str]) -> frozenset[str]:
    """Those of some sockets that a process, or else one that descends from it, has open."""
    found = _sockets(pid) & wanted
    if found:
        return found
    return frozenset().union(*(_sockets(member) for member in tree_of(pid))) & wanted


def _sockets(pid: int) -> frozenset[str]:
    """The inodes of the sockets that a process has open; none when it may not be looked into."""
    found = set()
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are enough
    except OSError:
        return frozenset()
    for name in names:
        with contextlib.suppress(OSError):
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - a name, not a Path
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return frozenset(found)
