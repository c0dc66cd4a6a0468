"""Identity of a box asked as Keystone v3: who gets in, who does not, and what they then see."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pelagos.box import Box, BoxError, Person
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask, password_login

CLOCK = ManualClock()


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(clock=CLOCK) as box:
        yield box


def _login(box: Box, body: object) -> Reply:
    return ask(box.auth_url, "POST", "/auth/tokens", body)


def test_a_password_gets_a_token_for_the_own_project(box: Box) -> None:
    person = box.person("ann")
    reply = _login(box, password_login(person))
    token = reply.json["token"]
    assert reply.status == 201
    assert token["project"]["name"] == "ann" and token["user"]["id"] == person.user_id
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert [one["type"] for one in token["catalog"]].count("identity") == 1
    shown = ask(
        box.auth_url, "GET", "/auth/tokens",
        token=reply.headers["x-subject-token"],
        X_Subject_Token=reply.headers["x-subject-token"],
    )  # fmt: skip
    assert shown.json["token"] == token


@pytest.mark.parametrize("secret", ["", "wrong", "x" * 10_000])
def test_a_wrong_password_is_refused_as_an_unknown_user_is(box: Box, secret: str) -> None:
    person = box.person("ann")
    wrong = _login(box, password_login(person, secret))
    nobody = Person("nobody", secret, "", "", "", str)
    unknown = _login(box, password_login(nobody))
    assert wrong.status == unknown.status == 401
    assert wrong.content == unknown.content
    assert "Keystone uri" in wrong.headers["www-authenticate"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": 1},
        {"auth": {"identity": {}}},
        {"auth": {"identity": {"methods": []}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "ann"}}}}},
        b"{",
        b"[]",
        b"\xff",
    ],
)
def test_what_is_no_login_is_a_bad_request(box: Box, body: object) -> None:
    assert _login(box, body).status == 400


def test_a_token_ends(box: Box) -> None:
    token = box.person("ann").token()
    assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 200
    CLOCK.advance(3601)
    assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 401


def test_a_token_got_for_a_token_ends_with_it(box: Box) -> None:
    person = box.person("ann")
    first = _login(box, password_login(person))
    CLOCK.advance(1000)
    body = {
        "auth": {
            "identity": {"methods": ["token"], "token": {"id": first.headers["x-subject-token"]}},
            "scope": {"project": {"id": person.project_id}},
        }
    }
    second = _login(box, body)
    assert second.status == 201
    assert second.json["token"]["expires_at"] == first.json["token"]["expires_at"]
    assert second.json["token"]["methods"] == ["token", "password"]


def test_nobody_gets_into_the_project_of_another(box: Box) -> None:
    ann, bob = box.person("ann"), box.person("bob")
    refused = _login(box, password_login(ann, project={"id": bob.project_id}))
    assert refused.status == 401
    refused = _login(box, password_login(ann, system={"all": True}))
    assert refused.status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/{bob}"),
        ("PATCH", "/users/{ann}"),
        ("DELETE", "/users/{bob}"),
        ("GET", "/projects"),
        ("GET", "/projects/{bob}"),
        ("GET", "/roles"),
        ("GET", "/role_assignments"),
        ("GET", "/users/{bob}/projects"),
        ("GET", "/users/{bob}/application_credentials"),
        ("POST", "/users/{bob}/application_credentials"),
        ("PUT", "/projects/{bob}/users/{ann}/roles/x"),
        ("PUT", "/system/users/{ann}/roles/x"),
    ],
)
def test_a_person_may_not_do_what_an_administrator_may(box: Box, method: str, path: str) -> None:
    ann, bob = box.person("ann"), box.person("bob")
    path = path.format(ann=ann.user_id, bob=bob.user_id)
    assert ask(box.auth_url, method, path, {}, token=ann.token()).status == 403
    assert ask(box.auth_url, method, path, {}).status == 401


def test_an_administrator_makes_a_user_who_then_gets_in(box: Box) -> None:
    admin = box.admin.token()
    project = ask(
        box.auth_url, "POST", "/projects", {"project": {"name": "lab"}}, token=admin
    ).json["project"]
    made = ask(
        box.auth_url, "POST", "/users", {"user": {"name": "eve", "password": "pw"}}, token=admin
    )
    assert made.status == 201 and "password" not in made.json["user"]
    user = made.json["user"]
    roles = ask(box.auth_url, "GET", "/roles?name=member", token=admin).json["roles"]
    place = f"/projects/{project['id']}/users/{user['id']}/roles/{roles[0]['id']}"
    assert ask(box.auth_url, "PUT", place, token=admin).status == 204
    assert ask(box.auth_url, "HEAD", place, token=admin).status == 204
    eve = Person("eve", "pw", "lab", user["id"], project["id"], str)
    got = _login(box, password_login(eve, project={"name": "lab", "domain": {"id": "default"}}))
    token = got.headers["x-subject-token"]
    assert ask(box.auth_url, "DELETE", place, token=admin).status == 204
    assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 401
    again = ask(
        box.auth_url, "POST", "/users", {"user": {"name": "eve", "password": "pw"}}, token=admin
    )
    assert again.status == 409
    gone = ask(box.auth_url, "PATCH", f"/users/{user['id']}", {"user": {"enabled": False}},
               token=admin)  # fmt: skip
    assert gone.json["user"]["enabled"] is False
    assert _login(box, password_login(eve)).status == 401


def test_a_changed_password_ends_the_tokens_of_the_former(box: Box) -> None:
    person = box.person("joe")
    token = person.token()
    place = f"/users/{person.user_id}/password"
    body = {"user": {"original_password": "wrong", "password": "new"}}
    assert ask(box.auth_url, "POST", place, body).status == 401
    body["user"]["original_password"] = person.password
    assert ask(box.auth_url, "POST", place, body).status == 204
    assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 401
    assert _login(box, password_login(person)).status == 401
    assert _login(box, password_login(person, "new")).status == 201


def test_an_application_credential_logs_in_for_its_project_only(box: Box) -> None:
    ann = box.person("ann")
    place = f"/users/{ann.user_id}/application_credentials"
    made = ask(
        box.auth_url, "POST", place, {"application_credential": {"name": "robot"}},
        token=ann.token(),
    )  # fmt: skip
    credential = made.json["application_credential"]
    assert made.status == 201
    told = {"id": credential["id"], "secret": credential["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": told}
    got = _login(box, {"auth": {"identity": identity}})
    token = got.headers["x-subject-token"]
    assert got.status == 201 and got.json["token"]["project"]["id"] == ann.project_id
    scope = {"project": {"id": ann.project_id}}
    assert _login(box, {"auth": {"identity": identity, "scope": scope}}).status == 401
    # A restricted one makes no further ones.
    more = {"application_credential": {"name": "second"}}
    assert ask(box.auth_url, "POST", place, more, token=token).status == 403
    told["secret"] = "wrong"
    assert _login(box, {"auth": {"identity": identity}}).status == 401
    place = f"{place}/{credential['id']}"
    assert "secret" not in ask(box.auth_url, "GET", place, token=ann.token()).json
    assert ask(box.auth_url, "DELETE", place, token=ann.token()).status == 204
    assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 401


def test_a_token_ends_with_the_credential_it_was_got_by() -> None:
    clock = ManualClock(1_800_000_000.0)
    with Box(clock=clock) as box:
        ann = box.person("ann")
        place = f"/users/{ann.user_id}/application_credentials"
        ends = datetime.fromtimestamp(clock.time() + 600, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        told = {"application_credential": {"name": "brief", "expires_at": ends}}
        made = ask(box.auth_url, "POST", place, told, token=ann.token())
        credential = made.json["application_credential"]
        shown = {"id": credential["id"], "secret": credential["secret"]}
        identity = {"methods": ["application_credential"], "application_credential": shown}
        token = _login(box, {"auth": {"identity": identity}}).headers["x-subject-token"]
        former = {"methods": ["token"], "token": {"id": token}}
        scope = {"project": {"id": ann.project_id}}
        again = _login(box, {"auth": {"identity": former, "scope": scope}})
        second = again.headers["x-subject-token"]
        clock.advance(599)
        for one in (token, second):
            assert ask(box.auth_url, "GET", "/auth/projects", token=one).status == 200
        clock.advance(2)
        for one in (token, second):
            assert ask(box.auth_url, "GET", "/auth/projects", token=one).status == 401


def test_a_box_that_is_opened_again_knows_everybody_and_keeps_no_secret(tmp_path: Path) -> None:
    with Box(tmp_path / "box") as box:
        person = box.person("ann")
        token = person.token()
        with pytest.raises(BoxError, match="another box"):
            Box(tmp_path / "box")
    with Box(tmp_path / "box") as box:
        assert box.person("ann").password == person.password
        assert ask(box.auth_url, "GET", "/auth/projects", token=token).status == 200
        assert _login(box, password_login(person)).status == 201
    kept = b"".join(path.read_bytes() for path in (tmp_path / "box").glob("box.db*"))
    assert person.password.encode() not in kept and token.encode() not in kept
    assert (tmp_path / "box" / "passwords.json").stat().st_mode & 0o077 == 0


def test_a_box_of_another_schema_is_left_alone(tmp_path: Path) -> None:
    Box(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "box.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BoxError, match="schema 99"):
        Box(tmp_path)


def test_unknown_places_and_methods_are_refused(box: Box) -> None:
    assert ask(box.url, "GET", "/nothing").status == 404
    assert ask(box.auth_url, "GET", "/nothing").status == 404
    wrong = ask(box.auth_url, "PUT", "/auth/tokens")
    assert wrong.status == 405 and wrong.headers["allow"] == "POST, GET, DELETE"
    assert ask(box.auth_url, "POST", "/auth/tokens", b"x" * 9_000_000).status == 413
