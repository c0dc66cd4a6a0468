"""Short JSON with the standard library: the same as msgspec makes of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import plain_json, wire

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
TEXTS = (
    '"\\ud800"', '"\\UD800"', '"\\uD83d\\ude00"', "1e999", "-1e999", "NaN", "Infinity", "-0",
    "1.0",
    "123456789012345678901234567890", '{"a":1,"a":2}', "\ufeff{}", "[1,]", '"\x01"', "0123", "[]x",
    " [] ", "", "nul", "[" * 100_000, "{'a': 1}", '{"a":}', "1" * 5000,
)  # fmt: skip


def outcome(function: Any, *given: Any) -> tuple[str, Any]:
    try:
        return "made", repr(function(*given))
    except (wire.WireError, ValueError, TypeError, RecursionError):
        return "refused", None


@given(VALUES)
def test_what_is_written_is_what_msgspec_reads_and_the_other_way_round(value: Any) -> None:
    try:
        text = plain_json._encoded(value)
    except ValueError:
        return  # msgspec is asked then
    assert repr(wire.decode(text)) == repr(plain_json._decoded(text))
    assert repr(plain_json._decoded(wire.encode(value))) == repr(wire.decode(wire.encode(value)))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:30])
def test_what_one_refuses_is_not_let_through_by_the_other(text: str) -> None:
    for data in (text, text.encode()):
        kind, found = outcome(plain_json._decoded, data)
        if kind == "made":
            assert outcome(wire.decode, data) == (kind, found)


@given(st.binary())
def test_bytes_that_are_no_text_are_refused_in_msgspec_s_words(data: bytes) -> None:
    kind, found = outcome(plain_json._decoded, data)
    if kind == "made":
        assert outcome(wire.decode, data) == (kind, found)
    assert outcome(plain_json.decode, data) == outcome(wire.decode, data)


def test_errors_are_those_of_the_wire() -> None:
    with pytest.raises(wire.WireError, match="cannot read the JSON text"):
        plain_json.decode("{")
    with pytest.raises(wire.WireError, match="cannot be written as JSON"):
        plain_json.encode(object())
