"""directory.auth.wazo: tokens of wazo-auth, over its documented answers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import logs, wire
from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, HttpClient, Request, Response
from pelagos.directory.auth.wazo import WazoTokens

DATA = {
    "token": "t-1",
    "auth_id": "u-1",
    "xivo_user_uuid": "u-1",
    "acls": ["dird.#.me.read"],
    "utc_expires_at": "2001-09-09T01:46:50.000000",  # ten seconds after the clock below
}


def tokens(answer: Any, method: str = "GET") -> tuple[WazoTokens, FakeTransport]:
    body = Response(200, {}, wire.encode({"data": answer})) if isinstance(answer, dict) else answer
    transport = FakeTransport({f"{method} /0.1/token/t-1": body})
    http = HttpClient("https://auth:9497/0.1", transport=transport)
    return WazoTokens(http, clock=ManualClock()), transport


def test_owner_rights_and_end_come_with_one_question() -> None:
    verify, transport = tokens(DATA)
    infos = verify("t-1")
    assert infos is not None
    assert infos["auth_id"] == infos["xivo_user_uuid"] == "u-1"
    assert infos["acls"] == ["dird.#.me.read"] and infos["expires_in"] == 10.0
    assert len(transport.requests) == 1


def test_todays_names_are_understood() -> None:
    metadata = {"uuid": "u-1", "tenant_uuid": "ten", "pbx_user_uuid": "pbx-1"}
    verify, _ = tokens({"auth_id": "u-1", "acl": ["#"], "metadata": metadata})
    infos = verify("t-1")
    assert infos is not None and infos["xivo_user_uuid"] == "pbx-1"
    assert infos["acls"] == ["#"] and infos["metadata"] == metadata


def test_the_token_of_a_service_is_no_persons() -> None:
    verify, _ = tokens({"auth_id": "svc", "xivo_user_uuid": None, "acls": []})
    infos = verify("t-1")
    assert infos is not None and infos["xivo_user_uuid"] is None and infos["acls"] == []


def test_without_a_word_on_rights_each_is_asked_for() -> None:
    verify, _ = tokens({"auth_id": "u-1", "token": "t-1", "xivo_user_uuid": "u-1"})
    infos = verify("t-1")
    assert infos is not None and "acls" not in infos

    def head(request: Request) -> Response:
        return Response(204 if "scope=dird.personal.read" in request.url else 403, {}, b"")

    verify, transport = tokens(head, "HEAD")
    assert verify.reaches("t-1", "dird.personal.read", None)
    assert not verify.reaches("t-1", "dird.config.read", None)
    verify.reaches("t-1", "dird.personal.read", "ten & co")
    assert "tenant=ten+%26+co" in transport.requests[-1].url


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_of_nobody_is_nobodys(status: int) -> None:
    verify, _ = tokens(Response(status, {}, b'{"reason": ["no such token"]}'))
    assert verify("t-1") is None


@pytest.mark.parametrize(
    "answer",
    [
        Response(500, {}, b""),
        Response(301, {"Location": "http://elsewhere/"}, b""),
        Response(401, {}, b""),
        Response(200, {}, b"<html>"),
        Response(200, {}, b"[]"),
        Response(200, {}, b'{"data": null}'),
        Response(200, {}, b'{"data": {"auth_id": 7}}'),
        Response(200, {}, b'{"data": {"auth_id": "u", "acl": "#"}}'),
        Response(200, {}, b'{"data": {"auth_id": "u", "acl": [1]}}'),
        Response(200, {}, b'{"data": {"auth_id": "u", "acl": [], "utc_expires_at": "soon"}}'),
        Response(200, {}, b'{"data": {"auth_id": "u", "acl": [], "utc_expires_at": 7}}'),
    ],
)
def test_an_answer_that_is_none_of_wazo_auth_is_no_yes_and_no_no(answer: Response) -> None:
    verify, _ = tokens(answer)
    with pytest.raises(PelagosError):
        verify("t-1")


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "../users", "a b", "a\n", "x" * 513, "é"],
)
def test_a_token_that_would_mean_more_in_an_address_is_never_sent(token: str) -> None:
    verify, transport = tokens(DATA)
    assert verify(token) is None and not verify.reaches(token, "a", None)
    assert transport.requests == []


@given(st.text(max_size=30))
def test_whatever_comes_as_a_token_only_tokens_are_asked_about(token: str) -> None:
    seen: list[str] = []

    class Transport:
        def send(self, request: Request) -> Response:
            seen.append(request.url)
            return Response(404, {}, b"")

        def close(self) -> None:
            pass

    verify = WazoTokens(HttpClient("https://auth/0.1", transport=Transport()))
    assert verify(token) is None
    assert seen in ([], [f"https://auth/0.1/token/{token}"])


def test_no_token_is_in_an_error_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    secret = "5ecretSecretToken"
    http = HttpClient("https://auth/0.1", transport=FakeTransport())
    with caplog.at_level(logging.DEBUG), pytest.raises(PelagosError) as caught:
        WazoTokens(http)(secret)
    assert secret not in str(caught.value) and "auth/0.1" in str(caught.value)
    assert secret not in repr(caught.value.__dict__)
    line = f"GET https://auth/0.1/token/{secret}?scope=x -> 200"
    assert logs.hide(line) == "GET https://auth/0.1/token/***?scope=x -> 200"
