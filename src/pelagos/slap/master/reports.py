"""What agents and instances report: how releases and instances are, what they publish.

A well-formed report about a thing that has gone meanwhile is taken and has no effect: an agent of
the ancestor gives up its whole pass when a report is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.bangs import Bangs
from pelagos.slap.master.changing import end, wake_requester
from pelagos.slap.master.computers import access_status
from pelagos.slap.master.desk import Change
from pelagos.slap.master.finding import (
    check_changeable,
    check_size,
    flat,
    no_instance,
    not_supplied,
    seated,
    shared_of,
)
from pelagos.slap.master.schemas import invalid
from pelagos.slap.master.store import Reader, StoredInstance, StoredSupply
from pelagos.slap.master.verdicts import Verdicts, judged
from pelagos.slap.master.visibility import Scope, scope
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, ReleaseStatus, SupplyState

log = logging.getLogger(__name__)

_RELEASE_EVENTS = {
    ReleaseStatus.BUILDING: "release.building",
    ReleaseStatus.AVAILABLE: "release.available",
    ReleaseStatus.ERROR: "release.error",
}
_INSTANCE_EVENTS = {
    InstanceStatus.STARTED: "instance.started",
    InstanceStatus.STOPPED: "instance.stopped",
    InstanceStatus.ERROR: "instance.error",
}


class Reports(Bangs):
    """What is said by those who do the work."""

    # ---- releases ----------------------------------------------------------------------------

    def report_release(
        self,
        computer_id: str,
        url: str,
        status: Literal["building", "available", "destroyed"],
        identity: Identity,
        cause: Cause | None = None,
    ) -> None:
        """An agent builds, has built or has removed a release.

        Raises:
            NotFoundError: nobody asked the computer to supply it.
        """
        now = self._now()
        if status == "destroyed":
            self._release_gone(computer_id, url, identity)
        elif status == "building":
            fallback = causes.plain("release-building", f"{computer_id} builds {url}", now)
            self._release(computer_id, url, ReleaseStatus.BUILDING, cause or fallback, identity)
        else:
            fallback = causes.plain("ok", f"built on {computer_id}", now)
            self._release(computer_id, url, ReleaseStatus.AVAILABLE, cause or fallback, identity)

    def report_release_error(
        self, computer_id: str, url: str, text: str, identity: Identity, cause: Cause | None = None
    ) -> None:
        """An agent could not build a release.

        Raises:
            NotFoundError: nobody asked the computer to supply it.
        """
        said = cause or Cause(
            "buildout-failed",
            _last_line(text) or f"{computer_id} could not build {url}",
            hint=f"read the log of the build on {computer_id}; supply it again when it is mended",
            detail=text,
        )
        self._release(computer_id, url, ReleaseStatus.ERROR, said, identity)

    def _release(
        self, computer_id: str, url: str, status: ReleaseStatus, cause: Cause, identity: Identity
    ) -> None:
        with self._desk.store.read() as reader:
            check_changeable(reader, computer_id, scope(identity))
            supply = _supply(reader, computer_id, url)
            if _says_nothing_new(supply.status, supply.cause, status, cause):
                return
        with self._desk.change(identity) as change:
            supply = _supply(change.store, computer_id, url)
            said = self._signed(cause, supply.cause, identity, change.now)
            change.store.update_supply(supply.key, status=status, cause=said)
            change.record(_RELEASE_EVENTS[status], url, url, said)

    def _release_gone(self, computer_id: str, url: str, identity: Identity) -> None:
        with self._desk.change(identity) as change:
            check_changeable(change.store, computer_id, change.scope)
            supply = _supply(change.store, computer_id, url)
            change.bump(supply.computer_key)
            if supply.requested_state is SupplyState.DESTROYED:
                change.store.delete_supply(supply.key)
                gone = causes.plain("ok", f"removed from {computer_id}", change.now)
                change.record("release.destroyed", url, url, gone)
            else:  # wished again while its removal ran: the agent has to build it anew
                waits = causes.waiting_for_agent(computer_id, change.now)
                change.store.update_supply(supply.key, status=ReleaseStatus.REQUESTED, cause=waits)
                change.record("release.supplied", url, url, waits, computer_id)

    # ---- instances ---------------------------------------------------------------------------

    def report_partition(
        self,
        computer_id: str,
        partition_id: str,
        state: Literal["started", "stopped", "destroyed"],
        identity: Identity,
        cause: Cause | None = None,
        timestamp: int | None = None,
    ) -> str:
        """An agent has started, stopped or wiped what is in a partition.

        Args:
            timestamp: of the wish that it carried out, when it says so.

        Returns:
            What came of it, in words.

        Raises:
            NotFoundError: there is no such partition.
        """
        self._check_changeable(computer_id, identity)  # who does the work says that it is done
        if state == "destroyed":
            return self._partition_wiped(computer_id, partition_id, identity, timestamp)
        now = self._now()
        if state == "started":
            fallback = causes.plain("ok", "started, and all its promises hold", now)
        else:
            fallback = causes.plain("stopped", "stopped, as it was wished", now)
        status = InstanceStatus(state)
        said = cause or fallback
        return self._instance(
            computer_id, partition_id, status, said, identity, timestamp=timestamp
        )

    def report_partition_error(  # the fields of the call
        self,
        computer_id: str,
        partition_id: str,
        text: str,
        identity: Identity,
        cause: Cause | None = None,
        shared_reference: str | None = None,
        timestamp: int | None = None,
    ) -> str:
        """An agent, or the instance itself, could not do what is wished.

        Args:
            timestamp: of the wish that it tried to carry out, when it says so.

        Returns:
            What came of it, in words.

        Raises:
            NotFoundError: there is no such partition, or no such shared instance.
        """
        said = cause or Cause("instance-error", _last_line(text) or "failed", detail=text)
        return self._instance(
            computer_id,
            partition_id,
            InstanceStatus.ERROR,
            said,
            identity,
            shared_reference,
            timestamp,
        )

    @judged
    def _instance(  # what a report consists of
        self,
        computer_id: str,
        partition_id: str,
        status: InstanceStatus,
        cause: Cause,
        identity: Identity,
        shared_reference: str | None = None,
        timestamp: int | None = None,
    ) -> str:
        where = (computer_id, partition_id, scope(identity), shared_reference)
        with self._desk.store.read() as reader:
            instance = _reported(reader, *where)
            passed_over = self._passed_over(instance, timestamp)
            if passed_over is None and instance is not None:
                is_known = _says_nothing_new(instance.status, instance.cause, status, cause)
                if is_known and not _to_be_served(reader, instance, status):
                    passed_over = "known"
        if passed_over is not None:
            return passed_over
        with self._desk.change(identity) as change:
            instance = _reported(change.store, *where)
            passed_over = self._passed_over(instance, timestamp)
            if passed_over is None and instance is not None:
                said = self._signed(cause, instance.cause, identity, change.now)
                if said.code == "buildout-failed":
                    said = _of_parameters(change, self._desk.verdicts, instance, said)
                _keep(change, instance, status, said)
        return passed_over or "OK"

    def _passed_over(self, instance: StoredInstance | None, timestamp: int | None) -> str | None:
        """Why a report has no effect, None when it has."""
        if instance is None:
            return "the partition is free"
        if self._is_outdated(instance, timestamp):
            return "the wish has changed meanwhile"
        return None

    def _is_outdated(self, instance: StoredInstance, timestamp: int | None) -> bool:
        """Whether a report is about a wish that has changed since.

        A foreign agent does not say which wish it means; it cannot mean one that it was not given.
        """
        if timestamp is not None:
            return timestamp < instance.changed_timestamp
        return not self._desk.presence.has(instance.computer_id or "", instance.changed_revision)

    def _partition_wiped(
        self, computer_id: str, partition_id: str, identity: Identity, timestamp: int | None
    ) -> str:
        with self._desk.change(identity) as change:
            instance = seated(change.store, computer_id, partition_id)
            if instance is None:
                return "the partition is free"
            if timestamp is not None and timestamp < instance.changed_timestamp:
                return "the wish has changed meanwhile"
            if not instance.is_destroying:
                return f"{instance.title} shall not be destroyed"
            children = [child.title for child in change.store.children(instance.key)]
            if not children:
                end(self._desk, change, instance)
                return "OK"
            waits = causes.destroying(computer_id, children, change.now)
            if not instance.wiped:
                change.store.update_instance(instance.key, wiped=True)
                change.tell("instance.wiped", instance, waits, wake=False)
            return waits.message

    # ---- publishing --------------------------------------------------------------------------

    def publish(
        self,
        computer_id: str,
        partition_id: str,
        connection: Mapping[str, Any],
        identity: Identity,
        shared_reference: str | None = None,
    ) -> None:
        """Keep the connection parameters of an instance; changed ones wake its requester.

        Raises:
            NotFoundError: there is no such partition or shared instance, or it is free.
            TooLarge: the parameters are above the limit.
        """
        connection = flat(connection, "connection")
        check_size(connection, self._desk.settings.parameters_limit, "the connection parameters")
        with self._desk.store.read() as reader:
            where = (computer_id, partition_id, scope(identity))
            instance = _reported(reader, *where, shared_reference)
            if instance is not None and not _publishes(instance, connection):
                return
        with self._desk.change(identity) as change:
            instance = _reported(change.store, *where, shared_reference)
            if instance is None:
                raise no_instance(computer_id, partition_id)
            if not _publishes(instance, connection):
                return
            is_changed = instance.connection != connection
            changes: dict[str, Any] = {"connection": connection}
            if instance.shared:
                changes["status"] = InstanceStatus.STARTED
                changes["cause"] = causes.plain("ok", "served by its host", change.now)
            change.store.update_instance(instance.key, **changes)
            if not is_changed:
                change.tell("instance.started", instance, changes["cause"], wake=False)
                return
            change.bump(instance.computer_key)
            said = causes.plain("ok", f"published {', '.join(sorted(connection))}", change.now)
            to_wake = wake_requester(change, instance)
            change.tell_to(to_wake, "instance.published", instance, said)

    def _signed(self, cause: Cause, former: Cause, identity: Identity, now: float) -> Cause:
        """A reported cause, cut to size, with the time and the witness that we know ourselves."""
        cut = replace(
            cause,
            message=causes.one_line(cause.message),
            hint=causes.one_line(cause.hint),
            detail=causes.clean(cause.detail[-self._desk.settings.log_limit :]),
            since=now,
            seen_by=identity.witness,
        )
        return causes.going_on(former, cut)


def _publishes(instance: StoredInstance, connection: Mapping[str, Any]) -> bool:
    """Whether a publication says anything new; of a shared instance also that it is served."""
    is_served = instance.shared and instance.requested_state is InstanceState.STARTED
    return instance.connection != connection or (
        is_served and instance.status is not InstanceStatus.STARTED
    )


def _of_parameters(
    change: Change, verdicts: Verdicts, instance: StoredInstance, said: Cause
) -> Cause:
    """A failed configuration's cause: its parameters, when the release says they are wrong."""
    cause = invalid(change.store, verdicts, instance, change.now)
    if cause is None:
        return said
    detail = f"{cause.detail}\n{said.message}\n{said.detail}"
    return causes.going_on(instance.cause, replace(cause, detail=detail, seen_by=said.seen_by))


