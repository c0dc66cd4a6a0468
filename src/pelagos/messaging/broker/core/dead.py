"""Dead letters: how a message says where it died, and when it may go no further. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pelagos.messaging.transports.base import Envelope


@dataclass(frozen=True, slots=True)
class Death:
    """How a message died.

    Attributes:
        reason: rejected, expired, maxlen or delivery_limit.
        key: the routing key of the queue's dead letters; None keeps the message's own keys.
        newest: whether the message also tells its last death, as since RabbitMQ 3.13.
    """

    reason: str
    queue: str
    time: datetime
    exchange: str
    key: str | None
    newest: bool = False


def copied_keys(headers: Mapping[str, Any], *names: str) -> list[str]:
    """The further routing keys that a message carries in these headers (CC, BCC)."""
    return [key for name in names for key in texts_of(headers.get(name))]


def texts_of(told: object) -> list[str]:
    """What a list of routing keys has of them; anything else in it is no key."""
    return [key for key in told if isinstance(key, str)] if isinstance(told, list) else []


def dead_letter(
    old: Envelope, keys: tuple[str, ...], death: Death
) -> tuple[Envelope, tuple[str, ...]]:
    """The message as it goes to the dead letters, and its routing keys there."""
    headers = dict(old.properties.headers)
    entry: dict[str, Any] = {
        "count": 1,
        "reason": death.reason,
        "queue": death.queue,
        "time": death.time,
        "exchange": old.exchange,
        "routing-keys": [keys[0], *copied_keys(headers, "CC")],
    }
    if old.properties.expiration is not None:
        entry["original-expiration"] = str(round(old.properties.expiration * 1000))
    deaths = deaths_of(headers)
    if not deaths:
        headers.setdefault("x-first-death-reason", death.reason)
        headers.setdefault("x-first-death-queue", death.queue)
        headers.setdefault("x-first-death-exchange", old.exchange)
    if death.newest:
        headers["x-last-death-reason"] = death.reason
        headers["x-last-death-queue"] = death.queue
        headers["x-last-death-exchange"] = old.exchange
    same = [known for known in deaths if _is_like(known, death)]
    if same:
        count = same[0].get("count")
        entry = {**same[0], "count": (count if isinstance(count, int) else 0) + 1}
    headers["x-death"] = [entry, *(known for known in deaths if not _is_like(known, death))]
    if death.key is not None:
        headers.pop("CC", None)
        keys = (death.key,)
    letter = replace(
        old,
        exchange=death.exchange,
        key=keys[0],
        properties=replace(old.properties, headers=headers, expiration=None),
        mandatory=False,
    )
    return letter, keys


def _is_like(known: Mapping[str, Any], death: Death) -> bool:
    return known.get("queue") == death.queue and known.get("reason") == death.reason


def deaths_of(headers: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a message tells about its deaths, the last first; what is no such table is left out."""
    told = headers.get("x-death")
    if not isinstance(told, list):
        return []
    return [death for death in told if isinstance(death, Mapping)]


def goes_round(deaths: Sequence[Mapping[str, Any]], queue: str) -> bool:
    """Whether a dead letter that comes to this queue would go round for ever.

    It was in the queue before, and nobody has rejected it since: all of the way is automatic.
    """
    for death in deaths:
        if death.get("reason") == "rejected":
            return False
        if death.get("queue") == queue:
            return True
    return False
