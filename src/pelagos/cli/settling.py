"""Waiting until a release or a machine of the plane is as wished, or gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, NOT_READY, CommandError
from pelagos.cli.moment import length
from pelagos.cli.progress import EXPECTED, with_next_step
from pelagos.cli.status_line import StatusLine
from pelagos.slap.model import Cause

_PERIOD = 1.0
"""Seconds between two looks."""


class _Fact(Protocol):
    @property
    def cause(self) -> Cause: ...


def wait_settled(
    command: Command,
    label: str,
    look: Callable[[], tuple[str, _Fact] | None],
    goal: str | None,
) -> None:
    """Look at a thing again and again until it is as wished.

    A cause that does not pass by itself is told once on stderr, and does not end the wait: who
    works on the thing tries again by itself.

    Args:
        command: whose --timeout counts.
        label: what to call the thing; `pelagos why LABEL` explains it.
        look: its state and what tells the cause; None: it is gone.
        goal: the state to wait for; None: that it is gone.

    Raises:
        CommandError: it went away instead; or, with exit code 3, it was not so in time.
    """
    context, timeout = command.context, command["timeout"]
    end = context.clock.monotonic() + timeout
    told: set[str] = set()
    see = f"pelagos why {label}"
    with StatusLine(context.stderr, context.clock, label, see=see) as line:
        while (found := look()) is not None:
            state, cause = found[0], found[1].cause
            if state == goal:
                return
            if cause.code not in EXPECTED | told:
                told.add(cause.code)
                line.tell(with_next_step(cause))
            line.show(f"{state}: {cause.message}")
            left = end - context.clock.monotonic()
            if left <= 0:
                raise _too_late(label, state, cause, f"{goal or 'gone'} after {length(timeout)}")
            context.clock.sleep(min(_PERIOD, left))
    if goal is not None:
        raise CommandError(f"{label} is gone", hint="see: pelagos events", code=NOT_FOUND)


def _too_late(label: str, state: str, cause: Cause, goal: str) -> CommandError:
    """What to say of a thing that is not what it should be, and in time."""
    verb = "went into" if state == "error" else "is in"
    why = " ".join(cause.message.split()).removesuffix(".")
    return CommandError(
        f"{label} is not {goal}: it {verb} the state {state}{f': {why}' if why else ''}",
        hint=f"it goes on by itself; see: pelagos why {label}",
        code=NOT_READY,
    )
