"""How much a schema may ask for: its size, its patterns, and the work of a whole check.

Everything that `json_schema` checks passes here; the library behind it has no bounds of its own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from pelagos.core.errors import PelagosError

#: References that one check may follow: a few that name each other twice grow without end.
_REFERENCE_LIMIT = 20_000
#: Steps that a pattern may take on one text, as far as its repetitions tell.
_PATTERN_STEPS = 10_000_000
_PATTERN_LENGTH = 1000
#: What a schema and all that it may refer to may hold: values, names not counted. The largest
#: that is known has a tenth.
_NODES = 20_000
#: Rules that are tried in one check, each with what it has to look through…
_STEPS = 500_000
#: … and the processor's time for it, in seconds, whatever the steps are like.
_SECONDS = 1.0
#: Steps of a pattern that count as much as one rule.
_PATTERN_STEPS_A_STEP = 100
#: Rules that are tried between two looks at the clock.
_LOOK = 64
#: Characters of a text on which a pattern with nested repetitions is still tried.
_EXPLOSIVE_LENGTH = 16
_CHOICES = 3
_NAME_LENGTH = 200
#: Items of a list whose being different is checked although they are no plain values.
_UNIQUE_LIMIT = 300

Keyword = Callable[[Any, Any, Any, Any], Iterator[Any]]


class SchemaError(PelagosError):
    """The schema cannot be used: it is not one, or could take for ever."""


class Budget:
    """How much may still be done, in one check or in several that belong together.

    What is over it is refused with a `SchemaError`: the schema is at fault, not the value.
    """

    def __init__(self, *, steps: int = _STEPS, seconds: float = _SECONDS) -> None:
        self._left = steps
        self._seconds = seconds
        self._until: float | None = None  # until the first check: its library is loaded for it
        self._looked = 0

    def spend(self, steps: float = 1) -> None:
        """Take from it.

        Raises:
            SchemaError: nothing is left.
        """
        if self._until is None:
            self._until = time.thread_time() + self._seconds
        self._left -= 1 + int(steps)
        self._looked += 1
        if self._left < 0 or (not self._looked % _LOOK and time.thread_time() > self._until):
            self._left = -1
            raise SchemaError(
                "checking these values against the schema takes too long",
                hint="a simpler schema, with fewer patterns, choices and references",
            )


def count(documents: Iterable[object]) -> int:
    """The values in all documents together.

    Raises:
        SchemaError: too many.
    """
    waiting, count = list(documents), 0
    while waiting:
        one = waiting.pop()
        count += 1
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
        if count + len(waiting) > _NODES:
            raise SchemaError(f"the schema is too large: it has more than {_NODES:,} values")
    return count


def bounds(usual: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """The keywords of a draft, each with its price."""
    left = [_REFERENCE_LIMIT]

    def counted(keyword: str) -> Keyword:
        is_reference = keyword in {"$ref", "$dynamicRef", "$recursiveRef"}
        is_named = keyword in {"patternProperties", "additionalProperties", *_UNEVALUATED}

        def work(checker: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            budget.spend(_price(value, instance))
            if is_reference:
                left[0] -= 1
                if left[0] < 0:
                    raise SchemaError("the schema follows too many references")
            if is_named and isinstance(instance, dict):
                _spend_on_names(budget, schema, instance)
            yield from usual[keyword](checker, value, instance, schema) or ()

        return work

    bounded: dict[str, Any] = {key: counted(key) for key in usual}
    return {**bounded, "pattern": _pattern(usual, budget), "uniqueItems": _unique(usual, budget)}


def _pattern(usual: Mapping[str, Any], budget: Budget) -> Keyword:
    def pattern(checker: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and _is_quick(value, len(instance)):
            budget.spend(_pattern_steps(value, len(instance)) / _PATTERN_STEPS_A_STEP)
            yield from usual["pattern"](checker, value, instance, schema) or ()

    return pattern


def _unique(usual: Mapping[str, Any], budget: Budget) -> Keyword:
    def unique(checker: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if not isinstance(instance, list):
            return
        is_plain = {type(one) for one in instance} in ({str}, {int}, {float})
        if is_plain or len(instance) <= _UNIQUE_LIMIT:
            budget.spend(len(instance) if is_plain else len(instance) ** 2 / 2)
            yield from usual["uniqueItems"](checker, value, instance, schema) or ()

    return unique


_UNEVALUATED = ("unevaluatedProperties", "unevaluatedItems")
#: Keys of a schema, or choices of a rule, that cost about as much as one rule.
_KEYS_A_STEP = 16


def _price(value: Any, instance: Any) -> float:
    """The steps of a rule, as far as its own size and that of the instance tell."""
    size = len(instance) if isinstance(instance, list | dict) else 1
    if isinstance(value, list):
        keys = sum(len(one) if isinstance(one, list | dict) else 1 for one in value)
    else:
        keys = len(value) if isinstance(value, dict) else 0
    return size * (keys // _KEYS_A_STEP) + size / _KEYS_A_STEP


def _spend_on_names(budget: Budget, schema: Any, instance: Mapping[str, Any]) -> None:
    patterns = schema.get("patternProperties") if isinstance(schema, dict) else None
    for pattern in patterns if isinstance(patterns, dict) else ():
        for name in instance:
            steps = _pattern_steps(pattern, len(name))
            if steps > _PATTERN_STEPS:
                raise SchemaError(f"the pattern {pattern[:80]!r} is too slow for these names")
            budget.spend(steps / _PATTERN_STEPS_A_STEP)


def check_patterns(document: object) -> None:
    """Refuse patterns on which Python's engine could work for ever."""
    for keyword, pattern in _patterns(document):
        is_named = keyword == "patternProperties"
        if len(pattern) > _PATTERN_LENGTH or (
            _is_explosive(pattern) and (is_named or _is_hopeless(pattern))
        ):
            raise SchemaError(
                f"the schema has a pattern that could take for ever: {pattern[:80]!r}",
                hint="write it without a repetition inside of a repetition",
            )
        if is_named and _NAME_LENGTH ** _repeats(pattern) > _PATTERN_STEPS:
            raise SchemaError(f"the schema has too slow a pattern for names: {pattern[:80]!r}")


