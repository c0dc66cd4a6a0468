"""A message that its receiver sends on: to wait before it is tried again, or to the dead letters.

What is sent on keeps its body, its properties and its headers, but for what a broker would act
upon once more:

- the headers `CC` and `BCC` would send copies to others, `x-death` belongs to the broker;
- `expiration` would let it vanish where it waits;
- `user_id` is refused from anybody but that user; it is kept in the header `x-pelagos-user-id`.

Pure: makes the envelopes and the queues, sends and declares nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from pelagos.messaging.consumer.received import ATTEMPT_HEADER
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Delivery,
    Envelope,
    Properties,
    Queue,
)

#: Where dead letters go unless told.
DEAD_QUEUE: Final = "pelagos.dead"

#: Headers of what is sent on. Where it was and how it had come there; texts.
QUEUE: Final = "x-pelagos-queue"
EXCHANGE: Final = "x-pelagos-exchange"
KEY: Final = "x-pelagos-key"
#: The names of the handlers that are to get it again; a list of texts.
HANDLERS: Final = "x-pelagos-handlers"
#: Why it died, in words; who failed; how often it was tried; when (Unix seconds); its own id.
CAUSE: Final = "x-pelagos-cause"
HANDLER: Final = "x-pelagos-handler"
ATTEMPTS: Final = "x-pelagos-attempts"
DIED: Final = "x-pelagos-died"
LETTER: Final = "x-pelagos-letter"
USER: Final = "x-pelagos-user-id"

#: Characters of a cause.
_CAUSE_LIMIT: Final = 1000
#: About as many bytes of headers fit into one frame together with ours.
_HEADERS_LIMIT: Final = 100_000
_NAME_LIMIT: Final = 255

_OURS: Final = "x-pelagos-"
_BROKERS: Final = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")

#: When a message that waits is to be tried again; Unix milliseconds.
DUE: Final = "x-pelagos-due"

#: Milliseconds that what waits outlives its last use, for queues that themselves go when unused.
LEASE_MS: Final = 3_600_000
#: Quorum queues count what is given back, and drop a message that was given back too often.
_MANY: Final = 1_000_000_000
_LONGEST_MS: Final = 2**31  # brokers take little more for x-expires


def waiting_queue(queue: Queue, delay_ms: int) -> Queue:
    """Where messages of `queue` wait for so many milliseconds.

    Nothing in it expires: somebody who reads `queue` brings them back. All wait equally long, so
    that the first of them is always the first that is due. It is as lasting as `queue`.
    """
    return _beside(queue, f".retry.{delay_ms}", delay_ms)


def register_queue(queue: Queue) -> Queue:
    """Where it is noted for how long messages of `queue` ever waited; see `note` and `noted`."""
    return _beside(queue, ".retry.delays", 0)


def _beside(queue: Queue, ending: str, delay_ms: int) -> Queue:
    name = queue.name
    stem = f"pelagos.{name}" if name.startswith("amq.") else name  # those are the broker's
    if len((stem + ending).encode()) > _NAME_LIMIT:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        stem = f"{stem.encode()[:180].decode(errors='ignore')}~{digest}"
    arguments: dict[str, Any] = {"x-queue-type": "classic"}  # a virtual host may prefer another
    if queue.arguments.get("x-queue-type") == "quorum":
        arguments = {"x-queue-type": "quorum", "x-delivery-limit": _MANY}
    elif queue.exclusive:
        return Queue(stem + ending, durable=False, exclusive=True, arguments=arguments)
    own = queue.arguments.get("x-expires")
    if queue.auto_delete or own is not None:
        own_ms = own if type(own) is int else 0
        arguments["x-expires"] = min(LEASE_MS + own_ms + delay_ms, _LONGEST_MS)
    return Queue(stem + ending, arguments=arguments)


def note(delay_ms: int, where: str) -> Envelope:
    """The note, for the queue `where`, that messages may wait for so long."""
    return Envelope("", where, b"%d" % delay_ms, Properties("", headers={}), mandatory=True)


def noted(delivery: Delivery) -> int | None:
    """The delay in a note, in milliseconds; None when it is none."""
    text = delivery.body
    return int(text) if len(text) < 13 and text.isdigit() and text != b"0" else None  # noqa: PLR2004


def to_wait(
    delivery: Delivery, where: str, attempt: int, handlers: Iterable[str] = (), *, due: int
) -> Envelope:
    """The message on its way to the queue `where` it waits for its attempt of this number."""
    headers = _origin(delivery) | {ATTEMPT_HEADER: attempt, DUE: due}
    return _sent_on(delivery, where, headers, handlers)


def from_waiting(delivery: Delivery, queue: str) -> Envelope:
    """A message that has waited on its way to its queue."""
    old = delivery.properties
    headers = {k: v for k, v in old.headers.items() if k != DUE and not k.startswith(_BROKERS)}
    return Envelope("", queue, delivery.body, replace(old, headers=headers), mandatory=True)


class Patience:
    """How long the first message of a waiting queue still waits, whatever clocks do.

    The time when it is due was written by the clock of whoever let it wait, and may be long ago
    or far away by ours. Nobody waits longer than the delay of the queue: a message that is due
    later than that was written by a clock that is ahead of ours, or ours was set back.

    >>> patience = Patience(delay_ms=1000)
    >>> patience.left_ms(5_400, now=5_000), patience.left_ms(4_000, now=5_000)
    (400, 0)
    >>> patience.left_ms(99_000, now=5_000), patience.left_ms(99_000, now=5_700)
    (1000, 300)
    """

    def __init__(self, delay_ms: int) -> None:
        self._delay = delay_ms
        self._ahead = 0

    def left_ms(self, due: object, now: int) -> int:
        """Milliseconds that a message with this header still waits; 0 for one without."""
        if type(due) is not int:
            return 0
        left = due - now
        if left > self._delay:
            self._ahead = max(self._ahead, left - self._delay)
            left -= self._ahead
        return max(0, left)


def to_the_dead(
    delivery: Delivery,
    where: str,
    *,
    cause: str,
    attempts: int,
    died: int,
    letter: str,
    handlers: Iterable[str] = (),
) -> Envelope:
    """The message on its way to the queue `where` of the dead letters."""
    names = list(handlers)
    headers = _origin(delivery) | {
        CAUSE: clean(cause),
        ATTEMPTS: attempts,
        DIED: died,
        LETTER: letter,
        HANDLER: ", ".join(names),
    }
    return _sent_on(delivery, where, headers, names)


def back_again(delivery: Delivery, where: str) -> Envelope:
    """A dead letter on its way back to life: to the queue `where`, as if never tried."""
    headers = delivery.properties.headers
    kept = {name: headers[name] for name in (EXCHANGE, KEY) if _is_name(headers.get(name))}
    return _sent_on(delivery, where, kept, names_in(headers))


def bare(envelope: Envelope) -> Envelope:
    """The same without the headers of others, for what a broker does not take with them."""
    ours = {k: v for k, v in envelope.properties.headers.items() if k.startswith(_OURS)}
    return replace(envelope, properties=replace(envelope.properties, headers=ours))


def restored(delivery: Delivery) -> Delivery:
    """The message as it first came: with the exchange and key with which it had been sent."""
    headers = delivery.properties.headers
    if delivery.exchange or not (_is_name(headers.get(KEY)) and _is_name(headers.get(EXCHANGE))):
        return delivery
    return replace(delivery, exchange=headers[EXCHANGE], key=headers[KEY])


def names_in(headers: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the handlers that a message is for; empty for all of them."""
    given = headers.get(HANDLERS)
    if not isinstance(given, list | tuple):
        return ()
    return tuple(name for name in given if isinstance(name, str))


