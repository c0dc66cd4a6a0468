"""Topic patterns: the fast matcher says what the definition says."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging.broker.core.routing import matches, topic_matches


def defined(pattern: list[str], key: list[str]) -> bool:
    """The definition, slowly."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return any(defined(pattern[1:], key[skip:]) for skip in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and defined(pattern[1:], key[1:])


def words(text: str) -> list[str]:
    return text.split(".") if text else []


patterns = st.lists(st.sampled_from(["a", "b", "*", "#", ""]), max_size=7).map(".".join)
keys = st.lists(st.sampled_from(["a", "b", "", "c"]), max_size=7).map(".".join)


@given(patterns, keys)
def test_the_matcher_keeps_to_the_definition(pattern: str, key: str) -> None:
    assert topic_matches(pattern, key) == defined(words(pattern), words(key))


@given(st.text(alphabet="ab.", max_size=20))
def test_a_pattern_without_wildcards_takes_itself_only(key: str) -> None:
    assert topic_matches(key, key)
    assert topic_matches("#", key)
    assert not topic_matches(key, key + "x")


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_direct_exchange_compares_and_a_fanout_does_not(pattern: str, key: str) -> None:
    assert matches("direct", pattern, [key], {}, {}) == (pattern == key)
    assert matches("fanout", pattern, [key], {}, {})


def test_a_hostile_pattern_does_not_take_long() -> None:
    began = time.process_time()
    assert not topic_matches(".".join(["#", "a"] * 60), ".".join(["a"] * 120 + ["b"]))
    assert time.process_time() - began < 1.0
