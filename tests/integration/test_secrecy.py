"""A law over every address and every method: nobody learns what belongs to another tenant.

Bob's things have names, guids and secrets of their own. Whoever is neither bob nor an operator
asks for them in every way that there is; what he is answered must hold none of them but what he
sent himself, and bob's things must stand as they stood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from pelagos.core.certificate import Authority
from pelagos.core.clock import ManualClock
from pelagos.slap import master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master.auth import OPEN, Identity, Role
from pelagos.slap.master.cache_store import CacheSettings
from pelagos.slap.master.faces.jsonrpc_methods import METHODS
from pelagos.slap.model import Instance, InstanceRequest, SupplyState
from support.slap_site import ADMIN, URL, announcement

ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))
BOBS_RELEASE = "/srv/bobs-release/software.cfg"
_NOBODY: Mapping[str, str] = {}


@dataclass
class Target:
    """A thing of bob's, as others may try to name it."""

    guid: str
    title: str
    computer_id: str
    partition_id: str


@dataclass
class World:
    """A master with an operator, two tenants, and what they have."""

    app: Flask
    service: Any
    tokens: dict[str, str]
    targets: dict[str, Target] = field(default_factory=dict)
    marks: dict[str, set[str]] = field(default_factory=dict)

    def call(self, asker: str, sent: Sent) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.tokens[asker]}"} if asker else _NOBODY
        answer = self.app.test_client().open(
            sent.path, method=sent.verb, headers=headers, **sent.more
        )
        return answer.status_code, answer.text + repr(answer.headers)

    def bobs(self) -> object:
        """How bob's things stand."""
        return self.service.services(BOB), self.service.certificates(BOB)


@dataclass
class Sent:
    """One call."""

    name: str
    verb: str
    path: str
    more: dict[str, Any]

    @property
    def text(self) -> str:
        return self.path + repr(self.more)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = ManualClock()
    made = master.Master(
        f"sqlite:///{tmp_path / 'master.db'}",
        clock=clock,
        authority=Authority.open(tmp_path / "ca", name="plane", now=clock.time()),
        cache=CacheSettings(tmp_path / "cache"),
    )
    service = made.service
    tokens = {"admin": service.create_person("admin")}
    tokens |= {name: service.create_person(name, Role.TENANT) for name in ("ann", "bob")}
    for name in ("site-a", "site-b", "bobs-box", "anns-box"):
        owner = {"bobs-box": BOB, "anns-box": ANN}.get(name)
        tokens[name] = _computer(service, name, owner)
        url = BOBS_RELEASE if owner is BOB else URL
        service.supply(url, name, SupplyState.AVAILABLE, owner or ADMIN)
    found = World(made.app, service, tokens)
    _furnish(found)
    yield found
    made.close()


def _computer(service: Any, name: str, owner: Identity | None) -> str:
    secret, _ = service.invite(master.Kind.COMPUTER, owner or ADMIN, name=name)
    joined = service.join(secret)
    service.format_computer(announcement(6, name), master.computer(name))
    return str(joined.token)


def _furnish(world: World) -> None:
    service = world.service

    def have(title: str, identity: Identity, where: str, **kw: Any) -> Instance:
        filters = {} if kw.get("shared") else {"computer_guid": where}
        url = kw.pop("url", URL)
        wish = InstanceRequest(title, url, filters=filters, **kw)
        found: Instance = service.request(wish, identity)
        return found

    def of_bob(key: str, where: str, identity: Identity = BOB, **kw: Any) -> Instance:
        found = have(f"bobs-{key}", identity, where, parameters={"password": f"pw-{key}"}, **kw)
        shared = found.guid if kw.get("shared") else None
        said = {"url": f"conn-{key}"}
        place = (found.computer_id, found.partition_id)
        service.publish(*place, said, master.computer(found.computer_id), shared)
        world.targets[key] = Target(found.guid, f"bobs-{key}", *place)
        world.marks[key] = {found.guid, f"bobs-{key}", f"pw-{key}", f"conn-{key}"}
        return found

    front = have("front-of-the-site", ADMIN, "site-a")
    inside = master.partition("site-a", front.partition_id)
    monitor = have(
        "monitor", inside, "site-a", software_type="m", requester=("site-a", front.partition_id)
    )
    own = have("anns-own", ANN, "site-a")
    world.tokens["sibling"] = service.partition_token(
        "site-a", monitor.partition_id, master.computer("site-a")
    )
    world.tokens["anns-own"] = service.partition_token(
        "site-a", own.partition_id, master.computer("site-a")
    )
    root = of_bob("ledger", "site-a")
    place = (root.computer_id, root.partition_id)
    of_bob("child", "site-b", master.partition(*place), requester=place)
    of_bob("page", "site-a", shared=True)
    home = of_bob("home", "bobs-box", url=BOBS_RELEASE)
    service.report_partition_error(
        "bobs-box", home.partition_id, "log-home", master.computer("bobs-box")
    )
    service.report_release_error(
        "bobs-box", BOBS_RELEASE, "log-release", master.computer("bobs-box")
    )
    text = "log-of-site-a\nwhile fetching http://x:log-of-site-a@example.com/\nError: no build"
    service.report_release_error("site-a", URL, text, master.computer("site-a"))
    with pytest.raises(ResourceNotReady):
        service.request(
            InstanceRequest("bobs-waiting", URL, filters={"computer_guid": "bobs-box"}), BOB
        )
    world.marks["box"] = {"bobs-box", BOBS_RELEASE, "log-home", "log-release", "bobs-waiting"}
    world.marks["box"].add(service.service("bobs-waiting", BOB).guid)
    world.targets["front"] = Target(
        front.guid, "front-of-the-site", front.computer_id, front.partition_id
    )
    world.marks["site"] = {"front-of-the-site", front.guid}
    world.marks["log"] = {"log-of-site-a"}


