"""The views of phones behind a token, followed through the URLs of their documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pelagos.directory import Directory
from pelagos.directory.views.phones.parameters import read_query
from pelagos.directory.views.phones.vendors import VENDORS, Vendor
from support import phone
from support.directory import BACKENDS, Raising, Rows, offer

USER = "0e44d6f6-1c32-4b4b-8e3a-6e9d0f6f8a11"
TOKEN = {"X-Auth-Token": "good"}
PROXY = "https://door.example/0.1/x?site=north"
FORMS = [v for v in VENDORS if v.form]
PAGED = [v for v in VENDORS if v.page_size and v.name != "thomson"]
PROFILES = ("sales", "menu", "input", "été & #1")
every_vendor = pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)


class People(Rows):
    """Answers every term with everybody, and keeps what it was asked with."""

    asked: list[dict[str, Any]] = []  # noqa: RUF012  # emptied by the fixture

    def search(self, term: str, args: Any = None) -> list[dict[str, Any]]:
        type(self).asked.append({**args, "term": term})
        return list(self.rows)


def person(number: int) -> dict[str, str]:
    return {"name": f"Ines {number:03}", "phone": f"+49 (0)30 {number}"}


def config(**sources: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"sources": list(sources), "timeout": 10}
    return {
        "sources": sources,
        "services": {"lookup": dict.fromkeys(PROFILES, asked)},
        "views": {
            "displays": {"office": [{"title": "Mail", "field": "email"}]},
            "profile_to_display": dict.fromkeys(PROFILES, "office"),
            "displays_phone": {
                "small": {
                    "name": ["display", "name"],
                    "number": [
                        {"field": ["none", "phone"]},
                        {"field": ["mobile"], "name_format": "{name} (Mobile)"},
                    ],
                }
            },
            "profile_to_display_phone": dict.fromkeys(PROFILES, "small"),
        },
        "enabled_plugins": {
            "views": {f"{v.name}_view": True for v in VENDORS if "_" not in v.name}
        },
    }


class Desk:
    """A phone behind a program that has the token."""

    def __init__(self, directory: Directory) -> None:
        self._client = directory.app.test_client()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        parts = urlsplit(url)
        assert not parts.netloc or parts.netloc == "localhost"
        return self._client.get(
            f"{parts.path}?{parts.query}", headers=TOKEN if headers is None else headers
        )

    def document(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        answer = self.get(url, {**TOKEN, **(headers or {})})
        assert answer.status_code == 200, answer.text
        return answer.data

    def listed(self, vendor: Vendor, url: str) -> phone.Shown:
        return phone.read_list(vendor.name, self.document(url))


@pytest.fixture
def people() -> list[dict[str, str]]:
    return [person(number) for number in range(20)]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, people: list[dict[str, str]]) -> Iterator[Desk]:
    People.asked = []
    offer(monkeypatch, BACKENDS, people=People, raising=Raising)
    with Directory(config(staff={"type": "people", "rows": people}), verify=_verify) as directory:
        assert directory.status.failures == ()
        yield Desk(directory)


@pytest.fixture(scope="module")
def people_desk() -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        offer(monkeypatch, BACKENDS, people=People)
        rows = [person(1), person(2)]
        with Directory(config(staff={"type": "people", "rows": rows}), verify=_verify) as one:
            yield Desk(one)


def _verify(token: str) -> Mapping[str, Any] | None:
    if token == "clerk":
        return {"xivo_user_uuid": "u", "acls": ["dird.directories.lookup.sales.read"]}
    return {"xivo_user_uuid": "u"} if token == "good" else None


def url(step: str, vendor: Vendor, profile: str = "sales", query: str = "") -> str:
    more = f"?{query}" if query else ""
    return f"/0.1/directories/{step}/{quote(profile, safe='')}/{USER}/{vendor.name}{more}"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("vendor", FORMS, ids=lambda v: v.name)
def test_a_phone_goes_from_its_first_document_through_all_pages_and_back(
    desk: Desk, vendor: Vendor, profile: str
) -> None:
    form = url("input", vendor, profile)
    if vendor.menu:
        form = phone.read_menu(desk.document(url("menu", vendor, profile)))
    to_list = phone.read_form(vendor.name, desk.document(form))("é & <o>")
    first = desk.listed(vendor, to_list)
    assert first.entries == [(f"Ines {n:03}", f"004930{n}") for n in range(16)]
    second = desk.listed(vendor, str(first.next))
    assert second.entries == [(f"Ines {n:03}", f"004930{n}") for n in range(16, 20)]
    assert second.next is None
    assert desk.listed(vendor, str(second.previous)) == first
    assert {(one["term"], one["user_uuid"]) for one in People.asked} == {("é & <o>", USER)}


@every_vendor
def test_documents_have_their_content_type_in_utf8(desk: Desk, vendor: Vendor) -> None:
    answer = desk.get(url("lookup", vendor, query="term=a"))
    expected = "text/html" if vendor.name == "polycom" else "text/xml"
    assert answer.headers["Content-Type"] == f"{expected}; charset=UTF-8"
    assert len(phone.read_list(vendor.name, answer.data).entries) == (vendor.page_size or 20)


@every_vendor
@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "bad"}, {"X-Auth-Token": "clerk"}])
def test_without_the_right_there_is_no_document(
    desk: Desk, vendor: Vendor, headers: Mapping[str, str]
) -> None:
    writers = (("menu", vendor.menu), ("input", vendor.form), ("lookup", vendor.listing))
    for step, writer in writers:
        status = desk.get(url(step, vendor, query="term=a"), headers).status_code
        assert status == (401 if writer else 404)


@every_vendor
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("limit=2", 400),
        ("term=a&limit=-1", 400),
        ("term=a&offset=-1", 400),
        ("term=a&limit=x", 400),
        ("term=a%00b", 400),
        (f"term={'a' * 300}", 400),
        ("term=", 200),
        ("term=%E9", 200),
    ],
)
def test_what_cannot_be_asked_is_refused(
    desk: Desk, vendor: Vendor, query: str, status: int
) -> None:
    assert desk.get(url("lookup", vendor, query=query)).status_code == status


def test_an_unknown_profile_is_named(desk: Desk) -> None:
    answer = desk.get(url("lookup", VENDORS[0], "sails", "term=a"))
    assert answer.status_code == 404
    assert "profile" in answer.json["reason"][0] and "sails" in answer.json["reason"][0]


@pytest.mark.parametrize("vendor", PAGED, ids=lambda v: v.name)
def test_proxy_url_stands_in_the_place_of_our_own_address(desk: Desk, vendor: Vendor) -> None:
    proxied = {"Proxy-URL": PROXY}
    begin = f"{PROXY}&xivo_user_uuid={USER}"
    if vendor.menu:
        assert phone.read_menu(desk.document(url("menu", vendor), proxied)) == begin
    to_list = phone.read_form(vendor.name, desk.document(url("input", vendor), proxied))
    params = {"site": "north", "xivo_user_uuid": USER, "term": "a"}
    assert to_list("a").partition("?")[0] == PROXY.partition("?")[0]
    assert read_query(to_list("a").partition("?")[2]) == params
    page = url("lookup", vendor, query="term=a&limit=2&offset=2")
    shown = phone.read_list(vendor.name, desk.document(page, proxied))
    assert shown.next == f"{begin}&term=a&limit=2&offset=4"
    assert shown.previous == f"{begin}&term=a&limit=2&offset=0"


@given(hostile=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0")))
@settings(deadline=None)
def test_a_hostile_header_breaks_no_document(people_desk: Desk, hostile: str) -> None:
    for vendor in PAGED:
        asked = url("lookup", vendor, query="term=a&limit=1")
        for header in ("Proxy-URL", "Accept-Language", "Host"):
            answer = people_desk.get(asked, {**TOKEN, header: hostile})
            assert answer.status_code == 200 or (header, answer.status_code) == ("Host", 400)
            if answer.status_code == 200:
                phone.parse(answer.data)


@every_vendor
def test_what_was_not_asked_is_said_in_a_last_line(
    monkeypatch: pytest.MonkeyPatch, vendor: Vendor
) -> None:
    offer(monkeypatch, BACKENDS, people=People, raising=Raising)
    some = {"type": "people", "rows": [person(1)]}
    whole = config(staff=some, crm={"type": "raising"}, more={"type": "people"})
    with Directory(whole, verify=_verify) as directory:
        desk = Desk(directory)
        answer = desk.get(url("lookup", vendor, query="term=a"))
        if vendor.keeps_list:
            assert answer.status_code == 503  # else the phone would forget the contacts of crm
            return
        found = phone.read_list(vendor.name, answer.data).entries
        assert found[0] == ("Ines 001", "0049301")
        if vendor.name != "gigaset":
            assert found[1:] == [("2 of 3 directories", "")]
        french = desk.document(url("lookup", vendor, query="term=a"), {"Accept-Language": "fr-BE"})
        assert vendor.name == "gigaset" or "2 annuaires sur 3" in french.decode()


@every_vendor
def test_names_and_numbers_fall_back_and_each_number_is_an_entry(
    monkeypatch: pytest.MonkeyPatch, vendor: Vendor
) -> None:
    offer(monkeypatch, BACKENDS, people=People)
    rows = [
        {"display": "Zoe", "name": "no", "none": "1", "phone": "2"},
        {"name": "Ann", "phone": "3", "mobile": "4"},
        {"name": "Ann", "phone": "+44(0)20 1"},
        {"name": "Nobody"},
    ]
    with Directory(config(staff={"type": "people", "rows": rows}), verify=_verify) as directory:
        shown = Desk(directory).listed(vendor, url("lookup", vendor, query="term=a"))
    assert shown.entries == [
        ("Ann", "0044201"), ("Ann", "3"), ("Ann (Mobile)", "4"), ("Zoe", "1"),
    ]  # fmt: skip


@every_vendor
def test_nobody_found_is_said(monkeypatch: pytest.MonkeyPatch, vendor: Vendor) -> None:
    offer(monkeypatch, BACKENDS, people=People)
    rows = [{"name": "Has no number"}]
    with Directory(config(staff={"type": "people", "rows": rows}), verify=_verify) as directory:
        desk = Desk(directory)
        shown = desk.listed(vendor, url("lookup", vendor, query="term=a"))
        german = desk.document(url("lookup", vendor, query="term=a"), {"Accept-Language": "de"})
    assert shown.entries == ([("No entries", "")] if vendor.says_nothing_found else [])
    assert ("Keine Einträge" in german.decode()) == vendor.says_nothing_found


def test_without_the_service_lookup_the_views_say_what_is_missing() -> None:
    whole = config()
    whole["services"] = {}
    whole["enabled_plugins"] |= {"services": ["status"]}
    with Directory(whole, verify=_verify) as directory:
        reasons = {f.name: f.reason for f in directory.status.failures}
        assert "the service lookup is not enabled" in reasons["snom_view"]


def test_a_wrong_display_keeps_out_the_phones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, BACKENDS, people=People)
    whole = config(staff={"type": "people"})
    whole["views"]["displays_phone"]["small"]["name"] = []
    with Directory(whole, verify=_verify) as directory:
        failed = {failure.name for failure in directory.status.failures}
        assert failed == {f"{v.name}_view" for v in VENDORS if "_" not in v.name}
        answer = Desk(directory).get("/0.1/directories/lookup/sales?term=a")
        assert answer.status_code == 200


@given(
    profile=st.sampled_from(PROFILES) | st.text(min_size=1, max_size=30),
    user=st.just(USER) | st.text(min_size=1, max_size=30),
    query=phone.QUERIES,
    vendor=st.sampled_from(VENDORS),
    step=st.sampled_from(["menu", "input", "lookup", "lookup", "lookup"]),
)
@settings(deadline=None, max_examples=500)
def test_no_parameter_makes_an_error_of_ours_or_a_broken_document(
    people_desk: Desk, profile: str, user: str, query: str, vendor: Vendor, step: str
) -> None:
    path = "/".join(quote(part, safe="", errors="replace") for part in (profile, user))
    answer = people_desk.get(f"/0.1/directories/{step}/{path}/{vendor.name}?{query}")
    assert answer.status_code in {200, 308, 400, 404}  # 308 to where `//` is `/`
    if answer.status_code == 200:
        phone.parse(answer.data)
