"""Parts of objects as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.clients.errors import ClientError
from pelagos.clients.storage.ranges import Part, cut, parse_ranges


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5", [(0, 6)]),
        ("10-19", [(10, 20)]),
        ("-5", [(95, 100)]),
        ("95-", [(95, 100)]),
        ("-500", [(0, 100)]),
        ("90-1000", [(90, 100)]),
        ("0-0, 7-8", [(0, 1), (7, 9)]),
    ],
)
def test_ranges(text, wanted):
    assert [(part.start, part.end) for part in parse_ranges(text, 100)] == wanted


@pytest.mark.parametrize(
    "text", ["", "-", "a-b", "1-2-3", "5-3", "1,,2", "+1", "\u0661-\u0662", "0x1-2", "--5"]
)
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ClientError):
        parse_ranges(text, 100)


@pytest.mark.parametrize("text", ["100-", "100-200", "-0"])
def test_a_range_behind_the_end_is_not_satisfiable(text):
    with pytest.raises(ClientError) as caught:
        parse_ranges(text, 100)
    assert caught.value.status == 416


@given(start=st.integers(0, 50), length=st.integers(1, 50), size=st.integers(1, 20))
def test_pieces_make_the_part_again(start, length, size):
    part = Part(start, start + length)
    pieces = cut([part], size)
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert (pieces[0].start, pieces[-1].end) == (part.start, part.end)
    assert all(0 < piece.length <= size for piece in pieces)
