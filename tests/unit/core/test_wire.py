from dataclasses import dataclass
from enum import StrEnum

import pytest

from pelagos.core import wire


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    colour: Colour = Colour.RED


def test_dataclasses_travel_both_ways():
    assert wire.decode(wire.encode([Point(1)]), list[Point]) == [Point(1)]
    assert wire.to_builtins(Point(2)) == {"x": 2, "colour": "red"}


def test_a_newer_peer_may_say_more():
    assert wire.decode(b'{"x": 1, "y": 2}', Point) == Point(1)


def test_a_wrong_type_names_its_path():
    with pytest.raises(wire.WireError, match=r"Expected `int`, got `str` - at `\$\[1\].x`"):
        wire.decode(b'[{"x": 1}, {"x": "a"}]', list[Point])
    with pytest.raises(wire.WireError, match=r"\$.colour"):
        wire.convert({"x": 1, "colour": "blue"}, Point)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[1,]", b"[" * 100_000])
def test_text_that_is_not_json_is_a_clear_error(text: bytes):
    with pytest.raises(wire.WireError, match="cannot read the JSON text"):
        wire.decode(text)


def test_too_much_text_is_refused_before_it_is_read():
    with pytest.raises(wire.WireError, match="at most 10"):
        wire.decode(b"[" + b"1," * 100 + b"1]", limit=10)


def test_what_json_cannot_say_is_refused():
    with pytest.raises(wire.WireError, match="cannot be written"):
        wire.encode(object())


@pytest.mark.parametrize("value", [object(), {"a": object()}])
def test_what_is_no_data_is_an_error_of_ours(value: object):
    for write in (wire.encode, wire.to_builtins):
        with pytest.raises(wire.WireError, match="object"):
            write(value)


def test_text_that_utf8_cannot_hold_is_an_error_of_ours():
    with pytest.raises(wire.WireError, match="surrogates"):
        wire.encode("\udcff")
