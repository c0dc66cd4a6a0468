"""OAuth 2 of a box's Astakos: a program learns once who a person is, and nobody else does."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from pelagos.box import Box, Person
from pelagos.clients.astakos import AstakosClient
from pelagos.clients.errors import ClientError, NotFound, Unauthorized
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask

BACK = "https://view.example.org/back?a=1"
OTHER = "https://view.example.org/other"
ASKED = {"response_type": "code", "client_id": "view", "redirect_uri": BACK, "state": "s 1"}
CLOCK = ManualClock(start=1795269100.0)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(clock=CLOCK, pace=0) as running:
        running.let_ask("view", "swordfish", BACK, OTHER)
        running.let_ask("mail", "halibut", "https://mail.example.org/back")
        yield running


@pytest.fixture
def ann(box: Box) -> Person:
    return box.person("ann@example.org", full_name="Ann Tester")


@pytest.fixture
def program(box: Box) -> AstakosClient:
    return AstakosClient(box.astakos_url, dialect="synnefo")


def authorize(box: Box, person: Person | None, **asked: str) -> Reply:
    token = person.token() if person else None
    query = urlencode({**ASKED, **asked})
    return ask(box.url, "GET", f"/astakos/oauth2/auth?{query}", token=token)


def sent(reply: Reply) -> dict[str, str]:
    """What the person's browser takes along."""
    assert reply.status == 302, reply
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query))


def code_for(box: Box, person: Person, **asked: str) -> str:
    return sent(authorize(box, person, **asked))["code"]


def token_for(program: AstakosClient, code: str, **more: Any) -> Any:
    given = {"client_id": "view", "client_secret": "swordfish", "redirect_uri": BACK, **more}
    return program.get_token("authorization_code", code=code, **given)


def owner(box: Box, token: str, query: str = "") -> Reply:
    return ask(box.astakos_url, "GET", f"/tokens/{token}{query}")


def test_a_program_learns_who_the_person_is(box: Box, ann: Person, program: AstakosClient) -> None:
    reply = authorize(box, ann, scope="profile")
    assert reply.headers["location"].startswith(f"{BACK}&")
    assert sent(reply)["state"] == "s 1"
    given = token_for(program, sent(reply)["code"])
    assert {k: v for k, v in given.items() if k != "access_token"} == {
        "token_type": "Bearer", "expires_in": 20, "scope": "profile",
    }  # fmt: skip
    known = owner(box, given["access_token"], f"?belongsTo={ann.user_id}").json["access"]
    assert known["user"]["id"] == ann.user_id == known["token"]["tenant"]["id"]
    assert known["user"]["name"] == "Ann Tester"


def test_codes_and_tokens_are_good_once(box: Box, ann: Person, program: AstakosClient) -> None:
    code = code_for(box, ann)
    token = token_for(program, code)["access_token"]
    with pytest.raises(ClientError, match="invalid_grant"):
        token_for(program, code)
    assert [owner(box, token).status for _ in range(2)] == [200, 404]


def test_codes_and_tokens_end(box: Box, ann: Person, program: AstakosClient) -> None:
    code = code_for(box, ann)
    CLOCK.advance(61)
    with pytest.raises(ClientError, match="invalid_grant"):
        token_for(program, code)
    token = token_for(program, code_for(box, ann))["access_token"]
    CLOCK.advance(21)
    assert owner(box, token).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "mail", "client_secret": "halibut"},  # another's code
        {"redirect_uri": OTHER},
        {"redirect_uri": ""},
    ],
)
def test_a_code_is_for_one_program_and_one_address(
    box: Box, ann: Person, program: AstakosClient, wrong: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match="invalid_grant") as caught:
        token_for(program, code_for(box, ann), **wrong)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "shark"}, {"client_id": "nobody"}, {"client_secret": ""}]
)
def test_a_program_shows_its_secret(
    box: Box, ann: Person, program: AstakosClient, wrong: dict[str, str]
) -> None:
    code = code_for(box, ann)
    with pytest.raises(Unauthorized, match="invalid_client"):
        token_for(program, code, **wrong)
    assert token_for(program, code)["token_type"] == "Bearer"


def test_nobody_is_sent_to_an_address_that_was_not_told(box: Box, ann: Person) -> None:
    for wrong in ({"redirect_uri": "https://evil.example"}, {"redirect_uri": f"{BACK}&b=2"},
                  {"redirect_uri": ""}, {"client_id": "nobody"}):  # fmt: skip
        reply = authorize(box, ann, **wrong)
        assert (reply.status, reply.json["error"]) == (400, "invalid_request"), wrong
        assert "location" not in reply.headers
    only = authorize(box, ann, client_id="mail", redirect_uri="")
    assert only.headers["location"].startswith("https://mail.example.org/back?code=")


def test_what_else_is_refused(box: Box, ann: Person, program: AstakosClient) -> None:
    assert authorize(box, None).status == 401
    assert sent(authorize(box, ann, response_type="token")) == {
        "a": "1", "error": "unsupported_response_type", "state": "s 1",
    }  # fmt: skip
    with pytest.raises(ClientError, match="unsupported_grant_type"):
        program.get_token("password", "view", "swordfish", username="ann", password="x")
    with pytest.raises(NotFound):
        program.get(f"/tokens/{code_for(box, ann)}")  # a code is no token
    assert owner(box, ann.token()).status == 404


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"grant_type": "authorization_code"}', {"Content_Type": "application/json"}),
        (b"code=1&code=2", {"Content_Type": "application/x-www-form-urlencoded"}),
        (b"code=\xff", {"Content_Type": "application/x-www-form-urlencoded"}),
        (b"", {"Content_Type": "application/x-www-form-urlencoded", "Authorization": "Basic *"}),
        (b"", {"Content_Type": "application/x-www-form-urlencoded",
               "Authorization": f"Basic {base64.b64encode(bytes([255, 58])).decode()}"}),
    ],
)  # fmt: skip
def test_forms_that_cannot_be_read_are_told(
    box: Box, body: bytes, headers: dict[str, str]
) -> None:
    reply = ask(box.url, "POST", "/astakos/oauth2/token", body, **headers)
    assert reply.status in {400, 401}
    assert reply.json["error"] in {"invalid_request", "invalid_client"}
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://", "http://a/#b", "/back"])
def test_only_addresses_of_pages_are_taken(box: Box, address: str) -> None:
    with pytest.raises(ValueError, match="http URL"):
        box.let_ask("x", "y", address)
