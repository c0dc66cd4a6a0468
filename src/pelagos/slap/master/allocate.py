"""Where a new instance goes. Pure: a wish and what is known of the computers in, a choice out.

Filters are compared as text, and for equality alone: `memory_size=4` is not met by a computer
that announced 8, and `4.0` is not `4`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pelagos.slap.master import causes
from pelagos.slap.model import Cause, ReleaseStatus

#: Filters that say nothing about the place: kept and handed to the agent.
PASSED_THROUGH = frozenset(
    {
        "retention_delay",
        "fw_restricted_access",
        "fw_authorized_sources",
        "fw_rejected_sources",
    }
)
#: Filters with a meaning of their own.
PLACING = frozenset({"computer_guid", "instance_guid", "capability", "mode"})
#: What computers may announce of themselves at any site; a site may add its own.
PROPERTIES = frozenset(
    {
        "network_guid",
        "project_guid",
        "group",
        "cpu_core",
        "cpu_frequency",
        "cpu_type",
        "local_area_network_type",
        "region",
        "memory_size",
        "memory_type",
        "storage_capacity",
        "storage_interface",
        "storage_redundancy",
    }
)
UNIQUE_BY_NETWORK = "unique_by_network"

T = TypeVar("T", "Candidate", "Host")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A computer as one wish sees it.

    Attributes:
        free_count: free partitions that the wish may have: those that carry the capability that
            it names, or those that carry none.
        release_status: of the wished release there; None when it is not supplied there.
        properties: what the computer announced of itself.
        has_sibling: the network that it is in has an instance of the same tree already.
    """

    computer_id: str
    free_count: int
    partition_count: int
    is_silent: bool
    release_status: ReleaseStatus | None
    is_draining: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    has_sibling: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """An instance that could serve shared ones of the wished release and type."""

    key: int
    guid: str
    computer_id: str
    serves: int
    is_draining: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)


def allocate(
    release_url: str,
    filters: Mapping[str, Any],
    candidates: Sequence[Candidate],
    now: float,
    own_keys: Collection[str] = (),
) -> str | Cause:
    """Choose a computer, or say why none will do.

    Built releases win over unbuilt ones, then the computer with the most room, then the name.

    Args:
        release_url: the wished release.
        filters: the requester's.
        candidates: all computers that the requester's instances may be placed on.
        now: Unix seconds, for the cause.
        own_keys: properties that the site's computers announce beyond `PROPERTIES`.

    Returns:
        The id of a computer with a free partition, or the cause of there being none.
    """
    refused = refuse_filters(filters, now, own_keys)
    if refused is not None:
        return refused
    wanted = filters.get("computer_guid")
    supplied = [item for item in candidates if item.release_status is not None]
    if not supplied:
        names = [item.computer_id for item in candidates if wanted in (None, item.computer_id)]
        return causes.release_unknown(release_url, sorted(names), now)
    allowed = [item for item in supplied if wanted in (None, item.computer_id)]
    if not allowed:
        elsewhere = sorted(item.computer_id for item in supplied)
        return causes.release_not_supplied(release_url, str(wanted), now, elsewhere=elsewhere)
    return _among(allowed, filters, now)


def refuse_filters(
    filters: Mapping[str, Any], now: float, own_keys: Collection[str] = (), *, shared: bool = False
) -> Cause | None:
    """Why these filters can never be met, None when they could be."""
    known = PASSED_THROUGH | PLACING | PROPERTIES | frozenset(own_keys)
    unknown = sorted(set(filters) - known)
    if unknown:
        return causes.filter_unknown(unknown, known, now)
    mode = filters.get("mode")
    if mode not in (None, UNIQUE_BY_NETWORK):
        said = f"mode={mode} is not a way to choose a computer"
        return causes.filter_unmatched(said, f"use mode={UNIQUE_BY_NETWORK}, or none", now)
    if not shared and filters.get("instance_guid") is not None:
        said = "instance_guid chooses who serves a shared instance, and this one is not shared"
        return causes.filter_unmatched(said, "request it as shared, or without this filter", now)
    return None


