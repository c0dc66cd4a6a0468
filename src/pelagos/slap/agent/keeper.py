"""Keeps the supervisor itself running, and looks through it. Belongs to the loop's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pelagos.core.clock import Clock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.facts import Seen
from pelagos.slap.agent.news import News, SupervisorStarted
from pelagos.slap.agent.observe import Observer
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.model import Cause, Computer

log = logging.getLogger(__name__)


class Keeper:
    """Starts the supervisor, again when it has gone, and says why it does not run.

    Args:
        do: has something done by another thread.
        post: puts news into the loop's inbox; may be called from any thread.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        observer: Observer,
        *,
        causes: Causes,
        clock: Clock,
        do: Callable[[Callable[[], None]], None],
        post: Callable[[News], None],
    ) -> None:
        self._supervisor = supervisor
        self._observer = observer
        self._causes = causes
        self._clock = clock
        self._do = do
        self._post = post
        self._is_starting = False
        self.cause: Cause | None = causes.plain(
            "node-error", "The process supervisor is being started."
        )

    def start(self) -> None:
        """Have the supervisor started, unless that is being done."""
        if not self._is_starting:
            self._is_starting = True
            self._do(self._start)

    def _start(self) -> None:
        try:
            self._supervisor.start()
        except SupervisorError as error:
            log.warning("the supervisor cannot be started: %s", error)
            self._clock.sleep(1.0)
            self._post(SupervisorStarted(error))
        else:
            self._post(SupervisorStarted())

    def take(self, news: SupervisorStarted) -> None:
        """Note how a start went."""
        self._is_starting = False
        error = news.error
        self.cause = (
            self._causes.plain("node-error", error.message, error.hint or "") if error else None
        )

    def look(self, wish: Computer) -> tuple[Seen, bool]:
        """What is here now, and whether programs could be seen; without them only the disk is."""
        urls = [release.url for release in wish.releases]
        if self.cause is None:
            try:
                return self._observer.look(urls), True
            except SupervisorError as error:
                log.warning("the supervisor does not answer; starting it again: %s", error)
                self.cause = self._causes.plain("node-error", error.message)
        self.start()
        return self._observer.look_at_disk(urls, {}), False

    def shut_down_if_idle(self) -> None:
        """End a supervisor that has nothing to keep running."""
        try:
            if not self._supervisor.observe():
                self._supervisor.shutdown()
        except SupervisorError as error:
            log.debug("the supervisor is gone already: %s", error)
