"""How a step went."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.slap.agent.plan import wish_key
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.verdict import Health
from pelagos.slap.model import Cause, Partition


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went.

    Attributes:
        is_done: it reached its goal.
        retry_after: seconds; set when it could not run now and nothing failed.
        report: what the master should hear.
        cause: why it failed; None when it did not.
        health: for checks.
        pids: for checks: the programs at that time.
        was_restarted: for checks: a program has another pid than at the check before.
    """

    is_done: bool = True
    retry_after: float | None = None
    report: Report | None = None
    cause: Cause | None = None
    health: Health | None = None
    pids: tuple[tuple[str, int | None], ...] = ()
    was_restarted: bool = False


def report_of(told: Told, partition: Partition, cause: Cause) -> Report:
    """A report about the wish that a partition was seen with."""
    return Report(told, partition.partition_id, cause, wish_key(partition))
