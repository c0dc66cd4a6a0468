"""The nouns of SLAP as values: what a master keeps, what an agent fetches, what a person is shown.

Pure data. Nothing here knows the wire, a database, a disk or a clock; `protocol` turns these
values into bytes and back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class InstanceState(StrEnum):
    """What a requester wishes an instance to be."""

    STARTED = "started"
    STOPPED = "stopped"
    DESTROYED = "destroyed"


class SupplyState(StrEnum):
    """What is wished of a software release on a computer."""

    AVAILABLE = "available"
    DESTROYED = "destroyed"


class ReleaseStatus(StrEnum):
    """What the agent last said of a software release on its computer."""

    REQUESTED = "requested"  # nothing said yet
    BUILDING = "building"
    AVAILABLE = "available"
    ERROR = "error"


class InstanceStatus(StrEnum):
    """What was last seen of an instance."""

    WAITING = "waiting"  # accepted; unallocated, or the agent has not reported yet
    STARTED = "started"  # runs and all its promises hold
    STOPPED = "stopped"
    ERROR = "error"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a thing is in the state it is in.

    Attributes:
        code: stable kebab-case name, one of those in docs/reference/causes.md.
        message: one line for a person: what happened and why.
        hint: what to do next; empty when nothing needs to be done.
        detail: more lines (the tail of a log, a path and line number); may be empty.
        since: Unix seconds since when this cause holds.
        seen_by: who says it: "master", "agent on COMPUTER", "instance in COMPUTER/PARTITION" or
            "person:NAME".
    """

    code: str
    message: str
    hint: str = ""
    detail: str = ""
    since: float = 0.0
    seen_by: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """One IP address of a partition and the interface that carries it."""

    interface: str
    address: str
    netmask: str = ""


# ---- what an agent posts and fetches ----


