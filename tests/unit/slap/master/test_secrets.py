"""What belongs to one tenant stays hidden from others, also where it is told in passing."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady, Unauthorized
from pelagos.slap.master.auth import Identity, Role
from pelagos.slap.model import Instance, InstanceRequest, InstanceState, SupplyState
from pelagos.slap.parameter_schema import Bundle, encode
from support.slap_site import ADMIN, COMPUTER, URL, Site

ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))
SECRET = "bobs-secret-merger"


def wait(site: Site, reference: str, identity: Identity, **kw: Any) -> None:
    """Request what has to wait."""
    with pytest.raises(ResourceNotReady):
        site.service.request(InstanceRequest(reference, URL, **kw), identity)


def have(site: Site, reference: str, identity: Identity, **kw: Any) -> Instance:
    return site.service.request(InstanceRequest(reference, URL, **kw), identity)


def two_waiting(site: Site) -> None:
    """Ann and bob wait; the computer was just heard of, and nobody has placed them yet."""
    for person in ("ann", "bob"):
        site.service.create_person(person, Role.TENANT)
    site.service.drain(COMPUTER, True, ADMIN)
    wait(site, SECRET, BOB)
    wait(site, "mine", ANN)
    with site.master.service._desk.store.change() as writer:  # behind the master's back
        computer = writer.computer(COMPUTER)
        assert computer is not None
        writer.update_computer(computer.key, draining=False)


def test_a_plan_does_not_name_who_would_get_a_place(site: Site):
    two_waiting(site)
    wish = InstanceRequest("mine", URL, state=InstanceState.DESTROYED)
    found = site.service.plan(wish, ANN)
    assert SECRET not in repr(found)
    assert "gives another its place" in found.effects
    told = site.service.plan(InstanceRequest(SECRET, URL), ADMIN)
    assert SECRET in repr(told)


def test_a_plan_holds_when_only_what_is_hidden_has_changed(site: Site):
    two_waiting(site)
    wish = InstanceRequest("mine", URL, state=InstanceState.DESTROYED)
    shown = site.service.plan(wish, ANN)
    with site.master.service._desk.store.change() as writer:  # behind the master's back
        gone = writer.instances_named(SECRET)[0]
        writer.update_instance(gone.key, ended=site.clock.time(), scope=None)
    assert "gives another its place" not in site.service.plan(wish, ANN).effects
    assert site.service.plan(wish, ANN).basis == shown.basis


def test_a_computer_finds_no_instances_of_a_tree_that_sit_elsewhere(site: Site):
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    root = site.request("root", filters={"computer_guid": COMPUTER})
    child = site.child(root, "kid", filters={"computer_guid": "COMP-2"})
    near = site.service.tree_members("root", master.computer(COMPUTER))
    assert [row.guid for row in near] == [root.guid]
    inside = master.partition(COMPUTER, root.partition_id)
    assert child.guid in [row.guid for row in site.service.tree_members("root", inside)]


@pytest.fixture
def front(site: Site) -> Instance:
    """An operator's host with another instance in its tree; it serves ann."""
    site.service.create_person("ann", Role.TENANT)
    made = site.request("front")
    site.child(made, "monitor", software_type="monitor")
    have(site, "page", ANN, shared=True, parameters={"key": "hunter2"})
    return made


def test_who_runs_a_host_reads_what_it_serves(site: Site, front: Instance):
    inside = master.partition(COMPUTER, front.partition_id)
    for identity in (ADMIN, master.computer(COMPUTER), inside):
        assert [row.title for row in site.service.shared_by(front.guid, identity)] == ["page"]


def test_a_sibling_of_a_host_does_not_read_what_it_serves(site: Site, front: Instance):
    sibling = master.partition(COMPUTER, "slappart1")
    assert site.service.instance_by_guid(front.guid, sibling).title == "front"
    with pytest.raises(Unauthorized) as caught:
        site.service.shared_by(front.guid, sibling)
    assert caught.value.hint
    with pytest.raises(NotFoundError):
        site.service.shared_by(front.guid, ANN)


def test_the_tree_of_a_shared_instance_does_not_name_anothers_host(site: Site, front: Instance):
    assert [node.host_guid for node in site.service.tree("page", ANN)] == [None]
    assert [node.host_guid for node in site.service.tree("page", ADMIN)] == [front.guid]