# ---- every call ---------------------------------------------------------------------------------


def _form(target: Target, name: str) -> dict[str, str]:
    """Every field of every form."""
    return {
        **dict.fromkeys(("computer_id", "computer_reference", "computer"), target.computer_id),
        "computer_guid": target.computer_id,
        **dict.fromkeys(
            ("computer_partition_id", "computer_partition_reference"), target.partition_id
        ),
        **dict.fromkeys(("subject", "service", "slave_reference"), name),
        **dict.fromkeys(("url", "software_release", "software_release_url"), URL),
        "software_type": "default",
        "partition_reference": "a-wish",
        "new_name": "renamed",
        "computer_title": "a-box",
        "title": "a-box",
        "message": "bang",
        "error_log": "boo",
        "connection_xml": "<instance><parameter id='a'>b</parameter></instance>",
        "use_string": "<journal/>",
        "xml": "",
    }


def _bodies(target: Target, name: str) -> dict[str, list[dict[str, Any]]]:
    """The JSON bodies of the calls that take one."""
    wish = {"reference": "a-wish", "release_url": URL}
    wishes = [
        wish | {"filters": {"computer_guid": target.computer_id}},
        wish | {"filters": {"instance_guid": name}, "shared": True},
    ]
    holder = {"kind": "computer", "name": target.computer_id}
    return {
        "v1/state": [{"state": "stopped"}, {"state": "destroyed"}],
        "v1/partition-token": [
            {"computer_id": target.computer_id, "partition_id": target.partition_id}
        ],
        "v1/invitations": [holder, {"kind": "person", "name": "bob"}, holder | {"again": True}],
        "v1/join": [{"token": "x", "name": target.computer_id}],
        "v1/certificate": [holder],
        "v1/certificates/renew": [{}],
        "v1/certificates/revoke": [holder, {"serial": "1"}],
        "v1/plan": wishes,
        "v1/apply": [each | {"basis": "1-" + "0" * 120} for each in wishes],
        "v1/rename": [{"reference": "renamed"}],
        "v1/bang": [{}],
        "v1/drain": [{"draining": True}],
        "v1/computer-remove": [{}, {"lost": True}],
        "v1/person/hand-over": [{"to": "ann"}],
        "v1/computer-bang": [{}],
        "v1/ping": [{}],
        "v1/logs": [{}, {"lines": 1, "program": "x"}],
        "v1/exec": [{"words": ["true"]}],
    }


def _searches(target: Target, name: str) -> list[dict[str, str]]:
    of_tree, on = f'default_specialise_title:"{name}"', "default_aggregate_reference"
    kinds = (
        f'portal_type:"Instance Tree" AND title:="{name}"',
        'portal_type:"Instance Tree" AND validation_state:validated',
        f'portal_type:("Software Instance", "Slave Instance") AND {of_tree}',
        f'portal_type:"Compute Node" AND reference:="{target.computer_id}"',
        'portal_type:"Compute Node" AND validation_state:validated',
        'portal_type:"Software Installation"',
        f'portal_type:"Software Installation" AND {on}:"{target.computer_id}"',
    )
    modules = (
        f"instance_tree_module/{name}",
        f"software_instance_module/{name}",
        f"compute_node_module/{target.computer_id}",
    )
    return [
        {},
        *({"mode": "search", "query": query, "select_list": "title"} for query in kinds),
        *({"mode": "traverse", "relative_url": each, "view": "view"} for each in modules),
    ]


def _json_rpc(target: Target, name: str, method: str) -> list[dict[str, Any]]:
    values: dict[str, Any] = {
        "instance_guid": name,
        "computer_guid": target.computer_id,
        "compute_partition_id": target.partition_id,
        "software_release_uri": URL,
        "title": name if method == "slapos.get.v0.instance_tree" else "a-wish",
        "software_type": "default",
        "sla_parameters": {"computer_guid": target.computer_id},
        "message": "boo",
        "connection_parameter_dict": {"a": "b"},
        "compute_partition_list": [],
        "tioxml": "<journal/>",
    }
    states = METHODS[method].shape["properties"].get("reported_state", {}).get("enum", ("",))
    return [
        {
            key: state if key == "reported_state" else values[key]
            for key in METHODS[method].shape["properties"]
            if key in values or key == "reported_state"
        }
        for state in states
    ]


