"""The causes of machines on demand; each code has a row in docs/reference/causes.md. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pelagos.core.errors import PelagosError
from pelagos.plane.capacity.errors import QuotaReached, Refused, Unanswered
from pelagos.slap.model import Cause

SEEN_BY = "capacity"
#: The code of what is no silence of a cloud: another master looks after it.
STANDBY = "capacity-standby"
_CHECK = "pelagos capacity check {name}"


def of_error(error: PelagosError, name: str, now: float) -> Cause:
    """What a driver says that went wrong."""
    hint = error.hint or ""
    if isinstance(error, QuotaReached):
        code, more = "machine-quota", "remove what is not needed in the cloud, or ask for more"
    elif isinstance(error, Refused):
        code, more = "machine-refused", _CHECK.format(name=name)
    elif isinstance(error, Unanswered):
        code, more = "cloud-unanswered", "it is tried again by itself"
    else:
        code, more = "capacity-failed", _CHECK.format(name=name)
    said = " ".join(error.message.split()).rstrip(".")
    return _cause(code, f"{name}: {said}", hint or more, now)


def making(machine: str, name: str, said: str, since: float) -> Cause:
    """The cloud makes it."""
    more = f": {said}" if said else ""
    return _cause(
        "machine-making", f"the machine {machine} is being made in {name}{more}", "", since
    )


def planned(name: str, since: float) -> Cause:
    """A machine is about to be made."""
    return _cause("machine-making", f"a machine is about to be made in {name}", "", since)


def booting(machine: str, name: str, within: float, since: float) -> Cause:
    """It runs, and installs itself."""
    return _cause(
        "machine-booting",
        f"the machine {machine} runs in {name}; its agent has not joined yet, and has "
        f"{within:.0f} s for that from the beginning",
        "see what it says: the log of its console in the cloud",
        since,
    )


def joined(machine: str, since: float) -> Cause:
    """It is a computer of the plane."""
    return _cause("ok", f"{machine} is a computer of the plane", "", since)


def idle(machine: str, since: float, ends: float) -> Cause:
    """Nothing sits on it."""
    return _cause(
        "machine-idle",
        f"nothing sits on {machine}; it is removed when that has lasted {ends:.0f} s",
        "",
        since,
    )


def leaving(machine: str, why: str, since: float) -> Cause:
    """It is being removed."""
    return _cause("machine-leaving", f"the machine {machine} is being removed: {why}", "", since)


def by_hand(now: float) -> Cause:
    """Why one is removed that nobody but a person wants gone."""
    return _cause("machine-leaving", "somebody asked for that", "", now)


def removed(machine: str, why: str, now: float) -> Cause:
    """It is gone."""
    return _cause("machine-leaving", f"the machine {machine} was removed: {why}", "", now)


def too_late(machine: str, within: float, now: float) -> Cause:
    """Its agent did not join."""
    return _cause(
        "machine-did-not-join",
        f"the agent of {machine} did not join within {within:.0f} s",
        "can machines reach the master's address, and is there cloud-init in the image? "
        "pelagos capacity check",
        now,
    )


def failed(machine: str, said: str, now: float) -> Cause:
    """The cloud says so."""
    return _cause(
        "machine-failed", f"the cloud failed to make {machine}: {said}", "it is removed", now
    )


def gone(machine: str, services: Sequence[str], now: float) -> Cause:
    """The cloud has it no more."""
    if services:
        return _cause(
            "machine-gone",
            f"the cloud has no machine {machine} any more; {', '.join(services[:3])} sat there",
            f"they begin anew elsewhere, without what they kept there, by: pelagos capacity "
            f"remove {machine} --lost",
            now,
        )
    return _cause("machine-gone", f"the cloud has no machine {machine} any more", "", now)


def stopped(machine: str, said: str, now: float) -> Cause:
    """Somebody stopped it."""
    return _cause(
        "machine-stopped",
        f"the machine {machine} does not run: the cloud says {said}",
        "start it in the cloud",
        now,
    )


def unknown(machine: str, now: float) -> Cause:
    """A machine with a name of ours that the book does not have."""
    return _cause(
        "machine-unknown",
        f"the cloud has {machine}, which this plane does not know of any more",
        "",
        now,
    )


def forgotten(machine: str, now: float) -> Cause:
    """The master does not know it any more."""
    return _cause(
        "machine-unknown",
        f"the plane made {machine}, and the master's database does not know it: was it restored, "
        "or was the computer removed by hand?",
        f"save what is worth it there, then: pelagos capacity remove {machine}",
        now,
    )


def silent(machine: str, since: float) -> Cause:
    """Its agent does not call."""
    return _cause(
        "machine-silent",
        f"the agent of {machine} has not called for too long",
        f"pelagos why {machine}",
        since,
    )


def patience(name: str, seconds: float, since: float) -> Cause:
    """A machine will be made, unless room is found."""
    return _cause(
        "machine-soon",
        f"a machine is made in {name} unless there is room within {seconds:.0f} s",
        "",
        since,
    )


def full(name: str, count: int, since: float) -> Cause:
    """No more machines may be made."""
    return _cause(
        "capacity-full",
        f"{name} has {count} machines, and may have no more",
        f"raise capacity.named.{name}.max_machines, or destroy a service that is not needed",
        since,
    )


def spent(name: str, count: int, seconds: float, since: float) -> Cause:
    """The budget of this hour is spent."""
    return _cause(
        "capacity-spent",
        f"{count} machines were begun in {name} within an hour, and may be no more; the next may "
        f"be in {seconds:.0f} s",
        f"raise capacity.named.{name}.makes_per_hour, or wait",
        since,
    )


def cooling(seconds: float, trouble: Cause) -> Cause:
    """The last one failed."""
    said = trouble.message
    return _cause(
        trouble.code, f"{said}; tried again in {seconds:.0f} s", trouble.hint, trouble.since
    )


def lends(machine: str, since: float) -> Cause:
    """A machine of ours has room, and gets the release."""
    return _cause(
        "machine-joined", f"{machine} has room and is asked to supply the release", "", since
    )


def no_help(name: str, why: str, now: float) -> Cause:
    """A machine would not do."""
    return _cause("machine-would-not-do", f"a machine of {name} would not do: {why}", "", now)


def standby(now: float) -> Cause:
    """Another master is the one that makes machines."""
    return _cause(
        STANDBY,
        "another master on this database makes the machines now; this one looks after those that "
        "it made, and takes over when the other ends",
        "ask the other master",
        now,
    )


def off(name: str, error: PelagosError, now: float) -> Cause:
    """A capacity cannot be used as it is configured."""
    said = " ".join(error.message.split()).rstrip(".")
    hint = error.hint or f"mend [capacity.named.{name}] and start the plane again"
    return _cause("capacity-off", f"{name} cannot be used: {said}", hint, now)


def no_place(machine: str, name: str, since: float) -> Cause:
    """A machine of a capacity that is configured no more."""
    return _cause(
        "capacity-off",
        f"{machine} was made in {name}, which is not configured any more; nobody looks after it",
        f"bring [capacity.named.{name}] back, with max_machines = 0 where no more are to be made",
        since,
    )


def ready(name: str, on_their_way: int, now: float) -> Cause:
    """A machine may be made."""
    more = f"; {on_their_way} on their way" if on_their_way else ""
    return _cause("ok", f"a machine may be made in {name}{more}", "", now)


def _cause(code: str, message: str, hint: str, since: float) -> Cause:
    return Cause(code, message, hint=hint, since=since, seen_by=SEEN_BY)
