"""Which queues a consumer reads and what is put into them: the forms of `eqk`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import Queue, check_names

#: `[(ExchangeClass, [(queue, key), …]), …]`, where queue is a name, {"name": …, "flags": {…}} or a
#: Queue; a third member of a pair gives the binding's arguments.
Eqk = Iterable[tuple[type[Exchange], Iterable[tuple[Any, ...]]]]

_FLAGS = ("durable", "exclusive", "auto_delete", "passive", "arguments")


@dataclass(frozen=True, slots=True)
class Binding:
    """An exchange puts what matches the key (and the arguments) into the queue."""

    exchange: type[Exchange]
    queue: Queue
    key: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_names(key=self.key)
        if not hasattr(self.exchange, "exchange_type"):
            raise MessagingError(
                f"{self.exchange!r} is no exchange class", hint="derive a class from Exchange"
            )


def make_queue(
    queue: str | Mapping[str, Any] | Queue, flags: Mapping[str, Any] | None = None
) -> Queue:
    """A queue from its name, or from `{"name": …, "flags": {…}}`.

    A named queue is durable and shared, a queue without a name (empty) belongs to the connection
    and goes with it, unless the flags say otherwise. What current brokers refuse is refused here.

    Raises:
        MessagingError: an unknown key or flag, or a queue neither durable nor exclusive.
    """
    if isinstance(queue, Queue) and not flags:
        return queue
    name, given = _named(queue)
    flags = {**given, **(flags or {})}
    _only(flags, _FLAGS, f"the queue {name!r}")
    flags.setdefault("exclusive", not name)
    flags.setdefault("durable", not flags["exclusive"])
    flags.setdefault("auto_delete", not name)
    if not (flags["durable"] or flags["exclusive"] or flags.get("passive")):
        raise MessagingError(
            f"the queue {name!r} is neither durable nor exclusive",
            hint="current brokers refuse such queues: make it durable (with the argument x-expires"
            " when it should go by itself) or exclusive",
        )
    return Queue(name=name, **flags)


def _named(queue: str | Mapping[str, Any] | Queue) -> tuple[str, Mapping[str, Any]]:
    if isinstance(queue, Queue):
        return queue.name, {flag: getattr(queue, flag) for flag in _FLAGS}
    if isinstance(queue, str):
        return queue, {}
    if not isinstance(queue, Mapping):
        raise MessagingError(
            f"a queue is not described by a {type(queue).__name__}",
            hint='give its name, or {"name": …, "flags": {…}}',
        )
    _only(queue, ("name", "flags"), "a queue")
    return queue.get("name") or "", queue.get("flags") or {}


def read_eqk(eqk: Eqk) -> list[Binding]:
    """The bindings of an `eqk`, in order.

    Raises:
        MessagingError: a flag is unknown, one queue is described in two ways, or it has another
            form.
    """
    with reading_eqk():
        bindings = [
            Binding(_exchange(exchange), make_queue(queue), key, dict(*arguments))
            for exchange, pairs in eqk
            for queue, key, *arguments in map(as_pair, pairs)
        ]
    check_queues(bindings)
    return bindings


@contextmanager
def reading_eqk() -> Iterator[None]:
    """Tell of an `eqk` that cannot be taken apart in its own words."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise MessagingError(
            f"this eqk has a wrong form: {error}",
            hint="it is [(ExchangeClass, [(queue, key), …]), …]",
        ) from error


def as_pair(given: Any) -> tuple[Any, ...]:
    """A queue, a key and perhaps arguments, as they stand in an `eqk`.

    Raises:
        TypeError: it is something else; a text of two letters can be taken apart, too.
    """
    if isinstance(given, str) or not 2 <= len(given) <= 3:  # noqa: PLR2004 - as in the docstring
        raise TypeError(f"{given!r} is no (queue, key)")
    return tuple(given)


def _exchange(given: Any) -> type[Exchange]:
    if not hasattr(given, "exchange_type"):
        raise TypeError(f"{given!r} is no exchange class")
    found: type[Exchange] = given
    return found


def check_queues(bindings: Iterable[Binding]) -> None:
    """See that every queue is described in one way.

    Raises:
        MessagingError: a queue is described in two ways.
    """
    seen: dict[str, Queue] = {}
    for binding in bindings:
        if seen.setdefault(binding.queue.name, binding.queue) != binding.queue:
            raise MessagingError(
                f"the queue {binding.queue.name!r} is given twice with different flags",
                hint="repeat the same flags with each of its keys",
            )


def _only(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise MessagingError(
            f"{what} has no setting {unknown[0]!r}", hint=f"known are {', '.join(known)}"
        )
