"""What a broker refuses to declare, with RabbitMQ's codes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from pelagos.messaging.broker.core.exchanges import ExchangeSpec
from pelagos.messaging.broker.core.queues import StoredConsumer, StoredQueue
from pelagos.messaging.broker.core.routing import HEADER_MATCHES, frozen
from pelagos.messaging.errors import TopologyError
from pelagos.messaging.transports.base import Queue

EXCHANGE_TYPES: Final = frozenset({"direct", "fanout", "topic", "headers"})

_HIGHEST_PRIORITY = 255

#: Milliseconds of the longest time that a message or a queue may be told to live: ten years.
LONGEST_TIME: Final = 315_360_000_000


def _is_number(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_positive(value: object) -> bool:
    return type(value) is int and value > 0


def _is_limit(value: object) -> bool:
    return type(value) is int and value >= -1


def _is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= LONGEST_TIME


def _is_positive_time(value: object) -> bool:
    return _is_time(value) and value != 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_priority(value: object) -> bool:
    return type(value) is int and 0 <= value <= _HIGHEST_PRIORITY


def _one_of(*known: object) -> Callable[[object], bool]:
    return lambda value: any(type(value) is type(one) and value == one for one in known)


_Rule = tuple[Callable[[object], bool], str]

_NUMBER: Final[_Rule] = (_is_number, "it is a whole number, 0 or more")
_TEXT: Final[_Rule] = (_is_text, "it is text")

_BOTH: Final[Mapping[str, _Rule]] = {
    "x-dead-letter-exchange": _TEXT,
    "x-dead-letter-routing-key": _TEXT,
    "x-expires": (_is_positive_time, "it is a number of milliseconds, from 1 to ten years"),
    "x-max-length": _NUMBER,
    "x-max-length-bytes": _NUMBER,
    "x-message-ttl": (_is_time, "it is a number of milliseconds, from 0 to ten years"),
    "x-queue-leader-locator": (
        _one_of("client-local", "balanced", "random", "least-leaders"),
        "it is client-local or balanced",
    ),
    "x-queue-type": (_one_of("classic", "quorum"), "it is classic or quorum"),
    "x-single-active-consumer": (_is_flag, "it is true or false"),
}

_CLASSIC: Final[Mapping[str, _Rule]] = {
    **_BOTH,
    "x-max-priority": (_is_priority, "it is a whole number from 0 to 255"),
    "x-overflow": (
        _one_of("drop-head", "reject-publish", "reject-publish-dlx"),
        "it is drop-head, reject-publish or reject-publish-dlx",
    ),
    "x-queue-mode": (_one_of("default", "lazy"), "it is default or lazy"),
    "x-queue-version": (_one_of(1, 2), "it is 1 or 2"),
}

_QUORUM: Final[Mapping[str, _Rule]] = {
    **_BOTH,
    "x-dead-letter-strategy": (
        _one_of("at-most-once", "at-least-once"),
        "it is at-most-once or at-least-once",
    ),
    "x-delivery-limit": (_is_limit, "it is a whole number; -1 is no limit since RabbitMQ 4"),
    "x-max-in-memory-bytes": _NUMBER,
    "x-max-in-memory-length": _NUMBER,
    "x-overflow": (_one_of("drop-head", "reject-publish"), "it is drop-head or reject-publish"),
    "x-quorum-initial-group-size": (_is_positive, "it is a whole number, 1 or more"),
}

_OF_STREAMS: Final = frozenset(
    {
        "x-initial-cluster-size",
        "x-max-age",
        "x-stream-filter-size-bytes",
        "x-stream-max-segment-size-bytes",
    }
)

#: The x-arguments of a queue that mean something here.
QUEUE_ARGUMENTS: Final = frozenset({*_CLASSIC, *_QUORUM})


def missing(kind: str, name: str) -> TopologyError:
    """There is none of this name."""
    return TopologyError(f"there is no {kind} {name!r}", code=404, name=name)


def reserved(kind: str, name: str) -> TopologyError:
    """The name belongs to the broker."""
    return TopologyError(
        f"the {kind} {name!r} is the broker's own: it cannot be declared or deleted, as all names "
        "that begin with amq.",
        code=403,
        name=name,
    )


def refused(what: str, name: str, hint: str | None = None) -> TopologyError:
    """A precondition does not hold."""
    return TopologyError(what, code=406, name=name, hint=hint)


def declared_differently(kind: str, name: str) -> TopologyError:
    """It exists with other attributes."""
    return refused(
        f"the {kind} {name!r} exists already and was declared differently",
        name,
        "use the same attributes on all sides, or delete it first",
    )


def check_kind(wanted: ExchangeSpec) -> None:
    """Refuse kinds of exchanges that there are not."""
    if wanted.kind not in EXCHANGE_TYPES:
        raise TopologyError(
            f"there are no exchanges of type {wanted.kind!r}",
            code=503,
            name=wanted.name,
            hint=f"use one of {', '.join(sorted(EXCHANGE_TYPES))}",
        )


def check_exchange(wanted: ExchangeSpec, *, strict: bool) -> None:
    """Refuse arguments of an exchange that cannot be used here."""
    for key, value in wanted.arguments.items():
        if key == "alternate-exchange" and not isinstance(value, str):
            raise refused(f"the exchange argument {key!r} has an unusable value", wanted.name)
        if key != "alternate-exchange" and strict:
            raise refused(
                f"there is no exchange argument {key!r} here",
                wanted.name,
                "known is alternate-exchange",
            )


def exchange_traits(spec: ExchangeSpec) -> Hashable:
    """What must be equal when an exchange is declared again."""
    alternate = spec.arguments.get("alternate-exchange")
    return (spec.kind, spec.durable, spec.auto_delete, spec.internal, alternate)


def check_binding(kind: str, name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse a comparison of headers that there is not."""
    how = arguments.get("x-match", "all")
    if kind == "headers" and how not in HEADER_MATCHES:
        raise refused(
            f"a binding of the headers exchange {name!r} cannot compare by {how!r}",
            name,
            f"x-match is one of {', '.join(HEADER_MATCHES)}",
        )


