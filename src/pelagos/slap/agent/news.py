"""What other threads put into the loop's inbox: something happened."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.report import Report
from pelagos.slap.agent.step import Step
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.errors import SlapError
from pelagos.slap.model import Computer


@dataclass(frozen=True, slots=True)
class Woken:
    """Somebody says that the master has news."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The master answered, or did not.

    Attributes:
        asked_at: seconds of the monotonic clock when it was asked.
        computer: the answer; None when there was none.
    """

    asked_at: float
    computer: Computer | None = None
    error: SlapError | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """A step came to its end."""

    step: Step
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Sent:
    """A report was taken by the master, or not."""

    report: Report
    error: SlapError | None = None


@dataclass(frozen=True, slots=True)
class ToTell:
    """A running step has something to report."""

    report: Report


@dataclass(frozen=True, slots=True)
class SupervisorStarted:
    """The supervisor is there, or could not be started."""

    error: SupervisorError | None = None


News = Fetched | Finished | Sent | ToTell | SupervisorStarted | Woken
