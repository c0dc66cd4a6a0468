"""Whether parameters keep to a release's schemas, found out while nobody waits for the database.

A schema comes from a stranger and a check may take a second. So a transaction that needs a verdict
which is not known yet is undone: `judged` finds it, then the work begins anew. What is found is
remembered by the very texts that it is about, so it holds until one of them changes.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from pelagos.core import wire
from pelagos.core.json_schema import Budget, Problem, SchemaError
from pelagos.slap.master import causes
from pelagos.slap.master.errors import Conflict
from pelagos.slap.parameter_schema import decode, problems

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_KEPT = 256
#: Times that work begins anew; more only when the schemas change again and again meanwhile.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What a verdict is about.

    Attributes:
        url: of the release.
        text: its schemas, as they are stored.
    """

    url: str
    text: str
    software_type: str
    shared: bool
    parameters: Mapping[str, Any]

    @property
    def key(self) -> bytes:
        """Tells it from all others."""
        said = [self.text, self.software_type, self.shared, self.parameters]
        return hashlib.sha256(wire.encode(said)).digest()


class Unjudged(Exception):  # a signal from within a transaction, caught by `judged`
    """A verdict is needed that is not known yet."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.url)
        self.question = question


class Verdicts:
    """The last verdicts; safe to share between threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[Problem, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, question: Question) -> tuple[Problem, ...]:
        """What does not keep to the schemas.

        Raises:
            Unjudged: that has to be found out first.
        """
        with self._lock:
            found = self._known.get(question.key)
            if found is None:
                raise Unjudged(question)
            self._known.move_to_end(question.key)
            return found

    def judge(self, question: Question, budget: Budget | None = None) -> tuple[Problem, ...]:
        """Find it out, and remember it; takes its time."""
        found = look(question, budget)
        with self._lock:
            self._known[question.key] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


def look(question: Question, budget: Budget | None = None) -> tuple[Problem, ...]:
    """What does not keep to the schemas; nothing when these cannot be used."""
    try:
        return problems(
            decode(question.text),
            question.software_type,
            question.parameters,
            shared=question.shared,
            budget=budget,
        )
    except SchemaError as error:
        log.warning("the schemas of %s are not used: %s", causes.masked(question.url), error)
        return ()


def judged(
    method: Callable[Concatenate[Any, P], T],
) -> Callable[Concatenate[Any, P], T]:
    """A use case that begins anew when a verdict was missing; nothing is locked meanwhile."""

    @wraps(method)
    def work(self: Any, *args: P.args, **options: P.kwargs) -> T:
        for _ in range(_TRIES):
            try:
                return method(self, *args, **options)
            except Unjudged as missing:
                self._desk.verdicts.judge(missing.question)
        raise Conflict(
            "what the release says of its parameters changes at this moment",
            status=409,
            hint="ask again",
        )

    return work  # type: ignore[return-value]  # `wraps` gives the first argument a name