@dataclass(frozen=True, slots=True)
class PartitionFormat:
    """One partition as the agent announces it.

    Attributes:
        capabilities: it is kept for requests that name one of these in their filter.
    """

    partition_id: str
    addresses: tuple[Address, ...] = ()
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComputerFormat:
    """A computer and its partitions as its agent announces them.

    Attributes:
        properties: what filters are matched with, e.g. {"network_guid": "NET-1"}; None says
            nothing of them, and the master keeps those that it has.
    """

    computer_id: str
    partitions: tuple[PartitionFormat, ...]
    address: str = ""
    netmask: str = ""
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """A software release as one computer sees it.

    Attributes:
        unheard_since: when it was last supplied or unsupplied (Unix microseconds), until the
            master hears of it; another value than before tells of a change between two answers.
    """

    url: str
    computer_id: str
    requested_state: SupplyState = SupplyState.AVAILABLE
    unheard_since: int | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as its agent, or the instance in it, sees it.

    A free partition has `release_url` None and the requested state destroyed.

    Attributes:
        parameters: the requester's parameters alone; the reserved keys (instance_title, ip_list,
            timestamp, slap_software_type, …) are the other attributes and are merged into one
            mapping on the wire only.
        timestamp: microseconds; changes on each effective change and only then; None on a free
            partition.
        access_status: the last report as SLAP text ("#access …" or "#error …"), None before the
            first.
        shared_instances: the started shared instances that this one serves, each a flat mapping
            with slave_reference, slave_title, slap_software_type and its parameters.
    """

    computer_id: str
    partition_id: str
    requested_state: str = InstanceState.DESTROYED
    release_url: str | None = None
    instance_guid: str | None = None
    instance_title: str = ""
    root_instance_title: str = ""
    software_type: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connection: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    shared_instances: tuple[Mapping[str, Any], ...] = ()
    timestamp: int | None = None
    access_status: str | None = None

    @property
    def is_free(self) -> bool:
        """Whether no instance is allocated here."""
        return self.release_url is None


@dataclass(frozen=True, slots=True)
class Computer:
    """All that an agent needs to know, in one answer (getFullComputerInformation)."""

    computer_id: str
    partitions: tuple[Partition, ...] = ()
    releases: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True)
class InstanceRequest:
    """A wish: requestComputerPartition.

    Attributes:
        state: None keeps the stored state (started for a new instance).
        requester: (computer_id, partition_id) when an instance asks, None when a person asks.
    """

    reference: str
    release_url: str
    software_type: str = "default"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False
    state: InstanceState | None = None
    requester: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """The answer to a request: an allocated instance as its requester sees it."""

    guid: str
    title: str
    root_title: str
    computer_id: str
    partition_id: str
    release_url: str
    software_type: str
    requested_state: InstanceState
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connection: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    addresses: tuple[Address, ...] = ()
    shared_instances: tuple[Mapping[str, Any], ...] = ()
    timestamp: int = 0


# ---- what a person is shown (the master's JSON interface, /v1) ----


@dataclass(frozen=True, slots=True)
class Service:
    """One instance with everything a person asks about it."""

    reference: str
    guid: str
    release_url: str
    software_type: str
    requested_state: InstanceState
    status: InstanceStatus
    cause: Cause
    root_reference: str
    requester_guid: str | None = None
    computer_id: str | None = None
    partition_id: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connection: Mapping[str, Any] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class ServicePage:
    """Some services of a listing; `next` asks for those after them, None when there are none."""

    services: tuple[Service, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class ReleaseOnComputer:
    """One supply and what became of it."""

    url: str
    computer_id: str
    requested_state: SupplyState
    status: ReleaseStatus
    cause: Cause


@dataclass(frozen=True, slots=True)
class PartitionSummary:
    """One slot of a computer and who sits in it.

    Attributes:
        service: None when it is free; empty, and without a status, when it is another's.
    """

    partition_id: str
    service: str | None = None
    service_guid: str | None = None
    status: InstanceStatus | None = None


@dataclass(frozen=True, slots=True)
class ComputerStatus:
    """A computer with its slots; `last_seen` is Unix seconds, None when its agent never called.

    Attributes:
        draining: it takes nothing new.
        properties: what it announced of itself; filters are matched with it.
    """

    computer_id: str
    cause: Cause
    last_seen: float | None = None
    partitions: tuple[PartitionSummary, ...] = ()
    partition_count: int = 0
    free_count: int = 0
    draining: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the append-only log: what changed, why, and who did it.

    Attributes:
        kind: noun.verb, e.g. "instance.requested", "instance.started", "release.error",
            "computer.formatted".
        subject: guid of the instance, URL of the release, or id of the computer.
        computer_id: the computer whose agent needs to look, if any.
        actor: the identity that caused it, e.g. "person:admin", "computer:COMP-1", "master".
    """

    id: int
    at: float
    kind: str
    subject: str
    reference: str
    computer_id: str | None
    actor: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Alteration:
    """One thing that a request would change; `None` is "not there", the empty text is a value.

    Attributes:
        what: e.g. "release", "state", "parameters.size", "filters.region".
    """

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a request would do; nothing of it was done.

    Attributes:
        changes: of the instance itself; empty when the request changes nothing.
        effects: what follows from it, one sentence each, e.g. "restarts db".
        basis: names what the plan was made of; `apply` with it fails when that has changed.
    """

    changes: tuple[Alteration, ...]
    effects: tuple[str, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One instance of a tree; its listing is flat, a parent before its children.

    Attributes:
        depth: 0 for the root.
        shared: it is served by the instance `host_guid`, which is None when the caller does not
            see that.
    """

    guid: str
    reference: str
    depth: int
    requester_guid: str | None
    requested_state: InstanceState
    status: InstanceStatus
    cause: Cause
    release_url: str
    software_type: str
    shared: bool = False
    host_guid: str | None = None
    computer_id: str | None = None
    partition_id: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to `why`: the state of a thing, its cause and the chain that led there.

    Attributes:
        kind: "service", "computer" or "release".
        cause: the root cause, i.e. the first thing that a person should read.
        chain: the causes between the thing itself and its root cause, nearest first (may be
            empty).
        events: the newest events of the thing, newest first.
    """

    kind: str
    name: str
    state: str
    cause: Cause
    chain: tuple[Cause, ...] = ()
    events: tuple[Event, ...] = ()
