"""What the plane knows of its machines, on disk before anything is done about it.

One file in the data folder. A machine is in it before a cloud is asked for it, and until the
cloud has it no more: so none is forgotten or made twice, whenever the plane ends. No secret is
in it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.slap.model import Cause

#: Seconds for which a made machine counts in the budget.
HOUR = 3600.0


class Phase(StrEnum):
    """How far a machine is."""

    PLANNED = "planned"  # the cloud was asked, or is about to be; its answer is not known
    MAKING = "making"  # the cloud has accepted
    BOOTING = "booting"  # it runs in the cloud, its agent has not joined
    JOINED = "joined"  # a computer of the plane
    LEAVING = "leaving"  # takes nothing new
    REMOVING = "removing"  # the cloud is to remove it, then the plane forgets it


#: Those in which it may still become a computer.
ON_ITS_WAY = frozenset({Phase.PLANNED, Phase.MAKING, Phase.BOOTING})


@dataclass(frozen=True, slots=True)
class Kept:
    """A machine.

    Attributes:
        since: of the phase; Unix seconds, as all times here.
        begun: when it was planned.
        asked: how often the cloud was asked to make it.
        last_asked: when it was asked last.
        key: the cloud's id.
        addresses: as the cloud told them last.
        reason: what it was made for.
        trouble: what went wrong last with it; None when all is well.
        idle_since: since when nothing sits on it.
        is_kept: it is not removed when it is idle.
    """

    name: str
    capacity: str
    phase: Phase
    since: float
    begun: float
    asked: int = 0
    last_asked: float = 0.0
    key: str = ""
    addresses: tuple[str, ...] = ()
    reason: str = ""
    trouble: Cause | None = None
    idle_since: float | None = None
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """How a capacity has done lately.

    Attributes:
        begun: when machines were begun, within the last hour.
        highest: number of the newest of its machines.
        failures: in a row.
        blocked_until: no machine is begun before.
        trouble: what went wrong last; None since something went well.
    """

    begun: tuple[float, ...] = ()
    failures: int = 0
    blocked_until: float = 0.0
    trouble: Cause | None = None
    highest: int = 0


@dataclass(frozen=True, slots=True)
class Book:
    """All of it.

    Attributes:
        plane: tells the machines of this plane from those of others in the same cloud.
        count: machines that were ever planned.
    """

    plane: str
    count: int = 0
    machines: tuple[Kept, ...] = ()
    records: Mapping[str, Record] = field(default_factory=dict)

    def machine(self, name: str) -> Kept | None:
        """The machine of that name."""
        return next((one for one in self.machines if one.name == name), None)

    def of(self, capacity: str) -> tuple[Kept, ...]:
        """The machines of one capacity, in the order in which they were planned."""
        return tuple(one for one in self.machines if one.capacity == capacity)

    def record(self, capacity: str) -> Record:
        """How that capacity has done."""
        return self.records.get(capacity, Record())

    def having(self, machine: Kept) -> Book:
        """With this machine, in the place of the one of its name."""
        if self.machine(machine.name) is None:
            return replace(self, machines=(*self.machines, machine))
        told = (machine if one.name == machine.name else one for one in self.machines)
        return replace(self, machines=tuple(told))

    def without(self, name: str) -> Book:
        """Without the machine of that name."""
        return replace(self, machines=tuple(one for one in self.machines if one.name != name))

    def noting(self, capacity: str, record: Record) -> Book:
        """With this record of a capacity."""
        return replace(self, records={**self.records, capacity: record})


def prefix_of(book: Book, prefix: str, capacity: str) -> str:
    """How the names of the machines of a capacity begin, and no others."""
    return f"{prefix}-{capacity}-{book.plane}-"


class Ledger:
    """The book and its file; safe to share between threads.

    Raises:
        PelagosError: the file is there and cannot be read: what it says of machines must not be
            lost by beginning anew.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._book = _read(file)

    @property
    def book(self) -> Book:
        """As it is now; a value that does not change."""
        return self._book

    def change(self, how: Callable[[Book], Book]) -> Book:
        """Change the book; on disk when this returns.

        Raises:
            PelagosError: it cannot be written; nothing has changed then.
        """
        with self._lock:
            changed = how(self._book)
            if changed != self._book:
                try:
                    write_atomic(self._file, wire.encode(changed), mode=0o600)
                except OSError as error:
                    raise PelagosError(
                        f"{self._file} cannot be written: {error.strerror or error}; no machine "
                        "is made or removed meanwhile",
                        hint="see that the disk has room; it goes on by itself",
                    ) from error
                self._book = changed
            return self._book


def _read(file: Path) -> Book:
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Book(secrets.token_hex(3))
    except OSError as error:
        raise _unreadable(file, error.strerror or str(error)) from error
    try:
        book: Book = wire.decode(data, Book)
    except wire.WireError as error:
        raise _unreadable(file, error.message) from error
    return book


def _unreadable(file: Path, why: str) -> PelagosError:
    return PelagosError(
        f"{file}, which says which machines the plane made, cannot be read: {why}",
        hint="bring it back from a backup; or remove it, and then the machines in the clouds "
        "by hand",
    )
