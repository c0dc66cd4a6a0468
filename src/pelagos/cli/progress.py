"""Waiting for a service, and showing a person on a terminal what it waits for."""

from __future__ import annotations

import re

from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_READY, CommandError
from pelagos.cli.moment import length
from pelagos.cli.status_line import StatusLine
from pelagos.slap.errors import MasterUnreachable, NotFoundError
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, Service

_LONGEST_POLL = 2.0
"""Seconds of one wait for events. What an instance waits for (its release, its computer) may
change without an event of its own, so it is looked at this often."""

EXPECTED = frozenset(
    {
        "destroyed",
        "destroying",
        "machine-booting",
        "machine-leaving",
        "machine-making",
        "ok",
        "release-building",
        "release-removing",
        "stopped",
        "waiting-for-agent",
    }
)
"""Causes that pass by themselves; each other one is told while it is waited for."""

_SHORTEST_POLL = 0.1
"""Seconds between two looks: a master that is too busy to hold a wait answers at once."""

_LINE_OF_LOG = re.compile(r"\bline \d+ of ")
"""Where a log tells of a failure: another number for each try that fails in the same way."""


def wait_until(context: Context, name: str, goal: InstanceState, timeout: float) -> Service | None:
    """Follow a service until it is as wished.

    An error does not end it, as the agents try again by themselves; it is told once on stderr.

    Args:
        context: of the command.
        name: of the service.
        goal: what it shall become.
        timeout: seconds.

    Returns:
        The service as it then is, or None when it is gone, as wished.

    Raises:
        CommandError: with exit code 3, when it is not ready in time; says what it waits for.
    """
    see = f"pelagos why {name}"
    with StatusLine(context.stderr, context.clock, name, see=see) as line:
        return _Follower(context, name, goal, line).follow(timeout)


class _Follower:
    """Looks at one service again and again."""

    def __init__(self, context: Context, name: str, goal: InstanceState, line: StatusLine) -> None:
        self._context = context
        self._name = name
        self._goal = goal
        self._line = line
        self._service: Service | None = None
        self._newest = -1  # the newest there is
        self._told: set[str] = set()

    def follow(self, timeout: float) -> Service | None:
        """See `wait_until`."""
        clock = self._context.clock
        deadline = clock.monotonic() + timeout
        while True:
            started = clock.monotonic()
            remaining = deadline - started
            try:
                if self._is_reached():
                    return self._service
                if remaining > 0:
                    self._wait(min(remaining, 1.0 if self._line.is_shown else _LONGEST_POLL))
            except MasterUnreachable as error:
                if remaining <= 0:
                    raise
                self._tell(f"{error.message}; trying again")
                self._line.show(f"{error.message}; trying again")
            if remaining <= 0:
                raise _too_late(self._name, self._goal, timeout, self._service)
            clock.sleep(min(_SHORTEST_POLL - (clock.monotonic() - started), remaining))

    def _is_reached(self) -> bool:
        try:
            service = self._context.master.service(self._name)
        except NotFoundError:
            self._service = None
            if self._goal is InstanceState.DESTROYED:
                return True
            raise
        self._service = service
        cause = service.cause
        if cause.code not in EXPECTED:
            self._tell(with_next_step(cause))
        self._line.show(_in_short(service))
        return is_reached(service, self._goal)

    def _tell(self, text: str) -> None:
        gist = _LINE_OF_LOG.sub("", text)
        if gist not in self._told:
            self._told.add(gist)
            self._line.tell(text)

    def _wait(self, seconds: float) -> None:
        """Wait for an event of the service."""
        if self._service is not None:
            found = self._context.master.events(
                after=self._newest, subject=self._service.guid, wait=seconds
            )
            self._newest = max((event.id for event in found), default=self._newest)


def is_reached(service: Service, goal: InstanceState) -> bool:
    """Whether the service is as wished, and still wished so."""
    return service.requested_state is goal and service.status == InstanceStatus(goal.value)


def _in_short(service: Service) -> str:
    cause = service.cause
    return f"{service.status}: {cause.message}" if cause.message else str(service.status)


def with_next_step(cause: Cause) -> str:
    """A cause and what a person should do about it, in one line."""
    step = next_step(cause)
    said = " ".join((cause.message or cause.code).splitlines())
    return f"{said.removesuffix('.')}; {' '.join(step.splitlines())}" if step else said


def _too_late(
    name: str, goal: InstanceState, timeout: float, last: Service | None
) -> CommandError:
    message = f"{name} is not {goal} after {length(timeout)}"
    if last is not None and last.requested_state is not goal:
        message += f"; somebody wishes it {last.requested_state} now"
    elif last is not None:
        message += f": {last.cause.message or last.status}"
    hint = next_step(last.cause) if last else None
    return CommandError(message, hint=hint or f"see: pelagos why {name}", code=NOT_READY)


def next_step(cause: Cause) -> str | None:
    """What a person should do about a cause, None when nothing."""
    return f"next: {cause.hint}" if cause.hint else None
