"""How programs and promises make a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.listening import Listening
from pelagos.slap.agent.promise import PromiseResult
from pelagos.slap.agent.verdict import Health, judge

HELD = PromiseResult("ok", is_held=True, message="", elapsed=0.1)
FAILED = PromiseResult("red", is_held=False, message="no", elapsed=0.1)


def program(state: ProgramState, *, is_kept: bool = True) -> ProgramStatus:
    return ProgramStatus("web", state, is_kept=is_kept)


RUNNING = program(ProgramState.RUNNING)


def test_running_with_promises_that_hold_is_well() -> None:
    assert judge((RUNNING,), (HELD,), is_in_grace=True).health is Health.WELL
    assert judge((), (), is_in_grace=False).health is Health.WELL


def test_a_promise_that_does_not_hold_yet_is_no_failure_in_the_grace_period() -> None:
    assert judge((RUNNING,), (HELD, FAILED), is_in_grace=True).health is Health.UNSETTLED
    late = judge((RUNNING,), (HELD, FAILED), is_in_grace=False)
    assert late.health is Health.PROMISE_FAILED and late.promise is FAILED


def test_a_failure_that_may_be_chance_is_not_told_yet() -> None:
    suspect = replace(FAILED, is_suspect=True)
    assert judge((RUNNING,), (HELD, suspect), is_in_grace=False).health is Health.UNSETTLED
    both = judge((RUNNING,), (suspect, FAILED), is_in_grace=False)
    assert both.health is Health.PROMISE_FAILED and both.promise is FAILED


def test_a_service_that_was_given_up_has_crashed_even_in_the_grace_period() -> None:
    verdict = judge((program(ProgramState.FATAL),), (HELD,), is_in_grace=True)
    assert verdict.health is Health.CRASHED and verdict.program


def test_a_service_that_is_being_tried_again_is_unsettled_and_then_crashed() -> None:
    again = program(ProgramState.BACKOFF)
    assert judge((again,), (), is_in_grace=True).health is Health.UNSETTLED
    assert judge((again,), (), is_in_grace=False).health is Health.CRASHED


def test_a_service_that_restarts_again_and_again_has_crashed() -> None:
    assert judge((RUNNING,), (HELD,), is_in_grace=False, restarts=2).health is Health.WELL
    assert judge((RUNNING,), (HELD,), is_in_grace=False, restarts=3).health is Health.CRASHED


def test_a_service_must_have_run_a_moment_although_its_promises_hold() -> None:
    starting = program(ProgramState.STARTING)
    assert judge((starting,), (), is_in_grace=True).health is Health.STARTING
    assert judge((starting,), (HELD,), is_in_grace=True).health is Health.STARTING
    assert judge((starting,), (HELD,), is_in_grace=False).health is Health.STARTING


def test_a_service_that_listens_itself_is_well_as_soon_as_its_promises_hold() -> None:
    starting = program(ProgramState.STARTING)
    web = Listening(programs=frozenset({"web"}))
    assert judge((starting,), (HELD,), is_in_grace=True, listening=web).health is Health.WELL
    other = ProgramStatus("worker", ProgramState.STARTING)
    both = judge((starting, other), (HELD,), is_in_grace=True, listening=web)
    assert both.health is Health.STARTING
    alone = judge((starting,), (), is_in_grace=True, listening=web)
    assert alone.health is Health.STARTING


def test_a_stranger_on_its_port_keeps_a_service_from_being_well_in_the_grace_period() -> None:
    strange = Listening(programs=frozenset({"web"}), stranger=8080)
    for state in (ProgramState.STARTING, ProgramState.RUNNING):
        early = judge((program(state),), (HELD,), is_in_grace=True, listening=strange)
        assert early.health is Health.STARTING
    # Afterwards the supervisor's word counts: a container's listener cannot be looked into.
    assert judge((RUNNING,), (HELD,), is_in_grace=False, listening=strange).health is Health.WELL


@pytest.mark.parametrize("state", [ProgramState.EXITED, ProgramState.FATAL, ProgramState.STOPPED])
def test_a_one_shot_that_ended_says_nothing(state: ProgramState) -> None:
    once = program(state, is_kept=False)
    assert judge((once, RUNNING), (HELD,), is_in_grace=False).health is Health.WELL
