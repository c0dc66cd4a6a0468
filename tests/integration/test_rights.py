"""Who may make a call at all is checked in one place, before any handler is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.slap import master
from pelagos.slap.master.app import build_app
from pelagos.slap.master.auth import RIGHTS, Kind
from pelagos.slap.master.faces.call import Answer, Call, Route
from support.slap_site import COMPUTER, Site
from support.wsgi import Caller


@pytest.fixture
def callers(site: Site) -> dict[Kind, str]:
    site.request()
    inside = site.service.partition_token(COMPUTER, "slappart0", master.computer(COMPUTER))
    return {
        Kind.PERSON: site.person_token,
        Kind.COMPUTER: site.computer_token,
        Kind.PARTITION: inside,
    }


@pytest.fixture
def site(tmp_path: Path):
    made = Site(tmp_path)
    made.supply()
    yield made
    made.close()


def test_no_handler_is_reached_by_who_may_not_make_the_call(site: Site, callers):
    reached: list[str] = []

    def work(call: Call) -> Answer:
        reached.append(f"{call.identity.kind} {call.name}")
        return Answer.text("done")

    desk = site.service._desk
    routes = [Route(name, "POST", f"/{number}", work) for number, name in enumerate(RIGHTS)]
    app = build_app(routes, site.service, desk.authenticator, 1000)
    for number, (name, kinds) in enumerate(RIGHTS.items()):
        if Kind.ANYBODY in kinds:
            continue
        for kind, token in callers.items():
            answer = Caller(app, token).post(str(number))
            assert (answer.status_code == 200) == (kind in kinds), (kind, name)
            assert (f"{kind} {name}" in reached) == (kind in kinds)


def test_every_route_has_a_right(site: Site):
    for rule in site.master.app.url_map.iter_rules():
        name = rule.endpoint.partition("-")[2]
        if name and not name.startswith("slapos."):
            assert name in RIGHTS, rule


@pytest.mark.parametrize(
    ("path", "sent", "meant"),
    [
        ("v1/services/hello/state", {"state": "stopped", "stat": 1}, "state"),
        ("v1/invitations", {"kind": "person", "nam": "x"}, "name"),
        ("v1/certificates/revoke", {"serail": "1"}, "serial"),
        ("v1/plan", {"reference": "a", "release_url": "/a", "parameter": {}}, "parameters"),
        ("v1/apply", {"reference": "a", "release_url": "/a", "bases": ""}, "basis"),
        ("v1/computers/COMP-1/drain", {"drainin": True}, "draining"),
        ("v1/computers/COMP-1/remove", {"los": True}, "lost"),
    ],
)
def test_a_key_that_is_not_known_is_refused(site: Site, path: str, sent, meant: str):
    site.request()
    answer = Caller(site.master.app, site.person_token).ask("POST", path, json=sent)
    assert answer.status_code == 400
    assert meant in answer.get_json()["error"]["hint"]
