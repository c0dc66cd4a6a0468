"""What all use cases share: the store, the clock, and the way to change something.

A `Change` is one use case's transaction: what it alters and the events that say so are committed
together, then the events are published.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pelagos.core.certificate import Authority
from pelagos.core.clock import Clock
from pelagos.slap.master import causes
from pelagos.slap.master.agent_line import AgentLine
from pelagos.slap.master.auth import Authenticator, Identity
from pelagos.slap.master.capacity_line import CapacityLine
from pelagos.slap.master.errors import StoreError
from pelagos.slap.master.events import EventHub
from pelagos.slap.master.finding import check_changeable
from pelagos.slap.master.rivals import Rivals
from pelagos.slap.master.settings import MasterSettings
from pelagos.slap.master.store import (
    NewInstance,
    News,
    Store,
    StoredComputer,
    StoredInstance,
    Writer,
)
from pelagos.slap.master.trimming import STEP, Trimming
from pelagos.slap.master.verdicts import Verdicts
from pelagos.slap.master.visibility import Scope, scope
from pelagos.slap.model import Cause, Event, InstanceStatus

log = logging.getLogger(__name__)


class Change:
    """A transaction at work. `store` reads and writes, the rest keeps the rules of every change.

    Attributes:
        now: Unix seconds; the same for all that happens here.
        events: what happened, in order; numbered when they are written, at the end.
        scope: what the identity sees and may change.
    """

    def __init__(self, store: Writer, identity: Identity | None, now: float) -> None:
        self.store = store
        self.scope: Scope = scope(identity)
        self.now = now
        self.events: list[Event] = []
        self._actor = causes.MASTER if identity is None else identity.actor
        self._places: list[tuple[str | None, str | None]] = []
        self._revisions: dict[int, int] = {}

    def record(
        self,
        kind: str,
        subject: str,
        reference: str,
        cause: Cause,
        computer_id: str | None = None,
        *,
        where: str | None = None,
        owner: str | None = None,
    ) -> None:
        """Append an event; `computer_id` names the computer whose agent needs to look.

        Args:
            where: the computer where it happened, when neither that nor the caller tells.
            owner: whose it is; of an instance its owner. None: the owner of that computer.
        """
        event = Event(0, self.now, kind, subject, reference, computer_id, self._actor, cause)
        self.events.append(event)
        if kind.startswith("person."):  # people are nobody's, whatever computer has their name
            owner = ""
        self._places.append((owner, where or computer_id or self.scope.computer_id))

    def log(self) -> None:
        """Write the events that were recorded; once, at the end."""
        keys = self.store.add_events(
            [(event, *place) for event, place in zip(self.events, self._places, strict=True)]
        )
        self.events = [
            replace(event, id=key) for event, key in zip(self.events, keys, strict=True)
        ]

    def tell(self, kind: str, instance: StoredInstance, cause: Cause, *, wake: bool) -> None:
        """Append an event of an instance; with `wake` its agent needs to look."""
        self.tell_to(instance.computer_id if wake else None, kind, instance, cause)

    def tell_to(
        self,
        computer_id: str | None,
        kind: str,
        instance: StoredInstance | NewInstance,
        cause: Cause,
    ) -> None:
        """Append an event of an instance; the agent of that computer needs to look."""
        self.record(kind, instance.guid, instance.title, cause, computer_id, owner=instance.owner)

    def bump(self, computer_key: int | None) -> int:
        """Count this transaction in what the computer's agent is told; return the revision."""
        if computer_key is None:
            return 0
        if computer_key not in self._revisions:
            self._revisions[computer_key] = self.store.bump(computer_key)
        return self._revisions[computer_key]

    def next_revision(self, computer: StoredComputer) -> int:
        """What `bump` and `seat` return for a computer that was read in this transaction."""
        return self._revisions.get(computer.key, computer.revision + 1)

    def seat(self, computer_key: int) -> None:
        """Count that one of the computer's partitions was taken or left, and `bump`."""
        if computer_key in self._revisions:
            self.store.recount(computer_key)
        else:
            self._revisions[computer_key] = self.store.bump_and_recount(computer_key)

    def alter(self, instance: StoredInstance, **changes: Any) -> None:
        """An effective change: a new timestamp, and the agent's answer is awaited anew."""
        revision = self.bump(instance.computer_key)
        if instance.computer_id is not None:
            changes["status"] = InstanceStatus.WAITING
            changes["cause"] = causes.waiting_for_agent(instance.computer_id, self.now)
        timestamp = self._later(instance)
        self.store.update_instance(
            instance.key,
            timestamp=timestamp,
            changed_timestamp=timestamp,
            changed_revision=revision,
            **changes,
        )

    def wake(self, instance: StoredInstance) -> None:
        """Have the agent process an allocated instance again: a new timestamp and nothing else."""
        self.bump(instance.computer_key)
        self.store.update_instance(instance.key, timestamp=self._later(instance))

    def _later(self, instance: StoredInstance) -> int:
        return max(int(self.now * 1_000_000), instance.timestamp + 1)


