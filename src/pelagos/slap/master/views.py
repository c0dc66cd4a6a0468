"""What people are shown: listings, events, explanations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import UseCases
from pelagos.slap.master.explain import Finding
from pelagos.slap.master.finding import find_named, unknown_computer, unknown_service
from pelagos.slap.master.scene import Scene, last_seen
from pelagos.slap.master.store import (
    Reader,
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredSeat,
)
from pelagos.slap.master.tracing import Tracer
from pelagos.slap.master.visibility import Scope, scope
from pelagos.slap.model import (
    ComputerStatus,
    Event,
    Explanation,
    PartitionSummary,
    ReleaseOnComputer,
    Service,
    ServicePage,
)

_EVENTS_SHOWN = 10
_EVENTS_LIMIT = 1000
#: Services of a page when the caller does not say: a page is made and read in some 50 ms.
PAGE = 500
_PAGE_LIMIT = 1000
_KINDS = ("service", "computer", "release")


class Views(UseCases):
    """What people ask about the state of things."""

    def services(self, identity: Identity | None = None) -> list[Service]:
        """All that exist and that the identity sees, oldest first; for few, see `service_page`."""
        found: list[Service] = []
        after: int | None = 0
        while after is not None:
            page = self.service_page(identity, after)
            found += page.services
            after = page.next
        return found

    def service_page(
        self, identity: Identity | None = None, after: int = 0, limit: int = PAGE
    ) -> ServicePage:
        """The next of those that exist and that the identity sees, oldest first.

        Each page is of its own moment: what was there from the first to the last page is listed
        exactly once.

        Args:
            identity: who asks.
            after: `next` of the page before; 0 for the first.
            limit: how many at the most; 1,000 are the upper bound.
        """
        sees = scope(identity)
        limit = max(1, min(limit, _PAGE_LIMIT))
        with self._desk.store.read() as reader:
            # One more than is shown tells whether there is a next page.
            found = reader.live_page(after, limit + 1, sees.owner)
            instances = found[:limit]
            children = reader.titles_of_children([item.key for item in instances])
            scene = Scene(self._desk, reader, self._now(), sees).among(instances)
        return ServicePage(
            tuple(scene.service(item, children.get(item.key, ())) for item in instances),
            instances[-1].key if len(found) > limit else None,
        )

    def service(self, name: str, identity: Identity | None = None) -> Service:
        """One by its reference or guid; the last of that name when it is destroyed.

        Raises:
            NotFoundError: there never was one that the identity sees.
            Conflict: several owners have one of that name, and the identity has none.
        """
        with self._desk.store.read() as reader:
            sees = scope(identity)
            instance = find_named(reader, name, sees)
            if instance is None:
                raise unknown_service(name)
            scene = Scene(self._desk, reader, self._now(), sees)
            return scene.service(instance, _children(reader, instance))

    def computers(self, identity: Identity | None = None) -> list[ComputerStatus]:
        """All that the identity knows of, by id; of others' services only that they are there."""
        sees = scope(identity)
        with self._desk.store.read() as reader:
            known = [computer for computer in reader.computers() if sees.computer(computer)]
            slots, seats = reader.all_partitions(), reader.seats()
            scene = Scene(self._desk, reader, self._now(), sees)
        return [
            self._computer(scene, item, slots.get(item.key, ()), seats, sees) for item in known
        ]

    def computer(self, computer_id: str, identity: Identity | None = None) -> ComputerStatus:
        """One.

        Raises:
            NotFoundError: it is unknown to the identity.
        """
        sees = scope(identity)
        with self._desk.store.read() as reader:
            computer = reader.computer(computer_id)
            if computer is None or not sees.computer(computer):
                raise unknown_computer(computer_id)
            slots = reader.partitions(computer.key)
            seats = {
                item.partition_key: StoredSeat(item.title, item.guid, item.status, item.owner)
                for item in reader.instances_of_computer(computer.key)
                if item.partition_key is not None
            }
            scene = Scene(self._desk, reader, self._now(), sees)
        return self._computer(scene, computer, slots, seats, sees)

    def releases(self, identity: Identity | None = None) -> list[ReleaseOnComputer]:
        """All supplies of the computers that the identity knows of, oldest first."""
        sees = scope(identity)
        with self._desk.store.read() as reader:
            scene = Scene(self._desk, reader, self._now(), sees).whole()
            known = {item.computer_id for item in reader.computers() if sees.computer(item)}
            supplies = [item for item in reader.supplies() if item.computer_id in known]
            return [scene.release_on_computer(supply) for supply in supplies]

    def events(
        self,
        *,
        after: int = 0,
        subject: str | None = None,
        limit: int = 100,
        wait: float = 0.0,
        identity: Identity | None = None,
    ) -> list[Event]:
        """Events with an id above `after`, oldest first; a negative one asks for the newest.

        A tenant is told of own services and computers. Where events after `after` are no longer
        kept, the first that is returned says so (`events.trimmed`), and has the id of the last
        of those.

        Args:
            after: id of the last event that is known; -3 asks for the newest three.
            subject: only those about this guid, release URL, computer id, or service name.
            limit: how many at the most; 1,000 are the upper bound.
            wait: seconds to wait for one when there is none.
            identity: who asks.
        """
        owner = scope(identity).owner
        settings, hub = self._desk.settings, self._desk.hub
        deadline = self._desk.clock.monotonic() + min(wait, settings.wait_limit)
        subjects = () if subject is None else (subject,)
        limit = max(1, min(limit, _EVENTS_LIMIT))
        while True:
            seen = hub.count
            with self._desk.store.read() as reader:
                found = reader.events(after=after, subjects=subjects, limit=limit, owner=owner)
                if 0 <= after < (trimmed := reader.events_trimmed_to()):
                    found = [_trimmed(trimmed, self._now()), *found][:limit]
            left = deadline - self._desk.clock.monotonic()
            if found or left <= 0 or not hub.wait(seen, left):
                return found

    def explain(
        self, name: str, kind: str | None = None, identity: Identity | None = None
    ) -> Explanation:
        """Why a service, computer or release is in its state.

        Args:
            name: a service's reference or guid, a computer's id, or a release's URL.
            kind: "service", "computer" or "release"; tried in this order when None.
            identity: who asks.

        Raises:
            BadRequest: there is no such kind of thing.
            NotFoundError: there is no such thing that the identity sees.
            Conflict: several owners have a service of that name, and the identity has none.
        """
        sees = scope(identity)
        if kind not in (None, *_KINDS):
            raise BadRequest(
                f"{kind!r} is not a kind of thing", status=400, hint=f"use {', '.join(_KINDS)}"
            )
        with self._desk.store.read() as reader:
            for tried in _KINDS if kind is None else (kind,):
                found = self._explained(reader, tried, name, sees)
                if found is not None:
                    return found
        machine = self._machine(name, sees) if kind in (None, "computer") else None
        if machine is not None:
            return machine
        raise NotFoundError(
            f"there is no {kind or 'service, computer or release'} {name}",
            status=404,
            hint="pelagos service list, computer list and software list show what there is",
        )

    def check(self) -> None:
        """Pass, when the database answers.

        Raises:
            StoreError: it does not.
        """
        self._desk.store.revision("")

    def identity(self, identity: Identity) -> dict[str, str]:
        """Who asks, and in which role when it is a person."""
        known = {"kind": identity.kind, "name": identity.name}
        return {**known, "role": identity.role} if identity.role else known

    def _explained(self, reader: Reader, kind: str, name: str, sees: Scope) -> Explanation | None:
        scene = Scene(self._desk, reader, self._now(), sees)
        if kind == "service":
            instance = find_named(reader, name, sees)
            if instance is None:
                return None
            finding = Tracer(reader, scene, sees).trace(instance)
            return _explanation(reader, kind, instance.title, finding, instance.guid, sees)
        if kind == "computer":
            computer = reader.computer(name)
            if computer is None or not sees.computer(computer):
                return None
            finding = scene.of_computer(computer)
            return _explanation(reader, kind, name, finding, name, sees)
        known = {item.computer_id for item in reader.computers() if sees.computer(item)}
        supplies = [item for item in reader.supplies_of_release(name) if item.computer_id in known]
        if not supplies:
            return None
        # Of several computers show the one that has the most to say: the first that is not well.
        findings = [scene.of_release(supply) for supply in supplies]
        worst = next((item for item in findings if item.cause.code != "ok"), findings[0])
        return _explanation(reader, kind, name, worst, name, sees)

    def _machine(self, name: str, sees: Scope) -> Explanation | None:
        """A machine that is no computer yet, or any more."""
        line = self._desk.capacity
        advice = None if line is None else line.advise("computer", name)
        if advice is None or not sees.is_unlimited:
            return None
        return Explanation("computer", name, advice.state, advice.cause)

    def _computer(
        self,
        scene: Scene,
        computer: StoredComputer,
        slots: Sequence[StoredPartition],
        seats: Mapping[int, StoredSeat],
        sees: Scope,
    ) -> ComputerStatus:
        is_own = computer.computer_id == sees.computer_id and sees.partition_id is None
        summaries = []
        for slot in slots:
            seat = seats.get(slot.key)
            if seat is not None:
                is_named = sees.is_unlimited or is_own or seat.owner == sees.actor
                summaries.append(
                    PartitionSummary(slot.partition_id, seat.title, seat.guid, seat.status)
                    if is_named
                    else PartitionSummary(slot.partition_id, "", "")
                )
            elif slot.offered:
                summaries.append(PartitionSummary(slot.partition_id))
        return ComputerStatus(
            computer_id=computer.computer_id,
            cause=scene.of_computer(computer).cause,
            last_seen=last_seen(self._desk, computer),
            partitions=tuple(summaries),
            partition_count=len(summaries),
            free_count=len([item for item in summaries if item.service is None]),
            draining=computer.draining,
            properties=computer.properties,
        )


def _children(reader: Reader, instance: StoredInstance) -> list[str]:
    return [child.title for child in reader.children(instance.key)]


def _trimmed(last: int, now: float) -> Event:
    """What stands in the place of the events that are no longer kept."""
    said = f"the events up to number {last} are no longer kept; the log begins after them"
    cause = causes.plain("ok", said, now)
    return Event(last, now, "events.trimmed", "events", "events", None, causes.MASTER, cause)


def _explanation(
    reader: Reader, kind: str, name: str, finding: Finding, subject: str, sees: Scope
) -> Explanation:
    events = reader.events(
        after=-_EVENTS_SHOWN, subjects=(subject,), limit=_EVENTS_SHOWN, owner=sees.owner
    )
    return Explanation(
        kind=kind,
        name=name,
        state=finding.state,
        cause=finding.cause,
        chain=finding.chain,
        events=tuple(reversed(events)),
    )
