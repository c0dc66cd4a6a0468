"""Usage reports read and written; what is not one is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.tio import (
    Movement,
    TioError,
    belonging_to,
    read_consumption,
    read_journal,
    write_journal,
)

MOVEMENT = (
    "<movement><resource>CPU</resource><title>t</title><reference>x</reference>"
    "<quantity>1.5</quantity><price>0.0</price><VAT></VAT><category>c</category></movement>"
)


def consumption(inside: str = MOVEMENT) -> bytes:
    return f"<?xml version='1.0' encoding='utf-8'?><consumption>{inside}</consumption>".encode()


def test_a_consumption_is_read() -> None:
    (found,) = read_consumption(consumption())
    assert found == Movement("CPU", 1.5, "t", "x", 0.0, "", ("c",))
    assert belonging_to([found], "slappart3")[0].reference == "slappart3"


@given(
    st.lists(
        st.builds(
            Movement,
            resource=st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20),
            quantity=st.floats(allow_nan=False, allow_infinity=False),
            title=st.text(max_size=20).map(str.strip),
            reference=st.just("slappart0"),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_a_journal_says_what_was_written(movements: list[Movement]) -> None:
    document = write_journal("COMP-1", movements, start=1_000_000.0, stop=1_003_600.0)
    (found,) = read_journal(document)
    assert (found.reference, found.start, found.stop) == ("COMP-1", 1_000_000.0, 1_003_600.0)
    assert [m.quantity for m in found.movements] == [m.quantity for m in movements]
    for one, other in zip(found.movements, movements, strict=True):
        if other.title.isprintable():
            assert one.title == other.title
        assert one.resource == other.resource


def test_an_empty_journal_reports_nothing() -> None:
    assert read_journal(b"<journal/>") == ()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"text",
        b"<consumption>",
        consumption(""),
        consumption("<other/>"),
        consumption(MOVEMENT.replace("1.5", "much")),
        consumption(MOVEMENT.replace("1.5", "NaN")),
        consumption(MOVEMENT.replace("1.5", "1_5")),
        consumption(MOVEMENT.replace("<price>0.0</price>", "")),
        consumption(MOVEMENT.replace("<VAT></VAT>", "<price>1</price><VAT></VAT>")),
        consumption(MOVEMENT.replace("</movement>", "<title>late</title></movement>")),
        b"<journal/>",
        consumption().replace(b"?>", b"?><!DOCTYPE consumption>"),
        b'<!DOCTYPE c [<!ENTITY a "aaaa">]><consumption>' + MOVEMENT.encode() + b"</consumption>",
        b'<!DOCTYPE c SYSTEM "file:///etc/passwd"><consumption/>',
        b"<consumption>" * 20,
        consumption(" " * 1_100_000),
        "<consumption/>".encode("utf-16"),
    ],
)
def test_what_is_no_consumption_is_refused(document: bytes) -> None:
    with pytest.raises(TioError):
        read_consumption(document)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (' type="Sale Packing List"', ""),
        (' type="Administration"', ""),
        ("<currency></currency>", ""),
        ("<reference>C</reference>", ""),
        ("<movement>", "<movement><odd/>"),
        ("journal", "x"),
    ],
)
def test_what_is_no_journal_is_refused(before: str, after: str) -> None:
    text = write_journal("C", [Movement("r", 1.0)], start=0.0, stop=1.0).decode()
    assert read_journal(text.encode())
    with pytest.raises(TioError):
        read_journal(text.replace(before, after).encode())
