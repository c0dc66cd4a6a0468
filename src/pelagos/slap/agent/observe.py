"""Look at this computer: which releases are complete, what lies in each partition, what runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.facts import ProgramStatus, Seen
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.supervisors.base import Supervisor


class Observer:
    """Makes one `Seen` at a time."""

    def __init__(self, layout: Layout, builder: Builder, supervisor: Supervisor) -> None:
        self._layout = layout
        self._builder = builder
        self._supervisor = supervisor

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
        return Seen(
            complete_releases=frozenset(u for u in set(urls) if self._builder.is_complete(u)),
            partitions={
                name: PartitionFiles(self._layout.partition(name)).see(programs.get(name, ()))
                for name in self._layout.partition_ids
            },
        )
