"""Carry out one step on one release or partition and say how it went; remember nothing."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.core.json_schema import SchemaError
from pelagos.slap.agent import listening
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.builders.base import Builder, Connection, Run
from pelagos.slap.agent.cause import Causes, has_no_room, writable
from pelagos.slap.agent.certificates import PartitionCertificates
from pelagos.slap.agent.ending import Ending
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.facts import ProgramState
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.lock import Held, Lock
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.patience import Patience
from pelagos.slap.agent.plan import PartitionMemory, Step, StepKind, pids_of, wish_key
from pelagos.slap.agent.ports import Ports
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseResult, PromiseRunner
from pelagos.slap.agent.promise_plugin import Asked, Mode, release_python
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.room import Room, check_room
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.agent.verdict import RESTART_WINDOW, Health, Verdict, judge
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError
from pelagos.slap.model import Cause, InstanceState, Partition
from pelagos.slap.parameter_schema import encode
from pelagos.slap.schema_files import read_bundle

log = logging.getLogger(__name__)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went.

    Attributes:
        is_done: it reached its goal.
        retry_after: seconds; set when it could not run now and nothing failed.
        report: what the master should hear.
        cause: why it failed; None when it did not.
        health: for checks.
        pids: for checks: the programs at that time.
        was_restarted: for checks: a program has another pid than at the check before.
    """

    is_done: bool = True
    retry_after: float | None = None
    report: Report | None = None
    cause: Cause | None = None
    health: Health | None = None
    pids: tuple[tuple[str, int | None], ...] = ()
    was_restarted: bool = False


