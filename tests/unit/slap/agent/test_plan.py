"""What is planned from wish, sight and memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.agent.facts import PartitionSeen, ProgramState, ProgramStatus, Seen
from pelagos.slap.agent.memory import Memory, PartitionMemory, ReleaseMemory
from pelagos.slap.agent.plan import Plan, make_plan, pids_of, wish_key
from pelagos.slap.agent.step import StepKind
from pelagos.slap.model import Computer, InstanceState, Partition, Release, SupplyState

URL = "/srv/web/software.cfg"
NAME = "slappart0"


def release(state: SupplyState = SupplyState.AVAILABLE) -> Release:
    return Release(URL, "COMP", state)


def instance(**changes: object) -> Partition:
    wish = Partition(
        "COMP",
        NAME,
        requested_state=InstanceState.STARTED,
        release_url=URL,
        instance_guid="SOFTINST-1",
        timestamp=1000,
    )
    return replace(wish, **changes)


def program(state: ProgramState = ProgramState.RUNNING, pid: int | None = 7) -> ProgramStatus:
    return ProgramStatus("web", state, pid=pid)


def plan(
    partition: Partition | None = None,
    *,
    here: PartitionSeen | None = None,
    known: PartitionMemory | None = None,
    supplied: tuple[Release, ...] = (release(),),
    built: bool = True,
    release_memory: ReleaseMemory | None = None,
    now: float = 100.0,
    busy: frozenset[str] = frozenset(),
) -> Plan:
    wish = Computer("COMP", (partition,) if partition else (), supplied)
    seen = Seen(frozenset({URL}) if built else frozenset(), {NAME: here or PartitionSeen()})
    memory = Memory(
        {URL: release_memory or ReleaseMemory(is_known=True)},
        {NAME: known} if known else {},
    )
    return make_plan(wish, seen, memory, now, busy=busy)


def kinds(made: Plan) -> list[tuple[StepKind, str]]:
    return [(step.kind, step.subject) for step in made.steps]


# ---- releases -----------------------------------------------------------------------------------


def test_a_supplied_release_is_built() -> None:
    assert kinds(plan(built=False)) == [(StepKind.BUILD, URL)]


def test_a_release_found_complete_is_announced_once() -> None:
    assert kinds(plan(release_memory=ReleaseMemory())) == [(StepKind.ANNOUNCE, URL)]
    assert kinds(plan(release_memory=ReleaseMemory(is_known=True))) == []


def test_a_failed_build_waits_for_its_time() -> None:
    known = ReleaseMemory(tried=StepKind.BUILD, failures=1, retry_at=130.0)
    waiting = plan(built=False, release_memory=known)
    assert kinds(waiting) == []
    assert waiting.due == 130.0 and "failed" in waiting.reasons[URL]
    assert kinds(plan(built=False, release_memory=known, now=130.0)) == [(StepKind.BUILD, URL)]


def test_a_release_whose_completion_cannot_be_noted_is_looked_at_in_its_time() -> None:
    known = ReleaseMemory(retry_at=130.0)
    waiting = plan(built=False, release_memory=known)
    assert (waiting.steps, waiting.due) == ((), 130.0)
    assert "failed" not in waiting.reasons[URL]


def test_a_built_release_that_the_master_has_not_heard_of_is_not_built_again() -> None:
    made = plan(built=False, release_memory=ReleaseMemory(is_built=True))
    assert kinds(made) == [] and "master" in made.reasons[URL]


def test_a_release_that_is_no_longer_wished_is_removed() -> None:
    made = plan(supplied=(release(SupplyState.DESTROYED),))
    assert kinds(made) == [(StepKind.REMOVE, URL)]


def test_a_release_that_is_no_longer_wished_does_not_wait_for_its_next_build() -> None:
    failed = ReleaseMemory(tried=StepKind.BUILD, failures=9, retry_at=1e9)
    made = plan(supplied=(release(SupplyState.DESTROYED),), built=False, release_memory=failed)
    assert kinds(made) == [(StepKind.REMOVE, URL)]
    failed = replace(failed, tried=StepKind.REMOVE)
    assert kinds(plan(supplied=(release(SupplyState.DESTROYED),), release_memory=failed)) == []
    made = plan(supplied=(release(),), built=False, release_memory=failed)
    assert kinds(made) == [(StepKind.BUILD, URL)]


def test_a_release_is_not_removed_under_an_instance() -> None:
    destroyed = (release(SupplyState.DESTROYED),)
    made = plan(instance(requested_state=InstanceState.DESTROYED), supplied=destroyed)
    assert kinds(made) == [(StepKind.DESTROY, NAME)]
    assert NAME in made.reasons[URL]


def test_what_is_at_work_is_left_alone() -> None:
    made = plan(instance(), built=False, busy=frozenset({URL, NAME}))
    assert kinds(made) == []
    assert made.reasons == {URL: "at work", NAME: "at work"}


# ---- partitions ---------------------------------------------------------------------------------


def test_a_new_instance_is_deployed() -> None:
    assert kinds(plan(instance())) == [(StepKind.DEPLOY, NAME)]


def test_an_instance_waits_for_its_release_without_a_report() -> None:
    failed = ReleaseMemory(tried=StepKind.BUILD, failures=1, retry_at=500)
    made = plan(instance(), built=False, release_memory=failed)
    assert kinds(made) == [] and "not built" in made.reasons[NAME]


def test_an_instance_whose_release_is_not_supplied_is_refused_once() -> None:
    made = plan(instance(), supplied=(), built=False)
    assert kinds(made) == [(StepKind.REFUSE, NAME)]
    assert made.steps[0].cause and made.steps[0].cause.code == "release-not-supplied"
    known = PartitionMemory(refused="release-not-supplied")
    assert kinds(plan(instance(), supplied=(), built=False, known=known)) == []


def test_an_instance_that_an_earlier_agent_deployed_is_checked_only() -> None:
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False, programs=(program(),))
    assert kinds(plan(instance(), here=here)) == [(StepKind.CHECK, NAME)]


@pytest.mark.parametrize("timestamp", [999, 1001])
def test_any_other_timestamp_means_deploy(timestamp: int) -> None:
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False)
    known = PartitionMemory(wish="1000", tried="1000")
    made = plan(instance(timestamp=timestamp), here=here, known=known)
    assert kinds(made) == [(StepKind.DEPLOY, NAME)]


def test_a_failed_deployment_waits_but_a_new_wish_does_not() -> None:
    known = PartitionMemory(tried="1000", failures=3, retry_at=400.0)
    waiting = plan(instance(), known=known)
    assert kinds(waiting) == [] and waiting.due == 400.0
    assert kinds(plan(instance(timestamp=1001), known=known)) == [(StepKind.DEPLOY, NAME)]


def test_a_well_instance_is_checked_when_its_time_comes_or_a_process_changed() -> None:
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False, programs=(program(),))
    known = PartitionMemory(wish="1000", is_well=True, check_at=105.0, pids=pids_of(here))
    assert plan(instance(), here=here, known=known).due == 105.0
    assert kinds(plan(instance(), here=here, known=known, now=105.0)) == [(StepKind.CHECK, NAME)]
    other = replace(here, programs=(program(pid=8),))
    assert kinds(plan(instance(), here=other, known=known)) == [(StepKind.CHECK, NAME)]


def test_programs_that_the_supervisor_lost_are_given_to_it_again() -> None:
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False, is_unsupervised=True)
    assert kinds(plan(instance(), here=here)) == [(StepKind.DEPLOY, NAME)]
    just_done = PartitionMemory(wish="1000", tried="1000", supervise_at=105.0)
    assert plan(instance(), here=here, known=just_done).due == 105.0


def test_a_service_that_was_given_up_is_revived_when_its_time_comes() -> None:
    dead = (program(ProgramState.FATAL, None),)
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False, programs=dead)
    known = PartitionMemory(
        wish="1000", is_well=False, check_at=120.0, revive_at=110.0, pids=pids_of(here)
    )
    assert kinds(plan(instance(), here=here, known=known)) == []
    assert kinds(plan(instance(), here=here, known=known, now=110.0)) == [(StepKind.REVIVE, NAME)]


def test_a_stopped_instance_is_configured_and_then_left_alone() -> None:
    wish = instance(requested_state=InstanceState.STOPPED)
    assert kinds(plan(wish)) == [(StepKind.DEPLOY, NAME)]
    here = PartitionSeen("1000", "SOFTINST-1", is_empty=False)
    assert kinds(plan(wish, here=here)) == []
    alive = replace(here, programs=(program(),))
    assert kinds(plan(wish, here=alive)) == [(StepKind.DEPLOY, NAME)]


def test_a_destroyed_instance_goes_also_without_its_release() -> None:
    wish = instance(requested_state=InstanceState.DESTROYED)
    made = plan(wish, supplied=(), built=False)
    assert kinds(made) == [(StepKind.DESTROY, NAME)]
    told = PartitionMemory(tried=wish_key(wish), is_destroyed=True, retry_at=130.0)
    assert kinds(plan(wish, known=told)) == []
    assert kinds(plan(wish, known=told, now=131.0)) == [(StepKind.DESTROY, NAME)]


def test_a_destroyed_instance_does_not_wait_for_what_failed_before() -> None:
    wish = instance(requested_state=InstanceState.DESTROYED)
    failed = PartitionMemory(tried="an earlier wish", failures=9, retry_at=1e9)
    assert kinds(plan(wish, known=failed)) == [(StepKind.DESTROY, NAME)]
    assert kinds(plan(wish, known=replace(failed, tried=wish_key(wish)))) == []


def test_a_free_partition_is_never_touched_whatever_lies_in_it() -> None:
    free = Partition("COMP", NAME)
    here = PartitionSeen("1000", "SOFTINST-9", is_empty=False, programs=(program(),))
    made = plan(free, here=here)
    assert kinds(made) == [] and "left alone" in made.reasons[NAME]


def test_files_of_another_instance_are_never_overwritten() -> None:
    here = PartitionSeen("1000", "SOFTINST-9", is_empty=False)
    made = plan(instance(), here=here)
    assert kinds(made) == [(StepKind.REFUSE, NAME)]
    assert made.steps[0].cause and made.steps[0].cause.code == "partition-occupied"
    gone = plan(instance(requested_state=InstanceState.DESTROYED), here=here)
    assert kinds(gone) == [(StepKind.REFUSE, NAME)]


def test_an_unknown_state_is_refused() -> None:
    made = plan(instance(requested_state="paused"))
    assert made.steps[0].cause and "paused" in made.steps[0].cause.message


@pytest.mark.parametrize("name", ["../etc", "slappart1", "slappart00", "", "x" * 200])
def test_a_partition_that_is_not_ours_is_ignored(name: str) -> None:
    made = plan(instance(partition_id=name))
    assert kinds(made) == []
    assert "not a partition" in made.reasons[name[:80]]


def test_without_a_timestamp_the_content_identifies_the_wish() -> None:
    wish = instance(timestamp=None, parameters={"a": "1", "b": "2"})
    same = instance(timestamp=None, parameters={"b": "2", "a": "1"}, access_status="#access x")
    assert wish_key(wish) == wish_key(same)
    assert wish_key(wish) != wish_key(replace(wish, parameters={"a": "2", "b": "2"}))
    assert wish_key(wish) != wish_key(replace(wish, requested_state=InstanceState.STOPPED))


def test_without_a_timestamp_the_like_wish_of_a_successor_is_another() -> None:
    wish = instance(timestamp=None)
    done = PartitionMemory(wish=wish_key(wish), tried=wish_key(wish), check_at=200.0)
    successor = replace(wish, instance_guid="SOFTINST-2")
    assert kinds(plan(successor, known=done)) == [(StepKind.DEPLOY, NAME)]


# ---- laws ---------------------------------------------------------------------------------------

_times = st.floats(0, 1000)
_memories = st.builds(
    PartitionMemory,
    wish=st.sampled_from([None, "1000", "999"]),
    tried=st.sampled_from([None, "1000", "999"]),
    failures=st.integers(0, 5),
    retry_at=_times,
    check_at=_times,
    is_well=st.sampled_from([None, True, False]),
    revive_at=_times,
    is_destroyed=st.booleans(),
)
_programs = st.lists(
    st.builds(program, st.sampled_from(ProgramState), st.sampled_from([None, 5])), max_size=2
).map(tuple)
_sights = st.builds(
    PartitionSeen,
    timestamp=st.sampled_from([None, "1000", "999"]),
    guid=st.sampled_from([None, "SOFTINST-1", "SOFTINST-2"]),
    is_empty=st.booleans(),
    programs=_programs,
)
_wishes = st.builds(
    instance,
    requested_state=st.sampled_from([*InstanceState, "odd"]),
    timestamp=st.sampled_from([1000, None]),
    release_url=st.sampled_from([URL, None, "/other"]),
)


@given(_wishes, _sights, _memories, st.booleans(), _times)
def test_each_subject_gets_one_step_or_a_reason_and_the_future_is_never_past(
    wish: Partition, here: PartitionSeen, known: PartitionMemory, built: bool, now: float
) -> None:
    made = plan(wish, here=here, known=known, built=built, now=now)
    stepped = [step.subject for step in made.steps]
    assert len(stepped) == len(set(stepped))
    assert NAME in set(stepped) | set(made.reasons)
    assert made.due is None or made.due > now
    if here.guid == "SOFTINST-2" and wish.release_url:
        assert {s.kind for s in made.steps if s.subject == NAME} <= {StepKind.REFUSE}


def test_an_instance_whose_promise_stays_red_is_configured_again_in_its_time() -> None:
    here = PartitionSeen(None, "SOFTINST-1", is_empty=False)
    known = PartitionMemory(wish="1000", is_well=False, rerun_at=130.0, check_at=200.0)
    waiting = plan(instance(), here=here, known=known)
    assert not waiting.steps and waiting.due == 130.0
    assert kinds(plan(instance(), here=here, known=known, now=130.0)) == [(StepKind.DEPLOY, NAME)]


# ---- periodicity --------------------------------------------------------------------------------

DONE = PartitionMemory(wish="1000", tried="1000", is_well=True, check_at=10_000.0)


def periodic(
    partition: Partition, known: PartitionMemory, *, age: float | None, period: float | None
) -> Plan:
    here = PartitionSeen(timestamp="1000", guid="SOFTINST-1", is_empty=False, age=age)
    periods = {} if period is None else {URL: period}
    seen = Seen(frozenset({URL}), {NAME: here}, periods)
    memory = Memory({URL: ReleaseMemory(is_known=True)}, {NAME: known})
    return make_plan(Computer("COMP", (partition,), (release(),)), seen, memory, 100.0)


@pytest.mark.parametrize("state", [InstanceState.STARTED, InstanceState.STOPPED])
def test_a_well_instance_is_configured_again_after_its_period(state: InstanceState) -> None:
    wish = instance(requested_state=state)
    assert kinds(periodic(wish, DONE, age=3600.0, period=3600.0)) == [(StepKind.DEPLOY, NAME)]
    early = periodic(wish, DONE, age=3590.0, period=3600.0)
    assert kinds(early) == [] and early.due == 110.0


@pytest.mark.parametrize(("age", "period"), [(1e9, None), (None, 60.0)])
def test_without_a_period_or_a_date_it_is_left_alone(
    age: float | None, period: float | None
) -> None:
    assert kinds(periodic(instance(), DONE, age=age, period=period)) == []


def test_an_instance_that_is_not_well_waits_for_its_own_rules() -> None:
    ill = replace(DONE, is_well=False)
    assert kinds(periodic(instance(), ill, age=1e9, period=60.0)) == []


def test_a_wish_to_stop_does_not_wait_for_a_release() -> None:
    wish = instance(requested_state=InstanceState.STOPPED)
    runs = PartitionSeen(guid="SOFTINST-1", is_empty=False, programs=(program(),))
    failed = ReleaseMemory(failures=3, retry_at=1e9)
    made = plan(wish, here=runs, built=False, release_memory=failed)
    assert (StepKind.STOP, NAME) in kinds(made)
    made = plan(wish, here=runs, built=False, supplied=())
    assert kinds(made) == [(StepKind.STOP, NAME)]
    tried = PartitionMemory(tried=wish_key(wish), retry_at=200.0)
    assert plan(wish, here=runs, built=False, known=tried, supplied=()).due == 200.0
    stopped = PartitionMemory(stop_at=200.0)
    made = plan(wish, here=runs, built=False, known=stopped, supplied=())
    assert (made.due, made.reasons[NAME]) == (200.0, "was stopped just now")
    others = replace(runs, guid="SOFTINST-2")
    assert (StepKind.STOP, NAME) not in kinds(plan(wish, here=others, built=False))
    rests = replace(runs, programs=(program(ProgramState.STOPPED, None),))
    made = plan(wish, here=rests, built=False, release_memory=failed)
    assert made.reasons[NAME] == "its release is not built yet"
