"""Rows into values, and values into the JSON text of columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from pelagos.core import wire
from pelagos.slap.master.store.lean import Row
from pelagos.slap.master.store.rows import (
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredSupply,
)
from pelagos.slap.model import (
    Address,
    Cause,
    Event,
    InstanceState,
    InstanceStatus,
    ReleaseStatus,
    SupplyState,
)


def computer_of_row(row: Row) -> StoredComputer:
    """A computer."""
    key, computer_id, created, last_seen, revision, owner, title, properties, draining, free = row
    return StoredComputer(
        key=key,
        computer_id=computer_id,
        created=created,
        last_seen=last_seen,
        revision=revision,
        owner=owner,
        title=title,
        properties={} if properties == "{}" else wire.decode(properties),
        draining=bool(draining),
        free=free,
    )


def supply_of_row(row: Row) -> StoredSupply:
    """A supply."""
    key, computer_key, url, requested_state, status, cause, computer_id = row
    return StoredSupply(
        key,
        computer_key,
        computer_id,
        url,
        SupplyState(requested_state),
        ReleaseStatus(status),
        wire.decode(cause, Cause),
    )


def partition_of_row(row: Row) -> StoredPartition:
    """A partition, and who sits there."""
    key, _, partition_id, _, offered, addresses, capabilities, instance_key = row
    return StoredPartition(
        key,
        partition_id,
        bool(offered),
        _addresses(addresses),
        instance_key,
        tuple(wire.decode(capabilities)),
    )


def event_of_row(row: sa.Row[Any]) -> Event:
    """An event."""
    return Event(
        id=row.id,
        at=row.at,
        kind=row.kind,
        subject=row.subject,
        reference=row.reference,
        computer_id=row.computer_id,
        actor=row.actor,
        cause=wire.decode(row.cause, Cause),
    )


#: What `statements` asks of an instance, in the order of its columns.
_INSTANCE = (
    *("key", "guid", "title", "scope", "root_key", "requester_key", "owner", "shared", "host_key"),
    *("release_url", "software_type", "wished_state", "parameters", "connection", "filters"),
    *("partition_key", "timestamp", "changed_timestamp", "changed_revision", "status", "cause"),
    *("wiped", "created", "ended", "root_title", "root_guid", "root_state", "requester_guid"),
    *("partition_id", "addresses", "computer_key", "computer_id"),
)


def instance_of_row(row: Row) -> StoredInstance:
    """An instance with what its root, requester, host and partition add to it."""
    values = dict(zip(_INSTANCE, row, strict=True))
    for name in ("shared", "wiped"):
        values[name] = bool(values[name])
    for name in ("wished_state", "root_state"):
        values[name] = InstanceState(values[name])
    for name in ("parameters", "connection", "filters"):
        values[name] = wire.decode(values[name])
    values["status"] = InstanceStatus(values["status"])
    values["cause"] = wire.decode(values["cause"], Cause)
    values["addresses"] = _addresses(values["addresses"])
    return StoredInstance(**values)


def _addresses(text: str | None) -> tuple[Address, ...]:
    if text is None:
        return ()
    found: tuple[Address, ...] = wire.decode(text, tuple[Address, ...])
    return found


def json_text(value: Iterable[object] | object) -> str:
    """A value as the JSON text of a column."""
    return wire.encode(value).decode()
