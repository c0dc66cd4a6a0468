"""What an agent remembers of what it did, since it started.

Times are seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pelagos.slap.agent.step import StepKind
from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class ReleaseMemory:
    """What this agent remembers of one release since it started.

    Attributes:
        tried: what was last tried, unless a release was built; failures, retry_at belong to it.
        failures: failed attempts in a row.
        retry_at: not before then.
        is_known: the master has heard from this agent that the release is usable.
        is_built: built and not yet marked as complete, because the master has not been reached.
    """

    tried: StepKind | None = None
    failures: int = 0
    retry_at: float = 0.0
    is_known: bool = False
    is_built: bool = False
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class PartitionMemory:
    """What this agent remembers of one partition since it started.

    Attributes:
        wish: key of the wish that was last carried out (or was found carried out).
        tried: key of the wish last tried; failures, retry_at, is_destroyed belong to it.
        stop_at: what runs and should not is stopped again no sooner.
        grace_until: before then a promise that does not hold yet is no failure.
        checks: checks since the last start without a good end; sets the pace.
        check_at: the next check.
        is_well: the last verdict; None before the first.
        has_been_well: whether it was well since it was last configured.
        reruns: configurations in a row for the sake of a promise that does not hold.
        rerun_at: the next of them; None while no promise is known not to hold.
        refused: code of the last refusal that was reported.
        revived: revivals in a row without a good check.
        revive_at: the next revival at the earliest.
        supervise_at: programs that the supervisor does not know are given to it no sooner.
        pids: the programs' pids at the last check, to see a restart at once.
        restarts: when programs were seen to have been restarted by the supervisor, lately.
    """

    wish: str | None = None
    tried: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    stop_at: float = 0.0
    grace_until: float = 0.0
    checks: int = 0
    check_at: float = 0.0
    is_well: bool | None = None
    has_been_well: bool = False
    reruns: int = 0
    rerun_at: float | None = None
    refused: str | None = None
    revived: int = 0
    revive_at: float = 0.0
    supervise_at: float = 0.0
    pids: tuple[tuple[str, int | None], ...] = ()
    restarts: tuple[float, ...] = ()
    is_destroyed: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """All that the agent remembers."""

    releases: Mapping[str, ReleaseMemory] = field(default_factory=dict)
    partitions: Mapping[str, PartitionMemory] = field(default_factory=dict)

    def release(self, url: str) -> ReleaseMemory:
        """What is remembered of a release."""
        return self.releases.get(url, ReleaseMemory())

    def partition(self, partition_id: str) -> PartitionMemory:
        """What is remembered of a partition."""
        return self.partitions.get(partition_id, PartitionMemory())
