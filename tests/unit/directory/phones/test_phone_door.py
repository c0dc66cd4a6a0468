"""The door for phones: who is let in, which vendor is meant, and where its documents lead."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from pelagos.directory.errors import RequestError, TokenError
from pelagos.directory.model import Answer, Asker, SourceResult, SourceVerdict
from pelagos.directory.settings import PhoneDisplay, PhoneNumber
from pelagos.directory.views.phones.door import PhoneDoor
from pelagos.directory.views.phones.parameters import NOBODY
from pelagos.directory.views.phones.vendors import VENDORS, Vendor
from support import phone

USER = "0e44d6f6-1c32-4b4b-8e3a-6e9d0f6f8a11"
DISPLAY = PhoneDisplay(("name",), (PhoneNumber(("phone",)),))
FORMS = [v for v in VENDORS if v.form]
NAMED = {
    "aastra": "Aastra6757i MAC:00-08-5D-00-00-01 V:3.3.1-SIP",
    "cisco": "Allegro-Software-WebClient/4.34",
    "fanvil": "Fanvil X4 2.2.3 0c383e000001",
    "gigaset": "Gigaset N510 IP PRO/42.245",
    "grandstream": "Grandstream Model HW GXP2160 SW 1.0.9",
    "htek": "Htek UC926 2.0.4",
    "polycom": "FileTransport PolycomSoundPointIP-SPIP_650-UA/4.0.1",
    "snom": "Mozilla/4.0 (compatible; snom320-SIP 8.4.35)",
    "thomson": "Thomson ST2030 hw2 fw1.60",
    "yealink": "Yealink SIP-T28P 2.73.0.50",
}


class Staff:
    """A lookup service of forty people, or one that says no."""

    def __init__(self, *, refusal: Exception | None = None, late: bool = False) -> None:
        self.asked: list[tuple[str, str, Asker]] = []
        self._refusal = refusal
        self._late = late

    def lookup(self, term: str, profile: str, asker: Asker) -> Answer:
        self.asked.append((term, profile, asker))
        if self._refusal:
            raise self._refusal
        results = [
            SourceResult({"name": f"Ines O {n:02}", "phone": str(n + 1)}, "staff")
            for n in range(40)
        ]
        verdicts = [SourceVerdict("staff", "answered", 1.0)]
        if self._late:
            verdicts.append(SourceVerdict("crm", "late", 500.0, "no answer"))
        return Answer(tuple(results), tuple(verdicts))


class Phone:
    """A phone with an address and a User-Agent."""

    def __init__(self, door: PhoneDoor, agent: str = "", address: str = "10.1.2.3") -> None:
        self._client = door.app.test_client()
        self._agent = agent
        self._address = address

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        parts = urlsplit(url)
        return self._client.get(
            f"{parts.path}?{parts.query}",
            headers={"Host": "door.example:9498", "User-Agent": self._agent, **(headers or {})},
            environ_overrides={"REMOTE_ADDR": self._address},
        )

    def document(self, url: str) -> bytes:
        answer = self.get(url)
        assert answer.status_code == 200, answer.text
        return answer.data


def door(staff: Staff | None = None, **more: Any) -> PhoneDoor:
    nets = [ipaddress.ip_network(text) for text in ("10.1.0.0/16", "fd00::/8")]
    displays = dict.fromkeys(("sales", "default", "menu", "autodetect", "é 1"), DISPLAY)
    return PhoneDoor(staff or Staff(), displays, subnets=nets, **more)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("10.1.255.1", 200),
        ("fd00::5", 200),
        ("::ffff:10.1.0.9", 200),
        ("10.2.0.1", 403),
        ("127.0.0.1", 403),
        ("::1", 403),
        ("", 403),
        ("unix", 403),
        ("fe80::1%eth0", 403),
    ],
)
def test_only_the_socket_says_who_may_ask(address: str, status: int) -> None:
    inside = {"X-Forwarded-For": "10.1.0.1", "X-Real-IP": "10.1.0.1", "Forwarded": "for=10.1.0.1"}
    one = Phone(door(), address=address)
    for headers in ({}, inside):
        answer = one.get("/0.1/directories/lookup/sales/yealink?term=a", headers)
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store", "contacts stay in no cache"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        elsewhere = one.get("/no/such/page", headers)
        assert elsewhere.status_code == (404 if status == 200 else 403)


@pytest.mark.parametrize("profile", ["sales", "menu", "autodetect", "é 1"])
@pytest.mark.parametrize("vendor", FORMS, ids=lambda v: v.name)
def test_a_phone_goes_through_the_door_and_turns_all_pages(vendor: Vendor, profile: str) -> None:
    staff = Staff()
    one = Phone(door(staff))
    begin = f"/0.1/directories/menu/{quote(profile)}/{vendor.name}?xivo_user_uuid={USER}"
    form = phone.read_menu(one.document(begin)) if vendor.menu else begin
    url: str | None = phone.read_form(vendor.name, one.document(form))("Ö&")
    seen = []
    while url:
        assert url.startswith("http://door.example:9498/0.1/directories/lookup/")
        page = phone.read_list(vendor.name, one.document(url))
        seen, url = seen + page.entries, page.next
    assert seen == [(f"Ines O {n:02}", str(n + 1)) for n in range(40)]
    while page.previous:
        page = phone.read_list(vendor.name, one.document(page.previous))
    assert page.entries == seen[:16]
    assert {(term, where, who.user) for term, where, who in staff.asked} == {("Ö&", profile, USER)}


@pytest.mark.parametrize(("name", "agent"), NAMED.items())
def test_an_old_phone_is_known_by_its_user_agent(name: str, agent: str) -> None:
    staff = Staff()
    one = Phone(door(staff, profile="sales"), agent)
    found = phone.read_list(name, one.document("/0.1/directories/lookup/autodetect?term=a"))
    assert found.entries[0] == ("Ines O 00", "1")
    ((_, profile, who),) = staff.asked
    assert (profile, who.user) == ("sales", NOBODY)
    vendor = next(v for v in VENDORS if v.name == name)
    for step in ("menu", "input"):
        answer = one.get(f"/0.1/directories/{step}/autodetect")
        assert answer.status_code == (200 if vendor.form else 404)
        if vendor.form:
            assert f"/sales/{name}" in answer.text and NOBODY in answer.text


@pytest.mark.parametrize("agent", ["", "curl/8", "Mozilla/5.0"])
def test_who_is_no_phone_is_not_detected(agent: str) -> None:
    answer = Phone(door(), agent).get("/0.1/directories/lookup/autodetect?term=a")
    assert answer.status_code == 404


def test_a_gigaset_asks_in_its_own_words() -> None:
    staff = Staff()
    one = Phone(door(staff))
    base = f"/0.1/directories/lookup/sales/gigaset/{USER}"
    document = phone.parse(one.document(f"{base}?set_first=Ines*&count=10&first=31"))
    assert (document.get("total"), document.get("first"), document.get("last")) == (
        "40", "31", "40",
    )  # fmt: skip
    first = document[0]
    assert [first.get("id"), *(child.text for child in first)] == ["31", "O 30", "Ines", "31"]
    assert [child.tag for child in first] == ["ln", "fn", "hm"]
    assert len(phone.parse(one.document(base))) == 40
    assert [(term, who.user) for term, _, who in staff.asked] == [("Ines", USER), ("", USER)]
    assert one.get(f"{base}?count=-1").status_code == 400


def test_a_gigaset_that_is_known_by_its_user_agent_keeps_its_words() -> None:
    one = Phone(door(), NAMED["gigaset"])
    url = "/0.1/directories/lookup/autodetect?set_first=Ines&count=3&first=2"
    found = phone.read_list("gigaset", one.document(url))
    assert [number for _, number in found.entries] == ["2", "3", "4"]


def test_an_address_that_is_configured_stands_in_every_document() -> None:
    public = "https://phones.example/x"
    one = Phone(door(public_url=f"{public}/"))
    begin = f"{public}/0.1/directories"
    menu = one.document(f"/0.1/directories/menu/sales/cisco?xivo_user_uuid={USER}")
    assert phone.read_menu(menu) == f"{begin}/input/sales/cisco?xivo_user_uuid={USER}"
    form = one.document("/0.1/directories/input/sales/aastra")
    assert phone.read_form("aastra", form)("a").startswith(f"{begin}/lookup/sales/aastra?")
    page = one.document("/0.1/directories/lookup/sales/snom?term=a")
    assert str(phone.read_list("snom", page).next).startswith(f"{begin}/lookup/sales/snom?")


@pytest.mark.parametrize("name", ["phonebook.xml", "gs_phonebook.xml"])
def test_a_grandstream_downloads_the_whole_book_or_keeps_its_own(name: str) -> None:
    url = f"/0.1/directories/lookup/sales/grandstream/{USER}/{name}"
    book = phone.read_list("grandstream", Phone(door()).document(url))
    assert len(book.entries) == 40
    answer = Phone(door(Staff(late=True))).get(url)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("lookup/sales/nokia?term=a", 404),
        ("lookup/nowhere/snom?term=a", 404),
        ("lookup/sales/snom", 400),
        ("lookup/sales/snom?term=a&limit=-1", 400),
        ("lookup/sales/snom?term=a&offset=-1", 400),
        ("input/sales/yealink", 404),
        ("edit/sales/snom", 404),
    ],
)
def test_what_cannot_be_asked_is_refused(path: str, status: int) -> None:
    answer = Phone(door()).get(f"/0.1/directories/{path}")
    assert answer.status_code == status and answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (TokenError(["no"]), 503),
        (RequestError(["down"], status=503), 503),
        (RuntimeError("secret"), 500),
    ],
)
def test_a_directory_that_cannot_answer_says_so_in_one_line(
    refusal: Exception, status: int
) -> None:
    answer = Phone(door(Staff(refusal=refusal))).get("/0.1/directories/lookup/sales/snom?term=a")
    assert answer.status_code == status
    assert "secret" not in answer.text and "Traceback" not in answer.text


def test_the_door_asks_as_itself_and_ignores_what_a_phone_claims_to_be() -> None:
    staff = Staff()
    one = Phone(door(staff, token="t-of-the-door"))
    url = f"/0.1/directories/lookup/sales/snom?term=a&limit=1&xivo_user_uuid={USER}"
    answer = one.get(url, {"X-Auth-Token": "mine", "Proxy-URL": "http://elsewhere/"})
    assert "elsewhere" not in answer.text
    args = staff.asked[0][2].args()
    assert (args["token"], args["user_uuid"]) == ("t-of-the-door", USER)
    assert args["token_infos"] == {"auth_id": "phones", "xivo_user_uuid": USER}
    assert "t-of-the-door" not in repr(staff.asked)


STEPS = ("lookup/sales", "lookup/menu", "lookup/%C3%A9%201", "input/sales", "menu/sales")


@settings(deadline=None, max_examples=500)
@given(
    path=st.sampled_from(STEPS) | st.text(max_size=30).map(lambda t: quote(t, errors="replace")),
    last=st.sampled_from([v.name for v in VENDORS] + [f"gigaset/{USER}", "gigaset/%00%E9"]),
    query=phone.QUERIES,
    host=st.sampled_from(["door"]) | st.text(st.characters(max_codepoint=255), max_size=30),
)
def test_no_request_makes_an_error_of_ours_or_a_broken_document(
    path: str, last: str, query: str, host: str
) -> None:
    asked = f"/0.1/directories/{path}/{last}?term=a&{query}"
    host = host.translate({10: None, 13: None, 0: None})
    answer = Phone(DOOR, NAMED["cisco"]).get(asked, {"Host": host})
    assert answer.status_code in {200, 308, 400, 404, 405}
    if answer.status_code == 200:
        phone.parse(answer.data)


DOOR = door()
