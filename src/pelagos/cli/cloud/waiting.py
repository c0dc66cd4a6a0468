"""Waiting until a thing of a cloud is as wished, and showing a person what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pelagos.cli.argument import Argument, FlagArgument, SecondsArgument
from pelagos.cli.cloud.command import CloudCommand, Record
from pelagos.cli.failures import FAILED, NOT_FOUND, NOT_READY, CommandError
from pelagos.cli.moment import length
from pelagos.cli.status_line import StatusLine

TIMEOUT: Mapping[str, Argument] = {
    "timeout": SecondsArgument(
        "how long to wait: seconds, or 90s, 5m, 1h; default 5m", "--timeout", default=300.0
    )
}
WAIT: Mapping[str, Argument] = {
    "wait": FlagArgument("wait until it is so, and show how far it is", "-w", "--wait"),
    **TIMEOUT,
}
"""The options of every command whose effect takes its time."""

GONE = "DELETED"
"""The status of what is not there any more."""

_FIRST, _FACTOR, _LONGEST = 0.25, 1.5, 3.0
"""Seconds until the second look, how the wait grows, and to what."""


def wait_for(
    command: CloudCommand,
    label: str,
    look: Callable[[], Record],
    is_done: Callable[[Record], bool],
    *,
    goal: str,
    see: str,
) -> Record:
    """Look at a thing again and again until it is as wished; the last record.

    Args:
        command: whose --timeout counts.
        label: "server web".
        look: asks for the record; one that is gone has the status `GONE`.
        is_done: whether a record is what is waited for.
        goal: the same in words: "ACTIVE".
        see: what to type to see the thing.

    Raises:
        CommandError: it failed or went away; or, with exit code 3, it was not so in time.
    """
    clock, timeout = command.context.clock, command["timeout"]
    end = clock.monotonic() + timeout
    delay = _FIRST
    with StatusLine(command.context.stderr, clock, label, see=see) as line:
        while True:
            found = _looked(look)
            if is_done(found):
                return found
            line.show(state_of(found))
            _check(found, label, goal, see)
            left = end - clock.monotonic()
            if left <= 0:
                raise CommandError(
                    f"{label} is {state_of(found)} after {length(timeout)}, not {goal}",
                    hint=f"it goes on by itself; see: {see}",
                    code=NOT_READY,
                )
            clock.sleep(min(delay, left))
            delay = min(delay * _FACTOR, _LONGEST)


def wait_gone(command: CloudCommand, label: str, look: Callable[[], Record], see: str) -> None:
    """Look at a thing until it is gone; as `wait_for` else."""
    wait_for(command, label, look, is_gone, goal="gone", see=see)


def is_gone(record: Record) -> bool:
    """Whether the thing is not there any more."""
    return str(record.get("status", "")).upper() == GONE or record.get("deleted") is True


def has_failed(record: Record) -> bool:
    """Whether nothing more will become of a thing: it is gone, or in an error."""
    is_bad = str(record.get("status", "")).upper().startswith("ERROR")
    return is_gone(record) or (is_bad and not task_of(record))


def task_of(record: Record) -> str:
    """What a server is busy with, in the cloud's words; "" when it is not."""
    return str(record.get("OS-EXT-STS:task_state") or record.get("SNF:task_state") or "")


def state_of(record: Record) -> str:
    """The status in few words: "BUILD 40 %, spawning".

    >>> state_of({"status": "BUILD", "progress": 40, "OS-EXT-STS:task_state": "spawning"})
    'BUILD 40 %, spawning'
    """
    status, progress = str(record.get("status", "")), record.get("progress")
    done = f" {progress} %" if progress and status == "BUILD" else ""
    task = task_of(record)
    return f"{status}{done}, {task}" if task else f"{status}{done}"


def fault_of(record: Record) -> str:
    """Why a thing failed, as far as the cloud tells."""
    fault = record.get("fault")
    return " ".join(str(fault.get("message") or "").split()) if isinstance(fault, Mapping) else ""


def _looked(look: Callable[[], Record]) -> Record:
    from pelagos.clients.errors import NotFound

    try:
        return look()
    except NotFound:
        return {"status": GONE}


def _check(found: Record, label: str, goal: str, see: str) -> None:
    """Give up on what failed or went away."""
    if is_gone(found):
        raise CommandError(f"{label} is gone; {goal} was waited for", code=NOT_FOUND)
    if has_failed(found):
        why = fault_of(found)
        raise CommandError(
            f"{label} is in {found['status']}{f': {why}' if why else ''}",
            hint=f"see: {see}",
            code=FAILED,
        )
