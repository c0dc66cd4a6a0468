"""The work in hand: each step is done by a thread of a crew, at most one of a subject at a time.

Belongs to the loop's thread; only the steps themselves run elsewhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial

from pelagos.core.clock import Clock
from pelagos.slap.agent.apply import Applier
from pelagos.slap.agent.crew import Crew
from pelagos.slap.agent.memory import PartitionMemory
from pelagos.slap.agent.news import Finished, News, ToTell
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.status import RunningStep
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.outcome import Outcome

log = logging.getLogger(__name__)

#: Seconds that a clean stop waits for talk with a master, which may not answer.
_CONTACT_PATIENCE = 2.0
#: Threads for partitions when many of them are slow: what one instance does holds up no other.
_AT_MOST = 64


class Work:
    """Begins steps, ends builds that nobody wants any more, and ends everything when told.

    Args:
        post: puts news into the loop's inbox; may be called from any thread.
    """

    def __init__(
        self,
        settings: AgentSettings,
        applier: Applier,
        *,
        clock: Clock,
        post: Callable[[News], None],
    ) -> None:
        self._settings = settings
        self._applier = applier
        self._clock = clock
        self._post = post
        self._crews: dict[str, Crew] = {}
        self._running: dict[str, tuple[RunningStep, threading.Event]] = {}

    @property
    def steps(self) -> tuple[RunningStep, ...]:
        """What is being done now."""
        return tuple(step for step, _ in self._running.values())

    @property
    def subjects(self) -> frozenset[str]:
        """To what something is being done now."""
        return frozenset(self._running)

    def open(self) -> None:
        """Call the crews together."""
        self._crews = {
            "contact": Crew("contact", 2),
            "build": Crew("build", self._settings.build_workers),
            "partition": Crew("partition", self._settings.partition_workers, most=_AT_MOST),
            "supervisor": Crew("supervisor", 1),
        }

    def do_in(self, crew: str, work: Callable[[], None]) -> None:
        """Have something done by a thread of a crew."""
        self._crews[crew].do(work)

    def begin(self, step: Step, known: PartitionMemory) -> None:
        """Have a step done; its end is posted as `Finished`."""
        log.debug("%s %s", step.kind, step.subject)
        stop = threading.Event()
        running = RunningStep(step.kind, step.subject, self._clock.time())
        self._running[step.subject] = (running, stop)
        crew = "build" if step.kind is StepKind.BUILD else "partition"
        self.do_in(crew, partial(self._do, step, known, stop))

    def _do(self, step: Step, known: PartitionMemory, stop: threading.Event) -> None:
        outcome = Outcome(is_done=False, retry_after=self._settings.retry_limit)
        try:
            outcome = self._applier.apply(
                step, known, lambda report: self._post(ToTell(report)), stop
            )
        finally:  # also after a defect in a step, so that its subject does not stay busy for ever
            self._post(Finished(step, outcome))

    def cancel_builds(self, urls: Iterable[str]) -> None:
        """End the builds of these releases; each still posts its end."""
        for url in urls:
            running = self._running.get(url)
            if running is not None and running[0].kind == StepKind.BUILD:
                running[1].set()

    def finished(self, subject: str) -> bool:
        """Note the end of a step; whether it was cancelled."""
        running = self._running.pop(subject, None)
        return running is not None and running[1].is_set()

    def close(self) -> None:
        """End builds and configurations, and wait for the crews as long as a stop may take."""
        for _, stop in self._running.values():
            stop.set()
        self._applier.close()
        deadline = self._clock.monotonic() + self._settings.stop_timeout
        for name in ("build", "partition", "supervisor", "contact"):
            left = max(0.1, deadline - self._clock.monotonic())
            patience = min(left, _CONTACT_PATIENCE) if name == "contact" else left
            if not self._crews[name].close(patience):
                log.warning("some work of the %s threads did not end in time", name)
        self._running.clear()
