"""Where a new instance goes. Pure: a wish and what is known of the computers in, a choice out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
_PLACING = frozenset({"computer_guid", "instance_guid"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A computer as one wish sees it.

    Attributes:
        release_status: of the wished release there; None when it is not supplied there.
    """

    computer_id: str
    free_count: int
    partition_count: int
    is_silent: bool
    release_status: ReleaseStatus | None


@dataclass(frozen=True, slots=True)
class Host:
    """An instance that could serve shared ones of the wished release and type."""

    key: int
    guid: str
    computer_id: str
    serves: int


def allocate(
    release_url: str, filters: Mapping[str, Any], candidates: Sequence[Candidate], now: float
) -> str | Cause:
    """Choose a computer, or say why none will do.

    Built releases win over unbuilt ones, then the computer with the most room, then the name.

    Args:
        release_url: the wished release.
        filters: the requester's; computer_guid names a computer.
        candidates: all computers.
        now: Unix seconds, for the cause.

    Returns:
        The id of a computer with a free partition, or the cause of there being none.
    """
    unknown = sorted(set(filters) - PASSED_THROUGH - _PLACING)
    if unknown:
        return causes.filter_unmatched(unknown, now)
    wanted = filters.get("computer_guid")
    supplied = [item for item in candidates if item.release_status is not None]
    if not supplied:
        names = [item.computer_id for item in candidates if wanted in (None, item.computer_id)]
        return causes.release_unknown(release_url, sorted(names), now)
    allowed = [item for item in supplied if wanted in (None, item.computer_id)]
    names = sorted(item.computer_id for item in allowed)
    if not allowed:
        elsewhere = sorted(item.computer_id for item in supplied)
        return causes.release_not_supplied(release_url, str(wanted), now, elsewhere=elsewhere)
    roomy = [item for item in allowed if item.free_count]
    if not roomy:
        count = sum(item.partition_count for item in allowed)
        return causes.no_partition_free(names, count, now)
    awake = [item for item in roomy if not item.is_silent]
    if not awake:
        return causes.computer_silent(min(item.computer_id for item in roomy), now)
    return min(awake, key=_rank).computer_id


def choose_host(filters: Mapping[str, Any], hosts: Sequence[Host]) -> Host | None:
    """Choose who serves a shared instance: the one that serves the fewest, then the oldest."""
    guid, computer_id = filters.get("instance_guid"), filters.get("computer_guid")
    fitting = [
        host
        for host in hosts
        if guid in (None, host.guid) and computer_id in (None, host.computer_id)
    ]
    return min(fitting, key=lambda host: (host.serves, host.key), default=None)


def _rank(item: Candidate) -> tuple[bool, int, str]:
    return (item.release_status is not ReleaseStatus.AVAILABLE, -item.free_count, item.computer_id)
