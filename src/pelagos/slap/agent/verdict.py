"""Judge an instance by its programs and promises. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.promise import PromiseResult

#: So many restarts lately make a service one that crashes again and again.
RESTART_LIMIT = 3
RESTART_WINDOW = 60.0


class Health(StrEnum):
    """How an instance is."""

    WELL = "well"
    UNSETTLED = "unsettled"  # too early to say
    CRASHED = "crashed"
    PROMISE_FAILED = "promise failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an instance is, and what shows it.

    Attributes:
        program: the program that is down, for CRASHED.
        promise: the promise that does not hold, for PROMISE_FAILED.
    """

    health: Health
    program: ProgramStatus | None = None
    promise: PromiseResult | None = None


def judge(
    programs: tuple[ProgramStatus, ...],
    promises: tuple[PromiseResult, ...],
    *,
    is_in_grace: bool,
    restarts: int = 0,
) -> Verdict:
    """Say how an instance is.

    Args:
        programs: all programs of the partition.
        promises: the results of all its promises.
        is_in_grace: it was started so lately that what does not hold yet is no failure.
        restarts: how often the supervisor restarted a program lately.
    """
    kept = [program for program in programs if program.is_kept]
    dead = [p for p in kept if not p.is_alive]
    for program in dead:
        is_hopeless = program.state is ProgramState.FATAL or restarts >= RESTART_LIMIT - 1
        if is_hopeless or not is_in_grace:
            return Verdict(Health.CRASHED, program=program)
    if kept and restarts >= RESTART_LIMIT:
        return Verdict(Health.CRASHED, program=max(kept, key=lambda p: p.started_at))
    failed = [promise for promise in promises if not promise.is_held]
    if failed and not is_in_grace:
        return Verdict(Health.PROMISE_FAILED, promise=failed[0])
    if dead or failed:
        return Verdict(Health.UNSETTLED)
    if not promises and any(p.state is ProgramState.STARTING for p in kept):
        return Verdict(Health.UNSETTLED)
    return Verdict(Health.WELL)