def _calls(world: World, target: Target) -> Iterator[Sent]:
    """Every address and method, once with the guid of a thing and once with its title."""
    for name in (target.guid, target.title):
        for rule in world.app.url_map.iter_rules():
            if rule.endpoint == "static":
                continue
            verb = next(verb for verb in ("GET", "POST", "PUT") if verb in (rule.methods or ()))
            route = rule.endpoint.partition("-")[2] or rule.endpoint
            path = (
                rule.rule.replace("<path:name>", name)
                .replace("<path:computer_id>", target.computer_id)
                .replace("<path:relative_url>", f"software_instance_module/{name}")
                .replace("<sha512>", "0" * 128)
                .replace("<key>", "0" * 128)
            )
            assert "<" not in path, f"say what stands in {path}"
            for more in _variants(route, rule.rule, verb, target, name):
                yield Sent(route, verb, path, more)


def _variants(
    route: str, rule: str, verb: str, target: Target, name: str
) -> Iterator[dict[str, Any]]:
    """What is sent along."""
    bodies = _bodies(target, name)
    if route in METHODS:
        bodies[route] = _json_rpc(target, name, route)
    if route in bodies:
        yield from ({"json": sent} for sent in bodies[route])
    elif route == "hateoas" and "<" not in rule:
        yield from ({"query_string": query} for query in _searches(target, name))
    else:
        yield {"query_string" if verb == "GET" else "data": _form(target, name)}


def _leaks(world: World, asker: str, targets: Mapping[str, Target], hidden: set[str]) -> set[str]:
    found = set()
    for target in targets.values():
        for sent in _calls(world, target):
            status, said = world.call(asker, sent)
            assert status < 500 or status == 503, (sent, said)  # 503: it has no bus
            found |= {
                f"{sent.name} {sent.text} -> {status}: {mark}"
                for mark in hidden
                if mark in said and mark not in sent.text
            }
    return found


def _all(world: World) -> set[str]:
    return set().union(*world.marks.values())


@pytest.mark.parametrize("asker", ["ann", "anns-box", "sibling", "anns-own", ""])
def test_nobody_learns_of_anothers_things_or_changes_them(world: World, asker: str):
    before = world.bobs()
    hidden = _all(world) - (world.marks["site"] if asker == "sibling" else set())
    assert not _leaks(world, asker, world.targets, hidden)
    assert world.bobs() == before


def test_a_computer_learns_of_what_sits_on_it_only(world: World):
    elsewhere = {key: each for key, each in world.targets.items() if key != "child"}
    hidden = _all(world) - world.marks["child"] - {"bobs-ledger"}  # its instance's root title
    before = world.bobs()
    assert not _leaks(world, "site-b", elsewhere, hidden)
    assert world.bobs() == before


def test_a_computer_does_not_learn_what_its_instances_requested_elsewhere(world: World):
    hidden = world.marks["child"] - {"bobs-child"}
    for key in ("ledger", "child"):  # it may rename what sits on it, so reads come first
        reads = [sent for sent in _calls(world, world.targets[key]) if sent.verb == "GET"]
        told = [(sent, world.call("site-a", sent)[1]) for sent in reads]
        shown = {mark for sent, said in told for mark in hidden if mark in said}
        assert not {mark for mark in shown if mark not in "".join(sent.text for sent in reads)}
    assert not _leaks(world, "site-a", {"child": world.targets["child"]}, hidden)


def test_without_a_token_only_those_who_join_are_heard(world: World):
    for sent in _calls(world, world.targets["ledger"]):
        status, _ = world.call("", sent)
        assert status == 401 or sent.name in OPEN or sent.name == "health", sent


def test_the_same_calls_tell_an_operator_and_bob_all_of_it(world: World):
    """Without this the law could hold because the calls ask for nothing."""
    for asker, marks in (
        ("admin", _all(world)),
        ("bob", _all(world) - world.marks["site"] - world.marks["log"]),
    ):
        reads = [
            sent
            for target in world.targets.values()
            for sent in _calls(world, target)
            if sent.verb == "GET" or ".get." in sent.name or ".allDocs." in sent.name
        ]
        told = "".join(world.call(asker, sent)[1] for sent in reads)
        assert not {mark for mark in marks if mark not in told}


def test_each_call_that_has_a_body_has_one_here(world: World):
    names = {
        rule.endpoint.partition("-")[2]
        for rule in world.app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.startswith("/v1/")
    }
    known = set(_bodies(world.targets["ledger"], "x")) | {"v1/person/remove"}
    assert names == known
