"""Faults on demand: what real clouds do on bad days, repeatable by a seed.

`429=5%,503=1%,slow=2s,drop=1%,cut=1%,seed=7`: five of a hundred requests are refused with 429 and
a `Retry-After`, one with 503; every answer is late by 2 s; of one in a hundred the connection ends
without an answer, of another in the middle of its body.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from pelagos.box.errors import BoxError, Refused
from pelagos.box.web import Answer, Request
from pelagos.core import spelling
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.web.connection import PeerGone

_STATUSES = range(400, 600)
_KINDS = ("slow", "drop", "cut", "seed")
_RETRY_AFTER = {429: "1", 503: "1", 413: "1"}
_MESSAGES = {429: "Too many requests", 503: "The service is away for a moment"}


class Dropped(PeerGone):
    """A connection that is ended on purpose."""


@dataclass(frozen=True)
class Chaos:
    """What goes wrong, and how often; safe to share between threads.

    Attributes:
        refusals: a status, and how many of all requests get it (0 to 1).
        slow: seconds by which every answer is late.
        drop: how many connections end without an answer.
        cut: how many answers with a body end in the middle of it.
        seed: the same seed gives the same faults for the same sequence of requests.
    """

    refusals: Mapping[int, float] = field(default_factory=dict)
    slow: float = 0.0
    drop: float = 0.0
    cut: float = 0.0
    seed: int = 0
    clock: Clock = field(default_factory=SystemClock, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_random", random.Random(self.seed))  # noqa: S311  # not a secret
        object.__setattr__(self, "_lock", threading.Lock())

    @classmethod
    def parse(cls, text: str) -> Self:
        """From words as on a command line.

        Raises:
            BoxError: it cannot be understood.

        >>> chaos = Chaos.parse("429=5%,slow=2s,seed=7")
        >>> chaos.refusals, chaos.slow, chaos.seed
        ({429: 0.05}, 2.0, 7)
        """
        refusals: dict[int, float] = {}
        slow = drop = cut = 0.0
        seed = 0
        for word in filter(None, (one.strip() for one in text.split(","))):
            key, _, value = word.partition("=")
            if key.isascii() and key.isdigit() and int(key) in _STATUSES:
                refusals[int(key)] = _share(key, value)
            elif key == "slow":
                slow = _number(key, value, r"s?", "seconds such as 2s")
            elif key == "drop":
                drop = _share(key, value)
            elif key == "cut":
                cut = _share(key, value)
            elif key == "seed":
                seed = int(_number(key, value, "", "a number"))
            else:
                raise BoxError(
                    f"chaos: {key!r} is no fault",
                    hint=f"a status such as 429, or: {spelling.hint(key, _KINDS)}",
                )
        return cls(refusals, slow, drop, cut, seed)

    def before(self, request: Request) -> None:
        """Let a request suffer.

        Raises:
            Refused: with one of the statuses.
            Dropped: the connection ends.
        """
        if self.slow:
            self.clock.sleep(self.slow)
        chance = self._chance()
        for status, share in self.refusals.items():
            chance -= share
            if chance < 0:
                headers = {"Retry-After": _RETRY_AFTER[status]} if status in _RETRY_AFTER else {}
                message = _MESSAGES.get(status, f"{request.method} fails on demand")
                raise Refused(status, message, headers=headers)
        if chance < self.drop:
            raise Dropped("on demand")

    def after(self, answer: Answer) -> Answer:
        """The answer, or one that breaks off in the middle."""
        if self.cut and self._chance() < self.cut:
            body = answer.body
            pieces = iter((body,)) if isinstance(body, bytes) else iter(body)
            length = len(body) if isinstance(body, bytes) else answer.length
            if length:
                return Answer(answer.status, answer.headers, _half(pieces, length // 2), length)
        return answer

    def _chance(self) -> float:
        with self._lock:  # type: ignore[attr-defined]  # a frozen dataclass names only values
            return float(self._random.random())  # type: ignore[attr-defined]  # as above


def _half(pieces: Iterator[bytes], left: int) -> Iterator[bytes]:
    for piece in pieces:
        if left <= 0:
            break
        yield piece[:left]
        left -= len(piece)
    raise Dropped("on demand")


def _share(key: str, value: str) -> float:
    share = _number(key, value, "%", "a share such as 5%") / 100
    if share > 1:
        raise BoxError(f"chaos: {key}={value} is more than all", hint=f"write {key}=5%")
    return share


def _number(key: str, value: str, unit: str, example: str) -> float:
    found = re.fullmatch(rf"([0-9]+(?:\.[0-9]+)?){unit}", value)
    if found is None:
        raise BoxError(f"chaos: {key}={value} cannot be understood", hint=f"write {example}")
    return float(found[1])
