"""What can go wrong in an agent's own work.

PelagosError
└── AgentError
    ├── StepFailed       a step did not reach its goal; carries the cause that the master is told
    ├── StepDeferred     a step cannot run yet; nothing is wrong
    └── SupervisorError  the process supervisor did not do what it was asked
"""

from __future__ import annotations

from pelagos.core.errors import PelagosError
from pelagos.slap.model import Cause


class AgentError(PelagosError):
    """The agent could not do something."""


class StepFailed(AgentError):
    """A step did not reach its goal.

    Attributes:
        cause: what is reported to the master and shown to a person.
        log: the tail of the log that goes with it; may be empty.
    """

    def __init__(self, cause: Cause, *, log: str = "") -> None:
        super().__init__(cause.message, hint=cause.hint or None)
        self.cause = cause
        self.log = log


class StepDeferred(AgentError):
    """A step cannot run yet: try again after `retry_after` seconds, and count no failure."""


class SupervisorError(AgentError):
    """The process supervisor cannot be started or reached, or refused a call."""