class Presence:
    """The last sign of life of each computer, and the last revision that its agent was given.

    Args:
        delivers: told of each newer revision that this master gives an agent.
    """

    def __init__(self, delivers: Callable[[str, int], None] | None = None) -> None:
        self._delivers = delivers
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self._last_written = 0.0
        self._delivered: dict[str, int] = {}
        self.rivals = Rivals()

    def last_seen(self, computer_id: str, stored: float | None) -> float | None:
        """The newer of what is in memory and what is stored."""
        known = self._seen.get(computer_id)
        if known is None or (stored is not None and stored > known):
            return stored
        return known

    def note(self, computer_id: str, now: float, interval: float, silent_after: float) -> bool:
        """Take a sign of life; True when it is time to write those that are only in memory.

        It is when this is the computer's first since the start or since it was silent, and when
        the last time was an interval ago: the signs of all computers are written together.
        """
        seen = self._seen.get(computer_id)
        is_new = computer_id not in self._written or seen is None
        if is_new or not 0 <= now - (seen or 0.0) < silent_after:
            return True
        if not 0 <= now - self._last_written < interval:
            return True
        self._seen[computer_id] = now
        return False

    def unwritten(self, computer_id: str, now: float) -> dict[str, float]:
        """All signs of life that the database does not have, with this one."""
        with self._lock:
            self._seen[computer_id] = now
            return {key: at for key, at in self._seen.items() if self._written.get(key) != at}

    def wrote(self, seen: dict[str, float]) -> None:
        """Those are in the database now."""
        with self._lock:
            self._written.update(seen)
            self._last_written = max(seen.values(), default=self._last_written)

    def deliver(self, computer_id: str, revision: int) -> None:
        """The agent was given this revision."""
        if self.hear(computer_id, revision) and self._delivers is not None:
            self._delivers(computer_id, revision)

    def hear(self, computer_id: str, revision: int) -> bool:
        """Some master gave the agent this revision; True when it is newer than all before."""
        if revision <= self._delivered.get(computer_id, 0):
            return False
        with self._lock:
            self._delivered[computer_id] = max(revision, self._delivered.get(computer_id, 0))
        return True

    def forget_delivered(self) -> None:
        """Other masters may have given newer ones: until the next, nothing speaks against any."""
        with self._lock:
            self._delivered.clear()

    def has(self, computer_id: str, revision: int) -> bool:
        """Whether the agent can know of this revision; True when nothing speaks against it."""
        return self._delivered.get(computer_id, revision) >= revision


@dataclass(frozen=True, slots=True)
class Desk:
    """The tools of every use case; built once by the master."""

    store: Store
    clock: Clock
    settings: MasterSettings
    hub: EventHub
    authenticator: Authenticator
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    presence: Presence = field(default_factory=Presence)
    trimming: Trimming = field(default_factory=Trimming)
    authority: Authority | None = None
    line: AgentLine | None = None
    capacity: CapacityLine | None = None
    verdicts: Verdicts = field(default_factory=Verdicts)

    @contextmanager
    def change(self, identity: Identity | None) -> Iterator[Change]:
        """One transaction of an identity (None: the master itself); events follow the commit."""
        with self.store.change() as writer:
            change = Change(writer, identity, self.clock.time())
            yield change
            if change.events:
                change.log()
                writer.tell(News(events=True))
        self.hub.publish(change.events)
        if change.events and self.trimming.is_due(self.clock.monotonic()):
            self._trim()

    def _trim(self) -> None:
        """Forget some of the events that are too old; never fails the call that it follows."""
        settings = self.settings
        before = self.clock.time() - settings.events_lifetime
        try:
            with self.store.change() as writer:
                has_more = writer.trim_events(before, settings.events_kept, STEP)
        except StoreError as error:
            log.warning("cannot forget old events: %s", error)
        else:
            self.trimming.done(self.clock.monotonic(), has_more=has_more)

    def hear(self, news: News) -> None:
        """Take what another master on this database did."""
        if news.missed:
            self.presence.forget_delivered()
        elif news.computer_id:
            self.presence.hear(news.computer_id, news.revision)
        if news.events or news.missed:
            self.hub.hear()

    @contextmanager
    def rehearse(self, identity: Identity) -> Iterator[Change]:
        """A transaction that is always undone: what would happen, told by the very same code."""
        try:
            with self.store.change() as writer:
                yield Change(writer, identity, self.clock.time())
                raise _Undone  # noqa: TRY301  # it must pass through the transaction
        except _Undone:
            pass


class _Undone(Exception):  # a signal, never seen outside
    """Ends a rehearsal."""


class UseCases:
    """Base of the groups of use cases."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _check_changeable(self, computer_id: str, identity: Identity | None) -> None:
        """`finding.check_changeable` before a call that opens its transaction later."""
        sees = scope(identity)
        if sees.is_unlimited or sees.computer_id == computer_id:
            return  # no need to look: agents call often
        with self._desk.store.read() as reader:
            check_changeable(reader, computer_id, sees)

    def _now(self) -> float:
        return self._desk.clock.time()
