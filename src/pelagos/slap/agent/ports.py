"""The TCP ports that the partitions of this computer keep, so that none takes another's.

A partition with a user of its own can neither see what its neighbours keep nor be trusted to say
whose a port is. So the agent keeps the list, in its own folder: a port belongs to the partition
that kept it first. Before each run a partition gets a copy of what the others keep, and a place to
look for ports of its own that is nobody else's; after it, what it keeps now is checked.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pelagos.core import wire
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.files import write_atomic
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import STATE
from pelagos.slap.agent.untrusted import list_untrusted, read_untrusted
from pelagos.slap.kept_ports import EVERY_IP, FIRST_PORT, LAST_PORT, LIST

log = logging.getLogger(__name__)

#: Ports that one partition may keep: more of them are nobody's.
MOST = 200


@dataclass(frozen=True, slots=True, order=True)
class _Kept:
    port: int
    ip: str

    def meets(self, other: _Kept) -> bool:
        """Whether both cannot be listened on at the same time."""
        is_same_place = self.ip == other.ip or bool({self.ip, other.ip} & EVERY_IP)
        return self.port == other.port and is_same_place


@dataclass(frozen=True, slots=True)
class _Book:
    kept: Mapping[str, tuple[_Kept, ...]] = field(default_factory=dict)


class Ports:
    """Safe to share between threads."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._path = layout.root / "ports.json"
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[_Kept, ...]] | None = None

    def offer(self, name: str) -> None:
        """Tell a partition, before a run, what the others keep.

        Raises:
            OSError: its folder cannot be written.
        """
        with self._lock:
            kept = self._refresh([name])
            others = {n: ports for n, ports in kept.items() if n != name}
        names = self._layout.partition_ids
        size = max(1, (LAST_PORT - FIRST_PORT) // max(1, len(names)))
        place = names.index(name) * size % (LAST_PORT - FIRST_PORT) if name in names else 0
        lines = [f"first {FIRST_PORT + place}\n"]
        lines += [f"{one.port} {one.ip} {n}\n" for n in sorted(others) for one in others[n]]
        folder = self._layout.partition(name)
        with acting_as(owner_of(folder)):
            write_atomic(folder / STATE / LIST, "".join(lines), mode=0o640, durable=False)

    def settle(self, name: str) -> tuple[int, str] | None:
        """Take up what a partition keeps after a run; a port that is another's, and whose."""
        folder = self._layout.partition(name)
        with self._lock:
            kept = self._refresh([name])
            for one in _ports_in(folder):
                for other, ports in kept.items():
                    if other != name and any(one.meets(port) for port in ports):
                        return one.port, other
        return None

    def forget(self, name: str) -> None:
        """The partition was emptied."""
        with self._lock:
            self._refresh([name])

    def _refresh(self, names: Iterable[str]) -> dict[str, tuple[_Kept, ...]]:
        """What is kept, with these partitions as they are now; the first to keep a port has it."""
        known = self._kept
        if known is None:
            noted, names = self._read(), self._layout.partition_ids
            known = {name: noted[name] for name in names if name in noted}
        before = dict(known)
        for name in names:
            known.pop(name, None)
            others = [one for ports in known.values() for one in ports]
            found = [
                one
                for one in sorted(_ports_in(self._layout.partition(name)))
                if not any(one.meets(other) for other in others)
            ]
            if found:
                known[name] = tuple(found)
        self._kept = known
        if known != before or not self._path.exists():
            try:
                write_atomic(self._path, wire.encode(_Book(known)), mode=0o600, durable=False)
            except OSError as error:
                log.warning("cannot note who keeps which port: %s", error)
        return known

    def _read(self) -> dict[str, tuple[_Kept, ...]]:
        with contextlib.suppress(OSError, wire.WireError):
            return dict(wire.decode(self._path.read_bytes(), _Book).kept)
        return {}


def _ports_in(folder: Path) -> set[_Kept]:
    """What a partition says that it keeps."""
    found = set()
    place = folder / "var" / "port"
    with contextlib.suppress(OSError, AgentError), acting_as(owner_of(folder)):
        for name in list_untrusted(place, limit=MOST):
            words = (read_untrusted(place / name, limit=100) or b"").decode("ascii", "replace")
            port, *ip = words.split() or ["0"]
            if port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535:  # noqa: PLR2004
                found.add(_Kept(int(port), ip[0] if ip else "127.0.0.1"))
    return found
