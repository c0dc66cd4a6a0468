"""The dead letters of a virtual host: what failed too often or is no message, kept until decided.

    letters = DeadLetters(connect("amqp://…"))
    for letter in letters.list():
        print(letter.id, letter.queue, letter.cause)
    letters.retry(letter.id)

Also what a broker put there, or somebody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from pelagos.messaging.dead.again import (
    ATTEMPTS,
    CAUSE,
    DEAD_QUEUE,
    DIED,
    EXCHANGE,
    HANDLER,
    KEY,
    LETTER,
    QUEUE,
    back_again,
)
from pelagos.messaging.dead.mover import Mover
from pelagos.messaging.environment import open_bus
from pelagos.messaging.errors import MessagingError, TopologyError, UnroutableError
from pelagos.messaging.transports.base import (
    REQUEST_TIMEOUT,
    Connection,
    Delivery,
    Properties,
    Queue,
    Transport,
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that died, and how.

    Attributes:
        id: names it among the dead letters; not the id of the message.
        queue: where it was when it died; empty if that is not known.
        exchange: where it had been sent, with which `key`.
        cause: why it died, in words.
        handler: `Class.method` of who failed, several with commas; empty for poison.
        attempts: how often it was tried; 0 for poison.
        died: Unix seconds, or None if that is not known.
        body: as it came.
        properties: what travelled beside the body.
    """

    id: str
    queue: str
    exchange: str
    key: str
    cause: str
    handler: str
    attempts: int
    died: int | None
    body: bytes
    properties: Properties

    @classmethod
    def read(cls, delivery: Delivery) -> DeadLetter:
        """From what lies in the queue; also what a broker put there, or somebody else."""
        headers = delivery.properties.headers
        death = _broker_death(headers)
        died = headers.get(DIED)
        return cls(
            id=_text(headers.get(LETTER)) or _digest(delivery),
            queue=_text(headers.get(QUEUE)) or _text(death.get("queue")),
            exchange=_text(headers.get(EXCHANGE)) or _text(death.get("exchange")),
            key=_text(headers.get(KEY)) or _first(death.get("routing-keys")),
            cause=_text(headers.get(CAUSE)) or _broker_cause(death) or "not told",
            handler=_text(headers.get(HANDLER)),
            attempts=_number(headers.get(ATTEMPTS)) or _number(death.get("count")) or 0,
            died=_number(died),
            body=delivery.body,
            properties=delivery.properties,
        )


Letters = list[DeadLetter]
_Held = list[Delivery]


