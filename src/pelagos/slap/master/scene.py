"""The facts that services, releases and computers are explained with, at one moment.

What an agent wrote into the log of a build is shown to those who may change the computer; to
others its causes say no more than their one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pelagos.slap.master import explain
from pelagos.slap.master.desk import Desk
from pelagos.slap.master.explain import ComputerFacts, Finding, ReleaseFacts, ServiceFacts
from pelagos.slap.master.store import Reader, StoredComputer, StoredInstance, StoredSupply
from pelagos.slap.master.visibility import EVERYTHING, Scope
from pelagos.slap.model import ReleaseOnComputer, Service


class Scene:
    """Asks each thing once, when it is needed or beforehand (`among`, `whole`).

    Args:
        desk: knows the last signs of life.
        reader: one state of the database.
        now: Unix seconds.
        sees: for whom it is.
    """

    def __init__(self, desk: Desk, reader: Reader, now: float, sees: Scope = EVERYTHING) -> None:
        self._desk = desk
        self._reader = reader
        self._now = now
        self._sees = sees
        self._is_full = False
        self._stored: dict[str, StoredComputer | None] = {}
        self._computers: dict[str, Finding | None] = {}
        self._releases: dict[tuple[str, str], ReleaseFacts | None] = {}

    def among(self, about: Sequence[StoredInstance]) -> Scene:
        """Read what some instances need, and no more."""
        ids = {item.computer_id for item in about if item.computer_id is not None}
        urls = {item.release_url for item in about}
        reader = self._reader
        return self._filled(reader.computers_among(ids), reader.supplies_among(ids, urls))

    def whole(self) -> Scene:
        """Read all of it."""
        return self._filled(self._reader.computers(), self._reader.supplies())

    def _filled(
        self, computers: Iterable[StoredComputer], supplies: Iterable[StoredSupply]
    ) -> Scene:
        self._stored = {item.computer_id: item for item in computers}
        self._releases = {(item.computer_id, item.url): self._facts(item) for item in supplies}
        self._is_full = True
        return self

    # ---- what is known of each thing ---------------------------------------------------------

    def computer(self, computer_id: str) -> Finding | None:
        """What is to be said of a computer; None when it is unknown."""
        if computer_id not in self._computers:
            stored = self._computer(computer_id)
            self._computers[computer_id] = None if stored is None else self.of_computer(stored)
        return self._computers[computer_id]

    def of_computer(self, stored: StoredComputer) -> Finding:
        """What is to be said of a computer that was read before."""
        desk = self._desk
        facts = ComputerFacts(
            stored.computer_id,
            stored.created,
            last_seen(desk, stored),
            stored.draining,
            desk.presence.rivals.of(stored.computer_id),
        )
        finding = explain.explain_computer(facts, self._now, desk.settings.silent_after)
        return self._advised("computer", stored.computer_id, finding)

    def release(self, computer_id: str, url: str) -> ReleaseFacts | None:
        """A release on a computer; None when nobody asked to supply it there."""
        key = (computer_id, url)
        if key not in self._releases:
            supply = None if self._is_full else self._reader.supply(*key)
            self._releases[key] = None if supply is None else self._facts(supply)
        return self._releases[key]

    def of_release(self, supply: StoredSupply) -> Finding:
        """What is to be said of a release on a computer."""
        computer = self.computer(supply.computer_id)
        facts = self._facts(supply)
        if computer is None:  # cannot be: a supply belongs to its computer
            return Finding(facts.status, facts.cause, ())
        return explain.explain_release(facts, computer)

    def of_service(self, instance: StoredInstance, children: Iterable[str]) -> Finding:
        """What is to be said of an instance alone, whatever it waits for."""
        computer_id = instance.computer_id
        facts = ServiceFacts(
            release_url=instance.release_url,
            requested_state=instance.requested_state,
            status=instance.status,
            cause=instance.cause,
            computer_id=computer_id,
            children=tuple(children),
        )
        if computer_id is None:
            alone = explain.explain_service(facts, None, None)
            is_waiting = instance.is_live and not instance.shared and not instance.is_destroying
            return self._advised("service", instance.guid, alone) if is_waiting else alone
        release = self.release(computer_id, instance.release_url)
        return explain.explain_service(facts, release, self.computer(computer_id))

    def _advised(self, kind: str, name: str, finding: Finding) -> Finding:
        """The same with what is known of a machine that is made, or removed, for it."""
        line = self._desk.capacity
        advice = None if line is None else line.advise(kind, name)
        if advice is None:
            return finding
        if not advice.leads:
            return replace(finding, chain=(*finding.chain, advice.cause))
        return Finding(finding.state, advice.cause, (*finding.chain, finding.cause))

    # ---- as it is shown ----------------------------------------------------------------------

    def service(self, instance: StoredInstance, children: Iterable[str]) -> Service:
        """An instance as it is listed."""
        return Service(
            reference=instance.title,
            guid=instance.guid,
            release_url=instance.release_url,
            software_type=instance.software_type,
            requested_state=instance.requested_state,
            status=instance.status,
            cause=self.of_service(instance, children).cause,
            root_reference=instance.root_title,
            requester_guid=instance.requester_guid,
            computer_id=instance.computer_id,
            partition_id=instance.partition_id,
            parameters=instance.parameters,
            connection=instance.connection,
            filters=instance.filters,
            created=instance.created,
        )

    def release_on_computer(self, supply: StoredSupply) -> ReleaseOnComputer:
        """A release as it is listed."""
        return ReleaseOnComputer(
            url=supply.url,
            computer_id=supply.computer_id,
            requested_state=supply.requested_state,
            status=supply.status,
            cause=self.of_release(supply).cause,
        )

    def _computer(self, computer_id: str) -> StoredComputer | None:
        if computer_id not in self._stored:
            known = None if self._is_full else self._reader.computer(computer_id)
            self._stored[computer_id] = known
        return self._stored[computer_id]

    def _facts(self, supply: StoredSupply) -> ReleaseFacts:
        cause = supply.cause
        if not self._sees.is_unlimited:
            computer = self._computer(supply.computer_id)
            if computer is None or not self._sees.may_change_computer(computer):
                cause = replace(cause, detail="")
        return ReleaseFacts(supply.url, supply.requested_state, supply.status, cause)


def last_seen(desk: Desk, computer: StoredComputer) -> float | None:
    """The last sign of life of a computer, Unix seconds."""
    return desk.presence.last_seen(computer.computer_id, computer.last_seen)
