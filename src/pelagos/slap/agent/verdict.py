"""Judge an instance by its programs and promises. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.listening import Listening
from pelagos.slap.agent.promise import PromiseResult

#: So many restarts lately make a service one that crashes again and again.
RESTART_LIMIT = 3
RESTART_WINDOW = 60.0
_SILENT = Listening()


class Health(StrEnum):
    """How an instance is."""

    WELL = "well"
    UNSETTLED = "unsettled"  # too early to say
    STARTING = "starting"  # all is as it should be, but has not been so for long enough
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
    listening: Listening = _SILENT,
) -> Verdict:
    """Say how an instance is.

    That all promises hold says little of a program that was started this moment: what answers
    them may be somebody else's, on a port that this program will not get. So a program must have
    run as long as its supervisor asks, or itself listen on a port that its partition keeps; and
    as long as a start may take, nobody else may listen on such a port.

    Args:
        programs: all programs of the partition.
        promises: the results of all its promises.
        is_in_grace: it was started so lately that what does not hold yet is no failure.
        restarts: how often the supervisor restarted a program lately.
        listening: who listens on the ports that the partition keeps.
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
    sure = [promise for promise in failed if not promise.is_suspect]
    if sure and not is_in_grace:
        return Verdict(Health.PROMISE_FAILED, promise=sure[0])
    if dead or failed:
        return Verdict(Health.UNSETTLED)
    return Verdict(_settled(kept, listening, has_promise=bool(promises), is_in_grace=is_in_grace))


def _settled(
    kept: list[ProgramStatus], listening: Listening, *, has_promise: bool, is_in_grace: bool
) -> Health:
    """Whether an instance of which nothing bad is known is well already."""
    if listening.stranger is not None and is_in_grace:
        return Health.STARTING
    proven = listening.programs if has_promise and listening.stranger is None else frozenset()
    if any(p.state is ProgramState.STARTING and p.name not in proven for p in kept):
        return Health.STARTING
    return Health.WELL