def test_a_computer_named_like_a_service_writes_into_nobodys_log(site: Site):
    for person in ("ann", "bob"):
        site.service.create_person(person, Role.TENANT)
    own = have(site, "mine", ANN)
    before = site.service.events(identity=ANN, limit=1000)
    site.service.register_computer(own.guid)
    site.service.bang_computer(own.guid, "read this, ann", ADMIN)
    assert site.service.events(identity=ANN, limit=1000) == before
    site.service.create_person(COMPUTER, Role.TENANT)
    assert site.service.events(identity=ANN, limit=1000) == before
    site.service.set_state("mine", InstanceState.STOPPED, ANN)
    assert site.service.events(identity=ANN, limit=1000)[-1].kind == "instance.changed"
    assert not site.service.events(identity=BOB, limit=1000)


def test_a_guid_means_its_service_whatever_others_call_theirs(site: Site):
    own = have(site, "mine", ANN)
    root = have(site, "bobs", BOB)
    inside = master.partition(root.computer_id, root.partition_id)
    wish = InstanceRequest(own.guid, URL, requester=(root.computer_id, root.partition_id))
    site.service.request(wish, inside)  # within a tree a profile names what it likes
    assert site.service.service(own.guid, ADMIN).reference == "mine"
    site.service.set_state(own.guid, InstanceState.DESTROYED, ADMIN)
    assert site.service.service(own.guid, BOB).reference == own.guid
    assert site.service.service("mine", ANN).requested_state == "destroyed"


@pytest.mark.parametrize("name", ["SOFTINST-1", "softinst-abc"])
def test_a_service_is_not_named_like_a_guid(site: Site, name: str):
    have(site, "bobs", BOB)
    with pytest.raises(BadRequest) as caught:
        have(site, name, BOB)
    assert caught.value.hint
    with pytest.raises(BadRequest):
        site.service.rename_service("bobs", name, BOB)


def test_an_operator_is_told_why_a_tenants_computer_takes_nothing_of_his(site: Site):
    site.service.create_person("ann", Role.TENANT)
    site.service.create_person("bob", Role.TENANT)
    with site.master.service._desk.store.change() as writer:
        writer.add_computer("anns-box", site.clock.time(), owner="person:ann")
    site.service.supply(URL, "anns-box", SupplyState.AVAILABLE, ANN)
    with pytest.raises(BadRequest) as caught:
        have(site, "x", ADMIN, filters={"computer_guid": "anns-box"})
    assert "person:ann" in caught.value.message
    assert not site.service.services()
    with pytest.raises(NotFoundError):
        have(site, "x", BOB, filters={"computer_guid": "anns-box"})


def test_a_report_is_signed_by_who_made_it(site: Site):
    own = have(site, "mine", ANN)
    place = (own.computer_id, own.partition_id)
    for number, (identity, witness) in enumerate(
        (
            (ANN, "person:ann"),
            (master.partition(*place), f"instance in {'/'.join(place)}"),
            (master.computer(COMPUTER), f"agent on {COMPUTER}"),
        )
    ):
        site.service.report_partition_error(*place, f"broken {number}", identity)
        assert site.service.service("mine", ANN).cause.seen_by == witness


def test_the_log_of_a_build_is_for_those_who_run_the_computer(site: Site):
    site.service.create_person("ann", Role.TENANT)
    have(site, "mine", ANN)
    text = (
        "line one\nurl = https://joe:pass@example.com/x\nError: no https://joe:pass@example.com/y"
    )
    site.service.report_release_error(COMPUTER, URL, text, master.computer(COMPUTER))
    seen = {who: site.service.releases(who)[0].cause for who in (ANN, ADMIN)}
    assert "line one" in seen[ADMIN].detail
    assert seen[ANN].detail == ""
    assert seen[ANN].message == seen[ADMIN].message == "Error: no https://…@example.com/y"
    assert "pass" not in repr(site.service.explain("mine", None, ADMIN))
    assert "line one" not in repr(site.service.explain("mine", None, ANN))
    assert "line one" not in repr(site.service.explain(URL, "release", ANN))
    assert "line one" not in repr(site.service.services(ANN))
    assert "line one" not in repr(site.service.tree("mine", ANN))


def test_the_schema_of_a_release_is_for_those_who_know_of_a_computer_with_it(site: Site):
    text = encode(Bundle("/srv/a/software.cfg.json", {"software-type": {}}, {}))
    site.service.keep_schemas(COMPUTER, URL, text, master.computer(COMPUTER))
    assert site.service.parameter_schema(URL, ANN).schemas is not None
    with site.master.service._desk.store.change() as writer:
        computer = writer.computer(COMPUTER)
        assert computer is not None
        writer.update_computer(computer.key, owner="person:bob")
    assert site.service.parameter_schema(URL, ANN).schemas is None
    assert site.service.parameter_schema(URL, BOB).schemas is not None
    assert site.service.parameter_schema(URL, ADMIN).schemas is not None