def clean(text: str, limit: int = _CAUSE_LIMIT) -> str:
    """Text that can be written as UTF-8, of so many characters at the most."""
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _origin(delivery: Delivery) -> dict[str, Any]:
    first = restored(delivery)
    return {QUEUE: first.queue, EXCHANGE: first.exchange, KEY: first.key}


def _sent_on(
    delivery: Delivery, where: str, added: dict[str, Any], handlers: Iterable[str]
) -> Envelope:
    old = delivery.properties
    names = list(handlers)
    if names:
        added[HANDLERS] = names
    if user := old.user_id or old.headers.get(USER):
        added[USER] = user
    headers = {k: v for k, v in old.headers.items() if not _is_special(k)}
    if len(repr(headers)) > _HEADERS_LIMIT:
        headers = {}
    properties = replace(
        old,
        headers=headers | added,
        persistent=True,
        expiration=None,
        user_id=None,
        reply_to=None if old.reply_to == DIRECT_REPLY_TO else old.reply_to,
    )
    return Envelope("", where, delivery.body, properties, mandatory=True)


def _is_special(header: str) -> bool:
    return header.upper() in ("CC", "BCC") or header.startswith((_OURS, *_BROKERS))


def _is_name(value: object) -> bool:
    """Whether it can be an exchange, a queue or a key."""
    return isinstance(value, str) and len(value.encode(errors="replace")) <= _NAME_LIMIT