def check_queue(wanted: Queue, *, strict: bool) -> None:
    """Refuse x-arguments with unusable values, and when strict those that mean nothing."""
    quorum = wanted.arguments.get("x-queue-type") == "quorum"
    rules = _QUORUM if quorum else _CLASSIC
    for key, value in wanted.arguments.items():
        rule = rules.get(key)
        if rule is None:
            if strict or key in QUEUE_ARGUMENTS or key in _OF_STREAMS:
                raise refused(
                    f"there is no argument {key!r} of a {'quorum' if quorum else 'classic'} queue",
                    wanted.name,
                    f"known are {', '.join(sorted(rules))}",
                )
        elif not rule[0](value):
            raise refused(
                f"the queue argument {key!r} has an unusable value", wanted.name, rule[1]
            )
    if "x-dead-letter-routing-key" in wanted.arguments and (
        "x-dead-letter-exchange" not in wanted.arguments
    ):
        raise refused(
            "a key for dead letters is given, but no exchange for them",
            wanted.name,
            'x-dead-letter-exchange "" is the default exchange',
        )
    if quorum and not wanted.name:
        raise refused("a quorum queue has a name: the broker gives it none", wanted.name)
    if quorum and (not wanted.durable or wanted.exclusive or wanted.auto_delete):
        raise refused(
            "a quorum queue is durable, not exclusive and not deleted by itself", wanted.name
        )


def check_lasting(wanted: Queue) -> None:
    """Refuse a queue that others share and that no restart leaves, as RabbitMQ since 4.3."""
    if not (wanted.durable or wanted.exclusive):
        raise TopologyError(
            f"the queue {wanted.name!r} is neither durable nor exclusive, which is not permitted"
            " (`transient_nonexcl_queues`)",
            code=541,
            name=wanted.name,
            hint="make it durable, with x-expires if it is to go by itself, or exclusive",
        )


def check_access(queue: StoredQueue, owner: object) -> None:
    """Refuse another connection's exclusive queue."""
    if queue.owner is not None and queue.owner is not owner:
        raise TopologyError(
            f"the queue {queue.name!r} belongs to another connection",
            code=405,
            name=queue.name,
        )


def check_company(queue: StoredQueue, wanted: StoredConsumer) -> None:
    """Refuse a consumer that cannot be beside the others of its queue, or of its link."""
    others = queue.consumers()
    is_taken = any(other.exclusive for other in others)
    wants_alone = wanted.exclusive and (others or queue.single_active)
    if (is_taken or wants_alone) and not queue.quorum:  # those do not know it
        raise TopologyError(
            f"the queue {queue.name!r} cannot be consumed: one of its consumers wants to be alone",
            code=403,
            name=queue.name,
        )
    if queue.quorum and wanted.link.limit:
        raise TopologyError(
            f"the quorum queue {queue.name!r} knows no prefetch of a whole channel",
            code=540,
            name=queue.name,
        )


def check_asking(queue: StoredQueue) -> None:
    """Refuse to hand out single messages of a queue that has them for one consumer."""
    if queue.quorum and queue.single_active:
        raise TopologyError(
            f"the quorum queue {queue.name!r} has its messages for a single active consumer",
            code=405,
            name=queue.name,
        )


def check_deleting(queue: StoredQueue, *, if_unused: bool, if_empty: bool) -> None:
    """Refuse to delete a queue that must not go just now."""
    if queue.quorum and (if_unused or if_empty):
        raise TopologyError(
            f"the quorum queue {queue.name!r} is deleted without conditions only",
            code=540,
            name=queue.name,
        )
    if if_unused and queue.groups:
        raise refused(f"the queue {queue.name!r} is in use", queue.name)
    if if_empty and queue.line.count:
        raise refused(f"the queue {queue.name!r} is not empty", queue.name)


def check_exclusive(queue: StoredQueue, wanted: Queue) -> None:
    """Refuse to declare a shared queue as exclusive, or the other way round."""
    if wanted.exclusive != (queue.owner is not None):
        kind = "shared" if wanted.exclusive else "exclusive"
        raise TopologyError(
            f"the queue {queue.name!r} exists already, and is {kind}", code=405, name=queue.name
        )


def queue_traits(queue: Queue) -> Hashable:
    """What must be equal when a queue is declared again; no queue type means classic."""
    arguments = {
        "x-queue-type": "classic",
        **{key: value for key, value in queue.arguments.items() if key in QUEUE_ARGUMENTS},
    }
    return (queue.durable, queue.exclusive, queue.auto_delete, frozen(arguments))
