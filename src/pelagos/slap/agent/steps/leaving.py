"""The end of instances."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.ending import Ending
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.ports import Ports
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.steps.outcome import Outcome, report_of
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.model import Cause, Partition


class Leaving:
    """Removes instances."""

    def __init__(
        self,
        layout: Layout,
        *,
        supervisor: Supervisor,
        promises: PromiseRunner,
        ending: Ending,
        ports: Ports,
        causes: Causes,
    ) -> None:
        self._layout = layout
        self._supervisor = supervisor
        self._promises = promises
        self._ending = ending
        self._ports = ports
        self._causes = causes

    def destroy(
        self, partition: Partition, tell: Callable[[Report], None], stop: threading.Event
    ) -> Outcome:
        """End an instance with its own last words, and remove its files."""
        name = partition.partition_id
        files = PartitionFiles(self._layout.partition(name))

        def say(cause: Cause) -> None:
            tell(report_of(Told.ERROR, partition, cause))

        awaited = self._ending.awaited(files.folder, self._supervisor.observe().get(name, ()))
        if awaited:
            waits = f"It ends when these services have ended by themselves: {', '.join(awaited)}."
            say(self._causes.plain("destroying", waits))
            return Outcome(is_done=False, retry_after=1.0)
        self._supervisor.remove(name)
        self._promises.forget(files.folder)
        self._ending.carry_out(files, say, stop)
        files.wipe()
        self._ports.forget(name)
        cause = self._causes.plain("destroyed", "The services were stopped and the files removed.")
        return Outcome(report=report_of(Told.DESTROYED, partition, cause))
