"""Runs the transfer of a folder: shows what will be, carries it, says what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import RepeatableArgument
from pelagos.cli.cloud.showing import size
from pelagos.cli.cloud.storage import count_of
from pelagos.cli.context import Context
from pelagos.cli.failures import FAILED, CommandError
from pelagos.cli.meter import metered
from pelagos.cli.status_line import StatusLine

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.folder import Passed, Plan, Pull, Push, Report

EXCLUDE = RepeatableArgument(
    "paths that do not count, as '*.tmp' or cache; may be given several times",
    "--exclude",
    metavar="PATTERN",
)

_NAMED = 5
"""Names that an error repeats."""


def run(  # what a command chooses
    context: Context,
    job: Push | Pull,
    label: str,
    *,
    may_replace: bool = True,
    dry: bool = False,
    told: bool = False,
) -> int | None:
    """Plan, and do it; returns the exit code.

    Args:
        context: of the command.
        job: which way.
        label: what the line of progress begins with.
        may_replace: whether what is there with other content may be replaced.
        dry: only print what would be done.
        told: say each file that is done.

    Raises:
        CommandError: something is there with other content, and may not be replaced.
    """
    with StatusLine(context.stderr, context.clock, label) as line:
        line.show("comparing")
        plan = job.plan()
    if plan.changed and not may_replace:
        raise _in_the_way(plan)
    for one in plan.passed:
        _tell_passed(context, one)
    if dry:
        _print(context, plan)
        return FAILED if plan.passed else None
    files = len(plan.carry)
    with metered(context, label, plan.size, files, told=told) as meter:
        report = job.run(plan, meter)
    return _told(context, plan, report)


def _in_the_way(plan: Plan) -> CommandError:
    names = ", ".join(plan.changed[:_NAMED])
    more = f" and {len(plan.changed) - _NAMED:,} more" if len(plan.changed) > _NAMED else ""
    verb = "is" if len(plan.changed) == 1 else "are"
    return CommandError(
        f"{names}{more} {verb} there already with other content",
        hint="replace that with -f; nothing was done",
    )


def _tell_passed(context: Context, one: Passed) -> None:
    context.say(f"passed over: {one.path}: {one.reason}")


def _print(context: Context, plan: Plan) -> None:
    rows = [
        ("carry", plan.new, "new"),
        ("carry", plan.changed, "changed"),
        ("make", plan.marks, "folder"),
        ("remove", plan.remove, "only there"),
        ("remove", plan.unmarks, "folder"),
    ]
    found = [
        {"do": what, "path": path, "because": reason}
        for what, paths, reason in rows
        for path in paths
    ]
    from pelagos.cli.output import Column

    columns = (Column("do"), Column("path"), Column("because"))
    context.output.show_list(found, columns, empty="nothing is to be done")
    if found:
        context.say(
            f"{count_of(len(plan.carry), 'file')}, {size(plan.size)} would be carried; "
            f"{len(plan.remove) + len(plan.unmarks):,} removed"
        )


def _told(context: Context, plan: Plan, report: Report) -> int | None:
    for path, error in report.failed.items():
        reason = getattr(error, "message", None) or getattr(error, "strerror", None) or error
        context.say(f"not done: {path}: {' '.join(str(reason).split())}")
    carried = sum(what in {"sent", "fetched"} for what in report.done.values())
    removed = sum(what == "removed" for what in report.done.values())
    parts = [f"{count_of(carried, 'file')} carried"]
    if plan.same:
        parts.append(f"{len(plan.same):,} there already")
    if removed:
        parts.append(f"{removed:,} removed")
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    if plan.passed:
        parts.append(f"{len(plan.passed):,} passed over")
    context.say(", ".join(parts))
    if report.kept:
        context.say(f"nothing was removed ({len(report.kept):,}), because not all was carried")
    if report.failed:
        context.say("the same command goes on with what is missing")
    return FAILED if report.failed or plan.passed else None
