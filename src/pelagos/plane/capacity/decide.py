"""Which machine each waiting request is for, and where new ones are made. Pure.

A request goes to a machine that has room, then to one on its way, then to a new one in the first
capacity that may make one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pelagos.plane.capacity import causes
from pelagos.plane.capacity.ledger import HOUR, ON_ITS_WAY, Book, Kept, Phase, Record
from pelagos.plane.capacity.terms import CapacityTerms
from pelagos.slap.master import Advice, MachineFacts, WaitingWish, would_take
from pelagos.slap.model import Cause

#: Why the master has no place that a new machine could mend.
_MENDED = frozenset(
    {
        "no-partition-free",
        "computer-silent",
        "computer-draining",
        "release-unknown",
        "release-not-supplied",
        "filter-unmatched",
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and what is said of each request.

    Attributes:
        makes: capacity -> names of the requests that each new machine begins with, one item for
            each machine.
        lends: (machine, release URL) to be supplied.
        advice: guid of an instance -> what is known of its machine.
        wanted: names of machines that a request waits for or is to use.
    """

    makes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lends: tuple[tuple[str, str], ...] = ()
    advice: Mapping[str, Advice] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()


def begun_lately(record: Record, now: float) -> tuple[float, ...]:
    """When machines were begun within the last hour."""
    return tuple(at for at in record.begun if 0 <= now - at < HOUR)


def obstacle(
    name: str, terms: CapacityTerms, book: Book, now: float, *, planned: int = 0
) -> Cause | None:
    """Why no machine may be begun in a capacity now; None when one may.

    Args:
        planned: machines that are about to be begun.
    """
    record, count = book.record(name), len(book.of(name)) + planned
    if now < record.blocked_until and record.trouble is not None:
        return causes.cooling(record.blocked_until - now, record.trouble)
    if count >= terms.max_machines:
        return causes.full(name, count, now)
    lately = begun_lately(record, now)
    if len(lately) + planned >= terms.makes_per_hour:
        left = HOUR - (now - min(lately)) if lately else HOUR
        return causes.spent(name, len(lately) + planned, left, now)
    return None


def decide(
    wishes: Sequence[WaitingWish],
    places: Mapping[str, CapacityTerms],
    book: Book,
    facts: Mapping[str, MachineFacts],
    now: float,
    blocked: Mapping[str, Cause] = MappingProxyType({}),
) -> Decision:
    """Find a machine for each wish.

    Args:
        wishes: oldest first.
        places: capacities in the order in which they are asked.
        book: machines as they are kept.
        facts: what the master knows of them.
        now: Unix seconds.
        blocked: capacities whose cloud does not answer, and why.
    """
    return _Deciding(places, book, facts, now, blocked).all(wishes)


