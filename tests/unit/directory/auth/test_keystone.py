"""directory.auth.keystone: tokens of Keystone v3, over its documented answers."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, HttpClient, Request, Response
from pelagos.directory.auth.keystone import KeystoneTokens

DOMAIN = {"id": "default", "name": "Default"}
TOKEN = {
    "methods": ["password"],
    "user": {"id": "u-1", "name": "demo", "domain": DOMAIN, "password_expires_at": None},
    "audit_ids": ["x"],
    "expires_at": "2001-09-09T01:47:40.000000Z",
    "issued_at": "2001-09-09T00:46:40.000000Z",
    "project": {"id": "p-1", "name": "demo", "domain": DOMAIN},
    "is_domain": False,
    "roles": [{"id": "r1", "name": "member"}, {"id": "r2", "name": "reader"}],
}


def tokens(answer: Any, **how: Any) -> tuple[KeystoneTokens, FakeTransport]:
    if isinstance(answer, dict):
        answer = Response(200, {}, wire.encode({"token": answer}))
    transport = FakeTransport({"GET /v3/auth/tokens": answer})
    http = HttpClient("https://keystone:5000/v3", transport=transport)
    return KeystoneTokens(http, clock=ManualClock(), **how), transport


def test_roles_become_rights_and_the_token_asks_about_itself() -> None:
    verify, transport = tokens(TOKEN)
    infos = verify("gAAA-b_c=")
    assert infos is not None
    assert infos["auth_id"] == infos["xivo_user_uuid"] == "u-1" and infos["expires_in"] == 60.0
    assert "dird.directories.lookup.*.read" in infos["acls"] and "#" not in infos["acls"]
    assert infos["metadata"]["tenant_uuid"] == "p-1"
    headers = transport.requests[0].headers
    assert headers["X-Auth-Token"] == headers["X-Subject-Token"] == "gAAA-b_c="
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("change", "acls"),
    [
        ({"roles": [{"id": "r", "name": "admin"}]}, ["#"]),
        ({"roles": [{"id": "r", "name": "observer"}]}, []),
        ({"roles": None}, None),
        ({"roles": [], "project": None}, []),
    ],
)
def test_who_has_no_role_has_no_right(change: dict[str, Any], acls: list[str] | None) -> None:
    whole = {key: value for key, value in {**TOKEN, **change}.items() if value is not None}
    infos = tokens(whole)[0]("t")
    assert infos is not None and infos["acls"] == (acls or [])


def test_rights_and_projects_can_be_set() -> None:
    verify, _ = tokens(TOKEN, rights={"reader": ["dird.status.read"]}, projects=["p-1"])
    infos = verify("t")
    assert infos is not None and infos["acls"] == ["dird.status.read"]
    assert tokens(TOKEN, projects=["p-2"])[0]("t") is None
    unscoped = {key: value for key, value in TOKEN.items() if key not in {"project", "roles"}}
    assert tokens(unscoped, projects=["p-1"])[0]("t") is None


@pytest.mark.parametrize("status", [401, 404])
def test_a_token_of_nobody_is_nobodys(status: int) -> None:
    assert tokens(Response(status, {}, b'{"error": {}}'))[0]("t") is None


@pytest.mark.parametrize(
    "answer",
    [
        Response(403, {}, b"{}"),
        Response(500, {}, b"{}"),
        Response(300, {}, b'{"versions": {}}'),
        Response(200, {}, b"{}"),
        Response(200, {}, b"no JSON"),
        Response(200, {}, wire.encode({"token": {**TOKEN, "user": {"id": 7}}})),
        Response(200, {}, wire.encode({"token": {**TOKEN, "expires_at": "soon"}})),
        Response(200, {}, wire.encode({"token": {**TOKEN, "roles": "admin"}})),
    ],
)
def test_an_answer_that_is_none_of_keystone_is_no_yes_and_no_no(answer: Response) -> None:
    with pytest.raises(PelagosError) as caught:
        tokens(answer)[0]("t")
    assert caught.value.hint


def test_no_token_is_in_an_error() -> None:
    def none(_request: Request) -> Response:
        return Response(500, {}, b"")

    for answer in (none, Response(200, {}, b"[]")):
        with pytest.raises(PelagosError) as caught:
            tokens(answer)[0]("s3cret-token")
        assert "s3cret" not in f"{caught.value} {caught.value.hint} {vars(caught.value)}"
