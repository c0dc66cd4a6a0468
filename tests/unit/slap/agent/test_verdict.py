"""How programs and promises make a verdict."""

from __future__ import annotations

import pytest

from pelagos.slap.agent.facts import ProgramState, ProgramStatus
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


def test_without_promises_a_service_must_have_run_a_moment() -> None:
    starting = program(ProgramState.STARTING)
    assert judge((starting,), (), is_in_grace=True).health is Health.UNSETTLED
    assert judge((starting,), (HELD,), is_in_grace=True).health is Health.WELL


@pytest.mark.parametrize("state", [ProgramState.EXITED, ProgramState.FATAL, ProgramState.STOPPED])
def test_a_one_shot_that_ended_says_nothing(state: ProgramState) -> None:
    once = program(state, is_kept=False)
    assert judge((once, RUNNING), (HELD,), is_in_grace=False).health is Health.WELL