def refuse_properties(
    filters: Mapping[str, Any],
    announced: Sequence[Mapping[str, str]],
    now: float,
    own_keys: Collection[str] = (),
) -> Cause | None:
    """What `allocate` says of properties that none of these sets has; None when it goes on."""
    refused = refuse_filters(filters, now, own_keys)
    if refused is not None:
        return refused
    alike = [Candidate("", 0, 0, False, None, properties=item) for item in announced]
    _, missed = _matching(alike, filters)
    return None if missed is None else causes.filter_unmatched(*missed, now)


def choose_host(filters: Mapping[str, Any], hosts: Sequence[Host], now: float) -> Host | Cause:
    """Choose who serves a shared instance: the one that serves the fewest, then the oldest.

    Returns:
        The host, or why none of these will do.
    """
    guid, computer_id = filters.get("instance_guid"), filters.get("computer_guid")
    named = [item for item in hosts if guid in (None, item.guid)]
    if not named:
        return causes.no_shared_host(f"no instance {guid} could serve it", now)
    there = [item for item in named if computer_id in (None, item.computer_id)]
    if not there:
        where = ", ".join(sorted({item.computer_id for item in named})[:3])
        return causes.filter_unmatched(
            f"no instance that could serve it is on {computer_id}",
            f"use computer_guid={where}, or none",
            now,
        )
    matching, missed = _matching(there, filters)
    if missed is not None:
        return causes.filter_unmatched(*missed, now)
    opened = [item for item in matching if not item.is_draining]
    if not opened:
        return causes.computer_draining(min(item.computer_id for item in matching), now)
    return min(opened, key=lambda host: (host.serves, host.key))


def _among(allowed: Sequence[Candidate], filters: Mapping[str, Any], now: float) -> str | Cause:
    matching, missed = _matching(allowed, filters)
    if missed is not None:
        return causes.filter_unmatched(*missed, now)
    if filters.get("mode") == UNIQUE_BY_NETWORK:
        matching = [item for item in matching if not item.has_sibling]
        if not matching:
            said = "each network has an instance of this tree already, and mode=unique_by_network"
            hint = "request it without mode, or supply the release in another network"
            return causes.filter_unmatched(said, hint, now)
    opened = [item for item in matching if not item.is_draining]
    if not opened:
        return causes.computer_draining(min(item.computer_id for item in matching), now)
    roomy = [item for item in opened if item.free_count]
    if not roomy:
        names = sorted(item.computer_id for item in opened)
        count = sum(item.partition_count for item in opened)
        capability = filters.get("capability")
        return causes.no_partition_free(names, count, now, capability=capability)
    awake = [item for item in roomy if not item.is_silent]
    if not awake:
        return causes.computer_silent(min(item.computer_id for item in roomy), now)
    return min(awake, key=_rank).computer_id


def _matching(
    items: Sequence[T], filters: Mapping[str, Any]
) -> tuple[list[T], tuple[str, str] | None]:
    """Those with the wished properties; when there are none, what was missed and what to do."""
    left = list(items)
    for key in sorted(set(filters) - PASSED_THROUGH - PLACING):
        wanted = filters[key] or ""
        having = [item for item in left if item.properties.get(key, "") == wanted]
        if not having:
            there = sorted({item.properties[key] for item in left if item.properties.get(key)})
            known = f"; there is {', '.join(there[:5])}" if there else "; none announced it"
            said = f"no computer that would do has {key}={wanted}{known}"
            hint = (
                f"request it with {key}={there[0]}, or without {key}"
                if there
                else f"request it without {key}, or announce it in the computer's configuration"
            )
            return [], (said, hint)
        left = having
    return left, None


def _rank(item: Candidate) -> tuple[bool, int, str]:
    return (item.release_status is not ReleaseStatus.AVAILABLE, -item.free_count, item.computer_id)
