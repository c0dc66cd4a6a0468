"""Second factors in a box: devices that show passcodes, and logins that need one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.box.identity.passcodes import fitting_step, passcode, read_secret
from pelagos.clients.cloud import Cloud, CloudSettings
from pelagos.clients.errors import Unauthorized
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask, password_login

pytestmark = pytest.mark.integration

CLOCK = ManualClock()
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
BOTH = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(clock=CLOCK) as box:
        yield box


@pytest.fixture
def ann(box: Box, request: pytest.FixtureRequest) -> Person:
    """A person with a device, who has to show password and passcode."""
    person = box.person(f"ann-{request.node.name[:40]}")
    assert _credential(box, person, SECRET).status == 201
    changed = ask(
        box.auth_url, "PATCH", f"/users/{person.user_id}", {"user": {"options": BOTH}},
        token=box.admin.token(),
    )  # fmt: skip
    assert changed.json["user"]["options"] == BOTH
    return person


def _credential(box: Box, person: Person, blob: str, **more: Any) -> Reply:
    body = {"credential": {"type": "totp", "blob": blob, "user_id": person.user_id, **more}}
    return ask(box.auth_url, "POST", "/credentials", body, token=person.token())


def _shown() -> str:
    """What the device shows next; each is good once."""
    CLOCK.advance(30)
    return passcode(read_secret(SECRET), CLOCK.time())


def _login(box: Box, person: Person, code: str, password: str | None = None) -> Reply:
    body = password_login(person, password)
    told = body["auth"]["identity"]
    told["methods"].append("totp")
    named = {"name": person.name, "domain": {"id": "default"}}
    told["totp"] = {"user": {**named, "passcode": code}}
    return ask(box.auth_url, "POST", "/auth/tokens", body)


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_passcodes_are_those_of_the_standard(at: float, code: str) -> None:
    secret = read_secret(SECRET)
    assert passcode(secret, at) == code
    assert fitting_step(secret, code, at + 30) == int(at // 30)
    assert fitting_step(secret, code, at + 60) is None
    assert fitting_step(secret, "٢87082", at) is None


def test_password_and_passcode_together_get_in_and_one_alone_does_not(
    box: Box, ann: Person
) -> None:
    alone = ask(box.auth_url, "POST", "/auth/tokens", password_login(ann))
    assert alone.status == 401 and "Insufficient auth methods" in alone.json["error"]["message"]
    code = _shown()
    assert _login(box, ann, code, "wrong").status == 401
    got = _login(box, ann, _shown())
    assert got.status == 201 and got.json["token"]["methods"] == ["password", "totp"]
    token = got.headers["x-subject-token"]
    scope = {"project": {"id": ann.project_id}}
    identity = {"methods": ["token"], "token": {"id": token}}
    again = ask(
        box.auth_url, "POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}}
    )
    assert again.status == 201  # what it was got for, counts


def test_a_passcode_is_good_once_also_for_eight_at_the_same_time(box: Box, ann: Person) -> None:
    code = _shown()
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(_login(box, ann, code).status))
        for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [201, *[401] * 7]
    CLOCK.advance(60)
    assert _login(box, ann, code).status == 401


@pytest.mark.parametrize("code", ["", "000000", "12345", "x" * 9999, "٢87082"])
def test_a_wrong_passcode_is_refused(box: Box, ann: Person, code: str) -> None:
    assert _login(box, ann, code).status == 401


def test_our_client_logs_in_with_a_passcode(box: Box, ann: Person) -> None:
    def cloud(code: str | None) -> Cloud:
        settings = CloudSettings(
            auth_url=box.auth_url, username=ann.name, password=ann.password,
            project_name=ann.project, passcode=code,
        )  # fmt: skip
        return Cloud("box", settings=settings, clock=CLOCK)

    code = _shown()
    assert cloud(code).compute.list_servers() == []
    with pytest.raises(Unauthorized) as caught:
        cloud(code).compute.list_servers()
    assert "passcode" in str(caught.value.hint)
    with pytest.raises(Unauthorized):
        cloud(None).compute.list_servers()


def test_devices_are_their_owners(box: Box) -> None:
    bob, eve = box.person("bob"), box.person("eve")
    made = _credential(box, bob, SECRET).json["credential"]
    place = f"/credentials/{made['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        assert ask(box.auth_url, method, place, {}, token=eve.token()).status == 403
    assert ask(box.auth_url, "GET", "/credentials", token=eve.token()).json["credentials"] == []
    assert _credential(box, eve, SECRET, user_id=bob.user_id).status == 403
    assert _credential(box, bob, "1!").status == 400
    new = ask(
        box.auth_url, "PATCH", place, {"credential": {"blob": "MFRGG==="}}, token=bob.token()
    )
    assert new.json["credential"]["blob"] == "MFRGG==="
    [listed] = ask(
        box.auth_url, "GET", f"/credentials?type=totp&user_id={bob.user_id}",
        token=box.admin.token(),
    ).json["credentials"]  # fmt: skip
    assert listed == new.json["credential"] and "used" not in listed
    assert ask(box.auth_url, "DELETE", place, token=bob.token()).status == 204
    assert ask(box.auth_url, "GET", place, token=bob.token()).status == 404


@pytest.mark.parametrize(
    "options",
    [1, {"multi_factor_auth_rules": "x"}, {"multi_factor_auth_rules": [[1]]},
     {"multi_factor_auth_rules": [[]]}, {"multi_factor_auth_enabled": "yes"}],
)  # fmt: skip
def test_odd_rules_are_refused(box: Box, options: Any) -> None:
    person = box.person("bob")
    odd = ask(
        box.auth_url, "PATCH", f"/users/{person.user_id}", {"user": {"options": options}},
        token=box.admin.token(),
    )  # fmt: skip
    assert odd.status == 400
