"""What every vendor's documents do, whatever is in them: read back as the phone reads them."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.settings import PhoneDisplay, PhoneNumber
from pelagos.directory.views.phones.entries import Entry, list_entries
from pelagos.directory.views.phones.labels import LABELS, labels_for
from pelagos.directory.views.phones.lookup import Reader, write_list
from pelagos.directory.views.phones.markup import _UNWRITABLE
from pelagos.directory.views.phones.parameters import USER, Asked, link, read_query
from pelagos.directory.views.phones.vendors import VENDORS, Vendor
from support import phone

EN = labels_for("en")
USER_1 = "0e44d6f6-1c32-4b4b-8e3a-6e9d0f6f8a11"
ADDRESS = "http://dir.example/0.1/directories/lookup/sales/vendor"
PAGED = [v for v in VENDORS if v.page_size and v.name != "thomson"]
UNPAGED = [v for v in VENDORS if not v.page_size]
FORMS = [v for v in VENDORS if v.form]
every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)

entries = st.lists(
    st.builds(
        Entry,
        st.text(min_size=1, max_size=40).map(lambda t: " ".join(_UNWRITABLE.sub("", t).split())),
        st.from_regex(r"\+?[0-9*#]{1,15}", fullmatch=True),
    ).filter(lambda entry: entry.name),
    max_size=60,
)

printable = st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="_")


def reader(vendor: Vendor, language: str = "en") -> Reader:
    return Reader(vendor, LABELS[language], ADDRESS, USER_1)


def people(count: int) -> list[Entry]:
    return [Entry(f"Ines {number:03}", str(1000 + number)) for number in range(count)]


def shown(vendor: Vendor, listed: list[Entry], asked: Asked, note: str = "") -> phone.Shown:
    return phone.read_list(vendor.name, write_list(listed, asked, reader(vendor), note))


def pairs(listed: list[Entry]) -> list[tuple[str, str]]:
    return [(one.name, one.number) for one in listed]


@every_vendor
@settings(deadline=None)
@given(listed=entries, term=st.text(max_size=300), note=st.text(max_size=40))
def test_whatever_is_listed_reads_back_as_it_was(
    vendor: Vendor, listed: list[Entry], term: str, note: str
) -> None:
    note = " ".join(_UNWRITABLE.sub("", note).split())
    found = shown(vendor, listed, Asked(term), note).entries
    if note and vendor.name not in {"gigaset", "grandstream"}:
        assert found.pop() == (note, "")
    if not listed:
        assert found == ([("No entries", "")] if vendor.says_nothing_found else [])
        return
    most = vendor.page_size or len(listed)
    assert [name.split() for name, _ in found] == [
        one.name[: vendor.longest_name].split() for one in listed[: min(most, len(found))]
    ]
    assert [number for _, number in found] == [one.number for one in listed[: len(found)]]
    assert 1 <= len(found) <= most
    if vendor.most_bytes is None:
        assert len(found) == min(most, len(listed))


@pytest.mark.parametrize("vendor", PAGED, ids=lambda v: v.name)
@settings(deadline=None, max_examples=25)
@given(term=st.text(max_size=256), count=st.integers(17, 120), limit=st.integers(1, 40))
def test_pages_turn_forward_through_all_entries_and_back_to_the_first(
    vendor: Vendor, term: str, count: int, limit: int
) -> None:
    listed, seen, asked, turns = people(count), [], Asked(term, limit), 0
    page = shown(vendor, listed, asked)
    assert page.previous is None
    while True:
        seen += page.entries
        if page.next is None:
            break
        params = _params(page.next)
        assert params["term"] == term.encode("utf-8", "replace").decode()
        asked = Asked(term, int(params["limit"]), int(params["offset"]))
        assert asked.offset == len(seen)
        page, turns = shown(vendor, listed, asked), turns + 1
    assert seen == pairs(listed)
    while page.previous is not None and turns >= 0:
        params = _params(page.previous)
        page = shown(vendor, listed, Asked(term, int(params["limit"]), int(params["offset"])))
        turns -= 1
    assert page.previous is None and page.entries[0] == pairs(listed)[0]


def _params(url: str) -> dict[str, str]:
    assert url.startswith(f"{ADDRESS}?") and url.isascii() and " " not in url
    params = read_query(url.partition("?")[2])
    assert params[USER] == USER_1
    assert list(params) == [USER, "term", "limit", "offset"]
    return params


@pytest.mark.parametrize("vendor", PAGED, ids=lambda v: v.name)
def test_paging_appears_with_the_seventeenth_entry(vendor: Vendor) -> None:
    one_page, two_pages = (shown(vendor, people(n), Asked("a")) for n in (16, 17))
    assert (one_page.previous, one_page.next) == (None, None)
    assert two_pages.previous is None
    assert _params(str(two_pages.next)) == {
        USER: USER_1, "term": "a", "limit": "16", "offset": "16",
    }  # fmt: skip
    last = shown(vendor, people(17), Asked("a", offset=16))
    assert (last.entries, last.next) == ([("Ines 016", "1016")], None)
    assert _params(str(last.previous))["offset"] == "0"


@pytest.mark.parametrize("vendor", UNPAGED, ids=lambda v: v.name)
def test_a_vendor_without_pages_gets_the_whole_list_and_any_part_of_it(vendor: Vendor) -> None:
    assert shown(vendor, people(300), Asked("a")).entries == pairs(people(300))
    part = shown(vendor, people(300), Asked("a", 5, 10)).entries
    assert part == pairs(people(300)[10:15])


@every_vendor
def test_a_phone_never_gets_more_than_it_takes(vendor: Vendor) -> None:
    listed = [Entry(f"{'&' * 200}{n}", "1" * 20) for n in range(500)]
    text = write_list(listed, Asked("é" * 256, 10_000), reader(vendor), "2 of 3 directories")
    found = phone.read_list(vendor.name, text)
    limits = {"aastra": 28, "cisco": 32, "snom": 98, "snom_menu": 98, "thomson": 32}
    assert len(found.entries) <= limits.get(vendor.name, 501)
    assert max(len(name.replace(" ", "")) for name, _ in found.entries) <= vendor.longest_name
    if vendor.most_bytes:
        assert len(text.encode()) <= vendor.most_bytes and len(found.entries) > 1


@every_vendor
def test_an_empty_page_and_one_behind_the_end_lead_somewhere(vendor: Vendor) -> None:
    nothing = [("No entries", "")] if vendor.says_nothing_found else []
    assert shown(vendor, people(20), Asked("a", 0)) == phone.Shown(nothing)
    behind = shown(vendor, people(20), Asked("a", offset=10**9))
    assert behind.entries == nothing and behind.next is None
    if vendor in PAGED:
        assert _params(str(behind.previous))["offset"] == "4"


@pytest.mark.parametrize("vendor", FORMS, ids=lambda v: v.name)
@settings(deadline=None)
@given(term=st.text(max_size=50), profile=st.text(printable, max_size=50), user=st.text(printable))
def test_a_form_leads_to_its_address_with_user_and_term(
    vendor: Vendor, term: str, profile: str, user: str
) -> None:
    assert vendor.form is not None
    term = term.encode("utf-8", "replace").decode()  # as it arrives
    to = link(f"http://dir.example/{quote(profile)}", **{USER: user})
    url = phone.read_form(vendor.name, vendor.form(to, EN))(term)
    address, _, query = url.partition("?")
    assert address == f"http://dir.example/{quote(profile)}"
    assert read_query(query) == {USER: user, "term": term}


@pytest.mark.parametrize("language", LABELS)
@every_vendor
def test_every_document_is_well_formed_in_every_language(vendor: Vendor, language: str) -> None:
    words = LABELS[language]
    to = link(ADDRESS, **{USER: USER_1})
    for write in (vendor.menu, vendor.form):
        if write is not None:
            assert words.directory in "".join(phone.parse(write(to, words)).itertext())
    note = words.answered.format(answered=2, total=3)
    text = write_list(people(40), Asked("a", 5, 5), reader(vendor, language), note)
    root = phone.parse(text)
    if vendor.keeps_list or vendor.name == "gigaset":
        assert note not in text
    else:
        assert note in [*root.itertext(), *(item.get("name") for item in root.iter())]


@settings(deadline=None)
@given(
    fields=st.dictionaries(
        st.sampled_from(["name", "other", "phone", "mobile"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.floats(),
    ),
    name_format=st.none() | st.text(),
)
def test_no_field_of_a_source_can_break_a_list(
    fields: dict[str, object], name_format: str | None
) -> None:
    display = PhoneDisplay(("name", "other"), (PhoneNumber(("phone", "mobile"), name_format),))
    listed = list_entries([fields], display)
    for one in listed:
        assert one.name.strip() and one.number and set(one.number) <= set("0123456789*#+")
    for vendor in VENDORS:
        found = shown(vendor, listed, Asked("a")).entries
        assert len(found) == (len(listed) or int(vendor.says_nothing_found))
    assert listed == list_entries([fields, {}], display)
