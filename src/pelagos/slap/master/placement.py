"""Carrying out what `allocate` decides: instances get their places, oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.slap.master import causes, explain, visibility
from pelagos.slap.master.allocate import Candidate, Host, allocate, choose_host
from pelagos.slap.master.desk import Change, Desk
from pelagos.slap.master.store import Reader, StoredComputer, StoredInstance
from pelagos.slap.model import Cause, InstanceStatus, ReleaseStatus, SupplyState


class Placement:
    """The places as one transaction sees them; reads them once and keeps count."""

    def __init__(self, desk: Desk, change: Change) -> None:
        self._desk = desk
        self._change = change
        self._computers = change.store.computers()
        self._by_id = {computer.computer_id: computer for computer in self._computers}
        self._free = change.store.free_counts()
        self._refused: dict[str, Cause] = {}

    def place(self, instance: StoredInstance) -> Cause | None:
        """Give an unallocated instance a place; None when it has one, else why not (kept)."""
        if instance.shared:
            cause = self._serve(instance)
        else:
            # Alike wishes get alike refusals: a thousand that wait cost one decision.
            likeness = f"{instance.owner}\0{instance.release_url}\0"
            likeness += f"{sorted(instance.filters.items())}"
            cause = self._refused.get(likeness)
            if cause is None:
                cause = self._settle(instance)
            if cause is not None:
                self._refused[likeness] = cause
        if cause is None or (cause.code, cause.message) == (
            instance.cause.code,
            instance.cause.message,
        ):
            return cause
        cause = causes.going_on(instance.cause, cause)
        self._change.store.update_instance(instance.key, cause=cause)
        self._change.tell("instance.waiting", instance, cause, wake=False)
        return cause

    def _settle(self, instance: StoredInstance) -> Cause | None:
        chosen = allocate(
            instance.release_url,
            instance.filters,
            self._candidates(instance),
            self._change.now,
        )
        if isinstance(chosen, Cause):
            return chosen
        computer = self._by_id[chosen]
        slot = self._change.store.first_free(computer.key)
        if slot is None:  # cannot be: counted in this very transaction
            return causes.no_partition_free([chosen], 0, self._change.now)
        self._free[computer.key] -= 1
        cause = causes.waiting_for_agent(chosen, self._change.now)
        timestamp = max(int(self._change.now * 1_000_000), instance.timestamp + 1)
        self._change.store.update_instance(
            instance.key,
            partition_key=slot.key,
            cause=cause,
            timestamp=timestamp,
            changed_timestamp=timestamp,
            changed_revision=self._change.bump(computer.key),
        )
        self._change.record(
            "instance.allocated", instance.guid, instance.title, cause, computer_id=chosen
        )
        return None

    def _candidates(self, instance: StoredInstance) -> list[Candidate]:
        url, filters = instance.release_url, instance.filters
        supplied: dict[int, ReleaseStatus] = {
            supply.computer_key: supply.status
            for supply in self._change.store.supplies_of_release(url)
            if supply.requested_state is SupplyState.AVAILABLE
        }
        wanted = filters.get("computer_guid")
        return [
            self._candidate(computer, supplied)
            for computer in self._computers
            if visibility.may_place(instance.owner, computer)
            and (computer.key in supplied or wanted in (None, computer.computer_id))
        ]

    def _candidate(
        self, computer: StoredComputer, supplied: Mapping[int, ReleaseStatus]
    ) -> Candidate:
        free = self._free.get(computer.key, 0)
        last_seen = self._desk.presence.last_seen(computer.computer_id, computer.last_seen)
        full = computer.key in supplied and not free
        return Candidate(
            computer_id=computer.computer_id,
            free_count=free,
            # Only a refusal shows it.
            partition_count=len(self._change.store.partitions(computer.key)) if full else free,
            is_silent=explain.is_silent(
                last_seen, self._change.now, self._desk.settings.silent_after
            ),
            release_status=supplied.get(computer.key),
        )

    def _serve(self, instance: StoredInstance) -> Cause | None:
        host = find_host(
            self._change.store,
            instance.release_url,
            instance.software_type,
            instance.filters,
            instance.owner,
        )
        if host is None:
            return causes.no_shared_host(instance.release_url, self._change.now)
        cause = causes.waiting_for_agent(host.computer_id or "", self._change.now)
        self._change.store.update_instance(instance.key, host_key=host.key, cause=cause)
        self._change.wake(host)
        self._change.record(
            "instance.allocated", instance.guid, instance.title, cause, host.computer_id
        )
        return None


def find_host(
    reader: Reader,
    release_url: str,
    software_type: str,
    filters: Mapping[str, Any],
    owner: str,
) -> StoredInstance | None:
    """The instance that shall serve a shared one of this owner, None when there is none."""
    operators = reader.operators()
    found = {
        instance.key: instance
        for instance in reader.hosts(release_url, software_type)
        if not instance.is_destroying and visibility.may_be_served(owner, instance, operators)
    }
    chosen = choose_host(
        filters,
        [
            Host(key, item.guid, item.computer_id or "", len(reader.shared_of_host(key)))
            for key, item in found.items()
        ],
    )
    return None if chosen is None else found[chosen.key]


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
    if instance.computer_id is not None and not instance.shared:
        name = f"{instance.computer_id}/{instance.partition_id}"
        change.tokens_changed |= change.store.drop_token("partition", name)
    change.record("instance.destroyed", instance.guid, instance.title, cause, instance.computer_id)
    for shared in served:
        lost = causes.no_shared_host(shared.release_url, change.now)
        change.store.update_instance(
            shared.key, host_key=None, status=InstanceStatus.WAITING, cause=lost, connection={}
        )
        change.tell("instance.waiting", shared, lost, wake=False)
