"""The directory of a real plane: what its operators and its tenants may, and who was sent away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.http import HttpClient
from pelagos.plane.settings import Part
from support.plane import Plane, eventually

pytestmark = pytest.mark.integration

PARTS = (Part.MASTER, Part.DIRECTORY)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    found = Plane(tmp_path)
    found.start(*PARTS)
    yield found
    found.stop()


def test_operators_may_all_and_tenants_what_is_theirs(plane: Plane) -> None:
    ann = plane.client().join(plane.run("person", "add", "ann", "--tenant").stdout.split()[-1])
    http = HttpClient(plane.data.endpoints().directory_url)

    def ask(path: str, token: str | None, method: str = "GET", **more: object) -> int:
        headers = {} if token is None else {"X-Auth-Token": token}
        answer = http.request(method, f"0.1/{path}", headers=headers, **more)  # type: ignore[arg-type]
        return answer.status

    admin = plane.data.token()
    for path, of_admin, of_ann in (
        ("directories/lookup/default", 400, 400),
        ("config", 200, 401),
        ("sources/check", 200, 401),
        ("status", 200, 200),
        ("profiles", 200, 200),
        ("personal", 200, 200),
        ("personal/unknown", 404, 404),
        ("directories/reverse/default/ann", 400, 400),
        ("directories/reverse/default/admin", 400, 401),
        ("directories/favorites/default", 200, 200),
        ("tenants/sea/phonebooks", 200, 401),
        ("tenants/ann/phonebooks", 200, 200),
        ("tenants/default/phonebooks", 200, 200),
        ("tenants/default/phonebooks/77/contacts", 404, 404),
        ("tenants/sea/phonebooks/77/contacts", 404, 401),
    ):
        assert ask(path, admin) == of_admin, path
        assert ask(path, ann.token) == of_ann, path
        assert ask(path, None) == 401, path
    book = {"name": "clients"}
    assert ask("tenants/sea/phonebooks", ann.token, "POST", json=book) == 401
    assert ask("tenants/sea/phonebooks", admin, "POST", json=book) == 201
    assert ask("personal", ann.token, "POST", json={"firstname": "Ines"}) == 201

    # Who is sent away is told no more: an event ends what was remembered.
    plane.run("person", "remove", "ann")
    assert eventually(lambda: ask("status", ann.token) == 401, within=60)

    # A computer has nothing to look up in it.
    box = plane.client().invite("computer", "box")
    assert ask("status", plane.client().join(box.token).token) == 401
    http.close()


def test_without_the_master_nobody_is_let_in_and_nothing_ends(plane: Plane) -> None:
    plane.terminate(*PARTS)
    plane.start(Part.MASTER)
    plane.start(Part.DIRECTORY)
    http = HttpClient(plane.data.endpoints().directory_url)
    headers = {"X-Auth-Token": plane.data.token()}
    assert http.request("GET", "0.1/status", headers=headers).status == 200
    plane.kill(Part.MASTER)
    unknown = {"X-Auth-Token": "nobody-has-asked-about-it"}
    assert http.request("GET", "0.1/status", headers=unknown).status == 503
    assert http.request("GET", "0.1/api/openapi.json").status == 200
    plane.start(Part.MASTER)
    assert eventually(lambda: http.request("GET", "0.1/status", headers=headers).status == 200)
    http.close()