class _Deciding:
    """One decision at work: how much room is left where."""

    def __init__(
        self,
        places: Mapping[str, CapacityTerms],
        book: Book,
        facts: Mapping[str, MachineFacts],
        now: float,
        blocked: Mapping[str, Cause],
    ) -> None:
        self._places, self._book, self._facts, self._now = places, book, facts, now
        self._room = {one.name: self._room_of(one) for one in book.machines}
        # Where a machine was asked for and nobody knows whether it is made, another one is not.
        doubtful = {one.capacity: one.trouble for one in book.machines if _is_doubtful(one)}
        self._silent = blocked
        self._blocked = {**doubtful, **blocked}
        self._makes: dict[str, list[str]] = {}
        self._left: dict[str, int] = {}  # room of the newest machine that is about to be begun
        self._lends: dict[tuple[str, str], None] = {}
        self._advice: dict[str, Advice] = {}
        self._wanted: set[str] = set()

    def all(self, wishes: Sequence[WaitingWish]) -> Decision:
        for wish in wishes:
            advice = self._for(wish)
            if advice is not None:
                self._advice[wish.guid] = advice
        return Decision(self._makes, tuple(self._lends), self._advice, frozenset(self._wanted))

    def _room_of(self, machine: Kept) -> int:
        terms = self._places.get(machine.capacity)
        if terms is None or _is_doubtful(machine):
            return 0
        if machine.phase in ON_ITS_WAY:
            return terms.partitions
        known = self._facts.get(machine.name)
        if machine.phase is not Phase.JOINED or known is None:
            return 0
        return 0 if known.is_silent or known.is_draining else known.free

    def _for(self, wish: WaitingWish) -> Advice | None:
        if wish.cause.code not in _MENDED:
            return None
        refusals: list[Cause] = []
        would_do = []
        for name, terms in self._places.items():
            if not terms.is_for(wish.release_url, is_supplied=wish.is_supplied):
                continue
            refused = would_take(wish, terms.partitions, terms.announced, self._now)
            if refused is None:
                would_do.append(name)
            else:
                refusals.append(causes.no_help(name, refused.message, self._now))
        if not would_do:
            return Advice(refusals[0], leads=False) if refusals else None
        return self._there(wish, would_do) or self._anew(wish, would_do)

    def _there(self, wish: WaitingWish, capacities: Sequence[str]) -> Advice | None:
        """A machine that is there or on its way."""
        machines = [one for one in self._book.machines if one.capacity in capacities]
        # Those that have joined first: what they have is there now.
        for one in sorted(machines, key=lambda item: (item.phase in ON_ITS_WAY, item.begun)):
            if self._room[one.name] <= 0:
                continue
            known = self._facts.get(one.name)
            if known is not None and wish.release_url in known.supplies:
                continue  # the master has looked there already
            self._room[one.name] -= 1
            self._wanted.add(one.name)
            if one.phase is Phase.JOINED:
                self._lends[one.name, wish.release_url] = None
                return Advice(causes.lends(one.name, self._now))
            return Advice(self._silence(one) or cause_of(one, self._ready_within(one), None))
        return None

    def _silence(self, machine: Kept) -> Cause | None:
        """That nobody knows how far it is: its cloud does not answer."""
        found = self._silent.get(machine.capacity)
        is_known = machine.trouble is not None or found is None or found.code == causes.STANDBY
        return None if is_known else found

    def _ready_within(self, machine: Kept) -> float:
        return self._places[machine.capacity].ready_within

    def _anew(self, wish: WaitingWish, capacities: Sequence[str]) -> Advice:
        """A new machine, or why there is none."""
        first: Cause | None = None
        for name in capacities:
            terms = self._places[name]
            if self._left.get(name, 0) > 0:
                self._left[name] -= 1
                self._makes[name][-1] += f", {wish.title}"
                return Advice(causes.planned(name, self._now))
            if 0 <= self._now - wish.created < terms.patience:
                return Advice(causes.patience(name, terms.patience, wish.created), leads=False)
            planned = len(self._makes.get(name, ()))
            stopped = self._blocked.get(name)
            stopped = stopped or obstacle(name, terms, self._book, self._now, planned=planned)
            if stopped is None:
                self._makes.setdefault(name, []).append(wish.title)
                self._left[name] = terms.partitions - 1
                return Advice(causes.planned(name, self._now))
            first = first or stopped
        return Advice(first or causes.full(capacities[0], 0, self._now))


def _is_doubtful(machine: Kept) -> bool:
    return machine.phase is Phase.PLANNED and machine.trouble is not None


def cause_of(machine: Kept, within: float, idle: float | None) -> Cause:
    """Why a machine is in its phase.

    Args:
        within: seconds that it may take to join.
        idle: seconds without a service after which it is removed; None: it is not.
    """
    name = machine.name
    if machine.trouble is not None and machine.phase not in (Phase.LEAVING, Phase.REMOVING):
        return machine.trouble
    match machine.phase:
        case Phase.PLANNED | Phase.MAKING:
            return causes.making(name, machine.capacity, "", machine.begun)
        case Phase.BOOTING:
            return causes.booting(name, machine.capacity, within, machine.since)
        case Phase.LEAVING | Phase.REMOVING:
            why = "it is idle" if machine.trouble is None else machine.trouble.message
            return causes.leaving(name, why, machine.since)
        case Phase.JOINED:
            if machine.idle_since is not None and idle is not None:
                return causes.idle(name, machine.idle_since, idle)
            return causes.joined(name, machine.since)
