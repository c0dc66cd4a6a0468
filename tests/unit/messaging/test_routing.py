"""Topic patterns: the fast matcher says what the definition says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging.broker.core.exchanges import Binding, ExchangeSpec, StoredExchange
from pelagos.messaging.broker.core.routing import topic_matches


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


@given(
    st.sampled_from(["direct", "fanout", "topic"]),
    st.lists(patterns, max_size=8),
    st.lists(keys | patterns, min_size=1, max_size=3),
    st.data(),
)
def test_an_exchange_finds_the_bindings_that_looking_at_each_finds(
    kind: str, bound: list[str], given_keys: list[str], data: st.DataObject
) -> None:
    exchange = StoredExchange(ExchangeSpec("x", kind))
    known = {}
    for number, pattern in enumerate(bound):
        known[
            exchange.add(Binding(f"q{number % 3}", to_exchange=False, key=pattern, arguments={}))
        ] = pattern
    for identity in (
        data.draw(st.lists(st.sampled_from(list(known)), unique=True)) if known else ()
    ):
        assert exchange.drop(identity)
        assert not exchange.drop(identity)
        del known[identity]
    takes = {
        "direct": lambda pattern: pattern in given_keys,
        "fanout": lambda _pattern: True,
        "topic": lambda pattern: any(topic_matches(pattern, key) for key in given_keys),
    }[kind]
    wanted = sorted(identity[:3] for identity, pattern in known.items() if takes(pattern))
    found = [binding[:3] for binding in exchange.taken_by(given_keys, {})]
    assert sorted((name, to_exchange, key) for name, to_exchange, key in found) == wanted


@pytest.mark.parametrize("kind", ["direct", "topic"])
def test_many_bindings_of_other_keys_cost_nothing(kind: str) -> None:
    exchange = StoredExchange(ExchangeSpec("x", kind))
    for number in range(20_000):
        exchange.add(Binding("q", to_exchange=False, key=f"computer.{number}", arguments={}))
    began = time.process_time()
    for number in range(1000):
        assert len(exchange.taken_by([f"computer.{number}"], {})) == 1
    assert time.process_time() - began < 1.0


def test_a_hostile_pattern_does_not_take_long() -> None:
    began = time.process_time()
    assert not topic_matches(".".join(["#", "a"] * 60), ".".join(["a"] * 120 + ["b"]))
    assert time.process_time() - began < 1.0
