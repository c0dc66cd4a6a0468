"""Instances looked at: do their programs run, do their promises hold."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.slap.agent import listening
from pelagos.slap.agent.cause import Causes, has_no_room
from pelagos.slap.agent.certificates import PartitionCertificates
from pelagos.slap.agent.facts import ProgramState
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.memory import PartitionMemory
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.plan import pids_of
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseResult, PromiseRunner
from pelagos.slap.agent.promise_plugin import Asked, Mode, release_python
from pelagos.slap.agent.report import Told
from pelagos.slap.agent.steps.deploying import address
from pelagos.slap.agent.steps.outcome import Outcome, report_of
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.verdict import RESTART_WINDOW, Health, Verdict, judge
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError
from pelagos.slap.model import Cause, Partition

log = logging.getLogger(__name__)


class Checking:
    """Looks at instances, and starts again what was given up."""

    def __init__(
        self,
        layout: Layout,
        *,
        computer_id: str,
        client: SlapClient,
        supervisor: Supervisor,
        promises: PromiseRunner,
        certificates: PartitionCertificates,
        causes: Causes,
        clock: Clock,
    ) -> None:
        self._layout = layout
        self._computer_id = computer_id
        self._client = client
        self._supervisor = supervisor
        self._promises = promises
        self._certificates = certificates
        self._causes = causes
        self._clock = clock

    def check(
        self, partition: Partition, known: PartitionMemory, stop: threading.Event
    ) -> Outcome:
        """Ask the promises, look at the programs, and judge."""
        name = partition.partition_id
        folder = self._layout.partition(name)
        asked = self._asked(partition, folder, known)
        results = self._promises.run(folder, clean_environment(os.environ, folder), stop, asked)
        files = PartitionFiles(folder)
        with contextlib.suppress(SlapError):  # the one that is there is good for long still
            self._certificates.see_to(name, partition.instance_guid or "", files)
        programs = self._supervisor.observe().get(name, ())
        here = files.see(programs)
        pids = pids_of(here)
        was_restarted = bool(known.pids) and _is_restarted(known.pids, pids)
        now = self._clock.monotonic()
        restarts = was_restarted + sum(now - at < RESTART_WINDOW for at in known.restarts)
        is_in_grace = now < known.grace_until
        is_fresh = is_in_grace or any(p.state is ProgramState.STARTING for p in programs)
        verdict = judge(
            programs,
            results,
            is_in_grace=is_in_grace,
            restarts=restarts,
            listening=listening.look(folder, programs) if is_fresh else listening.Listening(),
        )
        others = [r.name for r in results if not (r.is_held or r.is_suspect)]
        cause = self._cause_of(verdict, folder, restarts, others, known)
        if verdict.health is Health.WELL:
            cause = self._causes.plain("ok", _well(len(programs), len(results)))
        self._bang(partition, folder, results)
        told = Told.STARTED if verdict.health is Health.WELL else Told.ERROR
        return Outcome(
            report=report_of(told, partition, cause) if cause else None,
            health=verdict.health,
            pids=pids,
            was_restarted=was_restarted,
        )

    def _asked(self, partition: Partition, folder: Path, known: PartitionMemory) -> Asked:
        """How promises are asked: as a test until the instance was well once."""
        token = PartitionFiles(folder).token(partition.instance_guid or "")
        return Asked(
            mode=Mode.ANOMALY if known.has_been_well else Mode.TEST,
            python=release_python(self._layout.release(partition.release_url or "")),
            config={
                "computer-id": self._computer_id,
                "partition-id": partition.partition_id,
                "master-url": address(self._client, token),
            },
        )

    def _bang(
        self, partition: Partition, folder: Path, results: tuple[PromiseResult, ...]
    ) -> None:
        """Have the instance processed again because of the first anomaly that asks for it."""
        found = next((result for result in results if result.wants_bang), None)
        if found is None:
            return
        said = f"The promise {found.name} is failing: {found.message}"[:1000]
        try:
            self._client.bang_partition(self._computer_id, partition.partition_id, said)
        except SlapError as error:  # asked again at the promise's next run
            log.warning("cannot bang %s: %s", partition.partition_id, error)
        else:
            self._promises.banged(folder)

    def _cause_of(
        self,
        verdict: Verdict,
        folder: Path,
        restarts: int,
        failed: list[str],
        known: PartitionMemory,
    ) -> Cause | None:
        """Why an instance is ill; None when it is not, or not yet."""
        if verdict.program is not None:
            taken = listening.listeners()
            return self._causes.crashed(folder, verdict.program, restarts, taken)
        if verdict.promise is None:
            return None
        if has_no_room(folder):
            return self._causes.disk_full(folder, doing=f"checking {verdict.promise.name}")
        others = [name for name in failed if name != verdict.promise.name]
        return self._causes.promise_failed(verdict.promise, others, is_red_long=known.reruns > 0)

    def revive(self, name: str) -> Outcome:
        """Start programs again that were given up."""
        for program in self._supervisor.observe().get(name, ()):
            if program.is_kept and not program.is_alive:
                self._supervisor.restart(name, program.name)
        return Outcome()


def _is_restarted(
    before: tuple[tuple[str, int | None], ...], now: tuple[tuple[str, int | None], ...]
) -> bool:
    """Whether a program has got another process."""
    former = dict(before)
    return any(pid is not None and former.get(name) not in {None, pid} for name, pid in now)


def _well(programs: int, promises: int) -> str:
    held = {0: "it has no promise", 1: "its promise holds"}.get(
        promises, f"all {promises} promises hold"
    )
    return f"{programs} {'service runs' if programs == 1 else 'services run'}, {held}."
