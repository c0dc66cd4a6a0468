"""What becomes an entry of a phone, how its number is cleaned, where a page begins and ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.settings import PhoneDisplay, PhoneNumber
from pelagos.directory.views.phones.entries import Entry, cut, dialled, list_entries

SMALL = PhoneDisplay(
    ("display_name", "display_name1"),
    (
        PhoneNumber(("phone", "phone1")),
        PhoneNumber(("mobile",), "{name} (Mobile {number})"),
    ),
)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+44(0)20 7946", "0044207946"),
        ("+44 (0) 20-7946.0000", "00442079460000"),
        ("+33123456789", "+33123456789"),
        ("(030) 123 45", "03012345"),
        ("*97#", "*97#"),
        ("x2041", "2041"),
        ("+44(0)20(7)", "+440207"),
        ("ines@example.org", ""),
        ("n/a", ""),
        ("", ""),
        ("٢٠٤١", ""),  # other digits than those of a keypad
        ("1" * 65, ""),
    ],
)
def test_a_number_is_what_can_be_dialled(written: str, number: str) -> None:
    assert dialled(written) == number


@settings(deadline=None)
@given(st.text())
def test_nothing_but_keys_of_a_phone_is_dialled(text: str) -> None:
    assert set(dialled(text)) <= set("0123456789*#+")
    assert dialled(dialled(text)) == dialled(text)


def test_a_name_and_a_number_come_from_the_first_column_that_has_one() -> None:
    rows = [
        {"display_name": None, "display_name1": "Ines", "phone": "", "phone1": "12"},
        {"display_name": " ", "display_name1": "Jon", "phone": "n/a", "phone1": "13"},
    ]
    assert list_entries(rows, SMALL) == [Entry("Ines", "12"), Entry("Jon", "13")]


def test_each_number_of_a_contact_is_an_entry() -> None:
    row = {"display_name": "Ines", "phone": "2041", "mobile": "+44 (0)7 9"}
    assert list_entries([row], SMALL) == [
        Entry("Ines", "2041"),
        Entry("Ines (Mobile 004479)", "004479"),
    ]


def test_who_has_no_name_or_no_number_is_no_entry() -> None:
    rows = [{"phone": "1"}, {"display_name": "Ines"}, {"display_name": "Jon", "phone": "none"}]
    assert list_entries(rows, SMALL) == []


def test_entries_are_sorted_by_name_then_number_without_case_and_accents() -> None:
    rows = [
        {"display_name": name, "phone": number}
        for name, number in [
            ("zoe", "1"),
            ("Éva", "2"),
            ("eva", "3"),
            ("Adam", "9"),
            ("Adam", "1"),
        ]
    ]
    assert list_entries(rows, SMALL) == [
        Entry("Adam", "1"),
        Entry("Adam", "9"),
        Entry("eva", "3"),
        Entry("Éva", "2"),
        Entry("zoe", "1"),
    ]


def test_numbers_that_are_integers_are_numbers_and_names_stay_on_one_line() -> None:
    row = {"display_name": " Ines\r\n\tOkafor\x00 ", "phone": 2041, "mobile": True}
    assert list_entries([row], SMALL) == [Entry("Ines Okafor", "2041")]


@pytest.mark.parametrize(
    "broken", ["{name.__class__}", "{", "{name:9999}", "{0}", " ", "{nobody}"]
)
def test_a_name_format_that_cannot_be_rendered_leaves_the_name(broken: str) -> None:
    display = PhoneDisplay(("name",), (PhoneNumber(("phone",), broken),))
    assert list_entries([{"name": "Ines", "phone": "1"}], display) == [Entry("Ines", "1")]


def test_a_name_format_may_use_other_columns() -> None:
    display = PhoneDisplay(("name",), (PhoneNumber(("phone",), "{name}, {company}"),))
    rows = [{"name": "Ines", "phone": "1", "company": "R&D"}]
    assert list_entries(rows, display) == [Entry("Ines, R&D", "1")]


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 70), st.integers(0, 20) | st.none())
def test_pages_follow_each_other_and_never_lead_outside(
    total: int, offset: int, limit: int | None
) -> None:
    entries = [Entry(str(n), "1") for n in range(total)]
    page = cut(entries, offset, limit)
    assert page.total == total
    assert list(page.entries) == entries[offset:][:limit]
    if page.next is not None:
        assert page.entries and offset < page.next < total
    else:
        assert not page.entries or offset + len(page.entries) == total
    if page.previous is not None:
        assert 0 <= page.previous < offset and page.previous <= total
    else:
        assert offset == 0 or limit == 0 or (limit is None and total == 0)
