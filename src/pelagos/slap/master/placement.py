"""Carrying out what `allocate` decides: instances get their places, oldest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from pelagos.slap.errors import BadRequest
from pelagos.slap.master import causes, explain, visibility
from pelagos.slap.master.allocate import (
    PASSED_THROUGH,
    PLACING,
    PROPERTIES,
    UNIQUE_BY_NETWORK,
    Candidate,
    allocate,
    refuse_filters,
    refuse_properties,
)
from pelagos.slap.master.desk import Change, Desk
from pelagos.slap.master.hosting import find_host
from pelagos.slap.master.store import (
    NewInstance,
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredPlace,
)
from pelagos.slap.model import Cause

#: Seconds by which what is stored of a computer's calls may be late, at the most.
_SEEN_LATER = 60.0
#: Computers that are looked at before all are. Most wishes go to the first of them.
_FIRST_LOOK = 10


@dataclass(frozen=True, slots=True)
class Seat:
    """A place that an instance may have, and what is said of it when it has."""

    computer: StoredComputer
    slot: StoredPartition
    cause: Cause


class Placement:
    """The places as one transaction sees them.

    Most wishes are met by one of the few likeliest computers, which one question to the database
    finds; only when none of those will do are all that supply the release looked at, which also
    finds the cause.
    """

    def __init__(self, desk: Desk, change: Change) -> None:
        self._desk = desk
        self._change = change
        self._refused: dict[str, Cause] = {}
        self._known: dict[tuple[str, str], list[StoredPlace]] = {}

    def place(self, instance: StoredInstance) -> Cause | None:
        """Give an unallocated instance a place; None when it has one, else why not (kept)."""
        # Alike wishes get alike refusals: a thousand that wait cost one decision.
        likeness = _likeness(instance)
        cause = self._refused.get(likeness)
        if cause is None:
            cause = self._serve(instance) if instance.shared else self._settle(instance)
        if cause is not None:
            self._refused[likeness] = cause
        if cause is None or _says_the_same(cause, instance.cause):
            return cause
        cause = causes.going_on(instance.cause, cause)
        self._change.store.update_instance(instance.key, cause=cause)
        self._change.tell("instance.waiting", instance, cause, wake=False)
        return cause

    # ---- partitions --------------------------------------------------------------------------

    def find(self, instance: StoredInstance) -> Seat | Cause:
        """The partition for an instance that is not shared, or why there is none."""
        chosen = self._choose(instance)
        if isinstance(chosen, Cause):
            return chosen
        slot = self._slot(chosen, instance)
        if slot is None:  # cannot be: counted in this very transaction
            return causes.no_partition_free([chosen.computer_id], 0, self._change.now)
        return Seat(chosen, slot, causes.waiting_for_agent(chosen.computer_id, self._change.now))

    def _settle(self, instance: StoredInstance) -> Cause | None:
        found = self.find(instance)
        if isinstance(found, Cause):
            return found
        timestamp = max(int(self._change.now * 1_000_000), instance.timestamp + 1)
        self._change.store.update_instance(
            instance.key,
            partition_key=found.slot.key,
            cause=found.cause,
            timestamp=timestamp,
            changed_timestamp=timestamp,
            changed_revision=self._change.next_revision(found.computer),
        )
        self.taken(found, instance)
        return None

    def taken(self, seat: Seat, instance: StoredInstance | NewInstance) -> None:
        """An instance was given this place."""
        self._change.seat(seat.computer.key)
        self._known.clear()  # counted before
        self._change.tell_to(seat.computer.computer_id, "instance.allocated", instance, seat.cause)

    def _slot(self, computer: StoredComputer, instance: StoredInstance) -> StoredPartition | None:
        capability = instance.filters.get("capability")
        if capability is None:
            return self._change.store.first_free(computer.key)
        found = self._change.store.capable_partitions(capability).get(computer.key, ())
        return found[0] if found else None

    def _choose(self, instance: StoredInstance) -> StoredComputer | Cause:
        chosen = self._first_look(instance)
        if chosen is not None:
            return chosen
        full = self._full(instance)
        if full is not None:
            return full
        own_keys = self._own_keys(instance)
        missed = self._missed(instance, own_keys)
        if missed is not None:
            return missed
        supplying = self._supplying(instance)
        cause = self._decide(instance, supplying, own_keys)
        if isinstance(cause, Cause) and cause.code == "no-partition-free":
            # Only this cause says how many there are, and counting them takes its time.
            return self._decide(instance, supplying, own_keys, self._counts(instance))
        return cause

    def _first_look(self, instance: StoredInstance) -> StoredComputer | None:
        """The right computer, when it is among the likeliest; those that have built it first."""
        filters = instance.filters
        if "capability" in filters:
            return None  # such partitions are not counted beforehand
        wished = sorted(set(filters) - PASSED_THROUGH - PLACING)
        having = (wished[0], filters[wished[0]]) if wished and filters[wished[0]] else None
        many = len(wished) > (having is not None) or "mode" in filters
        most = _FIRST_LOOK * (50 if many else 1)
        for is_built in (True, False):
            places = self._change.store.places(
                instance.release_url,
                instance.owner,
                most,
                is_built=is_built,
                computer_id=filters.get("computer_guid"),
                having=having,
            )
            if places:
                own = tuple(filters)  # none is refused for its name yet
                chosen = self._decide(instance, places, own)
                if not isinstance(chosen, Cause):
                    return chosen
            if len(places) == most:
                return None  # of those after them, one may rank before all that are not built
        return None

    def _full(self, instance: StoredInstance) -> Cause | None:
        """That all partitions are taken, when the wish says nothing of where; counted only."""
        if set(instance.filters) - PASSED_THROUGH:
            return None
        crowd = self._change.store.crowd(instance.release_url, instance.owner, causes.NAMED)
        if not crowd.count or crowd.roomy:
            return None
        others = crowd.count - len(crowd.first)
        return causes.no_partition_free(crowd.first, crowd.slots, self._change.now, others=others)

    def _missed(self, instance: StoredInstance, own_keys: tuple[str, ...]) -> Cause | None:
        """Why the filters by property are met nowhere; None when they could be, or are none."""
        filters = instance.filters
        if set(filters) <= PASSED_THROUGH | PLACING:
            return None
        announced = self._change.store.property_sets(
            instance.release_url, instance.owner, filters.get("computer_guid")
        )
        if not announced:
            return None
        return refuse_properties(filters, announced, self._change.now, own_keys)

    def _decide(
        self,
        instance: StoredInstance,
        places: Sequence[StoredPlace],
        own_keys: tuple[str, ...],
        counts: Mapping[int, int] = MappingProxyType({}),
    ) -> StoredComputer | Cause:
        store, filters = self._change.store, instance.filters
        networks = self._networks(instance)
        capability = filters.get("capability")
        capable = None if capability is None else store.capable_partitions(capability)
        computers = [place.computer for place in places]
        candidates = [
            self._candidate(place, networks, capable, counts.get(place.computer.key, 0))
            for place in places
        ]
        if not candidates:  # the cause names one that could be asked to supply the release
            since = self._change.now - self._desk.settings.silent_after - _SEEN_LATER
            other = store.first_computer(instance.owner, since, filters.get("computer_guid"))
            candidates = [] if other is None else [Candidate(other, 0, 0, False, None)]
        now = self._change.now
        chosen = allocate(instance.release_url, filters, candidates, now, own_keys)
        if isinstance(chosen, Cause):
            return chosen
        return next(item for item in computers if item.computer_id == chosen)

    def _supplying(self, instance: StoredInstance) -> list[StoredPlace]:
        """All computers that were asked to supply the release, and that the wish may go to."""
        of = (instance.release_url, instance.owner)
        if of not in self._known:
            self._known[of] = self._change.store.supplying(*of)
        return self._known[of]

    def check_filters(self, instance: StoredInstance, filters: Mapping[str, Any]) -> None:
        """Pass, when the filters of an instance that has its place could be met at all.

        Raises:
            BadRequest: no computer is known to match one, which is probably misspelt.
        """
        wish = replace(instance, filters=filters)
        keys = self._own_keys(wish)
        refused = refuse_filters(filters, self._change.now, keys, shared=instance.shared)
        if refused is not None:
            raise BadRequest(refused.message, status=400, hint=refused.hint)

    def _own_keys(self, instance: StoredInstance) -> tuple[str, ...]:
        """What the site's computers announce beyond what any site does, when a filter needs it."""
        if set(instance.filters) <= PASSED_THROUGH | PLACING | PROPERTIES:
            return ()
        found: set[str] = set()
        for computer in self._change.store.computers():
            if visibility.may_place(instance.owner, computer):
                found |= computer.properties.keys()
        return tuple(found)

    def _counts(self, instance: StoredInstance) -> Mapping[int, int]:
        """Computer key -> its partitions that the wish could have had."""
        capability = instance.filters.get("capability")
        store = self._change.store
        return store.plain_counts() if capability is None else store.capable_counts(capability)

    def _candidate(
        self,
        place: StoredPlace,
        networks: frozenset[str],
        capable: Mapping[int, Sequence[StoredPartition]] | None,
        count: int,
    ) -> Candidate:
        """What one wish sees of a computer."""
        computer = place.computer
        last_seen = self._desk.presence.last_seen(computer.computer_id, computer.last_seen)
        return Candidate(
            computer.computer_id,
            computer.free if capable is None else len(capable.get(computer.key, ())),
            count,
            explain.is_silent(last_seen, self._change.now, self._desk.settings.silent_after),
            place.release_status,
            computer.draining,
            computer.properties,
            bool(networks) and _network(computer) in networks,
        )

    def _networks(self, instance: StoredInstance) -> frozenset[str]:
        """The networks that have an instance of the same tree, when the wish asks for that."""
        if instance.filters.get("mode") != UNIQUE_BY_NETWORK:
            return frozenset()
        store = self._change.store
        root = instance.root_key or instance.key
        members = [store.instance(root), *store.descendants(root)]
        where = {
            item.computer_id
            for item in members
            if item is not None and item.key != instance.key and not item.shared
        }
        computers = [store.computer(computer_id) for computer_id in where if computer_id]
        return frozenset(_network(item) for item in computers if item is not None)

    # ---- hosts -------------------------------------------------------------------------------

    def _serve(self, instance: StoredInstance) -> Cause | None:
        store, now = self._change.store, self._change.now
        host = find_host(store, instance, now)
        if isinstance(host, Cause):
            return host
        cause = causes.waiting_for_agent(host.computer_id or "", now)
        timestamp = max(int(now * 1_000_000), instance.timestamp + 1)
        store.update_instance(instance.key, host_key=host.key, cause=cause, timestamp=timestamp)
        self._change.wake(host)
        self._change.tell_to(host.computer_id, "instance.allocated", instance, cause)
        return None


