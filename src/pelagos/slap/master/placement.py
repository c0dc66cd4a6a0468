"""Carrying out what `allocate` decides: instances get their places, oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.slap.master import causes, explain, visibility
from pelagos.slap.master.allocate import (
    PASSED_THROUGH,
    PLACING,
    UNIQUE_BY_NETWORK,
    Candidate,
    Host,
    allocate,
    choose_host,
    refuse_filters,
)
from pelagos.slap.master.desk import Change, Desk
from pelagos.slap.master.store import (
    NewInstance,
    Reader,
    StoredComputer,
    StoredInstance,
    StoredPartition,
)
from pelagos.slap.model import Cause, InstanceStatus, ReleaseStatus, SupplyState

#: Computers that are looked at before all are. Most wishes go to the first of them.
_FIRST_LOOK = 10


class Placement:
    """The places as one transaction sees them.

    Most wishes are met by one of the few likeliest computers, which one question to the database
    finds; only when none of those will do are all of them looked at, which also finds the cause.
    """

    def __init__(self, desk: Desk, change: Change) -> None:
        self._desk = desk
        self._change = change
        self._refused: dict[str, Cause] = {}
        self._computers: list[StoredComputer] | None = None

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

    def _settle(self, instance: StoredInstance) -> Cause | None:
        chosen = self._choose(instance)
        if isinstance(chosen, Cause):
            return chosen
        store, now = self._change.store, self._change.now
        computer = store.computer(chosen)
        slot = None if computer is None else self._slot(computer, instance)
        if computer is None or slot is None:  # cannot be: counted in this very transaction
            return causes.no_partition_free([chosen], 0, now)
        cause = causes.waiting_for_agent(chosen, now)
        timestamp = max(int(now * 1_000_000), instance.timestamp + 1)
        store.update_instance(
            instance.key,
            partition_key=slot.key,
            cause=cause,
            timestamp=timestamp,
            changed_timestamp=timestamp,
            changed_revision=self._change.bump(computer.key),
        )
        store.recount(computer.key)
        self._computers = None  # counted before
        self._change.record(
            "instance.allocated", instance.guid, instance.title, cause, computer_id=chosen
        )
        return None

    def _slot(self, computer: StoredComputer, instance: StoredInstance) -> StoredPartition | None:
        capability = instance.filters.get("capability")
        if capability is None:
            return self._change.store.first_free(computer.key)
        found = self._change.store.capable_partitions(capability).get(computer.key, ())
        return found[0] if found else None

    def _choose(self, instance: StoredInstance) -> str | Cause:
        likely = self._likely(instance)
        if likely:
            own = tuple(instance.filters)  # none is refused for its name yet
            chosen = self._decide(instance, likely, own)
            if isinstance(chosen, str):
                return chosen
        everywhere = self._everywhere(instance)
        own_keys = {key for item in everywhere for key in item.properties}
        return self._decide(instance, everywhere, tuple(own_keys))

    def _decide(
        self, instance: StoredInstance, candidates: list[Candidate], own_keys: tuple[str, ...]
    ) -> str | Cause:
        now = self._change.now
        return allocate(instance.release_url, instance.filters, candidates, now, own_keys)

    def _likely(self, instance: StoredInstance) -> list[Candidate]:
        """The computers that rank first, as far as their number of free partitions tells."""
        filters = instance.filters
        if "capability" in filters:
            return []  # those are not counted beforehand
        by_property = set(filters) - PASSED_THROUGH - PLACING or "mode" in filters
        places = self._change.store.places(
            instance.release_url,
            instance.owner,
            _FIRST_LOOK * (50 if by_property else 1),
            filters.get("computer_guid"),
        )
        networks = self._networks(instance)
        return [
            self._candidate(place.computer, place.computer.free, place.release_status, networks)
            for place in places
        ]

    def _everywhere(self, instance: StoredInstance) -> list[Candidate]:
        """All computers that the wish could be meant for."""
        store, filters = self._change.store, instance.filters
        if self._computers is None:
            self._computers = store.computers()
        supplied = {
            supply.computer_key: supply.status
            for supply in store.supplies_of_release(instance.release_url)
            if supply.requested_state is SupplyState.AVAILABLE
        }
        wanted, capability = filters.get("computer_guid"), filters.get("capability")
        if capability is None:
            capable, counts = {}, store.plain_counts()
        else:
            found = store.capable_partitions(capability)
            capable = {key: len(slots) for key, slots in found.items()}
            counts = store.capable_counts(capability)
        networks = self._networks(instance)
        return [
            self._candidate(
                computer,
                computer.free if capability is None else capable.get(computer.key, 0),
                supplied.get(computer.key),
                networks,
                counts.get(computer.key, 0),
            )
            for computer in self._computers
            if visibility.may_place(instance.owner, computer)
            and (computer.key in supplied or wanted in (None, computer.computer_id))
        ]

    def _candidate(  # what one wish sees of a computer
        self,
        computer: StoredComputer,
        free: int,
        status: ReleaseStatus | None,
        networks: frozenset[str],
        count: int = 0,
    ) -> Candidate:
        last_seen = self._desk.presence.last_seen(computer.computer_id, computer.last_seen)
        return Candidate(
            computer_id=computer.computer_id,
            free_count=free,
            partition_count=count,
            is_silent=explain.is_silent(
                last_seen, self._change.now, self._desk.settings.silent_after
            ),
            release_status=status,
            is_draining=computer.draining,
            properties=computer.properties,
            has_sibling=_network(computer) in networks,
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
        self._change.record(
            "instance.allocated", instance.guid, instance.title, cause, host.computer_id
        )
        return None


def find_host(
    reader: Reader, shared: StoredInstance | NewInstance, now: float
) -> StoredInstance | Cause:
    """The instance that shall serve a shared one, or why there is none.

    The cause is `no-shared-host` when nothing that was requested could ever serve it.
    """
    operators = reader.operators()
    known = {item.computer_id: item for item in reader.computers()} if shared.filters else {}
    own_keys = {key for item in known.values() for key in item.properties}
    refused = refuse_filters(shared.filters, now, own_keys, shared=True)
    if refused is not None:
        return refused
    found = {
        item.key: item
        for item in reader.hosts(shared.release_url, shared.software_type)
        if _may_serve(item, shared.owner, operators)
    }
    missed: Cause | None = None
    if found:
        hosts = [_host(reader, item, known) for item in found.values()]
        chosen = choose_host(shared.filters, hosts, now)
        if isinstance(chosen, Host):
            return found[chosen.key]
        missed = chosen
    if missed is None or "instance_guid" in shared.filters:
        for item in hosts_to_be(reader, shared):
            # The owner of the shared instance reads this, who may not be the host's.
            title = item.title if item.owner == shared.owner else None
            return causes.waiting_for_host(shared.title, title, now)
    return missed or causes.no_shared_host(
        f"no instance of {shared.release_url} (type {shared.software_type}) is there to serve "
        "this shared instance",
        now,
        url=shared.release_url,
    )


def hosts_to_be(reader: Reader, shared: StoredInstance | NewInstance) -> list[StoredInstance]:
    """Instances that could serve a shared one as soon as they have a place."""
    operators, guid = reader.operators(), shared.filters.get("instance_guid")
    return [
        item
        for item in reader.hosts_to_be(shared.release_url, shared.software_type)
        if _may_serve(item, shared.owner, operators) and guid in (None, item.guid)
    ]


def _may_serve(item: StoredInstance, owner: str, operators: frozenset[str]) -> bool:
    served = visibility.may_be_served(owner, item, operators)
    return served and not item.is_destroying and not item.shared


def _host(reader: Reader, item: StoredInstance, known: Mapping[str, StoredComputer]) -> Host:
    computer_id = item.computer_id or ""
    computer = known.get(computer_id) or reader.computer(computer_id)
    return Host(
        item.key,
        item.guid,
        computer_id,
        len(reader.shared_of_host(item.key)),
        computer is not None and computer.draining,
        {} if computer is None else computer.properties,
    )


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


def place_shared(desk: Desk, change: Change, host: StoredInstance) -> None:
    """Try again for those that a new instance could serve."""
    waiting = change.store.waiting_shared(host.release_url, host.software_type)
    placement = Placement(desk, change)
    for instance in waiting:
        if not instance.is_destroying:
            placement.place(instance)


def end(desk: Desk, change: Change, instance: StoredInstance) -> None:
    """An instance is gone: free its place, then end a requester that waited for its last child."""
    gone: StoredInstance | None = instance
    while gone is not None:
        _end_one(change, gone)
        parent = None if gone.requester_key is None else change.store.instance(gone.requester_key)
        over = (
            parent is not None
            and parent.is_live
            and (parent.wiped or (parent.is_destroying and not parent.is_allocated))
            and not change.store.children(parent.key)
        )
        gone = parent if over else None
    place_waiting(desk, change)


def _end_one(change: Change, instance: StoredInstance) -> None:
    cause = causes.plain("destroyed", "gone from its computer", change.now)
    served = change.store.shared_of_host(instance.key)
    if instance.host_key is not None and (host := change.store.instance(instance.host_key)):
        change.wake(host)
    else:
        change.bump(instance.computer_key)
    change.store.update_instance(
        instance.key,
        ended=change.now,
        scope=None,
        partition_key=None,
        host_key=None,
        connection={},  # credentials of what is no more
        status=InstanceStatus.DESTROYED,
        cause=cause,
    )
    if instance.computer_key is not None and not instance.shared:
        change.store.recount(instance.computer_key)
        name = f"{instance.computer_id}/{instance.partition_id}"
        change.store.drop_token("partition", name)
        change.store.revoke_certificates("partition", name, change.now)
    change.record("instance.destroyed", instance.guid, instance.title, cause, instance.computer_id)
    for shared in served:
        lost = causes.no_shared_host(
            f"{instance.title}, which served it, is gone", change.now, url=shared.release_url
        )
        change.store.update_instance(
            shared.key, host_key=None, status=InstanceStatus.WAITING, cause=lost, connection={}
        )
        # What its requester was given holds no more.
        to_wake = wake_requester(change, shared) if shared.connection else None
        change.record("instance.waiting", shared.guid, shared.title, lost, to_wake)


def wake_requester(change: Change, instance: StoredInstance) -> str | None:
    """Have the direct requester processed again; the computer whose agent needs to look."""
    if instance.requester_key is None:
        return None
    requester = change.store.instance(instance.requester_key)
    if requester is None or not requester.is_allocated or requester.is_destroying:
        return None
    change.wake(requester)
    return requester.computer_id