class Applier:
    """Does the steps. Safe to share between threads while each subject has one at a time."""

    def __init__(  # noqa: PLR0913  # its tools
        self,
        layout: Layout,
        *,
        computer_id: str,
        client: SlapClient,
        builder: Builder,
        supervisor: Supervisor,
        promises: PromiseRunner,
        clock: Clock,
        hook_timeout: float = 300.0,
        authority: Path | None = None,
        room: Room | None = None,
    ) -> None:
        self._layout = layout
        self._room = room or Room()
        self._computer_id = computer_id
        self._client = client
        self._builder = builder
        self._supervisor = supervisor
        self._promises = promises
        self._clock = clock
        self._causes = Causes(computer_id, clock)
        self._ports = Ports(layout)
        self._certificates = PartitionCertificates(
            client, computer_id=computer_id, clock=clock, authority=authority
        )
        self._patience = Patience(self._causes, clock)
        self._ending = Ending(causes=self._causes, clock=clock, hook_timeout=hook_timeout)
        self._quick: Mapping[StepKind, Callable[[Step], Outcome]] = {
            StepKind.REMOVE: self._remove,
            StepKind.ANNOUNCE: self._announce,
            StepKind.REFUSE: self._refuse,
            StepKind.REVIVE: self._revive,
            StepKind.STOP: self._stop_first,
        }

    def close(self) -> None:
        """End what runs beside the steps, as the agent stops."""
        self._ending.close()

    def apply(
        self,
        step: Step,
        known: PartitionMemory,
        tell: Callable[[Report], None],
        stop: threading.Event,
    ) -> Outcome:
        """Carry out a step; failures become part of the outcome.

        Args:
            step: what to do.
            known: what is remembered of the partition, for checks.
            tell: takes a report that should go out while the step is still running.
            stop: set when the agent stops.
        """
        try:
            return self._do(step, known, tell, stop)
        except StepDeferred as deferred:
            return Outcome(is_done=False, retry_after=deferred.retry_after or 1.0)
        except StepFailed as failed:
            return self._failed(step, failed.cause, failed.log)
        except SlapError as error:  # only the token is asked for here; reports wait elsewhere
            return Outcome(is_done=False, retry_after=error.retry_after or 5.0)
        except Exception as error:  # noqa: BLE001 - nothing that happens to a step is silent
            return self._failed(step, self._cause_of_error(step, error))

    def _cause_of_error(self, step: Step, error: Exception) -> Cause:
        match error:
            case PelagosError():
                return Cause("node-error", error.message, error.hint or "Read the agent's log.")
            case OSError():
                return self._system_cause(step, error)
            case _:
                log.error("a defect met %s %s", step.kind, step.subject, exc_info=error)
                return _defect_cause(step, error)

    def _do(
        self,
        step: Step,
        known: PartitionMemory,
        tell: Callable[[Report], None],
        stop: threading.Event,
    ) -> Outcome:
        match step.kind:
            case StepKind.CHECK:
                return self._check(_partition(step), known, stop)
            case StepKind.BUILD:
                return self._build(step.subject, tell, stop)
            case StepKind.DEPLOY:
                return self._deploy(_partition(step), stop)
            case StepKind.DESTROY:
                return self._destroy(_partition(step), tell, stop)
            case _:
                return self._quick[step.kind](step)

    # ---- releases -------------------------------------------------------------------------------

    def _build(self, url: str, tell: Callable[[Report], None], stop: threading.Event) -> Outcome:
        def on_start() -> None:
            log = self._layout.release_log(url)
            cause = self._causes.plain(
                "release-building", "The release is being built.", detail=f"Log: {log}"
            )
            tell(Report(Told.RELEASE_BUILDING, url, cause))

        self._check_owner(self._layout.software)
        least = self._room.software
        check_room(self._layout.software, least, self._causes, doing="a release is built")
        self._builder.build(url, on_start, stop)
        return Outcome(report=self._available(url))

    def _remove(self, step: Step) -> Outcome:
        self._builder.remove(step.subject)
        cause = self._causes.plain("destroyed", "The release was removed.")
        return Outcome(report=Report(Told.RELEASE_DESTROYED, step.subject, cause))

    def _announce(self, step: Step) -> Outcome:
        self._builder.prepare(step.subject)
        return Outcome(report=self._available(step.subject))

    def _available(self, url: str) -> Report:
        cause = self._causes.plain("ok", "The release is built.")
        return Report(Told.RELEASE_AVAILABLE, url, cause, schemas=self._schemas(url))

    def _schemas(self, url: str) -> str:
        """What a release says of its parameters; a mistake in that makes it no less available."""
        is_local = not url.startswith(("http:", "https:"))  # who builds it may read no more
        try:
            with acting_as(owner_of(self._layout.software) if is_local else None):
                bundle = read_bundle(url)
        except SchemaError as error:
            log.warning("the parameters of %s are not checked: %s", url, error.message)
            return ""
        return encode(bundle) if bundle is not None else ""

    # ---- partitions -----------------------------------------------------------------------------

    def _deploy(self, partition: Partition, stop: threading.Event) -> Outcome:
        name = partition.partition_id
        files = PartitionFiles(self._layout.partition(name))
        files.ensure()
        self._check_owner(files.folder)
        if partition.requested_state != InstanceState.STOPPED:
            least = self._room.instance
            check_room(files.folder, least, self._causes, doing="an instance is configured")
        lock = Lock(files.lock)
        try:
            with lock.hold() as handle:
                failure = self._configure(partition, files, handle, stop)
        except Held as held:  # by a run of an agent that was killed; this one begins anew
            self._patience.try_again(name, lock, held)
        self._patience.forget(name)
        if partition.requested_state == InstanceState.STOPPED:
            return self._stop(partition, failure)
        if failure is not None:
            files.note_error(failure.log or failure.cause.message)
            raise failure
        files.note_error("")
        self._promises.renew(files.folder)
        self._supervisor.run(name, files.programs())
        return Outcome()

    def _check_owner(self, folder: Path) -> None:
        if self._layout.needs_owner and owner_of(folder) is None:
            raise StepFailed(
                self._causes.plain(
                    "node-error",
                    f"{folder} belongs to root; neither instances nor builds may run as root.",
                    "Format the computer again: pelagos node format",
                )
            )

    def _configure(
        self, partition: Partition, files: PartitionFiles, lock: int, stop: threading.Event
    ) -> StepFailed | None:
        url = partition.release_url or ""
        guid = partition.instance_guid or ""
        files.begin(guid, self._layout.release(url))
        self._ending.begin_life(partition, files.folder)
        environ = clean_environment(os.environ, files.folder)
        # The original's library, when a recipe uses it, notes requests below this folder.
        environ["SLAPGRID_INSTANCE_ROOT"] = str(self._layout.instance)
        key_file, cert_file = self._certificates.pair(partition.partition_id, guid, files)
        authority_file = self._certificates.authority(files)
        if authority_file:
            environ["PELAGOS_AUTHORITY"] = authority_file  # for recipes that use our library
        connection = Connection(
            computer_id=self._computer_id,
            partition_id=partition.partition_id,
            server_url=self._server_url(partition, files, guid),
            release_url=url,
            requested_state=partition.requested_state,
            key_file=key_file,
            cert_file=cert_file,
            authority_file=authority_file,
        )
        run = Run(files.folder, files.log, lock, connection, environ)
        self._ports.offer(partition.partition_id)
        try:
            self._builder.configure(url, run, stop)
            self._check_ports(partition.partition_id)
        except StepFailed as failure:
            files.forget_token()  # in case the master no longer takes it
            files.end()
            return self._sharpen(failure, files.folder)
        files.end()
        return None

    def _check_ports(self, name: str) -> None:
        """Refuse a port that another partition keeps: it was chosen at the same time."""
        if (conflict := self._ports.settle(name)) is not None:
            port, whose = conflict
            raise StepFailed(
                self._causes.plain(
                    "port-taken",
                    f"Port {port} is taken: the partition {whose} keeps it.",
                    "Request the service with another port, or leave the choice to its computer.",
                )
            )

    def _sharpen(self, failure: StepFailed, folder: Path) -> StepFailed:
        """A full disk cuts the log that would tell of it, so look at the disk itself."""
        if has_no_room(folder):
            return StepFailed(self._causes.disk_full(folder, doing="configuring the instance"))
        return failure

    def _server_url(self, partition: Partition, files: PartitionFiles, guid: str) -> str:
        """The master's address with the partition's own token in it."""
        token = files.token(guid)
        if token is None:
            token = self._client.partition_token(self._computer_id, partition.partition_id)
            if token is None:
                return self._client.url
            files.keep_token(guid, token)
        return self._address(token)

    def _address(self, token: str | None) -> str:
        if token is None:
            return self._client.url
        scheme, _, rest = self._client.url.partition("://")
        return f"{scheme}://partition:{urllib.parse.quote(token, safe='')}@{rest}"

    def _stop(self, partition: Partition, failure: StepFailed | None) -> Outcome:
        """Stop an instance; that its profile failed before does not keep it running."""
        self._supervisor.remove(partition.partition_id)
        message = "Stopped as wished."
        if failure is not None:
            message = (
                f"Stopped, although its profile could not be carried out: {failure.cause.message}"
            )
        cause = self._causes.plain("stopped", message)
        return Outcome(report=_report(Told.STOPPED, partition, cause))

    def _stop_first(self, step: Step) -> Outcome:
        """Stop an instance that cannot be configured yet; the rest of the wish waits."""
        partition = _partition(step)
        self._supervisor.remove(partition.partition_id)
        cause = self._causes.plain(
            "stopped",
            "Stopped as wished; it is configured when its release is built.",
        )
        return Outcome(report=_report(Told.STOPPED, partition, cause))

    def _check(
        self, partition: Partition, known: PartitionMemory, stop: threading.Event
    ) -> Outcome:
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
            report=_report(told, partition, cause) if cause else None,
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
                "master-url": self._address(token),
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

    def _revive(self, step: Step) -> Outcome:
        name = step.subject
        for program in self._supervisor.observe().get(name, ()):
            if program.is_kept and not program.is_alive:
                self._supervisor.restart(name, program.name)
        return Outcome()

    def _refuse(self, step: Step) -> Outcome:
        return self._failed(step, step.cause or Cause("instance-error", "It cannot be done."))

    def _destroy(
        self, partition: Partition, tell: Callable[[Report], None], stop: threading.Event
    ) -> Outcome:
        name = partition.partition_id
        files = PartitionFiles(self._layout.partition(name))

        def say(cause: Cause) -> None:
            tell(_report(Told.ERROR, partition, cause))

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
        return Outcome(report=_report(Told.DESTROYED, partition, cause))

    # ---- failures -------------------------------------------------------------------------------

    def _failed(self, step: Step, cause: Cause, log: str = "") -> Outcome:
        signed = self._causes.sign(cause)
        if step.partition is None:
            report = Report(Told.RELEASE_ERROR, step.subject, signed, log=writable(log))
        else:
            wish = wish_key(step.partition)
            report = Report(Told.ERROR, step.subject, signed, wish, writable(log))
        return Outcome(is_done=False, report=report, cause=signed)

    def _system_cause(self, step: Step, error: OSError) -> Cause:
        where = self._layout.root
        if error.errno in _NO_ROOM:
            doing = f"{step.kind}: {error.filename or error.strerror}"
            return self._causes.disk_full(where, doing=doing)
        return Cause(
            "node-error",
            f"The agent could not {step.kind} it: {error}",
            f"See that {where} can be written by the agent; it is tried again by itself.",
        )


def _defect_cause(step: Step, error: Exception) -> Cause:
    return Cause(
        "node-error",
        f"A defect of the agent ended its try to {step.kind} it: "
        f"{type(error).__name__}: {str(error)[:300]}",
        "Read the agent's log; it is tried again by itself.",
    )


def _partition(step: Step) -> Partition:
    if step.partition is None:
        raise ValueError(f"a step {step.kind} needs its partition")
    return step.partition


def _report(told: Told, partition: Partition, cause: Cause) -> Report:
    return Report(told, partition.partition_id, cause, wish_key(partition))


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
