"""Look at this computer: which releases are complete, what lies in each partition, what runs."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pelagos.core.clock import Clock
from pelagos.slap.agent.account import owner_of
from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.facts import PartitionSeen, ProgramStatus, Seen
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import TIMESTAMP, PartitionFiles
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.untrusted import read_untrusted

#: Seconds between two configurations of a well instance, at least.
SHORTEST_PERIOD = 60.0


class Observer:
    """Makes one `Seen` at a time. Belongs to the loop's thread.

    Args:
        maximum_periodicity: seconds, for releases that do not say it themselves; see
            `AgentSettings`.
    """

    def __init__(
        self,
        layout: Layout,
        builder: Builder,
        supervisor: Supervisor,
        *,
        clock: Clock,
        maximum_periodicity: float,
    ) -> None:
        self._layout = layout
        self._builder = builder
        self._supervisor = supervisor
        self._clock = clock
        self._maximum_periodicity = maximum_periodicity
        self._stamps: dict[str, tuple[tuple[int, ...], float]] = {}

    def look(self, urls: Iterable[str]) -> Seen:
        """What is here now, for these releases and for all partitions.

        Raises:
            SupervisorError: the supervisor does not answer.
        """
        return self.look_at_disk(urls, self._supervisor.observe())

    def look_at_disk(
        self, urls: Iterable[str], programs: Mapping[str, tuple[ProgramStatus, ...]]
    ) -> Seen:
        """The same with programs that are known already."""
        complete = frozenset(u for u in set(urls) if self._builder.is_complete(u))
        return Seen(
            complete_releases=complete,
            partitions={
                name: self._look_at(name, programs.get(name, ()))
                for name in self._layout.partition_ids
            },
            periods={u: period for u in complete if (period := self._period(u)) is not None},
        )

    def _look_at(self, name: str, programs: tuple[ProgramStatus, ...]) -> PartitionSeen:
        seen = PartitionFiles(self._layout.partition(name)).see(programs)
        return replace(seen, age=self._age(name) if seen.timestamp is not None else None)

    def _age(self, name: str) -> float | None:
        """Seconds since the note of the last wish was written.

        A note that comes while this agent runs is new, whatever its date: the clock may be set,
        and the instance may change the date. Only of what was there before, the date counts.
        """
        try:
            seen = (self._layout.partition(name) / TIMESTAMP).lstat()
        except OSError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        identity, now = (seen.st_ino, seen.st_mtime_ns), self._clock.monotonic()
        known = self._stamps.get(name)
        if known is None:
            age = max(0.0, self._clock.time() - seen.st_mtime)
            known = self._stamps[name] = (identity, now - age)
        elif known[0] != identity:
            known = self._stamps[name] = (identity, now)
        return now - known[1]

    def _period(self, url: str) -> float | None:
        """Seconds, as the release's file `periodicity` or the computer says it; None: never."""
        path = self._layout.release(url) / "periodicity"
        try:
            text = read_untrusted(path, limit=64, owner=owner_of(self._layout.software))
            period = float(text) if text is not None else self._maximum_periodicity
        except (OSError, AgentError, ValueError):
            period = self._maximum_periodicity
        if not math.isfinite(period):
            period = self._maximum_periodicity
        return None if period < 0 else max(SHORTEST_PERIOD, period)
