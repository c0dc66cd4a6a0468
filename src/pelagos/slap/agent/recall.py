"""Turn how a step went into what is remembered of its subject. Pure: times are passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pelagos.core.backoff import Backoff
from pelagos.slap.agent.memory import PartitionMemory, ReleaseMemory
from pelagos.slap.agent.plan import check_delay, wish_key
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.agent.step import Step, StepKind
from pelagos.slap.agent.steps.outcome import Outcome
from pelagos.slap.agent.verdict import RESTART_WINDOW, Health

#: Seconds until a destruction or removal is reported again while the master still wishes it.
TELL_AGAIN = 30.0
#: Seconds between two looks at an instance that is not well, at least.
SICK_CHECK = 1.0
#: Seconds from a start to the first check: fewer would only take the processor from the service.
FIRST_CHECK = 0.1
#: Seconds between two looks, at most, at what needs only time to be well: a supervisor asks for
#: one second.
STARTING_CHECK = 0.3
_REVIVAL = Backoff(first=10.0, factor=2.0, limit=300.0)


@dataclass(frozen=True, slots=True)
class Recall:
    """The rules, with the settings that they depend on."""

    settings: AgentSettings

    @property
    def _rerun(self) -> Backoff:
        return Backoff(self.settings.rerun_first, 2.0, self.settings.rerun_limit)

    @property
    def _retry(self) -> Backoff:
        return Backoff(self.settings.retry_first, 2.0, self.settings.retry_limit)

    def release(
        self, known: ReleaseMemory, step: Step, outcome: Outcome, now: float
    ) -> ReleaseMemory:
        """What to remember of a release after a step on it."""
        if known.tried is not step.kind:
            known = replace(known, failures=0)
        if outcome.retry_after is not None:
            return replace(known, tried=step.kind, retry_at=now + outcome.retry_after)
        if not outcome.is_done:
            failures = known.failures + 1
            return replace(
                known,
                tried=step.kind,
                failures=failures,
                retry_at=now + self._retry.delay(failures),
                cause=outcome.cause,
            )
        if step.kind is StepKind.REMOVE:
            return ReleaseMemory(tried=step.kind, retry_at=now + TELL_AGAIN)
        return ReleaseMemory(is_built=step.kind is StepKind.BUILD, is_known=True)

    def partition(
        self, known: PartitionMemory, step: Step, outcome: Outcome, now: float
    ) -> PartitionMemory:
        """What to remember of a partition after a step on it."""
        key = wish_key(step.partition) if step.partition is not None else ""
        if known.tried != key:
            known = replace(known, failures=0, is_destroyed=False)
        if outcome.retry_after is not None:
            return replace(
                known, tried=key, retry_at=now + outcome.retry_after, check_at=now + 1.0
            )
        if step.kind is StepKind.CHECK and outcome.health is not None:
            return self._checked(known, outcome, outcome.health, now)
        if step.kind is StepKind.REFUSE:
            return replace(known, refused=outcome.cause.code if outcome.cause else None)
        if not outcome.is_done:
            return self._failed(known, step, key, now)
        return self._done(known, step, key, now)

    def _done(self, known: PartitionMemory, step: Step, key: str, now: float) -> PartitionMemory:
        if step.kind is StepKind.REVIVE:
            revived = known.revived + 1
            wait = _REVIVAL.delay(revived)
            return replace(known, revived=revived, revive_at=now + wait, check_at=now + SICK_CHECK)
        if step.kind is StepKind.STOP:  # the wish itself waits for its release
            return replace(known, tried=None, failures=0, stop_at=now + SICK_CHECK)
        if step.kind is StepKind.DESTROY:
            return PartitionMemory(tried=key, is_destroyed=True, retry_at=now + TELL_AGAIN)
        grace = now + self.settings.promise_grace
        return PartitionMemory(
            wish=key,
            tried=key,
            reruns=known.reruns + 1 if known.wish == key and known.rerun_at is not None else 0,
            supervise_at=now + self.settings.retry_first,
            grace_until=grace,
            check_at=now + FIRST_CHECK,
        )

    def _failed(self, known: PartitionMemory, step: Step, key: str, now: float) -> PartitionMemory:
        if step.kind in {StepKind.CHECK, StepKind.REVIVE}:
            return replace(known, check_at=now + self.settings.promise_interval)
        failures = known.failures + 1
        return replace(
            known,
            wish=None if step.kind is StepKind.DEPLOY else known.wish,
            tried=key,
            failures=failures,
            retry_at=now + self._retry.delay(failures),
            refused=None,
        )

    def _checked(
        self, known: PartitionMemory, outcome: Outcome, health: Health, now: float
    ) -> PartitionMemory:
        recent = tuple(at for at in known.restarts if now - at < RESTART_WINDOW)
        known = replace(
            known,
            pids=outcome.pids,
            restarts=(*recent, now) if outcome.was_restarted else recent,
        )
        interval = self.settings.promise_interval
        if health is Health.WELL:
            return replace(
                known,
                is_well=True,
                has_been_well=True,
                reruns=0,
                rerun_at=None,
                checks=0,
                revived=0,
                check_at=now + interval,
            )
        checks = known.checks + 1
        delay = check_delay(checks, interval)
        if health is Health.STARTING:
            return replace(known, checks=checks, check_at=now + min(delay, STARTING_CHECK))
        if health is Health.UNSETTLED and known.is_well:  # one failure of a few that must be
            return replace(known, checks=checks, check_at=now + min(SICK_CHECK, interval))
        if health is Health.UNSETTLED:
            return replace(known, checks=checks, check_at=now + delay)
        rerun_at = None
        if health is Health.PROMISE_FAILED:
            rerun_at = known.rerun_at or now + self._rerun.delay(known.reruns + 1)
        return replace(
            known,
            is_well=False,
            rerun_at=rerun_at,
            checks=checks,
            check_at=now + max(min(SICK_CHECK, interval), delay),
        )
