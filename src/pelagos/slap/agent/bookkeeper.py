"""The report loop: what instances use and say of themselves, on its way to the master.

From each partition `etc/report` and `var/xml_report` (`collecting`) become a journal on disk
(`spool`); so do the samples of what it uses (`usage`). Then the journals are posted.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from pelagos.core.clock import Clock
from pelagos.slap import tio
from pelagos.slap.agent.collecting import Collector
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.facts import ProgramStatus
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import STATE
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.spool import Source, Spool
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.usage import Meter, movements

log = logging.getLogger(__name__)

_MOVEMENTS = 2000
_NAP = 1.0
#: Seconds until a report is tried again that this computer could not make.
_RETRY = 60.0
#: Seconds from the start to the first sample: the supervisor is there by then.
_FIRST = 5.0


class Taker(Protocol):
    """Who takes journals: the client."""

    def report_usage(self, computer_id: str, report: str) -> None:
        """Hand one in; raises SlapError."""


class Bookkeeper:
    """One thread of an agent; its work never holds up the instances."""

    def __init__(
        self,
        settings: AgentSettings,
        client: Taker,
        *,
        layout: Layout,
        supervisor: Supervisor,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._client = client
        self._layout = layout
        self._supervisor = supervisor
        self._clock = clock
        self._stop = threading.Event()
        self._spool = Spool(layout.root / "usage")
        self._collector = Collector(hook_timeout=settings.hook_timeout, stop=self._stop)
        self._thread: threading.Thread | None = None
        self._began = clock.monotonic()
        folders = {name: layout.partition(name) for name in layout.partition_ids}
        self._meter = Meter(folders)
        self._sample_at = 0.0

    def start(self) -> None:
        """Begin, unless the period is set to never (0)."""
        if self._settings.report_interval > 0:
            self._thread = threading.Thread(target=self._work, name="usage", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End soon; what waits goes out with the next agent."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _work(self) -> None:
        now = self._clock.monotonic()
        self._sample_at = now + min(_FIRST, self._settings.usage_interval)
        report_at = now + self._settings.report_interval
        while not self._stop.is_set():
            now = self._clock.monotonic()
            try:
                if self._sample_if_due():
                    self.send()  # what waited for the master
                if now >= report_at:
                    report_at = now + min(_RETRY, self._settings.report_interval)
                    self.report()
                    report_at = now + self._settings.report_interval
                    self.send()
            except Exception:  # this thread must not end because of one report
                log.exception("usage cannot be told now")
            self._stop.wait(_NAP)

    # ---- one round ---------------------------------------------------------------------------

    def _sample_if_due(self) -> bool:
        now = self._clock.monotonic()
        if now < self._sample_at:
            return False
        self._sample_at = now + self._settings.usage_interval
        self.sample()
        return True

    def sample(self) -> None:
        """Look once at all that runs."""
        try:
            running = self._supervisor.observe()
        except SupervisorError as error:  # it is being started; nothing of it can be counted
            log.debug("no programs to measure: %s", error)
            running = {}
        programs = self._busy(running)
        self._meter.sample(programs)
        self._meter.forget(set(self._layout.partition_ids) - set(programs))

    def _busy(
        self, programs: Mapping[str, tuple[ProgramStatus, ...]]
    ) -> dict[str, tuple[int, ...]]:
        """The partitions that hold an instance, and the pids of its programs."""
        found = {}
        for name in self._layout.partition_ids:
            try:
                (self._layout.partition(name) / STATE).lstat()
            except OSError:
                continue
            found[name] = tuple(p.pid for p in programs.get(name, ()) if p.pid is not None)
        return found

    def report(self) -> None:
        """Write the journals of all that there is to tell."""
        self._spool.finish_sources()
        self.sample()
        for name in self._busy({}):
            if self._stop.is_set():
                return
            found = self._collector.collect(self._layout.partition(name))
            if found.movements:
                self._keep(tio.belonging_to(found.movements, name), found.sources, name)
            self._sample_if_due()
        told: list[tio.Movement] = []
        for name, use in self._meter.take().items():
            told += movements(use, name)
        told += movements(self._meter.computer(self._layout.root))
        self._keep(told)
        self._began = self._clock.monotonic()

    def _keep(
        self, told: Sequence[tio.Movement], sources: Sequence[Source] = (), whose: str = ""
    ) -> None:
        now = self._clock.time()
        texts = tuple(self._journals(told, now - (self._clock.monotonic() - self._began), now))
        self._spool.add(texts, tuple(sources), now=now, whose=whose)

    def _journals(self, told: Sequence[tio.Movement], start: float, stop: float) -> Iterator[str]:
        """As many journals as are needed for none to be too large."""
        document = tio.write_journal(
            self._settings.computer_id,
            told,
            start=start,
            stop=stop,
            title=f"Resource consumptions {uuid.uuid4().hex}",  # two are never the same
        )
        if len(told) <= _MOVEMENTS and len(document) <= tio.LIMIT // 2:
            yield document.decode()
        elif len(told) > 1:
            middle = len(told) // 2
            yield from self._journals(told[:middle], start, stop)
            yield from self._journals(told[middle:], start, stop)
        else:
            log.warning("a movement of %s is too large to be told", told[0].reference)

    def send(self) -> None:
        """Hand in what waits."""
        self._spool.send(lambda text: self._client.report_usage(self._settings.computer_id, text))
