"""What is done about one machine: one step at a time, noted before and after.

Each step may be the last before the plane ends by force. What follows then is the same step
again: a cloud is asked for a machine by its name, and its removal harms nothing twice.
"""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.plane.capacity import causes
from pelagos.plane.capacity.base import Capacity, Machine, MachineState, NewMachine, oldest
from pelagos.plane.capacity.errors import (
    CapacityError,
    CapacityNotConfigured,
    Refused,
    Unanswered,
)
from pelagos.plane.capacity.ledger import Book, Kept, Ledger, Phase, Record
from pelagos.plane.capacity.mending import COOLING_LIMIT
from pelagos.plane.capacity.terms import Place
from pelagos.slap.master import MachineFacts, Service
from pelagos.slap.model import Cause

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds after which a cloud lists what it accepted, or shows what a lost request made.
SETTLED = 60.0
#: Phases whose step follows at once.
_ENDING = frozenset({Phase.LEAVING, Phase.REMOVING})
#: What is wrong with a machine that will not come back.
LOST = frozenset({"machine-gone", "machine-failed"})
#: Seconds that a one-time token lasts longer than its machine may take.
_SPARE = 300.0
_ASKED_AGAIN = Backoff(first=10.0, factor=2.0, limit=300.0)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a step is done with.

    Attributes:
        user_data: what a machine is given, from the secret with which it joins.
    """

    place: Place
    driver: Capacity
    ledger: Ledger
    service: Service
    clock: Clock
    user_data: Callable[[Place, str, str], str]


class Steps:
    """Carries the machines of one capacity on.

    Args:
        tools: see there.
        seen: what the cloud listed just now; None: it was not asked.
        facts: what the master knows of them.
        wanted: names of machines that somebody waits for.
    """

    def __init__(
        self,
        tools: Tools,
        seen: Sequence[Machine] | None,
        facts: dict[str, MachineFacts],
        wanted: frozenset[str],
    ) -> None:
        self._tools, self._seen, self._facts, self._wanted = tools, seen, facts, wanted
        self._terms = tools.place.terms
        self._started: Kept | None = None
        self._now = tools.clock.time()

    def carry_on(self, kept: Kept) -> None:
        """The next step of a machine, and all steps towards its end that can be done now.

        Raises:
            CapacityError: the cloud did not do it; it is done at the next time.
            PelagosError: the book or the database cannot be written.
        """
        steps = {
            Phase.PLANNED: self._make,
            Phase.MAKING: self._until_running,
            Phase.BOOTING: self._until_joined,
            Phase.JOINED: self._watch,
            Phase.LEAVING: self._leave,
            Phase.REMOVING: self._remove,
        }
        while True:
            self._started = kept
            steps[kept.phase](kept)
            found = self._tools.ledger.book.machine(kept.name)
            if found is None or found.phase is kept.phase or found.phase not in _ENDING:
                return
            kept = found

    # ---- towards a computer

    def _make(self, kept: Kept) -> None:
        if not kept.asked and self._seen is None:
            return  # whether the name is free is not known
        if kept.asked and self._now - kept.begun > self._terms.ready_within:
            self._fail(kept, kept.trouble or self._too_late(kept))
            return
        if kept.asked and self._now < kept.last_asked + _ASKED_AGAIN.delay(kept.asked):
            return
        asked = replace(kept, asked=kept.asked + 1, last_asked=self._now)
        if not self._keep(asked):
            return
        try:
            machine = self._tools.driver.make(self._wish(kept))
        except (Refused, CapacityNotConfigured) as error:
            # When it was the first time that the cloud was asked, it has nothing of that name.
            sure = replace(asked, last_asked=0.0) if asked.asked == 1 else asked
            self._fail(sure, causes.of_error(error, kept.capacity, self._now))
        except CapacityError as error:
            trouble = causes.of_error(error, kept.capacity, self._now)
            self._keep(replace(asked, trouble=_going_on(kept.trouble, trouble)))
            log.warning("making %s: %s; it is tried again", kept.name, error)
        else:
            self._keep(
                replace(
                    asked,
                    phase=Phase.MAKING,
                    since=self._now,
                    key=machine.key,
                    addresses=machine.addresses,
                    trouble=None,
                )
            )
            log.info("%s is being made in %s (%s)", kept.name, kept.capacity, machine.key)

    def _wish(self, kept: Kept) -> NewMachine:
        secret = self._tools.service.admit(kept.name, self._terms.ready_within + _SPARE)
        plane = self._tools.ledger.book.plane
        return NewMachine(
            kept.name,
            self._tools.user_data(self._tools.place, kept.name, secret),
            {"pelagos_plane": plane, "pelagos_capacity": kept.capacity},
        )

    def _until_running(self, kept: Kept) -> None:
        self._on_the_way(kept)

    def _until_joined(self, kept: Kept) -> None:
        self._on_the_way(kept)

    def _on_the_way(self, kept: Kept) -> None:
        known = self._facts.get(kept.name)
        if known is not None and known.last_seen is not None and known.partitions:
            self._joined(kept)
        elif self._now - kept.begun > self._terms.ready_within:
            self._fail(kept, kept.trouble or self._too_late(kept))
        elif self._seen is not None:
            self._as_the_cloud_says(kept, self._mine(kept))

    def _as_the_cloud_says(self, kept: Kept, machine: Machine | None) -> None:
        if machine is None or machine.state is MachineState.REMOVING:
            if machine is not None or self._now - kept.last_asked >= SETTLED:
                self._fail(kept, causes.gone(kept.name, (), self._now))
            return
        now = replace(kept, key=machine.key, addresses=machine.addresses, trouble=None)
        match machine.state:
            case MachineState.FAILED:
                self._fail(now, causes.failed(kept.name, machine.said, self._now))
            case MachineState.RUNNING if kept.phase is Phase.MAKING:
                self._keep(replace(now, phase=Phase.BOOTING, since=self._now))
            case MachineState.STOPPED:
                trouble = causes.stopped(kept.name, machine.said, self._now)
                self._keep(replace(now, trouble=_going_on(kept.trouble, trouble)))
            case _:
                self._keep(now)

    def _joined(self, kept: Kept) -> None:
        name, now = kept.capacity, self._now
        joined = replace(kept, phase=Phase.JOINED, since=now, trouble=None, idle_since=None)
        record = self._tools.ledger.book.record(name)
        well = replace(record, failures=0, blocked_until=0.0, trouble=None)
        self._keep(joined, well)
        self._say("machine.joined", kept.name, causes.joined(kept.name, now))

    # ---- as a computer

    def _watch(self, kept: Kept) -> None:
        known = self._facts.get(kept.name)
        services = () if known is None else known.seats
        trouble = None if known and _is_forgotten(kept) else kept.trouble
        if self._seen is not None:
            machine = self._mine(kept)
            if machine is not None:
                kept = replace(kept, key=machine.key, addresses=machine.addresses)
            trouble = self._trouble_of(kept, machine, services)
        is_lost = trouble is not None and trouble.code in LOST
        if trouble is not None and is_lost and not services:
            self._keep(self._removing(kept, trouble))
            return
        if known is None and trouble is None:  # what runs there nobody knows: a person decides
            trouble = _going_on(kept.trouble, causes.forgotten(kept.name, self._now))
        is_idle = known is not None and not services and kept.name not in self._wanted
        since = (kept.idle_since or self._now) if is_idle else None
        kept = replace(kept, trouble=trouble, idle_since=since)
        is_over = since is not None and self._now - since >= self._terms.idle
        if is_over and not kept.is_kept:
            kept = replace(kept, phase=Phase.LEAVING, since=self._now, trouble=None)
        self._keep(kept)

    def _trouble_of(
        self, kept: Kept, machine: Machine | None, services: Sequence[str]
    ) -> Cause | None:
        if machine is None or machine.state is MachineState.REMOVING:
            found = causes.gone(kept.name, services, self._now)
        elif machine.state is MachineState.FAILED:
            found = causes.failed(kept.name, machine.said, self._now)
        elif machine.state is MachineState.STOPPED:
            found = causes.stopped(kept.name, machine.said, self._now)
        else:
            return None
        return _going_on(kept.trouble, found)

    # ---- towards its end

    def _leave(self, kept: Kept) -> None:
        if self._tools.service.seclude(kept.name):
            self._keep(self._removing(kept, kept.trouble))
        else:
            self._stay(kept)

    def _remove(self, kept: Kept) -> None:
        if self._seen is None:
            return
        if not self._tools.service.seclude(kept.name):
            self._stay(kept)
            return
        there = [one for one in self._seen if one.name == kept.name]
        for one in there:
            if one.state is not MachineState.REMOVING:
                self._tools.driver.remove(one.key)
        is_settled = self._now - kept.last_asked >= SETTLED
        if not there and is_settled and self._tools.service.retire(kept.name):
            self._tools.ledger.change(lambda book: book.without(kept.name))
            said = kept.trouble.message if kept.trouble else "it is idle"
            self._say("machine.removed", kept.name, causes.removed(kept.name, said, self._now))
            log.info("%s is gone from %s", kept.name, kept.capacity)

    def _stay(self, kept: Kept) -> None:
        """Somebody sits there after all."""
        self._tools.service.open_again(kept.name)
        stays = replace(kept, phase=Phase.JOINED, since=self._now, trouble=None, idle_since=None)
        self._keep(stays)

    def _fail(self, kept: Kept, why: Cause) -> None:
        """Count a failure, and have what there is of the machine removed."""
        name = kept.capacity
        record = self._tools.ledger.book.record(name)
        failures = record.failures + 1
        pause = Backoff(first=self._terms.cool_down, limit=COOLING_LIMIT).delay(failures)
        noted = replace(record, failures=failures, blocked_until=self._now + pause, trouble=why)
        self._keep(self._removing(kept, why), noted)
        self._say("machine.failed", kept.name, why)
        log.warning("%s: %s", kept.name, why.message)

    def _removing(self, kept: Kept, why: Cause | None) -> Kept:
        return replace(kept, phase=Phase.REMOVING, since=self._now, trouble=why)

    # ---- what the cloud has and should not

    def tidy(self, prefix: str) -> None:
        """Take machines of ours into the book that it lacks, and remove second ones of a name.

        Raises:
            CapacityError: the cloud did not do it; it is done at the next time.
        """
        alive: dict[str, list[Machine]] = {}
        for one in self._seen or ():
            if one.name.startswith(prefix) and one.state is not MachineState.REMOVING:
                alive.setdefault(one.name, []).append(one)
        for name, machines in alive.items():
            kept = self._tools.ledger.book.machine(name)
            if kept is None:
                self._adopt(name)
            elif (
                len(machines) > 1 and kept.phase is not Phase.REMOVING and not self._is_used(name)
            ):
                right = self._mine(kept)
                for one in machines:
                    if one != right:
                        log.warning("%s was made twice; %s is removed", name, one.key)
                        self._tools.driver.remove(one.key)

    def _is_used(self, name: str) -> bool:
        """Whether services sit there: on which of two machines of the name nobody knows then."""
        known = self._facts.get(name)
        return known is not None and bool(known.seats)

    def _adopt(self, name: str) -> None:
        known = self._tools.service.machines([name]).get(name)
        phase = Phase.REMOVING if known is None else Phase.JOINED
        trouble = None if known else causes.unknown(name, self._now)
        self._started = None
        found = Kept(
            name, self._tools.place.name, phase, self._now, self._now, trouble=trouble,
            reason="found in the cloud",
        )  # fmt: skip
        log.warning("%s was found in %s, and is not in the book", name, found.capacity)
        self._keep(found)

    # ---- within

    def _mine(self, kept: Kept) -> Machine | None:
        """The machine in the cloud: with its key, else the oldest of its name."""
        there = [one for one in self._seen or () if one.name == kept.name]
        right = [one for one in there if one.key == kept.key and kept.key]
        return oldest(right) or oldest(there)

    def _too_late(self, kept: Kept) -> Cause:
        return causes.too_late(kept.name, self._terms.ready_within, self._now)

    def _keep(self, kept: Kept, record: Record | None = None) -> bool:
        """Write it down; False, and nothing, when somebody else has changed it meanwhile."""

        def changed(book: Book) -> Book:
            if self._started is not None and book.machine(kept.name) != self._started:
                return book
            book = book.having(kept)
            return book if record is None else book.noting(kept.capacity, record)

        book = self._tools.ledger.change(changed)
        if self._started is not None:
            self._started = kept
        return book.machine(kept.name) == kept

    def _say(self, kind: str, name: str, cause: Cause) -> None:
        self._tools.service.note_machine(kind, name, cause)


def _is_forgotten(kept: Kept) -> bool:
    return kept.trouble is not None and kept.trouble.code == "machine-unknown"


def _going_on(former: Cause | None, cause: Cause) -> Cause:
    """The cause, holding since the former began when that said the same."""
    if former is not None and former.code == cause.code:
        return replace(cause, since=former.since)
    return cause


class Guarded:
    """A driver whose own faults are told as a cloud that did not answer."""

    def __init__(self, driver: Capacity) -> None:
        self._driver = driver

    def check(self) -> tuple[str, ...]:
        """See `Capacity.check`."""
        return self._call(self._driver.check)

    def make(self, wish: NewMachine) -> Machine:
        """See `Capacity.make`."""
        return self._call(lambda: self._driver.make(wish))

    def find(self, name: str) -> Machine | None:
        """See `Capacity.find`."""
        return self._call(lambda: self._driver.find(name))

    def list(self, prefix: str) -> builtins.list[Machine]:
        """See `Capacity.list`."""
        return self._call(lambda: self._driver.list(prefix))

    def remove(self, key: str) -> None:
        """See `Capacity.remove`."""
        self._call(lambda: self._driver.remove(key))

    def close(self) -> None:
        """See `Capacity.close`."""
        self._call(self._driver.close)

    @staticmethod
    def _call(work: Callable[[], T]) -> T:
        try:
            return work()
        except PelagosError as error:
            if isinstance(error, CapacityError):
                raise
            raise Unanswered(error.message, hint=error.hint) from error
        # The boundary of a plugin: whatever a driver raises must not end the plane.
        except Exception as error:
            log.exception("a driver of machines failed")
            said = f"its driver failed: {type(error).__name__}: {error}"
            raise Unanswered(said, hint="the log of the plane has the details") from error
