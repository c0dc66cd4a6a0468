"""Why a thing is in the state that it is in. Pure: facts in, the root cause and its chain out."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.slap.master import causes
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, ReleaseStatus, SupplyState

#: The status that each wished state should lead to.
WELL = {
    InstanceState.STARTED: InstanceStatus.STARTED,
    InstanceState.STOPPED: InstanceStatus.STOPPED,
}


@dataclass(frozen=True, slots=True)
class ComputerFacts:
    """A computer: its age and its last sign of life (Unix seconds; None = never).

    Attributes:
        rivals: two agents that call for it in turns.
    """

    computer_id: str
    created: float
    last_seen: float | None
    draining: bool = False
    rivals: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A supply and what its agent said last."""

    url: str
    requested_state: SupplyState
    status: ReleaseStatus
    cause: Cause


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """An instance.

    Attributes:
        cause: of the last report; while unallocated, why it is; once destroyed, that.
        computer_id: None while unallocated.
        children: titles of the live instances that it requested.
    """

    release_url: str
    requested_state: InstanceState
    status: InstanceStatus
    cause: Cause
    computer_id: str | None
    children: tuple[str, ...] = ()

    @property
    def is_destroying(self) -> bool:
        """Whether its end was asked for and has not come yet."""
        return (
            self.requested_state is InstanceState.DESTROYED
            and self.status is not InstanceStatus.DESTROYED
        )

    @property
    def is_well(self) -> bool:
        """Whether it was last seen as it was wished to be."""
        return self.status is WELL.get(self.requested_state)


@dataclass(frozen=True, slots=True)
class Finding:
    """The state in a word, the root cause, and what leads to it from the thing, nearest first."""

    state: str
    cause: Cause
    chain: tuple[Cause, ...] = ()

    @property
    def is_there(self) -> bool:
        """Of a computer: whether its agent does what it is told."""
        return self.state in ("ok", "draining")


def explain_computer(computer: ComputerFacts, now: float, silent_after: float) -> Finding:
    """Whether the computer's agent is there."""
    if computer.last_seen is None:
        return Finding("never-seen", causes.never_seen(computer.computer_id, computer.created))
    if is_silent(computer.last_seen, now, silent_after):
        return Finding("silent", causes.computer_silent(computer.computer_id, computer.last_seen))
    if computer.draining:
        return Finding(
            "draining", causes.computer_draining(computer.computer_id, computer.last_seen)
        )
    if computer.rivals is not None:
        rivals = causes.two_agents(computer.computer_id, computer.rivals, computer.last_seen)
        return Finding("ok", rivals)
    said = f"the agent of {computer.computer_id} calls regularly"
    return Finding("ok", causes.plain("ok", said, computer.last_seen))


def explain_release(release: ReleaseFacts, computer: Finding) -> Finding:
    """What became of a supply; waits for a silent computer are that computer's."""
    removing = release.requested_state is SupplyState.DESTROYED
    state = "removing" if removing else str(release.status)
    if release.status is ReleaseStatus.AVAILABLE and not removing:
        return Finding(state, release.cause)
    if not computer.is_there:
        return Finding(state, computer.cause, (release.cause,))
    return Finding(state, release.cause)


def explain_service(
    service: ServiceFacts, release: ReleaseFacts | None, computer: Finding | None
) -> Finding:
    """Why a service is as it is.

    The order: unallocated; its computer is not there; its release is not ready; what its agent
    said, or that the agent has said nothing yet.

    Args:
        service: the instance.
        release: its release on its computer, None when not supplied there.
        computer: what `explain_computer` found of its computer, None while unallocated.
    """
    own, state = service.cause, str(service.status)
    if service.is_destroying:
        state = "destroying"
        is_told = own.code == "destroying" and own.seen_by != causes.MASTER
        if own.code not in causes.HELD_AT_THE_END and not (is_told and not service.children):
            own = causes.destroying(
                service.computer_id or "", service.children, service.cause.since
            )
    if computer is None or service.computer_id is None:
        return Finding(state, own)
    if not computer.is_there:
        return Finding(state, computer.cause, () if service.is_well else (own,))
    if service.is_well or service.is_destroying:
        return Finding(state, own)
    blocker = _blocker(service, release)
    if blocker is None:
        return Finding(state, own)
    # Two that wait for the same agent are one story.
    return Finding(state, blocker, () if blocker.code == own.code else (own,))


def is_silent(last_seen: float | None, now: float, silent_after: float) -> bool:
    """Whether a sign of life is too old; never seen is silent, too.

    One from the future is older than it says: the clock was set back since. Masters' clocks may
    differ by as much as an agent may be silent.
    """
    return last_seen is None or abs(now - last_seen) > silent_after


def _blocker(service: ServiceFacts, release: ReleaseFacts | None) -> Cause | None:
    """What of its release keeps a service from being well."""
    if service.status is InstanceStatus.ERROR:
        # Its agent got as far as trying; only a failed build comes before what it said then.
        if release is not None and release.status is ReleaseStatus.ERROR:
            return release.cause
        return None
    if release is None or release.requested_state is SupplyState.DESTROYED:
        return causes.release_not_supplied(
            service.release_url, str(service.computer_id), service.cause.since
        )
    return None if release.status is ReleaseStatus.AVAILABLE else release.cause