def _says_the_same(cause: Cause, known: Cause) -> bool:
    # That a host is gone was said with its name, which is not known any more.
    is_known = cause.message == known.message or cause.code == "no-shared-host"
    return cause.code == known.code and is_known


def _likeness(instance: StoredInstance) -> str:
    filters = dict(instance.filters)
    parts: list[Any] = [instance.owner, instance.release_url, sorted(filters.items())]
    if instance.shared:
        parts += ["shared", instance.software_type, instance.title]
    if "mode" in filters:
        parts.append(instance.root_guid)
    return "\0".join(str(part) for part in parts)


def _network(computer: StoredComputer) -> str:
    """The network of a computer; one that announced none is a network of its own."""
    return computer.properties.get("network_guid") or f"\0{computer.computer_id}"


def place_waiting(desk: Desk, change: Change) -> None:
    """Try again for all that wait, oldest first: something has become free or known."""
    waiting = [
        instance for instance in change.store.unallocated_instances() if not instance.is_destroying
    ]
    if not waiting:
        return
    placement = Placement(desk, change)
    # Shared ones last: one of the others may become their host.
    for instance in sorted(waiting, key=lambda item: (item.shared, item.key)):
        placement.place(instance)


def place_shared(desk: Desk, change: Change, host: StoredInstance) -> bool:
    """Try again for those that a new instance could serve; whether there are any."""
    waiting = change.store.waiting_shared(host.release_url, host.software_type)
    placement = Placement(desk, change)
    for instance in waiting:
        if not instance.is_destroying:
            placement.place(instance)
    return bool(waiting)
