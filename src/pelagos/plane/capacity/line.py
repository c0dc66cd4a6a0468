"""Machines on demand as the master asks of them: for `why`, for listings and for operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pelagos.plane.capacity import causes
from pelagos.plane.capacity.decide import begun_lately, cause_of, obstacle
from pelagos.plane.capacity.keeper import Keeper, Workplace
from pelagos.plane.capacity.ledger import ON_ITS_WAY, Kept, Phase
from pelagos.plane.capacity.steps import LOST
from pelagos.slap.capacity import CapacityRow, Checked, MachineRow, Overview
from pelagos.slap.errors import NotFoundError
from pelagos.slap.master import Advice
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import Cause


class Line:
    """What `pelagos.slap.master.CapacityLine` wants.

    Args:
        keeper: of the machines.
        now: Unix seconds.
        obstacles: what keeps machines from joining, whatever the cloud does; one line each.
    """

    def __init__(
        self,
        keeper: Keeper,
        now: Callable[[], float],
        obstacles: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        self._keeper = keeper
        self._now = now
        self.obstacles = obstacles

    def advise(self, kind: str, name: str) -> Advice | None:
        """What is known of a service or computer."""
        if kind == "service":
            return self._keeper.decision.advice.get(name)
        kept = self._keeper.ledger.book.machine(name)
        if kept is None:
            return None
        cause = self._cause(kept)
        if kept.phase is Phase.JOINED and cause.code == "ok":
            return None
        leads = kept.phase is not Phase.JOINED or kept.trouble is not None
        return Advice(cause, leads=leads, state=str(kept.phase))

    def overview(self) -> Overview:
        """All capacities and machines."""
        book = self._keeper.ledger.book
        facts = self._keeper.facts([one.name for one in book.machines])
        machines = []
        for one in book.machines:
            known = facts.get(one.name)
            row = self._row(one, () if known is None else known.seats)
            if one.phase is Phase.JOINED and known is not None and known.is_silent:
                quiet = causes.silent(one.name, known.last_seen or one.since)
                row = row if one.trouble is not None else replace(row, cause=quiet)
            machines.append(row)
        rows = [self._capacity(work) for work in self._keeper.workplaces.values()]
        return Overview(tuple(rows), tuple(machines))

    def make(self, capacity: str, *, keep: bool, actor: str) -> MachineRow:
        """Plan a machine."""
        self._known(capacity)
        planned = self._keeper.plan_by_hand(capacity, keep=keep, actor=actor)
        if isinstance(planned, Cause):
            raise Conflict(
                f"no machine is made: {planned.message}", status=409, hint=planned.hint or None
            )
        return self._row(planned, ())

    def remove(self, name: str, actor: str, *, lost: bool = False) -> MachineRow:
        """Plan the end of a machine."""
        del actor  # the book says what happens, the log of the master who asked
        kept = self._keeper.ledger.book.machine(name)
        if kept is None:
            raise NotFoundError(
                f"the plane has made no machine {name}",
                status=404,
                hint="pelagos capacity list shows those that it made",
            )
        known = self._keeper.facts([name]).get(name)
        is_gone = kept.trouble is not None and kept.trouble.code in LOST
        if lost and is_gone:
            self._keeper.give_up(name)
        elif known is not None and known.seats and is_gone:
            raise Conflict(
                f"{', '.join(known.seats[:3])} sat on {name}, and would lose what was kept there",
                status=409,
                hint=f"to have it begin anew elsewhere: pelagos capacity remove {name} --lost",
            )
        elif lost:
            raise Conflict(
                f"{name} is not lost, as far as its cloud says",
                status=409,
                hint=f"see: pelagos why {name}",
            )
        elif known is not None and known.seats:
            raise Conflict(
                f"{', '.join(known.seats[:3])} sits on {name}",
                status=409,
                hint=f"destroy it first, or let nothing new come: pelagos computer drain {name}",
            )
        if kept.phase in (Phase.LEAVING, Phase.REMOVING):
            return self._row(kept, ())
        return self._row(self._keeper.end_by_hand(kept), ())

    def check(self, name: str | None) -> list[Checked]:
        """Ask the clouds."""
        if name is not None:
            self._known(name)
        names = list(self._keeper.workplaces) if name is None else [name]
        return [Checked(one, (*self.obstacles(), *self._keeper.ask(one))) for one in names]

    # ---- within

    def _known(self, capacity: str) -> None:
        if capacity not in self._keeper.workplaces:
            raise NotFoundError(
                f"there is no capacity {capacity}",
                status=404,
                hint=f"there are: {', '.join(self._keeper.workplaces)}",
            )

    def _cause(self, kept: Kept) -> Cause:
        work = self._keeper.workplaces.get(kept.capacity)
        if work is None:
            return causes.no_place(kept.name, kept.capacity, kept.since)
        silent = work.off or work.unanswered
        if silent is not None and kept.phase is not Phase.JOINED and kept.trouble is None:
            return silent
        terms = work.place.terms
        return cause_of(kept, terms.ready_within, None if kept.is_kept else terms.idle)

    def _row(self, kept: Kept, services: tuple[str, ...]) -> MachineRow:
        return MachineRow(
            name=kept.name,
            capacity=kept.capacity,
            state=str(kept.phase),
            cause=self._cause(kept),
            key=kept.key,
            addresses=kept.addresses,
            services=services,
            reason=kept.reason,
            begun=kept.begun,
            is_kept=kept.is_kept,
        )

    def _capacity(self, work: Workplace) -> CapacityRow:
        name, terms = work.place.name, work.place.terms
        book, now = self._keeper.ledger.book, self._now()
        state, cause = self._state(work, now)
        return CapacityRow(
            name=name,
            driver=terms.driver,
            state=state,
            cause=cause,
            machines=len(book.of(name)),
            max_machines=terms.max_machines,
            makes_left=max(0, terms.makes_per_hour - len(begun_lately(book.record(name), now))),
        )

    def _state(self, work: Workplace, now: float) -> tuple[str, Cause]:
        name, book = work.place.name, self._keeper.ledger.book
        if work.off is not None:
            return "off", work.off
        if work.unanswered is not None:
            return "failing", work.unanswered
        if self._keeper.standby is not None:
            return "standby", self._keeper.standby
        stopped = obstacle(name, work.place.terms, book, now)
        if stopped is not None:
            states = {"capacity-full": "full", "capacity-spent": "waiting"}
            return states.get(stopped.code, "failing"), stopped
        count = sum(one.phase in ON_ITS_WAY for one in book.of(name))
        return "ready", causes.ready(name, count, now)
