"""Machines on demand, as the master sees them: who waits for one, and what became of it.

The program around the master asks this; it decides itself when a machine is made or removed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pelagos.slap.master import causes, explain
from pelagos.slap.master.allocate import Candidate, allocate
from pelagos.slap.master.auth import Kind, digest_of
from pelagos.slap.master.desk import Desk, UseCases
from pelagos.slap.master.finding import unknown_computer
from pelagos.slap.master.placement import place_waiting
from pelagos.slap.master.scene import last_seen
from pelagos.slap.master.store import Duty, StoredInvitation
from pelagos.slap.model import Cause, ReleaseStatus, SupplyState


@dataclass(frozen=True, slots=True)
class WaitingWish:
    """An instance, not a shared one, that has no place.

    Attributes:
        cause: why, as the master says it.
        created: Unix seconds.
        is_supplied: a computer of the site was asked to supply its release.
    """

    guid: str
    title: str
    owner: str
    release_url: str
    filters: Mapping[str, Any]
    cause: Cause
    created: float
    is_supplied: bool


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What the master knows of a computer.

    Attributes:
        last_seen: Unix seconds; None: its agent has never called.
        free: partitions that a wish without a capability may have.
        seats: names of what sits there.
        supplies: releases that it was asked for.
    """

    computer_id: str
    last_seen: float | None
    is_silent: bool
    is_draining: bool
    partitions: int
    free: int
    seats: tuple[str, ...] = ()
    supplies: frozenset[str] = field(default=frozenset())


def would_take(
    wish: WaitingWish, partitions: int, properties: Mapping[str, str], now: float
) -> Cause | None:
    """Why a computer with these properties would not do for a wish; None when it would. Pure."""
    machine = Candidate(
        "a new machine", partitions, partitions, False, ReleaseStatus.REQUESTED,
        properties=properties,
    )  # fmt: skip
    found = allocate(wish.release_url, wish.filters, [machine], now, tuple(properties))
    return found if isinstance(found, Cause) else None


class Demand(UseCases):
    """What a program asks that makes machines for those who wait."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._lead = desk.store.make_lead(Duty.MACHINES)

    def makes_machines(self) -> bool:
        """Whether of the masters on this database this one makes them; asked by one thread.

        Raises:
            StoreError: the database does not say.
        """
        return self._desk.store.leads(self._lead)

    def waiting(self) -> list[WaitingWish]:
        """The instances without a place, oldest first."""
        with self._desk.store.read() as reader:
            found = [
                item
                for item in reader.unallocated_instances()
                if not item.shared and not item.is_destroying
            ]
            supplied = {
                url: any(
                    supply.requested_state is SupplyState.AVAILABLE
                    for supply in reader.supplies_of_release(url)
                )
                for url in {item.release_url for item in found}
            }
        return [
            WaitingWish(
                item.guid, item.title, item.owner, item.release_url, item.filters, item.cause,
                item.created, supplied[item.release_url],
            )
            for item in found
        ]  # fmt: skip

    def machines(self, names: Collection[str]) -> dict[str, MachineFacts]:
        """What is known of these computers; one that has not joined is absent."""
        found = {}
        with self._desk.store.read() as reader:
            for computer in reader.computers_among(names):
                seen = last_seen(self._desk, computer)
                slots = [slot for slot in reader.partitions(computer.key) if slot.offered]
                seated = reader.instances_of_computer(computer.key)
                found[computer.computer_id] = MachineFacts(
                    computer.computer_id,
                    seen,
                    explain.is_silent(seen, self._now(), self._desk.settings.silent_after),
                    computer.draining,
                    len(slots),
                    computer.free,
                    tuple(item.title for item in seated),
                    frozenset(
                        supply.url
                        for supply in reader.supplies_of_computer(computer.key)
                        if supply.requested_state is SupplyState.AVAILABLE
                    ),
                )
        return found

    def admit(self, name: str, lifetime: float) -> str:
        """A secret with which the machine of that name joins as a computer of the site, once.

        Args:
            lifetime: seconds.
        """
        secret = self._desk.new_token()
        with self._desk.change(None) as change:
            invitation = StoredInvitation(
                kind=Kind.COMPUTER,
                name=name,
                role=None,
                owner="",
                created=change.now,
                expires=change.now + lifetime,
                invited_by=causes.MASTER,
                again=change.store.computer(name) is not None,
            )
            change.store.add_invitation(digest_of(secret), invitation)
            said = causes.plain("ok", f"a machine was invited: {name}", change.now)
            change.record("computer.invited", name, name, said, where=name)
        return secret

    def lend(self, name: str, url: str) -> None:
        """Have a computer supply a release, and place who waits for it.

        Raises:
            NotFoundError: the computer is unknown.
        """
        with self._desk.change(None) as change:
            computer = change.store.computer(name)
            if computer is None:
                raise unknown_computer(name)
            known = change.store.supply(name, url)
            if known is not None and known.requested_state is SupplyState.AVAILABLE:
                return
            cause = causes.waiting_for_agent(name, change.now)
            change.store.put_supply(computer.key, url, SupplyState.AVAILABLE, cause)
            change.bump(computer.key)
            change.record("release.supplied", url, url, cause, name)
            place_waiting(self._desk, change)

    def seclude(self, name: str) -> bool:
        """Let a computer take nothing new, when nothing sits there; whether it is so now.

        One that is unknown is.
        """
        with self._desk.change(None) as change:
            computer = change.store.computer(name)
            if computer is None:
                return True
            if change.store.instances_of_computer(computer.key):
                return False
            if not computer.draining:
                change.store.update_computer(computer.key, draining=True)
                said = causes.plain("ok", "to be removed, takes nothing new", change.now)
                change.record("computer.draining", name, name, said, where=name)
            return True

    def open_again(self, name: str) -> None:
        """Let a computer take new instances that took none."""
        with self._desk.change(None) as change:
            computer = change.store.computer(name)
            if computer is not None and computer.draining:
                change.store.update_computer(computer.key, draining=False)
                place_waiting(self._desk, change)

    def note_machine(self, kind: str, name: str, cause: Cause) -> None:
        """Keep in the log what was done with a machine, e.g. `machine.making`."""
        with self._desk.change(None) as change:
            change.record(kind, name, name, cause, where=name)
