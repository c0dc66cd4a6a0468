"""Decide what to do next: wish, sight and memory in; steps and reasons out.

Pure. Nothing here touches a disk, a process, a clock or the network; times are seconds of the
monotonic clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pelagos.slap.agent.facts import PartitionSeen, ProgramState, Seen
from pelagos.slap.agent.memory import Memory, PartitionMemory, ReleaseMemory
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.model import Cause, Computer, InstanceState, Partition, Release, SupplyState

SHORTEST_CHECK = 0.05
_GIVEN_UP = frozenset({ProgramState.FATAL, ProgramState.EXITED, ProgramState.STOPPED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, why nothing is done to the rest, and when to plan again.

    Attributes:
        reasons: subject → why no step of it is here, in a few words.
        due: when a step becomes due by itself; None when only news can bring one.
    """

    steps: tuple[Step, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    due: float | None = None


class _Draft:
    def __init__(self, now: float) -> None:
        self.now = now
        self.steps: list[Step] = []
        self.reasons: dict[str, str] = {}
        self.due: float | None = None

    def add(
        self,
        kind: StepKind,
        subject: str,
        partition: Partition | None = None,
        cause: Cause | None = None,
    ) -> None:
        self.steps.append(Step(kind, subject, partition, cause))

    def at(self, when: float, subject: str, reason: str) -> bool:
        """Whether the time has come; notes the reason and the time when not."""
        if when <= self.now:
            return True
        self.reasons[subject] = reason
        self.due = when if self.due is None else min(self.due, when)
        return False


def make_plan(
    wish: Computer, seen: Seen, memory: Memory, now: float, *, busy: frozenset[str] = frozenset()
) -> Plan:
    """The steps that should begin now.

    Args:
        wish: the master's last answer.
        busy: subjects with a running step or a report on its way; they are left alone.
    """
    draft = _Draft(now)
    supplied = {r.url: r.requested_state for r in wish.releases}
    users = {p.release_url: p.partition_id for p in wish.partitions if not p.is_free}
    for release in wish.releases:
        if release.url in busy:
            draft.reasons[release.url] = "at work"
        else:
            _plan_release(draft, release, seen, memory.release(release.url), users)
    for partition in wish.partitions:
        name = partition.partition_id
        if name not in seen.partitions:
            draft.reasons[name[:80]] = "not a partition of this computer"
        elif name in busy:
            draft.reasons[name] = "at work"
        else:
            _plan_partition(draft, partition, seen, supplied, memory.partition(name))
    return Plan(tuple(draft.steps), draft.reasons, draft.due)


def wish_key(partition: Partition) -> str:
    """What identifies a wish: the master's timestamp, or its content when there is none."""
    if partition.timestamp is not None:
        return str(partition.timestamp)
    told = (
        partition.instance_guid,
        partition.requested_state,
        partition.release_url,
        partition.software_type,
        sorted((str(k), repr(v)) for k, v in partition.parameters.items()),
        [sorted((str(k), repr(v)) for k, v in s.items()) for s in partition.shared_instances],
    )
    return "content-" + hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _plan_release(
    draft: _Draft,
    release: Release,
    seen: Seen,
    known: ReleaseMemory,
    users: Mapping[str | None, str],
) -> None:
    url = release.url
    is_removed = release.requested_state is SupplyState.DESTROYED
    is_new = known.tried not in {None, StepKind.REMOVE if is_removed else StepKind.BUILD}
    again = "failed; waits to try again" if known.failures else "waits to be tried again"
    if is_removed:
        if url in users:
            draft.reasons[url] = f"is to be removed; {users[url]} still uses it"
        elif is_new or draft.at(known.retry_at, url, f"removal {again}"):
            draft.add(StepKind.REMOVE, url)
    elif url in seen.complete_releases:
        if known.is_known:
            draft.reasons[url] = "available"
        else:
            draft.add(StepKind.ANNOUNCE, url)
    elif known.is_built:
        draft.reasons[url] = "built; waits until the master has heard it"
    elif is_new or draft.at(known.retry_at, url, f"the build {again}"):
        draft.add(StepKind.BUILD, url)


def _plan_partition(
    draft: _Draft,
    partition: Partition,
    seen: Seen,
    supplied: Mapping[str, SupplyState],
    known: PartitionMemory,
) -> None:
    name = partition.partition_id
    here = seen.partitions[name]
    if partition.is_free:
        is_odd = not here.is_empty
        draft.reasons[name] = "free, but files lie in it: left alone" if is_odd else "free"
        return
    if _is_to_stop_first(partition, here, seen):
        _plan_stop(draft, partition, known)
        return
    obstacle = _obstacle(partition, here, seen, supplied)
    if isinstance(obstacle, Cause):
        if known.refused != obstacle.code:
            draft.add(StepKind.REFUSE, name, partition=partition, cause=obstacle)
        else:
            draft.reasons[name] = obstacle.code
    elif obstacle is not None:
        draft.reasons[name] = obstacle
    elif partition.requested_state == InstanceState.DESTROYED:
        _plan_destruction(draft, partition, known)
    else:
        _plan_instance(
            draft, partition, here, known, seen.periods.get(partition.release_url or "")
        )


def _obstacle(
    partition: Partition, here: PartitionSeen, seen: Seen, supplied: Mapping[str, SupplyState]
) -> Cause | str | None:
    """What stands in the way: a cause to report, a reason that the master knows, or nothing."""
    if here.guid and partition.instance_guid and here.guid != partition.instance_guid:
        return Cause(
            "partition-occupied",
            f"{partition.partition_id} still holds the files of another instance ({here.guid}).",
            "Nothing was touched. Save what is worth it, empty the partition's folder, then bang.",
        )
    if partition.requested_state == InstanceState.DESTROYED:
        return None
    if partition.requested_state not in {InstanceState.STARTED, InstanceState.STOPPED}:
        return Cause(
            "instance-error",
            f"The wished state {partition.requested_state[:40]!r} is not one that an agent knows.",
            "Request started, stopped or destroyed.",
        )
    url = partition.release_url or ""
    if url in seen.complete_releases:
        return None
    if supplied.get(url) is SupplyState.AVAILABLE:
        return "its release is not built yet"
    return Cause(
        "release-not-supplied",
        f"The release {url} is not supplied to this computer, so it is not built.",
        f"Run: pelagos supply {url} {partition.computer_id}",
    )


def _plan_stop(draft: _Draft, partition: Partition, known: PartitionMemory) -> None:
    name = partition.partition_id
    is_new = known.tried != wish_key(partition)
    if not draft.at(known.stop_at, name, "was stopped just now"):
        return
    if is_new or draft.at(known.retry_at, name, "stopping failed; waits to try again"):
        draft.add(StepKind.STOP, name, partition=partition)


def _is_to_stop_first(partition: Partition, here: PartitionSeen, seen: Seen) -> bool:
    """Whether programs run that should not, while nothing can be configured."""
    if partition.requested_state != InstanceState.STOPPED:
        return False
    if here.guid and partition.instance_guid and here.guid != partition.instance_guid:
        return False
    is_alive = any(program.is_alive for program in here.programs)
    return is_alive and partition.release_url not in seen.complete_releases


def _plan_destruction(draft: _Draft, partition: Partition, known: PartitionMemory) -> None:
    name = partition.partition_id
    waiting = "destroyed" if known.is_destroyed else "destroying failed"
    is_new = known.tried != wish_key(partition)
    if is_new or draft.at(known.retry_at, name, f"{waiting}; waits to tell the master again"):
        draft.add(StepKind.DESTROY, name, partition=partition)


def _plan_instance(
    draft: _Draft,
    partition: Partition,
    here: PartitionSeen,
    known: PartitionMemory,
    period: float | None,
) -> None:
    name = partition.partition_id
    key = wish_key(partition)
    if key not in {known.wish, here.timestamp}:
        is_new = known.tried != key
        if is_new or draft.at(known.retry_at, name, "configuring failed; waits to try again"):
            draft.add(StepKind.DEPLOY, name, partition=partition)
    elif partition.requested_state == InstanceState.STARTED:
        _plan_upkeep(draft, partition, here, known, period)
    elif any(program.is_alive for program in here.programs) or _is_expired(
        draft, name, here, period
    ):
        draft.add(StepKind.DEPLOY, name, partition=partition)
    else:
        draft.reasons[name] = "stopped"


def _is_expired(draft: _Draft, name: str, here: PartitionSeen, period: float | None) -> bool:
    """Whether the instance is to be configured again for no other reason than that time passed."""
    if period is None or here.age is None:
        return False
    return draft.at(draft.now + period - here.age, name, "configured not long ago")


def _plan_upkeep(
    draft: _Draft,
    partition: Partition,
    here: PartitionSeen,
    known: PartitionMemory,
    period: float | None,
) -> None:
    """What a started instance needs, whose wish was carried out."""
    name = partition.partition_id
    if here.is_unsupervised:
        if draft.at(known.supervise_at, name, "its programs are not supervised"):
            draft.add(StepKind.DEPLOY, name, partition=partition)
    elif known.rerun_at is not None and draft.at(known.rerun_at, name, "a promise does not hold"):
        draft.add(StepKind.DEPLOY, name, partition=partition)
    elif _is_revival_due(draft, here, known):
        draft.add(StepKind.REVIVE, name, partition=partition)
    elif known.is_well and _is_expired(draft, name, here, period):
        draft.add(StepKind.DEPLOY, name, partition=partition)
    elif known.pids != pids_of(here) or draft.at(known.check_at, name, "well, or being checked"):
        draft.add(StepKind.CHECK, name, partition=partition)


def _is_revival_due(draft: _Draft, here: PartitionSeen, known: PartitionMemory) -> bool:
    """Whether a program that should run was given up, and may be started again now."""
    if known.is_well is not False:
        return False
    if not any(p.is_kept and p.state in _GIVEN_UP for p in here.programs):
        return False
    return known.revive_at <= draft.now


def pids_of(here: PartitionSeen) -> tuple[tuple[str, int | None], ...]:
    """The programs and their pids, comparable."""
    return tuple(sorted((program.name, program.pid) for program in here.programs))


def check_delay(checks: int, interval: float) -> float:
    """Seconds until the next check after so many unfinished ones: short first.

    >>> [check_delay(n, 5.0) for n in (1, 2, 3, 8, 20)]
    [0.05, 0.1, 0.2, 5.0, 5.0]
    """
    return min(interval, SHORTEST_CHECK * 2.0 ** min(checks - 1, 30))
