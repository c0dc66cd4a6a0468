"""The agent's talk with its master: when to ask, when to try again, what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pelagos.core.backoff import Backoff
from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class Contact:
    """What is known of the master. Pure; the loop asks and tells.

    Attributes:
        ask_at: seconds of the monotonic clock; not before then.
        is_asking: a question is on its way.
        is_wanted: somebody said that there is news; ask as soon as the question on its way is
            answered.
        needs_format: announce this computer before the next question.
        cause: ok, waiting-for-agent before the first answer, or master-unreachable.
    """

    cause: Cause
    ask_at: float = 0.0
    is_asking: bool = False
    is_wanted: bool = False
    needs_format: bool = True
    failures: int = 0
    last_contact: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether to ask now."""
        return not self.is_asking and (self.is_wanted or now >= self.ask_at)

    def asking(self) -> Contact:
        """A question goes out."""
        return replace(self, is_asking=True, is_wanted=False)

    def woken(self) -> Contact:
        """Somebody says that there is news."""
        return replace(self, is_wanted=True)

    def answered(self, now: float, at: float, poll_interval: float, cause: Cause) -> Contact:
        """A good answer came."""
        return replace(
            self,
            is_asking=False,
            needs_format=False,
            failures=0,
            ask_at=now + poll_interval,
            last_contact=at,
            cause=cause,
        )

    def failed(self, now: float, backoff: Backoff, cause: Cause, *, needs_format: bool) -> Contact:
        """No good answer came. What holds since an earlier failure keeps its time."""
        failures = self.failures + 1
        is_same = self.cause.code == cause.code
        return replace(
            self,
            is_asking=False,
            is_wanted=False,
            needs_format=self.needs_format or needs_format,
            failures=failures,
            ask_at=now + backoff.delay(failures),
            cause=replace(cause, since=self.cause.since) if is_same else cause,
        )
