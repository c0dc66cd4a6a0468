"""Carry out one step on one release or partition and say how it went; remember nothing."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.slap.agent.builders.base import Builder
from pelagos.slap.agent.cause import Causes, writable
from pelagos.slap.agent.certificates import PartitionCertificates
from pelagos.slap.agent.ending import Ending
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.memory import PartitionMemory
from pelagos.slap.agent.patience import Patience
from pelagos.slap.agent.plan import wish_key
from pelagos.slap.agent.ports import Ports
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.room import Room
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.checking import Checking
from pelagos.slap.agent.steps.deploying import Deploying
from pelagos.slap.agent.steps.leaving import Leaving
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.steps.releases import ReleaseSteps
from pelagos.slap.agent.supervisors.base import Supervisor
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError
from pelagos.slap.model import Cause

log = logging.getLogger(__name__)

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


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
        self._causes = causes = Causes(computer_id, clock)
        self._ending = ending = Ending(causes=causes, clock=clock, hook_timeout=hook_timeout)
        room, ports = room or Room(), Ports(layout)
        certificates = PartitionCertificates(
            client, computer_id=computer_id, clock=clock, authority=authority
        )
        self._releases = ReleaseSteps(layout, builder, causes, room)
        self._deploying = Deploying(
            layout,
            computer_id=computer_id,
            client=client,
            builder=builder,
            supervisor=supervisor,
            promises=promises,
            certificates=certificates,
            ending=ending,
            ports=ports,
            patience=Patience(causes, clock),
            causes=causes,
            room=room,
        )
        self._checking = Checking(
            layout,
            computer_id=computer_id,
            client=client,
            supervisor=supervisor,
            promises=promises,
            certificates=certificates,
            causes=causes,
            clock=clock,
        )
        self._leaving = Leaving(
            layout,
            supervisor=supervisor,
            promises=promises,
            ending=ending,
            ports=ports,
            causes=causes,
        )

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
        partition, url = step.partition, step.subject
        if partition is None:
            work: dict[StepKind, Callable[[], Outcome]] = {
                StepKind.BUILD: lambda: self._releases.build(url, tell, stop),
                StepKind.REMOVE: lambda: self._releases.remove(url),
                StepKind.ANNOUNCE: lambda: self._releases.announce(url),
            }
        else:
            work = {
                StepKind.CHECK: lambda: self._checking.check(partition, known, stop),
                StepKind.REVIVE: lambda: self._checking.revive(step.subject),
                StepKind.DEPLOY: lambda: self._deploying.deploy(partition, stop),
                StepKind.STOP: lambda: self._deploying.stop_first(partition),
                StepKind.DESTROY: lambda: self._leaving.destroy(partition, tell, stop),
                StepKind.REFUSE: lambda: self._refuse(step),
            }
        return work[step.kind]()

    def _refuse(self, step: Step) -> Outcome:
        return self._failed(step, step.cause or Cause("instance-error", "It cannot be done."))

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
