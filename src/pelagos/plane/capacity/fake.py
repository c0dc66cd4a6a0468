"""Driver `fake`: machines in memory or in a file, for tests and for trying out the settings.

No machine runs: whoever tests starts an agent with the token of the user data. With a `file` the
machines outlive the process, as those of a cloud do.
"""

from __future__ import annotations

import builtins
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.files import write_atomic
from pelagos.core.spelling import refuse_unknown
from pelagos.plane.capacity.base import Machine, MachineState, NewMachine, oldest
from pelagos.plane.capacity.errors import CapacityNotConfigured, QuotaReached

_KEYS = ("file", "quota", "boot_seconds")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A machine with what a cloud keeps of it.

    Attributes:
        runs_from: Unix seconds from which on it runs.
    """

    machine: Machine
    user_data: str = field(repr=False)
    runs_from: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Book:
    machines: tuple[_Kept, ...] = ()
    made: int = 0


class FakeCapacity:
    """Machines that are only said to be there.

    Args:
        settings: `file` (JSON, with user data, 0600; else in memory), `quota` (machines at the
            most, 100), `boot_seconds` (seconds until a machine is said to run, 0).
        clock: tells the time.

    Attributes:
        before: called with the method's name and its argument before anything is done; what it
            raises is the cloud's answer.
        after: the same when all is done, so that it stands for an answer that was lost.
    """

    def __init__(
        self,
        settings: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        settings = settings or {}
        refuse_unknown(settings, _KEYS, CapacityNotConfigured)
        home = (os.environ if environ is None else environ).get("HOME", "")
        name = str(settings.get("file") or "")
        self._file = Path(name.replace("~", home, 1) if name.startswith("~/") else name)
        self._has_file = bool(name)
        self._quota = int(settings.get("quota", 100))
        self._boot = float(settings.get("boot_seconds", 0.0))
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._book = _Book()
        self.before: Callable[[str, str], None] = lambda _method, _about: None
        self.after: Callable[[str, str], None] = lambda _method, _about: None

    # ---- as a driver

    def check(self) -> tuple[str, ...]:
        """Whether the quota has room."""
        self.before("check", "")
        count = len(self._read().machines)
        return (f"the quota of {self._quota} machines is used up",) if count >= self._quota else ()

    def make(self, wish: NewMachine) -> Machine:
        """The machine of that name, see `Capacity.make`.

        Raises:
            QuotaReached: there are as many as there may be.
        """
        self.before("make", wish.name)
        with self._lock:
            book = self._read()
            there = self._told(book, lambda one: one.name == wish.name)
            found = oldest([one for one in there if one.state is not MachineState.REMOVING])
            if found is None:
                found = self._add(book, wish)
        self.after("make", wish.name)
        return found

    def find(self, name: str) -> Machine | None:
        """The machine of that name."""
        self.before("find", name)
        return oldest(self._told(self._read(), lambda one: one.name == name))

    def list(self, prefix: str) -> builtins.list[Machine]:
        """The machines whose names begin so."""
        self.before("list", prefix)
        found = self._told(self._read(), lambda one: one.name.startswith(prefix))
        return sorted(found, key=lambda one: (one.name, one.created or 0.0, one.key))

    def remove(self, key: str) -> None:
        """Remove a machine; it is gone at once."""
        self.before("remove", key)
        with self._lock:
            book = self._read()
            left = tuple(one for one in book.machines if one.machine.key != key)
            self._write(replace(book, machines=left))
        self.after("remove", key)

    def close(self) -> None:
        """Do nothing: there is no connection."""

    # ---- for tests

    @property
    def made(self) -> int:
        """How many machines were ever made."""
        return self._read().made

    def user_data(self, name: str) -> str:
        """What a machine was given to run first."""
        return self._kept(name).user_data

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of a machine."""
        return self._kept(name).labels

    def put(self, name: str, state: MachineState, said: str = "") -> None:
        """Set the state of a machine, whatever it was."""
        with self._lock:
            book = self._read()
            told = [
                replace(one, machine=replace(one.machine, state=state, said=said or str(state)))
                if one.machine.name == name
                else one
                for one in book.machines
            ]
            self._write(replace(book, machines=tuple(told)))

    def add_twin(self, name: str) -> Machine:
        """A second machine of a name, as a cloud makes when an answer was lost."""
        with self._lock:
            return self._add(self._read(), NewMachine(name, self._kept(name).user_data))

    # ---- within

    def _kept(self, name: str) -> _Kept:
        return next(one for one in self._read().machines if one.machine.name == name)

    def _add(self, book: _Book, wish: NewMachine) -> Machine:
        if len(book.machines) >= self._quota:
            raise QuotaReached(f"the quota of {self._quota} machines is used up")
        now = self._clock.time()
        made = Machine(
            wish.name, f"fake-{book.made + 1}", MachineState.MAKING, "making", created=now
        )
        kept = _Kept(made, wish.user_data, now + self._boot, dict(wish.labels))
        self._write(_Book((*book.machines, kept), book.made + 1))
        return made

    def _told(self, book: _Book, is_meant: Callable[[Machine], bool]) -> builtins.list[Machine]:
        now = self._clock.time()
        return [
            replace(one.machine, state=MachineState.RUNNING, said="running")
            if one.machine.state is MachineState.MAKING and now >= one.runs_from
            else one.machine
            for one in book.machines
            if is_meant(one.machine)
        ]

    def _read(self) -> _Book:
        if not self._has_file:
            return self._book
        if not self._file.exists():
            return _Book()
        found: _Book = wire.decode(self._file.read_bytes(), _Book)
        return found

    def _write(self, book: _Book) -> None:
        if self._has_file:
            write_atomic(self._file, wire.encode(book), mode=0o600)
        else:
            self._book = book