def _is_quick(pattern: str, length: int) -> bool:
    """Whether a pattern is soon done with a text of this length, as far as can be told."""
    if _is_explosive(pattern):
        return length <= _EXPLOSIVE_LENGTH
    return _pattern_steps(pattern, length) <= _PATTERN_STEPS


def _pattern_steps(pattern: str, length: int) -> float:
    """Steps that a pattern may take on a text, at the most, as far as its repetitions tell."""
    if _is_explosive(pattern):
        return float(2 ** min(length, _EXPLOSIVE_LENGTH))
    return float(max(length, 1)) ** _repeats(pattern)


def _is_hopeless(pattern: str) -> bool:
    """Whether a pattern with nested repetitions may be slow on short texts already."""
    return pattern.count("|") > _CHOICES or "{" in pattern


def _patterns(document: object) -> Iterator[tuple[str, str]]:
    """Every pattern of a schema, with its keyword; deep ones do not need recursion."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            if isinstance(one.get("pattern"), str):
                yield "pattern", one["pattern"]
            if isinstance(one.get("patternProperties"), dict):
                yield from (("patternProperties", key) for key in one["patternProperties"])


_MARK = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\((?:\?[^)]*?[:=!>])?|\)|[*+]|\{\d*,?\d*\}|\||.", re.DOTALL
)


@lru_cache(4096)
def _is_explosive(pattern: str) -> bool:
    """Whether a repetition or a choice stands in a repetition: (a+)+, (a|a)*.

    >>> _is_explosive("^(a+)+$"), _is_explosive("^[a-z]+(-[a-z])?$"), _is_explosive("")
    (True, False, False)
    """
    groups = [False]
    marks = [*_MARK.findall(pattern), ""]
    for mark, following in pairwise(marks):
        repeats = _is_repeat(following)
        if mark.startswith("("):
            groups.append(False)
        elif mark == ")" and len(groups) > 1:
            inner = groups.pop()
            if inner and repeats:
                return True
            groups[-1] |= inner or repeats
        elif mark in {"|", "?"} or (_is_repeat(mark) and mark != ")"):
            groups[-1] = True
    return False


def _is_repeat(mark: str) -> bool:
    """Whether a mark repeats what is before it, more than a few times."""
    if mark in {"*", "+"}:
        return True
    if not mark.startswith("{"):
        return False
    least, comma, most = mark.strip("{}").partition(",")
    return bool(comma and not most) or int(most or least or 0) > 10  # noqa: PLR2004


@lru_cache(4096)
def _repeats(pattern: str) -> int:
    """How many unbounded repetitions a pattern has, one for the search itself counted in."""
    return 1 + sum(_is_repeat(mark) for mark in _MARK.findall(pattern))
