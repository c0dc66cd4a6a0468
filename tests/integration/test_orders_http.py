"""Plans, trees, names, bangs and draining over real HTTP, with the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.http import HttpClient
from pelagos.core.web import Server
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import BadRequest, ResourceNotReady, SlapError, Unauthorized
from pelagos.slap.model import InstanceRequest, InstanceState
from support.slap_site import COMPUTER, URL, Site

pytestmark = pytest.mark.integration


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Site, SlapClient]]:
    site = Site(tmp_path)
    site.supply()
    server = Server(site.master.app, "127.0.0.1", 0, threads=4)
    server.start()
    yield site, SlapClient(server.url, token=site.person_token)
    server.stop()
    site.close()


def test_a_plan_is_shown_applied_and_refused_later(served: tuple[Site, SlapClient]):
    _, client = served
    wish = InstanceRequest("db", URL, parameters={"size": 10, "naïve": "é"})
    plan = client.plan(wish)
    assert plan.effects == ("creates db", f"placed on {COMPUTER}")
    instance = client.apply(wish, plan.basis)
    assert instance.computer_id == COMPUTER
    assert instance.parameters == {"size": "10", "naïve": "é"}
    with pytest.raises(SlapError, match="the service") as caught:
        client.apply(wish, plan.basis)
    assert caught.value.status == 409
    assert caught.value.hint
    end = InstanceRequest("db", URL, parameters=wish.parameters, state=InstanceState.DESTROYED)
    assert client.plan(end).effects == ("destroys db",)
    waiting = InstanceRequest("late", "/never.cfg")
    with pytest.raises(ResourceNotReady) as late:
        client.apply(waiting, client.plan(waiting).basis)
    assert late.value.cause and late.value.cause.code == "release-unknown"


def test_trees_names_and_bangs(served: tuple[Site, SlapClient]):
    site, client = served
    root = site.request("root")
    site.child(root, "kid/of root")
    assert [node.reference for node in client.tree("kid/of root")] == ["root", "kid/of root"]
    assert client.rename("kid/of root", "kid").reference == "kid"
    assert client.bang_service("kid", "look again").reference == "kid"
    assert client.drain(COMPUTER).computer_id == COMPUTER
    assert client.drain(COMPUTER, draining=False).computer_id == COMPUTER
    assert client.bang_computer(COMPUTER, "rebooted").computer_id == COMPUTER


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        ("v1/plan", {"reference": "a"}, "release_url"),
        ("v1/plan", {"reference": "a", "release_url": "/a", "paramters": {}}, "paramters"),
        ("v1/plan", {"reference": "", "release_url": "/a"}, "reference"),
        ("v1/plan", {"reference": "a", "release_url": "/a", "state": "asleep"}, "state"),
        ("v1/plan", ["a"], "object"),
        ("v1/apply", {"reference": "a", "release_url": URL, "basis": "x"}, "basis"),
        (f"v1/computers/{COMPUTER}/drain", {"draining": "yes"}, "bool"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name(
    served: tuple[Site, SlapClient], path: str, document: object, said: str
):
    site, client = served
    http = HttpClient(client.url, token=site.person_token)
    answer = http.request("POST", path, json=document)
    assert answer.status == 400
    assert said in answer.body.decode()
    assert site.service.events(subject="a") == []


def test_a_computer_may_not_order(served: tuple[Site, SlapClient]):
    site, client = served
    agent = client.with_token(site.computer_token)
    for call in (
        lambda: agent.plan(InstanceRequest("a", URL)),
        lambda: agent.tree("a"),
        lambda: agent.drain(COMPUTER),
    ):
        with pytest.raises(Unauthorized):
            call()


def test_a_plan_without_a_reference_is_a_bad_request(served: tuple[Site, SlapClient]):
    with pytest.raises(BadRequest, match="reference"):
        served[1].plan(InstanceRequest("", URL))
