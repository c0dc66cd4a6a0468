"""What is remembered of a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.slap.agent.facts import PartitionSeen, Seen
from pelagos.slap.agent.memory import Memory, PartitionMemory, ReleaseMemory
from pelagos.slap.agent.plan import Plan, make_plan
from pelagos.slap.agent.recall import Recall
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.verdict import Health
from pelagos.slap.model import Cause, Computer, InstanceState, Partition, Release, SupplyState

SETTINGS = AgentSettings("COMP", Path("/x"), retry_first=5, retry_limit=60, promise_interval=5)
RECALL = Recall(SETTINGS)
WISH = Partition("COMP", "slappart0", timestamp=7, release_url="/r")


def step(kind: StepKind) -> Step:
    return Step(kind, "slappart0", WISH)


FAILED = Outcome(is_done=False, cause=Cause("buildout-failed", "no"))
DEFERRED = Outcome(is_done=False, retry_after=1.0)


def planned(wish: Partition, known: PartitionMemory, now: float = 100.0) -> Plan:
    seen = Seen(frozenset({"/r"}), {"slappart0": PartitionSeen()})
    return make_plan(Computer("COMP", (wish,)), seen, Memory({}, {"slappart0": known}), now)


def planned_release(state: SupplyState, known: ReleaseMemory, now: float = 100.0) -> Plan:
    supplied = Computer("COMP", releases=(Release("/r", "COMP", state),))
    return make_plan(supplied, Seen(frozenset(), {}), Memory({"/r": known}), now)


def test_failed_builds_wait_longer_and_longer() -> None:
    known = ReleaseMemory()
    waits = []
    for _ in range(6):
        known = RECALL.release(known, Step(StepKind.BUILD, "/r"), FAILED, 100.0)
        waits.append(known.retry_at - 100.0)
    assert waits == [5, 10, 20, 40, 60, 60]
    done = RECALL.release(known, Step(StepKind.BUILD, "/r"), Outcome(), 100.0)
    assert done.failures == 0 and done.is_built


def test_a_removal_that_fails_counts_no_failed_builds() -> None:
    build, remove = Step(StepKind.BUILD, "/r"), Step(StepKind.REMOVE, "/r")
    known = RECALL.release(ReleaseMemory(), build, FAILED, 100.0)
    known = RECALL.release(known, build, FAILED, 100.0)
    assert (known.tried, known.failures) == (StepKind.BUILD, 2)
    known = RECALL.release(known, remove, FAILED, 100.0)
    assert (known.tried, known.failures) == (StepKind.REMOVE, 1)


def test_a_step_that_fails_after_it_was_deferred_counts_no_failures_of_another() -> None:
    build, remove = Step(StepKind.BUILD, "/r"), Step(StepKind.REMOVE, "/r")
    known = RECALL.release(ReleaseMemory(), build, FAILED, 100.0)
    known = RECALL.release(known, remove, DEFERRED, 100.0)
    assert RECALL.release(known, remove, FAILED, 100.0).failures == 1
    old = Step(StepKind.DEPLOY, "slappart0", Partition("COMP", "slappart0", timestamp=6))
    here = RECALL.partition(PartitionMemory(), old, FAILED, 100.0)
    here = RECALL.partition(here, step(StepKind.DEPLOY), DEFERRED, 100.0)
    assert RECALL.partition(here, step(StepKind.DEPLOY), FAILED, 100.0).failures == 1


def test_what_was_stopped_first_is_configured_as_soon_as_its_release_is_built() -> None:
    wish = replace(WISH, requested_state=InstanceState.STOPPED)
    stop = Step(StepKind.STOP, "slappart0", wish)
    known = PartitionMemory()
    for outcome in (FAILED, Outcome()):
        known = RECALL.partition(known, stop, outcome, 100.0)
    made = planned(wish, known)
    assert [s.kind for s in made.steps] == [StepKind.DEPLOY], made.reasons


def test_what_was_removed_and_is_supplied_again_is_built_at_once() -> None:
    known = ReleaseMemory()
    for outcome in (FAILED, Outcome()):
        known = RECALL.release(known, Step(StepKind.REMOVE, "/r"), outcome, 100.0)
    again = planned_release(SupplyState.AVAILABLE, known)
    assert [s.kind for s in again.steps] == [StepKind.BUILD], again.reasons


def test_a_removal_is_told_again_in_its_time_and_not_called_failed() -> None:
    known = RECALL.release(ReleaseMemory(), Step(StepKind.REMOVE, "/r"), Outcome(), 100.0)
    waiting = planned_release(SupplyState.DESTROYED, known)
    assert (waiting.steps, waiting.due) == ((), 130.0)
    assert "failed" not in waiting.reasons["/r"]
    late = planned_release(SupplyState.DESTROYED, known, 130.0)
    assert [s.kind for s in late.steps] == [StepKind.REMOVE]


def test_a_build_that_was_deferred_is_not_called_failed() -> None:
    known = RECALL.release(ReleaseMemory(), Step(StepKind.BUILD, "/r"), DEFERRED, 100.0)
    waiting = planned_release(SupplyState.AVAILABLE, known)
    assert waiting.due == 101.0 and "failed" not in waiting.reasons["/r"]


@pytest.mark.parametrize("kind", [StepKind.ANNOUNCE, StepKind.BUILD])
def test_a_removal_waits_for_nothing_that_was_tried_before(kind: StepKind) -> None:
    known = RECALL.release(ReleaseMemory(), Step(kind, "/r"), FAILED, 100.0)
    made = planned_release(SupplyState.DESTROYED, known)
    assert [s.kind for s in made.steps] == [StepKind.REMOVE]


def test_a_deferred_step_is_no_failure() -> None:
    known = RECALL.release(
        ReleaseMemory(), Step(StepKind.BUILD, "/r"), Outcome(is_done=False, retry_after=1.0), 100.0
    )
    assert (known.failures, known.retry_at) == (0, 101.0)


def test_a_deployment_starts_the_grace_period() -> None:
    known = RECALL.partition(PartitionMemory(failures=3), step(StepKind.DEPLOY), Outcome(), 100.0)
    assert known.wish == known.tried == "7"
    assert known.grace_until == 110.0
    assert known.check_at < 101.0 and known.failures == 0
    assert known.retry_at == 0.0  # nothing that comes next has to wait


def test_failed_deployments_of_one_wish_wait_longer_and_another_wish_starts_anew() -> None:
    known = PartitionMemory()
    for wait in (5, 10, 20):
        known = RECALL.partition(known, step(StepKind.DEPLOY), FAILED, 100.0)
        assert known.retry_at == 100.0 + wait and known.wish is None
    other = Step(StepKind.DEPLOY, "slappart0", Partition("COMP", "slappart0", timestamp=8))
    assert RECALL.partition(known, other, FAILED, 100.0).retry_at == 105.0


def check(known: PartitionMemory, health: Health, now: float = 100.0) -> PartitionMemory:
    return RECALL.partition(known, step(StepKind.CHECK), Outcome(health=health), now)


def test_checks_come_quickly_after_a_start_and_then_at_the_interval() -> None:
    known = PartitionMemory(wish="7")
    delays = []
    for _ in range(9):
        known = check(known, Health.UNSETTLED)
        delays.append(known.check_at - 100.0)
    assert delays == sorted(delays)
    assert delays[0] < 0.1 and delays[-1] == 5.0
    well = check(known, Health.WELL)
    assert (well.check_at, well.checks, well.is_well) == (105.0, 0, True)


def test_what_needs_only_time_is_looked_at_often() -> None:
    known = PartitionMemory(wish="7")
    for _ in range(9):
        known = check(known, Health.STARTING)
        assert known.check_at - 100.0 <= 0.3


@pytest.mark.parametrize("health", [Health.CRASHED, Health.PROMISE_FAILED])
def test_what_is_not_well_is_looked_at_within_seconds(health: Health) -> None:
    known = check(PartitionMemory(wish="7"), health)
    assert known.is_well is False and 101.0 <= known.check_at <= 105.0


def test_revivals_wait_longer_and_longer_until_all_is_well() -> None:
    known = PartitionMemory(wish="7", is_well=False)
    known = RECALL.partition(known, step(StepKind.REVIVE), Outcome(), 100.0)
    assert known.revive_at == 110.0
    known = RECALL.partition(known, step(StepKind.REVIVE), Outcome(), 100.0)
    assert known.revive_at == 120.0
    assert check(known, Health.WELL).revived == 0


def test_restarts_are_remembered_for_a_minute() -> None:
    known = PartitionMemory(wish="7")
    restarted = Outcome(health=Health.WELL, was_restarted=True)
    for now in (100.0, 130.0, 170.0):
        known = RECALL.partition(known, step(StepKind.CHECK), restarted, now)
    assert known.restarts == (130.0, 170.0)


def test_a_destruction_is_told_again_while_the_master_still_wishes_it() -> None:
    known = RECALL.partition(PartitionMemory(), step(StepKind.DESTROY), Outcome(), 100.0)
    assert known.is_destroyed and known.retry_at == 130.0
    wish = replace(WISH, requested_state=InstanceState.DESTROYED)
    waiting = planned(wish, known)
    assert waiting.steps == () and "destroyed" in waiting.reasons["slappart0"]
    assert [s.kind for s in planned(wish, known, 130.0).steps] == [StepKind.DESTROY]


@pytest.mark.parametrize("between", [(), (FAILED,) * 5, (DEFERRED,)])
def test_the_next_instance_in_a_partition_is_not_taken_for_the_one_that_was_destroyed(
    between: tuple[Outcome, ...],
) -> None:
    known = RECALL.partition(PartitionMemory(), step(StepKind.DESTROY), Outcome(), 100.0)
    for outcome in between:
        wish = replace(WISH, timestamp=8)
        known = RECALL.partition(known, Step(StepKind.DEPLOY, "slappart0", wish), outcome, 100.0)
    gone = replace(WISH, timestamp=9, requested_state=InstanceState.DESTROYED)
    made = planned(gone, known)
    assert [s.kind for s in made.steps] == [StepKind.DESTROY], made.reasons
    known = RECALL.partition(known, made.steps[0], FAILED, 100.0)
    assert "failed" in planned(gone, known).reasons["slappart0"]


def test_an_instance_whose_promise_stays_red_is_configured_again_less_and_less_often() -> None:
    known = PartitionMemory(wish="7")
    pauses = []
    for _ in range(8):
        known = check(known, Health.PROMISE_FAILED)
        assert check(known, Health.PROMISE_FAILED, 105.0).rerun_at == known.rerun_at
        assert known.rerun_at is not None
        pauses.append(known.rerun_at - 100.0)
        known = RECALL.partition(known, step(StepKind.DEPLOY), Outcome(), 100.0)
        assert known.rerun_at is None
    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800]
    well = check(known, Health.WELL)
    assert (well.reruns, well.rerun_at, well.has_been_well) == (0, None, True)
    again = check(well, Health.PROMISE_FAILED)
    assert again.rerun_at == 130.0 and again.has_been_well


def test_another_wish_begins_with_a_short_pause_again() -> None:
    known = check(PartitionMemory(wish="6", reruns=5), Health.PROMISE_FAILED)
    assert RECALL.partition(known, step(StepKind.DEPLOY), Outcome(), 100.0).reruns == 0


def test_what_crashes_is_not_configured_again() -> None:
    known = check(PartitionMemory(wish="7"), Health.PROMISE_FAILED)
    assert check(known, Health.CRASHED).rerun_at is None


def test_a_first_failure_of_a_well_instance_is_looked_into_within_a_second() -> None:
    known = check(PartitionMemory(wish="7"), Health.WELL)
    doubtful = check(known, Health.UNSETTLED)
    assert doubtful.check_at == 101.0 and doubtful.is_well
