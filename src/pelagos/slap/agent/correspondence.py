"""The exchange with the master: questions, answers, reports and their receipts.

Belongs to the loop's thread; only the calls themselves run elsewhere, and their results come back
as news.
"""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.slap.agent.cause import Causes, writable
from pelagos.slap.agent.contact import Contact
from pelagos.slap.agent.formatted import Formatted
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.news import Fetched, News, Sent
from pelagos.slap.agent.plan import wish_key
from pelagos.slap.agent.report import Outbox, Report, Told, is_refused_for_good, send
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import NotFoundError, SlapError
from pelagos.slap.model import Computer, Partition

log = logging.getLogger(__name__)

_CONTACT_BACKOFF = Backoff(first=0.5, factor=2.0, limit=30.0)
_REPORT_BACKOFF = Backoff(first=0.5, factor=2.0, limit=60.0)
#: Seconds between two repetitions of a report that the master seems to have lost.
_REPEAT_AFTER = 30.0


class Correspondence:
    """What was asked, answered, told and received.

    Args:
        do: has something done by another thread.
        post: puts news into the loop's inbox; may be called from any thread.
    """

    def __init__(
        self,
        settings: AgentSettings,
        client: SlapClient,
        *,
        layout: Layout,
        causes: Causes,
        clock: Clock,
        do: Callable[[Callable[[], None]], None],
        post: Callable[[News], None],
    ) -> None:
        self._settings = settings
        self._client = client
        self._causes = causes
        self._clock = clock
        self._do = do
        self._post = post
        self._formatted = Formatted(settings, layout)
        self._agent = f"{secrets.token_hex(6)}@{socket.gethostname()[:60]}"
        self._told_at: dict[str, float] = {}
        self._unheard: dict[str, int] = {}
        self._defect = ""
        self.outbox = Outbox(_REPORT_BACKOFF)
        self.contact = Contact(
            causes.plain("waiting-for-agent", "The agent has not reached its master yet.")
        )

    # ---- questions ---------------------------------------------------------------------------

    def wake(self) -> None:
        """Ask soon."""
        self.contact = self.contact.woken()

    @property
    def due(self) -> float | None:
        """When something is to be asked or sent by itself."""
        dues = [self.outbox.due, None if self.contact.is_asking else self.contact.ask_at]
        return min((due for due in dues if due is not None), default=None)

    def ask_if_due(self) -> None:
        """Ask the master for the wish, unless a question is on its way."""
        if self.contact.is_due(self._clock.monotonic()):
            needs_format = self._formatted.refresh() or self.contact.needs_format
            self.contact = self.contact.asking()
            self._do(partial(self._fetch, needs_format=needs_format))

    def _fetch(self, *, needs_format: bool) -> None:
        asked_at = self._clock.monotonic()
        try:
            if needs_format:
                self._client.format_computer(self._formatted.announcement())
            computer = self._client.fetch_computer(self._settings.computer_id, self._agent)
        except Exception as error:  # noqa: BLE001 - a question without an end is asked for ever
            self._post(Fetched(asked_at, error=self._as_slap_error(error, "a question")))
        else:
            self._post(Fetched(asked_at, computer))

    # ---- answers -----------------------------------------------------------------------------

    def take_answer(self, news: Fetched) -> Computer | None:
        """Note what a question brought; the wish, when there is one."""
        if news.computer is None:
            self._take_silence(news.error)
            return None
        if self.contact.failures:
            log.info("the master answers again")
            self.outbox.hurry()
        cause = self.contact.cause
        if cause.code != "ok":
            cause = self._causes.plain("ok", "The agent reaches its master.")
        self.contact = self.contact.answered(
            self._clock.monotonic(), self._clock.time(), self._settings.poll_interval, cause
        )
        return news.computer

    def _what_to_do(self, error: SlapError | None) -> str:
        if error is not None and error.status == HTTPStatus.UNAUTHORIZED:
            return (
                "where this computer joined with a one-time token, let it join again: `pelagos "
                f"computer add {self._settings.computer_id} --again` at the plane (without "
                "--again where it was removed), then `pelagos node run TOKEN` here"
            )
        return (error.hint if error else None) or "See that it runs and can be reached."

    def _take_silence(self, error: SlapError | None) -> None:
        said = error.message if error else "no answer"
        hint = self._what_to_do(error)
        cause = self._causes.plain(
            "master-unreachable",
            f"The master at {self._client.url} cannot be used: {said}",
            f"{hint.rstrip('.')}. Services go on running meanwhile.",
        )
        if self.contact.failures == 0:
            log.warning("%s", cause.message)
        self.contact = self.contact.failed(
            self._clock.monotonic(),
            _CONTACT_BACKOFF,
            cause,
            needs_format=isinstance(error, NotFoundError),
        )

    def tell_again_if_lost(self, partition: Partition, asked_at: float) -> None:
        """Repeat a report whose contrary the master says it has: it was lost there."""
        name = partition.partition_id
        last = self.outbox.delivered_about(name)
        told_at = self._told_at.get(name)
        if last is None or told_at is None or last.wish != wish_key(partition):
            return
        contrary = "#error" if last.told is not Told.ERROR else "#access"
        is_contrary = (partition.access_status or "").startswith(contrary)
        if is_contrary and asked_at > told_at + _REPEAT_AFTER:
            self.outbox.forget(name)
            self.outbox.put(last)

    def take_renewals(self, before: Computer | None, wish: Computer) -> frozenset[str]:
        """The releases whose supply has changed; what was told of them no longer counts.

        Their wished state differs from the answer before; or the master waits to hear of them
        since another time: they were removed and supplied again between two answers.
        """
        former = {r.url: r.requested_state for r in before.releases} if before else {}
        now = {r.url: r.requested_state for r in wish.releases}
        changed = {url for url in former if former[url] != now.get(url)}
        waits = {r.url: r.unheard_since for r in wish.releases if r.unheard_since is not None}
        changed |= {url for url, since in waits.items() if self._unheard.get(url) != since}
        self._unheard = {u: s for u, s in {**self._unheard, **waits}.items() if u in now}
        for url in changed:
            self.outbox.forget(url)
        return frozenset(changed)

    # ---- reports -----------------------------------------------------------------------------

    def send_due(self) -> None:
        """Send the reports whose time has come."""
        for report in self.outbox.take_due(self._clock.monotonic()):
            self._do(partial(self._send, report))

    def _send(self, report: Report) -> None:
        try:
            send(self._client, self._settings.computer_id, report)
        except Exception as error:  # noqa: BLE001 - a report without an end waits for ever
            self._post(Sent(report, self._as_slap_error(error, f"the report on {report.subject}")))
        else:
            self._post(Sent(report))

    def _as_slap_error(self, error: Exception, doing: str) -> SlapError:
        """What went wrong, as an error of the exchange; a defect of ours is logged once."""
        if isinstance(error, SlapError):
            return error
        said = f"{type(error).__name__}: {writable(str(error))[:300]}"
        if said != self._defect:
            self._defect = said
            log.error("a defect of the agent met %s", doing, exc_info=error)
        return SlapError(said, hint="Read the agent's log.")

    def take_receipt(self, news: Sent) -> bool:
        """Note how a report went; whether the master knows it now, or never will."""
        report, error = news.report, news.error
        if error is None:
            log.info("%s: %s (%s)", report.subject, report.told, report.cause.message)
            self.outbox.delivered(report)
            self._told_at[report.subject] = self._clock.monotonic()
            return True
        if is_refused_for_good(error):
            log.warning("the master refuses a report on %s: %s", report.subject, error)
            self.outbox.dropped(report)
            return True
        log.debug("a report on %s waits: %s", report.subject, error)
        self.outbox.failed(report, self._clock.monotonic())
        return False
