"""What the master is told: the newest report of each subject, until it has been taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from pelagos.core.backoff import Backoff
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import BadRequest, NotFoundError, SlapError
from pelagos.slap.model import Cause

LOG_LIMIT = 10_000


class Told(StrEnum):
    """What a report says."""

    RELEASE_BUILDING = "release building"
    RELEASE_AVAILABLE = "release available"
    RELEASE_DESTROYED = "release destroyed"
    RELEASE_ERROR = "release error"
    STARTED = "started"
    STOPPED = "stopped"
    DESTROYED = "destroyed"
    ERROR = "error"


_RELEASE: Mapping[Told, Literal["building", "available", "destroyed"]] = {
    Told.RELEASE_BUILDING: "building",
    Told.RELEASE_AVAILABLE: "available",
    Told.RELEASE_DESTROYED: "destroyed",
}
_PARTITION: Mapping[Told, Literal["started", "stopped", "destroyed"]] = {
    Told.STARTED: "started",
    Told.STOPPED: "stopped",
    Told.DESTROYED: "destroyed",
}


@dataclass(frozen=True, slots=True)
class Report:
    """One thing to tell the master.

    Attributes:
        subject: URL of the release or id of the partition.
        wish: key of the wish that this is about; empty for releases.
        log: the end of the log that goes with an error.
        schemas: what an available release says of its parameters.
    """

    told: Told
    subject: str
    cause: Cause
    wish: str = ""
    log: str = ""
    schemas: str = ""

    def says_the_same(self, other: Report | None) -> bool:
        """Whether the master would learn nothing new from this after the other."""
        return (
            other is not None
            and (self.told, self.subject, self.wish, self.cause.code)
            == (
                other.told,
                other.subject,
                other.wish,
                other.cause.code,
            )
            and self.cause.message == other.cause.message
            and self.schemas == other.schemas
        )


def send(client: SlapClient, computer_id: str, report: Report) -> None:
    """Tell the master.

    Raises:
        SlapError: it did not take the report.
    """
    text = (report.log or report.cause.message)[-LOG_LIMIT:]
    cause = report.cause
    match report.told:
        case Told.RELEASE_ERROR:
            client.report_release_error(computer_id, report.subject, text, cause)
        case Told.ERROR:
            client.report_partition_error(
                computer_id, report.subject, text, cause, timestamp=_timestamp(report)
            )
        case Told.STARTED | Told.STOPPED | Told.DESTROYED:
            state = _PARTITION[report.told]
            client.report_partition(
                computer_id, report.subject, state, cause, timestamp=_timestamp(report)
            )
        case _:
            status = _RELEASE[report.told]
            client.report_release(
                computer_id, report.subject, status, cause, schemas=report.schemas
            )


def _timestamp(report: Report) -> int | None:
    """The master's timestamp of the wish; None when it gave none (see `plan.wish_key`)."""
    return int(report.wish) if report.wish.isdecimal() else None


def is_refused_for_good(error: SlapError) -> bool:
    """Whether sending it again cannot help: its subject is gone, or the master rejects it."""
    return isinstance(error, (NotFoundError, BadRequest))


@dataclass(frozen=True, slots=True)
class _Pending:
    report: Report
    failures: int = 0
    send_at: float = 0.0
    is_on_its_way: bool = False


class Outbox:
    """Reports that the master has not taken yet. Belongs to the loop's thread."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._pending: dict[str, _Pending] = {}
        self._delivered: dict[str, Report] = {}

    def put(self, report: Report) -> bool:
        """Take a report in place of an older one of its subject; False when it is no news."""
        waiting = self._pending.get(report.subject)
        before = waiting.report if waiting else self._delivered.get(report.subject)
        if report.says_the_same(before):
            return False
        self._pending[report.subject] = (
            replace(waiting, report=report) if waiting else _Pending(report)
        )
        return True

    def assume_known(self, report: Report) -> None:
        """Note that the master knows this already, from an earlier agent."""
        self._delivered.setdefault(report.subject, report)

    def take_due(self, now: float) -> Iterator[Report]:
        """The reports to send now; each is on its way until `delivered`, `dropped` or `failed`."""
        for subject, entry in list(self._pending.items()):
            if not entry.is_on_its_way and entry.send_at <= now:
                self._pending[subject] = replace(entry, is_on_its_way=True)
                yield entry.report

    def delivered(self, report: Report) -> None:
        """The master has taken a report."""
        self._delivered[report.subject] = report
        entry = self._pending.pop(report.subject, None)
        if entry is not None and entry.report != report:  # replaced while it was on its way
            self._pending[report.subject] = _Pending(entry.report)

    def dropped(self, report: Report) -> None:
        """The master will never take this report."""
        entry = self._pending.pop(report.subject, None)
        if entry is not None and entry.report != report:
            self._pending[report.subject] = _Pending(entry.report)

    def failed(self, report: Report, now: float) -> None:
        """A report did not get through; it is sent again later."""
        entry = self._pending[report.subject]
        failures = entry.failures + 1
        self._pending[report.subject] = _Pending(
            entry.report, failures, now + self._backoff.delay(failures)
        )

    def hurry(self) -> None:
        """The master answers again: send everything now."""
        for subject, entry in self._pending.items():
            self._pending[subject] = replace(entry, send_at=0.0)

    def forget(self, subject: str) -> None:
        """Let the next report about a subject be news whatever it says."""
        self._delivered.pop(subject, None)

    def delivered_about(self, subject: str) -> Report | None:
        """The last report that the master has taken."""
        return self._delivered.get(subject)

    @property
    def due(self) -> float | None:
        """When the next report is to be sent again."""
        waits = [e.send_at for e in self._pending.values() if not e.is_on_its_way]
        return min(waits, default=None)

    def __contains__(self, subject: str) -> bool:
        return subject in self._pending

    def __len__(self) -> int:
        return len(self._pending)