class DeadLetters:
    """The letters in one queue of dead letters.

    Each call opens a connection of its own. While it looks, it holds the letters: another one that
    looks at the same moment sees the rest.

    Args:
        bus: where they are.
        queue: the queue's name.
        timeout: seconds that the broker may take for each step: to connect, to answer a request,
            to confirm a letter that is sent back.
    """

    def __init__(
        self, bus: Transport | str, queue: str = DEAD_QUEUE, *, timeout: float = REQUEST_TIMEOUT
    ) -> None:
        self.bus = open_bus(bus)
        self.queue = queue
        self.timeout = timeout

    def count(self) -> int:
        """How many there are; 0 also when nothing ever died here."""
        with closing(self.bus.open(self.timeout)) as connection:
            return self._waiting(connection)

    def list(self, limit: int | None = 1000) -> Letters:
        """The oldest letters, or all, in the order in which they died; they stay."""
        with self._taken(limit) as (_, held):
            return [DeadLetter.read(delivery) for delivery in held]

    def show(self, letter_id: str) -> DeadLetter:
        """One letter; the beginning of its id is enough if no other begins so.

        Raises:
            MessagingError: there is none, or several.
        """
        with self._taken() as (_, held):
            found = [letter for letter in map(DeadLetter.read, held) if _is(letter, letter_id)]
        return _only_one(found, letter_id)

    def retry(
        self,
        *letter_ids: str,
        to: str | None = None,
        before: Callable[[Letters], object] | None = None,
    ) -> Letters:
        """Send these letters, or all, back to the queues where they died, as if never tried.

        Only the handlers that had failed get them. A letter leaves when its queue has it.

        Args:
            letter_ids: ids or their beginnings; none for all letters.
            to: another queue than the one where they died.
            before: called with them before any is sent; what it raises keeps them.

        Raises:
            MessagingError: an id is unknown, or a queue does not exist any more; what was sent
                before is sent.
        """

        def revive(connection: Connection, delivery: Delivery) -> None:
            letter = DeadLetter.read(delivery)
            where = to or letter.queue
            if not where:
                raise MessagingError(
                    f"nobody knows from which queue the letter {letter.id} came",
                    hint="name a queue to send it to",
                )
            try:
                Mover(connection, patience=self.timeout).publish(back_again(delivery, where))
            except UnroutableError as error:
                raise MessagingError(
                    f"the letter {letter.id} cannot go back: there is no queue {where!r}",
                    hint="start what reads that queue, or name another one",
                ) from error

        return self._decide(letter_ids, revive, before)

    def drop(self, *letter_ids: str, before: Callable[[Letters], object] | None = None) -> Letters:
        """Forget these letters, or all; which those were.

        Args:
            letter_ids: ids or their beginnings; none for all letters.
            before: called with them while they are still there; what it raises keeps them.

        Raises:
            MessagingError: an id is unknown; nothing was dropped.
        """
        return self._decide(letter_ids, lambda _, __: None, before)

    def _decide(
        self,
        letter_ids: tuple[str, ...],
        act: Callable[[Connection, Delivery], None],
        before: Callable[[Letters], object] | None = None,
    ) -> Letters:
        with self._taken() as (connection, held):
            letters = [DeadLetter.read(delivery) for delivery in held]
            chosen = {
                _only_one([one for one in letters if _is(one, given)], given).id
                for given in letter_ids
            }
            if before is not None:
                before([letter for letter in letters if not chosen or letter.id in chosen])
            done = []
            for letter, delivery in zip(letters, tuple(held), strict=True):
                if chosen and letter.id not in chosen:
                    continue
                act(connection, delivery)
                connection.ack(delivery)
                held.remove(delivery)
                done.append(letter)
            return done

    @contextmanager
    def _taken(self, limit: int | None = None) -> Iterator[tuple[Connection, _Held]]:
        """Hold the letters that are there now; what is left in the list goes back."""
        with closing(self.bus.open(self.timeout)) as connection:
            count = self._waiting(connection)
            held: _Held = []
            while len(held) < (count if limit is None else min(limit, count)):
                delivery = connection.get(self.queue)
                if delivery is None:
                    break
                held.append(delivery)
            try:
                yield connection, held
            finally:
                if connection.is_open:
                    for delivery in reversed(held):
                        connection.reject(delivery, requeue=True)

    def _waiting(self, connection: Connection) -> int:
        try:
            return connection.declare_queue(Queue(self.queue, passive=True)).messages
        except TopologyError as error:
            if error.is_missing:
                return 0
            raise


def _is(letter: DeadLetter, given: str) -> bool:
    return bool(given) and letter.id.startswith(given)


def _only_one(found: list[DeadLetter], given: str) -> DeadLetter:
    exact = [letter for letter in found if letter.id == given] or found
    if len({letter.id for letter in exact}) == 1:
        return exact[0]
    if not found:
        raise MessagingError(
            f"there is no dead letter {given!r}", hint="list them to see which there are"
        )
    raise MessagingError(
        f"{len(found)} dead letters begin with {given!r}", hint="give more of the id"
    )


def _digest(delivery: Delivery) -> str:
    """An id for a letter that somebody else put there."""
    facts = f"{delivery.properties.message_id}\0{delivery.key}\0".encode(errors="replace")
    return hashlib.sha256(facts + delivery.body).hexdigest()[:12]


def _broker_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    return first if isinstance(first, Mapping) else {}


def _broker_cause(death: Mapping[str, Any]) -> str:
    reason = _text(death.get("reason"))
    words = {
        "rejected": "a consumer rejected it",
        "expired": "it expired in its queue",
        "maxlen": "its queue was full",
        "delivery_limit": "it was delivered too often without being settled",
    }
    return words.get(reason, reason)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first(value: object) -> str:
    return _text(value[0]) if isinstance(value, list) and value else ""


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
