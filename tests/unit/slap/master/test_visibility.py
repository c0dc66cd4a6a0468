"""Who sees and who may change what, on rows of two tenants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pelagos.slap import master
from pelagos.slap.master import visibility
from pelagos.slap.master.auth import Role
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.store import StoredComputer, StoredInstance
from pelagos.slap.model import Cause, InstanceState, InstanceStatus

ADMIN = master.person("admin")
ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))
SITE = StoredComputer(1, "COMP-1", 0.0, None, 1)
ANNS = StoredComputer(2, "COMP-2", 0.0, None, 1, owner="person:ann")


def row(guid: str, owner: str, root: str = "", **changes: object) -> StoredInstance:
    """An instance in COMP-1 slappart0."""
    found = StoredInstance(
        key=1,
        guid=guid,
        title="db",
        scope=owner,
        root_key=None,
        requester_key=None,
        owner=f"person:{owner}",
        shared=False,
        host_key=None,
        release_url="/a.cfg",
        software_type="default",
        wished_state=InstanceState.STARTED,
        parameters={},
        connection={},
        filters={},
        partition_key=1,
        timestamp=1,
        changed_timestamp=1,
        changed_revision=1,
        status=InstanceStatus.WAITING,
        cause=Cause("ok", "well"),
        wiped=False,
        created=0.0,
        ended=None,
        root_title="db",
        root_guid=root or guid,
        root_state=InstanceState.STARTED,
        requester_guid=None,
        computer_key=1,
        computer_id="COMP-1",
        partition_id="slappart0",
        addresses=(),
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # a test may set what it likes


OF_ANN, OF_BOB = row("A", "ann"), row("B", "bob", partition_id="slappart1")
NOWHERE = {"computer_id": None, "partition_id": None}


@pytest.mark.parametrize("identity", [ADMIN, None])
def test_an_operator_and_the_master_itself_see_and_may_change_everything(identity):
    scope = visibility.scope(identity)
    assert scope.is_unlimited
    assert scope.instance(OF_ANN)
    assert scope.computer(ANNS)
    assert scope.may_change_computer(ANNS)


def test_a_tenant_sees_own_trees_only():
    scope = visibility.scope(ANN)
    assert not scope.is_unlimited
    assert scope.owner == "person:ann"
    assert scope.instance(OF_ANN)
    assert not scope.instance(OF_BOB)


def test_a_tenant_knows_of_own_computers_and_of_the_sites_and_changes_own():
    ann, bob = visibility.scope(ANN), visibility.scope(BOB)
    assert ann.computer(SITE)
    assert ann.computer(ANNS)
    assert not bob.computer(ANNS)
    assert ann.may_change_computer(ANNS)
    assert not ann.may_change_computer(SITE)
    assert not bob.may_change_computer(ANNS)


def test_a_person_without_a_role_is_no_operator():
    assert visibility.scope(replace(ADMIN, role=None)).owner == "person:admin"


def test_a_computer_sees_itself_and_what_sits_on_it():
    scope = visibility.scope(master.computer("COMP-1"))
    assert scope.instance(OF_ANN)
    assert scope.instance(OF_BOB)
    assert not scope.instance(replace(OF_ANN, computer_id="COMP-2"))
    assert not scope.instance(row("C", "ann", **NOWHERE))
    assert scope.computer(SITE)
    assert scope.may_change_computer(SITE)
    assert not scope.computer(ANNS)


def test_a_partition_sees_its_tree_and_its_own_place():
    inside = master.partition("COMP-1", "slappart0")
    child = row("C", "ann", root="A", computer_id="COMP-9", partition_id="slappart7")
    alone, scope = visibility.scope(inside), visibility.scope(inside, "A")
    assert alone.instance(OF_ANN)
    assert not alone.instance(child)
    assert scope.instance(child)
    assert scope.instance(replace(child, **NOWHERE))
    assert not scope.instance(OF_BOB)
    assert not scope.instance(row("S", "bob", shared=True))  # served by it: seen in its own list
    assert scope.computer(SITE)
    assert not scope.may_change_computer(SITE)


def test_a_name_means_an_own_one_first_and_never_another_tenants():
    rows = [OF_BOB, OF_ANN]
    assert visibility.scope(ANN).choose("db", rows) is OF_ANN
    assert visibility.scope(BOB).choose("db", rows) is OF_BOB
    assert visibility.scope(BOB).choose("db", [OF_ANN]) is None
    assert visibility.scope(ADMIN).choose("db", [*rows, own := row("C", "admin")]) is own
    assert visibility.scope(ADMIN).choose("db", [OF_BOB]) is OF_BOB


def test_a_name_of_several_others_names_their_owners():
    with pytest.raises(Conflict) as caught:
        visibility.scope(ADMIN).choose("db", [OF_BOB, OF_ANN])
    assert "person:ann, person:bob" in caught.value.message
    assert "A (person:ann)" in (caught.value.hint or "")


def test_what_lives_goes_before_what_is_gone():
    gone = row("G", "admin", ended=1.0)
    assert visibility.scope(ADMIN).choose("db", [gone, OF_BOB]) is OF_BOB
    assert visibility.scope(ADMIN).choose("db", [gone]) is gone


def test_instances_are_placed_on_the_sites_computers_and_on_own_ones():
    assert visibility.may_place("person:bob", SITE)
    assert visibility.may_place("person:ann", ANNS)
    assert not visibility.may_place("person:bob", ANNS)


def test_shared_instances_are_served_by_own_hosts_and_by_operators():
    assert visibility.may_be_served("person:ann", OF_ANN, frozenset())
    assert not visibility.may_be_served("person:bob", OF_ANN, frozenset({"person:admin"}))
    assert visibility.may_be_served("person:bob", row("H", "admin"), frozenset({"person:admin"}))
