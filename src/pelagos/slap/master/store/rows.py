"""What a row holds, as values: the store's half of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.slap.model import (
    Address,
    Cause,
    InstanceState,
    InstanceStatus,
    ReleaseStatus,
    SupplyState,
)


@dataclass(frozen=True, slots=True)
class StoredComputer:
    """One computer; `key` is the row's, `computer_id` the world's.

    Attributes:
        owner: the person that it belongs to, e.g. "person:ann"; "" for the site's.
        properties: what filters are matched with.
        draining: no new instance is placed here.
        free: partitions that are offered, free and without a capability.
    """

    key: int
    computer_id: str
    created: float
    last_seen: float | None
    revision: int
    owner: str = ""
    title: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    draining: bool = False
    free: int = 0


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """A computer that is asked to supply a release, and has room."""

    computer: StoredComputer
    release_status: ReleaseStatus


@dataclass(frozen=True, slots=True)
class StoredCrowd:
    """Computers that supply a release and take new instances.

    Attributes:
        roomy: those of them with a free partition.
        slots: partitions of all of them, those with a capability left out.
        first: the first of them by name, when none has room.
    """

    count: int
    roomy: int
    slots: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredPartition:
    """One slot; `instance_key` is its instance's, None when free."""

    key: int
    partition_id: str
    offered: bool
    addresses: tuple[Address, ...]
    instance_key: int | None = None
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredSeat:
    """The little that a listing of computers says of who sits in a partition."""

    title: str
    guid: str
    status: InstanceStatus
    owner: str


@dataclass(frozen=True, slots=True)
class StoredSupply:
    """One supply with its computer."""

    key: int
    computer_key: int
    computer_id: str
    url: str
    requested_state: SupplyState
    status: ReleaseStatus
    cause: Cause


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One instance with what its root, requester, host and partition add to it.

    Attributes:
        scope: a root's owner, the root's guid for a descendant, None once destroyed.
        wished_state: what its requester asked; see `requested_state`.
        changed_timestamp: its timestamp at the last effective change; a bang or a child's
            publication moves `timestamp` alone.
        changed_revision: its computer's revision at the last effective change.
        cause: of the last report, or, while unallocated, why it is.
        wiped: its agent reported it destroyed while it still had children.
        computer_id: where it sits; a shared instance sits where its host does.
    """

    key: int
    guid: str
    title: str
    scope: str | None
    root_key: int | None
    requester_key: int | None
    owner: str
    shared: bool
    host_key: int | None
    release_url: str
    software_type: str
    wished_state: InstanceState
    parameters: Mapping[str, Any]
    connection: Mapping[str, Any]
    filters: Mapping[str, Any]
    partition_key: int | None
    timestamp: int
    changed_timestamp: int
    changed_revision: int
    status: InstanceStatus
    cause: Cause
    wiped: bool
    created: float
    ended: float | None
    root_title: str
    root_guid: str
    root_state: InstanceState
    requester_guid: str | None
    computer_key: int | None
    computer_id: str | None
    partition_id: str | None
    addresses: tuple[Address, ...]

    @property
    def requested_state(self) -> InstanceState:
        """The state that holds: a root that is not started overrules its descendants."""
        if self.wished_state is InstanceState.DESTROYED:
            return InstanceState.DESTROYED
        if self.root_state is not InstanceState.STARTED:
            return self.root_state
        return self.wished_state

    @property
    def is_live(self) -> bool:
        """Whether it exists still (it may be on its way out)."""
        return self.ended is None

    @property
    def is_destroying(self) -> bool:
        """Whether its end was asked for and has not come yet."""
        return self.is_live and self.requested_state is InstanceState.DESTROYED

    @property
    def is_allocated(self) -> bool:
        """Whether it sits somewhere."""
        return self.partition_id is not None


@dataclass(frozen=True, slots=True)
class NewInstance:
    """What a new instance begins with.

    Attributes:
        partition_key: where it sits from the start, None while it has no place.
        changed_revision: as in `StoredInstance`.
    """

    guid: str
    title: str
    scope: str
    root_key: int | None
    requester_key: int | None
    owner: str
    shared: bool
    host_key: int | None
    release_url: str
    software_type: str
    wished_state: InstanceState
    parameters: Mapping[str, Any]
    filters: Mapping[str, Any]
    timestamp: int
    cause: Cause
    created: float
    partition_key: int | None = None
    changed_revision: int = 0


def unborn(new: NewInstance, requester: StoredInstance | None) -> StoredInstance:
    """A new instance as it will be read, but for its key and its place."""
    return StoredInstance(
        key=0,
        guid=new.guid,
        title=new.title,
        scope=new.scope,
        root_key=new.root_key,
        requester_key=new.requester_key,
        owner=new.owner,
        shared=new.shared,
        host_key=new.host_key,
        release_url=new.release_url,
        software_type=new.software_type,
        wished_state=new.wished_state,
        parameters=new.parameters,
        connection={},
        filters=new.filters,
        partition_key=new.partition_key,
        timestamp=new.timestamp,
        changed_timestamp=new.timestamp,
        changed_revision=new.changed_revision,
        status=InstanceStatus.WAITING,
        cause=new.cause,
        wiped=False,
        created=new.created,
        ended=None,
        root_title=new.title if requester is None else requester.root_title,
        root_guid=new.guid if requester is None else requester.root_guid,
        root_state=new.wished_state if requester is None else requester.root_state,
        requester_guid=None if requester is None else requester.guid,
        computer_key=None,
        computer_id=None,
        partition_id=None,
        addresses=(),
    )
