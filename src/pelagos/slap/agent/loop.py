"""The agent: one thread that decides, a few that do; see `plan` for what it decides.

    wake or poll → fetch → observe → plan → apply (crew) → report (crew) → …

Everything that the agent remembers changes in the loop's own thread only; other threads put what
happened into its inbox.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from dataclasses import replace

from pelagos.core import wire
from pelagos.core.clock import Clock
from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.files import ensure_folder, locked, write_atomic
from pelagos.slap.agent.memory import Memory, PartitionMemory, ReleaseMemory
from pelagos.slap.agent.news import (
    Fetched,
    Finished,
    News,
    Sent,
    SupervisorStarted,
    ToTell,
    Woken,
)
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.parts import make_parts
from pelagos.slap.agent.plan import Plan, make_plan, wish_key
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.seats import write_seats
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.status import AgentStatus
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.sweep import sweep
from pelagos.slap.client import SlapClient
from pelagos.slap.model import Cause, Computer, Partition, SupplyState

log = logging.getLogger(__name__)

#: Seconds: the longest sleep, so that a set stop event is seen soon.
_NAP = 0.25


class Agent:
    """Keeps one computer as its master wishes it.

    Args:
        settings: how.
        client: the master; its token is this computer's.
        clock: the time.
        builder: builds releases; zc.buildout unless told.
        supervisor: keeps processes running; a supervisord of this node unless told.
    """

    def __init__(
        self,
        settings: AgentSettings,
        client: SlapClient,
        *,
        clock: Clock | None = None,
        builder: Builder | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        parts = make_parts(settings, client, clock=clock, builder=builder, supervisor=supervisor)
        self._clock = parts.clock
        self._layout = parts.layout
        self._builder = parts.builder
        self._supervisor = parts.supervisor
        self._recall = parts.recall
        self._inbox = parts.inbox
        self._work = parts.work
        self._mail = parts.mail
        self._keeper = parts.keeper
        self._bookkeeper = parts.bookkeeper
        self._memory = Memory({}, {})
        self._wish: Computer | None = None
        self._started = self._clock.time()
        self._observe_at = 0.0
        self._has_news = True
        self._plan = Plan()
        self._status = self._make_status()
        self._written: bytes = b""
        self._unnoted: dict[str, Report] = {}
        self._note_at = 0.0

    # ---- for others -----------------------------------------------------------------------------

    def wake(self) -> None:
        """Say that the master has news. Safe from any thread, and cheap."""
        self._inbox.put(Woken())

    def status(self) -> AgentStatus:
        """What the agent is doing and whether it reaches its master. Safe from any thread."""
        return self._status

    def shutdown_services(self) -> None:
        """Stop every service and the supervisor, whether or not the agent runs."""
        self._supervisor.shutdown()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then end builds, leave the services running, and return.

        Raises:
            AgentError: another agent works below the same root, or the root cannot be used.
        """
        self._prepare_root()
        try:
            with locked(self._layout.root / ".agent.lock"):
                sweep(self._layout, self._clock)
                self._loop(stop)
        except BlockingIOError:
            raise AgentError(
                f"Another agent works on {self._layout.root}.",
                hint="Stop that one first, or choose another folder.",
            ) from None

    # ---- the loop -------------------------------------------------------------------------------

    def _prepare_root(self) -> None:
        root = self._layout.root
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            ensure_folder(self._layout.software, 0o755)
            ensure_folder(self._layout.instance, 0o755)
            ensure_folder(self._layout.logs, 0o751)
        except OSError as error:
            raise AgentError(
                f"The agent cannot use {root}: {error.strerror}.",
                hint="Choose a folder that this user can write, on a disk with room.",
            ) from error

    def _loop(self, stop: threading.Event) -> None:
        self._work.open()
        log.info("agent of %s works in %s", self._settings.computer_id, self._settings.root)
        try:
            self._keeper.start()
            self._bookkeeper.start()
            while not stop.is_set():
                self._turn()
                self._wait()
        finally:
            self._close()

    def _turn(self) -> None:
        """Ask, look, plan and send, as far as each is due."""
        self._mail.ask_if_due()
        now = self._clock.monotonic()
        is_due = self._plan.due is not None and self._plan.due <= now
        if self._wish is not None and (self._has_news or is_due or now >= self._observe_at):
            self._has_news = False
            self._observe_at = now + self._settings.observe_interval
            self._decide(self._wish)
        self._mail.send_due()
        if self._unnoted and now >= self._note_at:
            reports, self._unnoted = self._unnoted, {}
            for report in reports.values():
                self._settle(report)
        self._note_status()

    def _wait(self) -> None:
        """Sleep until there is news or something is due, then take all news."""
        dues = [self._observe_at, self._plan.due, self._mail.due]
        nearest = min(due for due in dues if due is not None)
        pause = max(0.001, min(_NAP, nearest - self._clock.monotonic()))
        try:
            news = self._inbox.get(timeout=pause)
        except queue.Empty:
            return
        self._has_news = True
        while True:
            self._take(news)
            try:
                news = self._inbox.get_nowait()
            except queue.Empty:
                return

    def _take(self, news: News) -> None:
        match news:
            case Woken():
                self._mail.wake()
            case Fetched():
                self._take_answer(news)
            case Finished(step, outcome):
                self._take_outcome(step, outcome)
            case Sent():
                if self._mail.take_receipt(news):
                    self._settle(news.report)
            case ToTell(report):
                self._mail.outbox.put(report)
            case SupervisorStarted():
                self._take_supervisor(news)

    # ---- looking and deciding -------------------------------------------------------------------

    def _decide(self, wish: Computer) -> None:
        seen, is_whole = self._keeper.look(wish)
        busy = self._work.subjects
        if not is_whole:  # go on with releases; of instances nothing can be said
            busy |= frozenset(seen.partitions)
        self._plan = make_plan(wish, seen, self._memory, self._clock.monotonic(), busy=busy)
        for step in self._plan.steps:
            self._work.begin(step, self._memory.partition(step.subject))

    def _take_supervisor(self, news: SupervisorStarted) -> None:
        self._keeper.take(news)
        cause = self._keeper.cause
        if cause is None or self._wish is None:
            return
        for partition in self._wish.partitions:
            name = partition.partition_id
            if self._layout.is_ours(name) and not partition.is_free:
                self._mail.outbox.put(Report(Told.ERROR, name, cause, wish_key(partition)))

    def _take_outcome(self, step: Step, outcome: Outcome) -> None:
        was_cancelled = self._work.finished(step.subject)
        now = self._clock.monotonic()
        if was_cancelled and not outcome.is_done:  # whatever is wished next need not wait
            self._remember_release(step.subject, ReleaseMemory())
            return
        if step.partition is None:
            release = self._recall.release(self._memory.release(step.subject), step, outcome, now)
            self._remember_release(step.subject, release)
        else:
            known = self._recall.partition(
                self._memory.partition(step.subject), step, outcome, now
            )
            self._remember(step.subject, known)
        if outcome.cause is not None:
            log.warning("%s %s: %s", step.kind, step.subject, outcome.cause.message)
        if outcome.report is not None:
            self._take_report(step, outcome.report)

    def _remember_release(self, url: str, known: ReleaseMemory) -> None:
        self._memory = replace(self._memory, releases={**self._memory.releases, url: known})

    def _remember(self, partition_id: str, known: PartitionMemory) -> None:
        self._memory = replace(
            self._memory, partitions={**self._memory.partitions, partition_id: known}
        )

    def _take_report(self, step: Step, report: Report) -> None:
        if step.kind in {StepKind.DESTROY, StepKind.REMOVE}:
            self._mail.outbox.forget(report.subject)
        if step.kind is StepKind.CHECK and self._is_known(step.partition, report):
            self._mail.outbox.assume_known(report)
        is_news = self._mail.outbox.put(report)
        if not is_news and report.subject not in self._mail.outbox:
            self._settle(report)  # the master knows; the note on disk may be of another time

    def _is_known(self, partition: Partition | None, report: Report) -> bool:
        """Whether an earlier agent told the master this: its answer and our file say so."""
        if partition is None or report.told is not Told.STARTED:
            return False
        files = PartitionFiles(self._layout.partition(report.subject))
        is_said = (partition.access_status or "").startswith("#access")
        return is_said and files.see(()).timestamp == report.wish

    # ---- wishes and receipts -----------------------------------------------------------------

    def _take_answer(self, news: Fetched) -> None:
        computer = self._mail.take_answer(news)
        if computer is None or computer is self._wish:
            return
        renewed = self._mail.take_renewals(self._wish, computer)
        self._wish = computer
        urls = {release.url for release in computer.releases} - renewed
        self._work.cancel_builds(
            r.url for r in computer.releases if r.requested_state is SupplyState.DESTROYED
        )
        self._memory = replace(
            self._memory, releases={u: m for u, m in self._memory.releases.items() if u in urls}
        )
        try:
            write_seats(self._layout.root, computer.partitions)
        except OSError as error:
            log.debug("cannot note who sits where: %s", error)
        for partition in computer.partitions:
            name = partition.partition_id
            if not self._layout.is_ours(name):
                continue
            if partition.is_free:
                self._mail.outbox.forget(name)
                self._remember(name, PartitionMemory())
            else:
                self._mail.tell_again_if_lost(partition, news.asked_at)

    def _settle(self, report: Report) -> None:
        """Write down that the master knows, so that the next agent need not do it again."""
        subject = report.subject
        try:
            match report.told:
                case Told.RELEASE_AVAILABLE if not self._builder.is_complete(subject):
                    self._builder.complete(subject)
                case Told.STARTED | Told.STOPPED:
                    if self._memory.partition(subject).wish == report.wish:
                        PartitionFiles(self._layout.partition(subject)).finish(report.wish)
        except OSError as error:
            log.warning("cannot note that %s is done: %s", subject, error)
            retry_at = self._clock.monotonic() + self._settings.retry_first
            if report.told is Told.RELEASE_AVAILABLE:  # report again, and with that note again
                self._mail.outbox.forget(subject)
                self._remember_release(subject, ReleaseMemory(retry_at=retry_at))
            else:
                self._unnoted[subject], self._note_at = report, retry_at

    # ---- ending and status ----------------------------------------------------------------------

    def _close(self) -> None:
        self._work.close()
        self._bookkeeper.close()
        self._builder.close()
        self._keeper.shut_down_if_idle()
        self._note_status()
        log.info("agent of %s has stopped; services go on running", self._settings.computer_id)

    def _make_status(self) -> AgentStatus:
        return AgentStatus(
            computer_id=self._settings.computer_id,
            master_url=self._client.url,
            cause=self._contact_cause(),
            pid=os.getpid(),
            started=self._started,
            last_contact=self._mail.contact.last_contact,
            running=self._work.steps,
            waiting_reports=len(self._mail.outbox),
            reasons=self._plan.reasons,
        )

    def _contact_cause(self) -> Cause:
        contact = self._mail.contact.cause
        return self._keeper.cause or contact if contact.code == "ok" else contact

    def _note_status(self) -> None:
        self._status = self._make_status()
        content = wire.encode(self._status)
        if content == self._written:
            return
        self._written = content
        try:
            write_atomic(self._layout.status_file, content, mode=0o600, durable=False)
        except OSError as error:
            log.debug("cannot write %s: %s", self._layout.status_file, error)
