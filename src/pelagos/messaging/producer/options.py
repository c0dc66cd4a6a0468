"""What a call that sends may say beside its content: where to, how long, how safe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.exchange import Exchange

#: (exchange class, key) pairs; a key of None, or a class alone, means the producer's routing_key.
Destinations = Sequence[tuple[type[Exchange], str | None] | type[Exchange]]

Pair = tuple[type[Exchange], str]


@dataclass(slots=True)
class Options:
    """The keyword arguments with a leading underscore; see GenericProducer."""

    key: str | None = None
    eks: Destinations | Mapping[str, str | None] | None = None
    timeout: float | None = None
    max_retry: int | None = None
    queue_only: bool = False
    mandatory: bool | None = None
    wait: bool | None = None
    future: bool = False
    headers: Mapping[str, Any] | None = None
    priority: int | None = None
    expiration: float | None = None
    persistent: bool | None = None


_BOTH: Final = frozenset({"_key", "_eks", "_timeout", "_headers", "_priority", "_future"})
#: Known to calls that send a message, and to calls that wait for an answer.
MESSAGE_OPTIONS: Final = _BOTH | {"_mandatory", "_wait", "_expiration", "_persistent"}
RPC_OPTIONS: Final = _BOTH | {"_max_retry", "_queue_only"}

_NONE: Final = Options()
_PRIORITY_MAX: Final = 255


def take_options(kwds: dict[str, Any], known: frozenset[str]) -> Options:
    """Take the options out of the keyword arguments.

    Raises:
        TypeError: one is unknown (a misspelt option must not become content), or of another kind.
        ValueError: a number is out of its range.
    """
    options = _NONE
    for name in [name for name in kwds if name.startswith("_")]:
        if name not in known:
            raise TypeError(
                f"there is no option {name!r} here; there are {', '.join(sorted(known))}"
            )
        if options is _NONE:
            options = Options()
        setattr(options, name[1:], kwds.pop(name))
    if options is not _NONE:
        _check(options)
    return options


def _check(options: Options) -> None:
    if options.headers is not None:
        if not isinstance(options.headers, Mapping):
            raise TypeError(f"_headers is a mapping, not {options.headers!r}")
        options.headers = dict(options.headers)  # what is sent later is what was given now
    if options.timeout is not None:
        options.timeout = number("_timeout", "a number of seconds", options.timeout)
    if options.max_retry is not None:
        options.max_retry = int(number("_max_retry", "a whole number", options.max_retry, int))
    if options.priority is not None:
        _check_priority(options.priority)
    if options.expiration is not None:
        options.expiration = _seconds_to_live(options.expiration)


def _check_priority(priority: object) -> None:
    what = "a whole number from 0 to 255"
    if not isinstance(priority, int):
        raise TypeError(f"_priority is {what}, not {priority!r}")
    if not 0 <= priority <= _PRIORITY_MAX:
        raise ValueError(f"_priority is {what}, not {priority!r}")


def _seconds_to_live(given: object) -> float:
    what = "a number of seconds, 0 or more"
    seconds = number("_expiration", what, given)
    if not 0 <= seconds < math.inf:
        raise ValueError(f"_expiration is {what}, not {given!r}")
    return seconds


def number(name: str, what: str, given: Any, kind: type[float] = float) -> float:
    """What was given, if it is such a number.

    Raises:
        TypeError: it is none.
        ValueError: it is NaN.
    """
    try:
        found = kind(given)
        is_none = math.isnan(found)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} is {what}, not {given!r}") from None
    if is_none:
        raise ValueError(f"{name} is {what}, not {given!r}")
    return found


def only_options(kwds: dict[str, Any], known: frozenset[str]) -> Options:
    """The options, when there may be nothing else.

    Raises:
        TypeError: there is.
    """
    options = take_options(kwds, known)
    if kwds:
        raise TypeError(f"got an unexpected keyword argument {next(iter(kwds))!r}")
    return options


def destinations(
    options: Options, own: Destinations, routing_key: str, producer: str
) -> Sequence[Pair]:
    """Where a message goes: `_eks` if it is given, else `_key` to the first exchange, else all.

    Raises:
        MessagingError: a name is unknown, or there is nowhere to send to.
    """
    if options.eks is not None:
        if isinstance(options.eks, Mapping):
            return _by_name(options.eks, own, routing_key, producer)
        return _pairs(options.eks, routing_key)
    if not own:
        raise MessagingError(
            f"{producer} names no exchange", hint="set its class attribute eks, or pass _eks"
        )
    if options.key is not None:
        return [(_pairs(own, routing_key)[0][0], options.key)]
    return _pairs(own, routing_key)


def _pairs(eks: Any, routing_key: str) -> Sequence[Pair]:
    if isinstance(eks, str) or not isinstance(eks, Iterable):
        raise TypeError(f"eks is {eks!r}, and not [(ExchangeClass, key), …]")
    return [_pair(one, routing_key) for one in eks]


def _pair(one: tuple[type[Exchange], str | None] | type[Exchange], routing_key: str) -> Pair:
    if isinstance(one, type) and issubclass(one, Exchange):
        return one, routing_key
    try:
        exchange, key = one
    except (TypeError, ValueError):
        exchange, key = None, None
    if exchange is None or not hasattr(exchange, "exchange_type"):
        raise TypeError(f"{one!r} is no pair of an exchange class and a key")
    return exchange, routing_key if key is None else key


def _by_name(
    eks: Mapping[str, str | None], own: Destinations, routing_key: str, producer: str
) -> Sequence[Pair]:
    known = {exchange.name: exchange for exchange, _ in (_pair(one, "") for one in own)}
    unknown = [name for name in eks if name not in known]
    if unknown:
        raise MessagingError(
            f"{producer} has no exchange named {unknown[0]!r}",
            hint=f"known are {', '.join(sorted(known)) or 'none'}; add it to eks",
        )
    return [(known[name], routing_key if key is None else key) for name, key in eks.items()]
