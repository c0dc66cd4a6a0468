"""Keeps the machines of a plane: makes them for requests that wait, removes those that are idle.

One thread for each capacity, so that a cloud that hangs holds up nothing else. What each does is
in `steps`, what is decided in `decide`, what is remembered in `ledger`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.plane.capacity import causes
from pelagos.plane.capacity.base import Capacity, Machine
from pelagos.plane.capacity.decide import Decision, begun_lately, decide, obstacle
from pelagos.plane.capacity.errors import CapacityError
from pelagos.plane.capacity.ledger import Book, Kept, Ledger, Phase, prefix_of
from pelagos.plane.capacity.mending import caught_up, without_future
from pelagos.plane.capacity.steps import Guarded, Steps, Tools
from pelagos.plane.capacity.terms import CapacityTerms, Place
from pelagos.slap.master import MachineFacts, Service, WaitingWish
from pelagos.slap.model import Cause, Event

log = logging.getLogger(__name__)

#: Seconds between two looks at a cloud in which nothing is under way.
_LOOK = 60.0
#: Seconds between two rounds at the least, however much happens.
_BREATH = 1.0
#: Events after which a machine may be needed, or may have become a computer.
_TELLING = ("instance.", "computer.", "release.")
_CHECK_WAIT = 60.0
#: Seconds after its start in which the plane does not count agents as silent: they poll.
_EARLY = 30.0


@dataclass
class Workplace:
    """One capacity at work.

    Attributes:
        driver: None when it cannot be used; `off` says why.
        seen: what the cloud listed last.
        looked: when (monotonic); None: never.
        unanswered: why it could not be asked last; None since it answered.
        busy: held while the driver works: one thread uses it at a time.
        news: set when there is something to do.
    """

    place: Place
    driver: Capacity | None
    off: Cause | None = None
    seen: Sequence[Machine] = ()
    looked: float | None = None
    unanswered: Cause | None = None
    busy: threading.Lock = field(default_factory=threading.Lock)
    news: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Keeper:
    """The machines of one plane.

    Args:
        places: capacities, in the order in which they are asked.
        ledger: the machines.
        drivers: opens the driver of a place.
        clock: tells the time.
        interval: seconds between two rounds when nothing happens.
    """

    def __init__(
        self,
        places: Sequence[Place],
        ledger: Ledger,
        drivers: Callable[[Place], Capacity],
        *,
        clock: Clock | None = None,
        interval: float = 5.0,
    ) -> None:
        self._clock = clock or SystemClock()
        self._ledger = ledger
        self._interval = interval
        self._planning = threading.RLock()
        self._decision = Decision()
        self._standby: Cause | None = None
        self._stopping = threading.Event()
        self._begun = self._clock.monotonic()
        self._service: Service | None = None
        self._user_data: Callable[[Place, str, str], str] = lambda _place, _name, _secret: ""
        self.workplaces: Mapping[str, Workplace] = {
            place.name: self._open(place, drivers) for place in places
        }

    def _open(self, place: Place, drivers: Callable[[Place], Capacity]) -> Workplace:
        try:
            return Workplace(place, Guarded(drivers(place)))
        except PelagosError as error:
            log.error("no machines are made in %s: %s (%s)", place.name, error, error.hint)  # noqa: TRY400 - its own words
            cause = causes.off(place.name, error, self._clock.time())
            return Workplace(place, None, off=cause)

    # ---- life

    def begin(self, service: Service, user_data: Callable[[Place, str, str], str]) -> None:
        """Know the master, from now on.

        Args:
            service: its use cases.
            user_data: what a machine of a place, of that name, runs first to join with a secret.
        """
        self._service, self._user_data = service, user_data

    def start(self) -> None:
        """Work in threads, until `stop`."""
        for work in self.workplaces.values():
            if work.driver is not None:
                work.thread = threading.Thread(
                    target=self._run, args=(work,), name=f"capacity-{work.place.name}", daemon=True
                )
                work.thread.start()

    def stop(self) -> None:
        """End the threads; one that waits for its cloud is left to the end of the process."""
        self._stopping.set()
        for work in self.workplaces.values():
            work.news.set()
        for work in self.workplaces.values():
            if work.thread is not None:
                work.thread.join(timeout=5.0)
                if not work.thread.is_alive() and work.driver is not None:
                    work.driver.close()

    def alive(self) -> bool:
        """Whether its threads still run."""
        threads = [work.thread for work in self.workplaces.values() if work.thread is not None]
        return all(thread.is_alive() for thread in threads)

    def wake(self, events: Sequence[Event] = ()) -> None:
        """Something happened; returns at once. No events: another master had some."""
        if not events or any(event.kind.startswith(_TELLING) for event in events):
            for work in self.workplaces.values():
                work.news.set()

    def _run(self, work: Workplace) -> None:
        said = ""
        while not self._stopping.is_set():
            work.news.clear()
            try:
                self.round(work.place.name)
                said = ""
            except PelagosError as error:
                if str(error) != said:
                    log.warning("the machines of %s: %s", work.place.name, error)
                said = str(error)
            if not self._stopping.wait(_BREATH):
                work.news.wait(self._interval)

    # ---- one round

    def round(self, name: str) -> None:
        """Look, plan and carry on what there is in one capacity.

        Raises:
            PelagosError: the book or the database cannot be used; nothing is lost.
        """
        work, service = self.workplaces[name], self._service
        if work.driver is None or service is None:
            return
        with work.busy:
            book = self._ledger.book
            listed = self._look(work)
            self._mend(name, listed)
            self._plan(name, service)
            if listed is None and work.unanswered is None:  # whether a new name is free
                listed = self._look(work)
                self._mend(name, listed)
            facts = service.machines([one.name for one in self._ledger.book.of(name)])
            tools = Tools(
                work.place, work.driver, self._ledger, service, self._clock, self._user_data
            )
            steps = Steps(tools, listed, facts, self._decision.wanted)
            for machine, url in self._decision.lends:
                if machine in facts:
                    service.lend(machine, url)
            if listed is not None:
                self._try(work, lambda: steps.tidy(self._prefix(name)))
            for kept in self._ledger.book.of(name):
                self._try(work, partial(steps.carry_on, kept))
            if self._ledger.book is not book:
                self._decide(service)  # so that `why` tells what has just happened

    def _mend(self, name: str, listed: Sequence[Machine] | None) -> None:
        """Put right what a clock that was set back, or an older book, would spoil."""
        now, prefix = self._clock.time(), self._prefix(name)

        def mended(book: Book) -> Book:
            book = without_future(book, name, now)
            return caught_up(book, name, prefix, listed or (), now)

        with self._planning:
            self._ledger.change(mended)

    def _prefix(self, name: str) -> str:
        prefix = self.workplaces[name].place.terms.prefix
        return prefix_of(self._ledger.book, prefix, name)

    def _look(self, work: Workplace) -> Sequence[Machine] | None:
        """What the cloud has, when it is time to ask; None when it was not asked, or is silent."""
        machines = self._ledger.book.of(work.place.name)
        now = self._clock.monotonic()
        is_busy = any(one.phase is not Phase.JOINED for one in machines)
        if work.looked is not None and not is_busy and now - work.looked < _LOOK:
            return None
        found: list[Machine] | None = None

        def ask() -> None:
            nonlocal found
            found = work.driver.list(self._prefix(work.place.name)) if work.driver else None

        if not self._try(work, ask) or found is None:
            return None
        work.seen, work.looked, work.unanswered = found, now, None
        return found

    def _try(self, work: Workplace, act: Callable[[], None]) -> bool:
        """Do something that the cloud may refuse; it is done again in the next round."""
        try:
            act()
        except CapacityError as error:
            cause = causes.of_error(error, work.place.name, self._clock.time())
            former = work.unanswered
            if former is None or former.message != cause.message:
                log.warning("%s; %s", cause.message, cause.hint)
            if former is not None and former.code == cause.code:
                cause = replace(cause, since=former.since)
            work.unanswered = cause
            return False
        return True

    def _plan(self, name: str, service: Service) -> None:
        """Decide for all, and plan the new machines of this capacity."""
        with self._planning:
            self._see_who_makes(service)
            self._decide(service)
            for reason in self._decision.makes.get(name, ()):
                planned = self._begin(name, reason=f"service {reason}")
                about = causes.planned(name, planned.begun)
                service.note_machine("machine.planned", planned.name, about)

    def _see_who_makes(self, service: Service) -> None:
        if service.makes_machines():
            self._standby = None
        elif self._standby is None:
            self._standby = causes.standby(self._clock.time())

    def _decide(self, service: Service) -> None:
        with self._planning:
            book, now = self._ledger.book, self._clock.time()
            facts = service.machines([one.name for one in book.machines])
            blocked = {
                one: work.unanswered
                for one, work in self.workplaces.items()
                if work.unanswered is not None
            }
            if self._standby is not None:
                blocked = dict.fromkeys(self.workplaces, self._standby)
            wishes = [one for one in service.waiting() if not self._is_early(one)]
            self._decision = decide(wishes, self._terms(), book, facts, now, blocked)

    def _is_early(self, wish: WaitingWish) -> bool:
        """Whether it waits for agents that have had no time to call since the plane began."""
        is_young = self._clock.monotonic() - self._begun < _EARLY
        return is_young and wish.cause.code == "computer-silent"

    def _terms(self) -> dict[str, CapacityTerms]:
        """Of the places where machines can be made at all."""
        return {
            name: work.place.terms
            for name, work in self.workplaces.items()
            if work.driver is not None
        }

    def _begin(self, name: str, *, reason: str, is_kept: bool = False) -> Kept:
        """Write a new machine into the book; the caller holds `_planning`."""
        now = self._clock.time()
        number = self._ledger.book.count + 1
        planned = Kept(
            f"{self._prefix(name)}{number}", name, Phase.PLANNED, now, now, reason=reason,
            is_kept=is_kept,
        )  # fmt: skip
        record = self._ledger.book.record(name)
        noted = replace(record, begun=(*begun_lately(record, now), now), highest=number)
        self._ledger.change(
            lambda book: replace(book, count=number).having(planned).noting(name, noted)
        )
        return planned

    # ---- what others ask

    @property
    def decision(self) -> Decision:
        """The last one."""
        return self._decision

    @property
    def ledger(self) -> Ledger:
        """The machines."""
        return self._ledger

    @property
    def standby(self) -> Cause | None:
        """Why this plane begins no machines though it could; None when it does."""
        return self._standby

    def give_up(self, name: str) -> None:
        """What sat on a machine that is lost begins anew elsewhere."""
        if self._service is not None:
            self._service.give_up(name)

    def facts(self, names: Sequence[str]) -> Mapping[str, MachineFacts]:
        """What the master knows of these machines."""
        return {} if self._service is None else self._service.machines(names)

    def plan_by_hand(self, name: str, *, keep: bool, actor: str) -> Kept | Cause:
        """Plan a machine that nobody waits for; or why there can be none."""
        with self._planning:
            work = self.workplaces[name]
            if work.off is not None:
                return work.off
            if self._service is not None:
                self._see_who_makes(self._service)
            now = self._clock.time()
            stopped = self._standby
            stopped = stopped or obstacle(name, work.place.terms, self._ledger.book, now)
            if stopped is not None:
                return stopped
            planned = self._begin(name, reason=actor, is_kept=keep)
        work.news.set()
        return planned

    def end_by_hand(self, kept: Kept) -> Kept:
        """Plan the end of a machine on which nothing sits."""
        now = self._clock.time()
        phase = Phase.LEAVING if kept.phase is Phase.JOINED else Phase.REMOVING
        why = causes.by_hand(now)
        ending = replace(kept, phase=phase, since=now, trouble=why)
        with self._planning:
            self._ledger.change(lambda book: book.having(ending))
        if kept.capacity in self.workplaces:
            self.workplaces[kept.capacity].news.set()
        return ending

    def ask(self, name: str) -> tuple[str, ...]:
        """What keeps the cloud of a capacity from making a machine now, one line each."""
        work = self.workplaces[name]
        if work.driver is None:
            return (work.off.message,) if work.off is not None else ()
        if not work.busy.acquire(timeout=_CHECK_WAIT):
            return (f"the cloud has not answered what it was asked {_CHECK_WAIT:.0f} s ago",)
        try:
            return work.driver.check()
        except CapacityError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return (f"{' '.join(error.message.split())}{hint}",)
        finally:
            work.busy.release()
