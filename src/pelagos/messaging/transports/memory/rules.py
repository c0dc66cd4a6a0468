"""What the broker in memory refuses, with RabbitMQ's codes."""

from __future__ import annotations

from typing import Any, Final

from pelagos.messaging.errors import TopologyError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import Capabilities, Queue
from pelagos.messaging.transports.memory.model import StoredQueue

CAPABILITIES: Final = Capabilities(
    exchange_types=frozenset({"direct", "topic", "fanout"}),
    outlives_process=False,
    crosses_processes=False,
    queue_arguments=frozenset(
        {
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
            "x-expires",
            "x-max-length",
            "x-message-ttl",
            "x-overflow",
            "x-queue-type",
        }
    ),
)

_NUMBERS: Final = ("x-expires", "x-max-length", "x-message-ttl")
_OVERFLOWS: Final = ("drop-head", "reject-publish")


def missing(kind: str, name: str) -> TopologyError:
    """There is none of this name."""
    return TopologyError(f"there is no {kind} {name!r}", code=404, name=name)


def reserved(kind: str, name: str) -> TopologyError:
    """The name belongs to the broker."""
    return TopologyError(
        f"the {kind} {name!r} cannot be declared: names that begin with amq. are the broker's",
        code=403,
        name=name,
    )


def declared_differently(kind: str, name: str) -> TopologyError:
    """It exists with other attributes."""
    return TopologyError(
        f"the {kind} {name!r} exists already and was declared differently",
        code=406,
        name=name,
        hint="use the same attributes on all sides, or delete it first",
    )


def check_exchange_type(wanted: type[Exchange]) -> None:
    """Refuse the kinds of exchange that need a real broker."""
    if wanted.exchange_type not in CAPABILITIES.exchange_types:
        raise TopologyError(
            f"the memory transport has no exchanges of type {wanted.exchange_type!r}",
            code=503,
            name=wanted.name,
            hint="use direct, topic or fanout, or an AMQP broker",
        )


def check_arguments(wanted: Queue) -> None:
    """Refuse x-arguments that would otherwise be ignored."""
    known = CAPABILITIES.queue_arguments or frozenset()
    unknown = sorted(set(wanted.arguments) - known)
    if unknown:
        raise TopologyError(
            f"the memory transport does not know the queue argument {unknown[0]!r}",
            code=406,
            name=wanted.name,
            hint=f"it knows {', '.join(sorted(known))}",
        )
    for key, value in wanted.arguments.items():
        number = key in _NUMBERS
        usable = type(value) is int and value >= 0 if number else isinstance(value, str)
        if not usable:
            raise TopologyError(
                f"the queue argument {key!r} has an unusable value",
                code=406,
                name=wanted.name,
                hint="it is a whole number, 0 or more" if number else "it is text",
            )
    overflow = wanted.arguments.get("x-overflow", "drop-head")
    if overflow not in _OVERFLOWS:
        raise TopologyError(
            f"the memory transport does not know the overflow {overflow!r}",
            code=406,
            name=wanted.name,
            hint=f"it knows {', '.join(_OVERFLOWS)}",
        )


def check_access(queue: StoredQueue, link: object) -> None:
    """Refuse another connection's exclusive queue."""
    if queue.owner is not None and queue.owner is not link:
        raise TopologyError(
            f"the queue {queue.name!r} belongs to another connection",
            code=405,
            name=queue.name,
        )


def traits(queue: Queue) -> tuple[Any, ...]:
    """What must be equal when a queue is declared again; no queue type means classic."""
    arguments = {"x-queue-type": "classic", **queue.arguments}
    return (queue.durable, queue.exclusive, queue.auto_delete, arguments)