def _supply(reader: Reader, computer_id: str, url: str) -> StoredSupply:
    supply = reader.supply(computer_id, url)
    if supply is None:
        raise not_supplied(computer_id, url)
    return supply


def _reported(
    reader: Reader,
    computer_id: str,
    partition_id: str,
    sees: Scope,
    shared_reference: str | None,
) -> StoredInstance | None:
    instance = seated(reader, computer_id, partition_id, sees)
    if instance is None or shared_reference is None:
        return instance
    return shared_of(reader, instance, shared_reference)


def _keep(change: Change, instance: StoredInstance, status: InstanceStatus, cause: Cause) -> None:
    """Keep what was reported of an instance, and what follows for those that it serves."""
    if not cause.hint and status is InstanceStatus.ERROR:
        cause = replace(cause, hint=f"pelagos service logs {instance.title}")
    if (instance.status, instance.cause) != (status, cause):
        change.store.update_instance(instance.key, status=status, cause=cause)
        now = replace(instance, status=status, cause=cause)
        if access_status(now) != access_status(instance):
            change.bump(instance.computer_key)
        change.tell(_INSTANCE_EVENTS[status], instance, cause, wake=False)
    for shared in _to_be_served(change.store, instance, status):
        served = causes.plain("ok", f"served by {instance.title}", change.now)
        change.store.update_instance(shared.key, status=InstanceStatus.STARTED, cause=served)
        change.tell("instance.started", shared, served, wake=False)


def _to_be_served(
    reader: Reader, host: StoredInstance, status: InstanceStatus
) -> list[StoredInstance]:
    """Shared instances that a host serves again as it runs: it published for them before."""
    if host.shared or status is not InstanceStatus.STARTED:
        return []
    return [
        item
        for item in reader.shared_of_host(host.key)
        if item.status is InstanceStatus.WAITING
        and item.connection
        and item.requested_state is InstanceState.STARTED
    ]


def _says_nothing_new(
    status: InstanceStatus | ReleaseStatus,
    cause: Cause,
    new_status: InstanceStatus | ReleaseStatus,
    new_cause: Cause,
) -> bool:
    return status is new_status and (cause.code, cause.message) == (
        new_cause.code,
        causes.one_line(new_cause.message),
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
