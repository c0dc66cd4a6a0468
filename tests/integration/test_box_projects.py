"""Projects, memberships and commissions of a box's Astakos, by our own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box, Person
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.astakos import AstakosClient
from pelagos.clients.errors import ClientError
from support.box_site import ask

SPECS: dict[str, Any] = {
    "name": "lab.example.org",
    "end_date": "2030-01-01T00:00:00+00:00",
    "resources": {"pithos.diskspace": {"member_capacity": 100, "project_capacity": 1000}},
}


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as box:
        yield box


_count = iter(range(1000))


@pytest.fixture
def ann(box: Box) -> Person:
    return box.person(f"ann{next(_count)}@example.org")


def client(box: Box, who: Person | str) -> AstakosClient:
    return AstakosClient(box.astakos_url, who if isinstance(who, str) else who.token())


def refused(work: Any, *arguments: Any) -> int:
    with pytest.raises(ClientError) as told:
        work(*arguments)
    return told.value.status


def alive(box: Box, owner: Person, **specs: Any) -> str:
    made = client(box, owner).create_project({**SPECS, "name": f"p{next(_count)}", **specs})
    client(box, box.admin).application_action(made["id"], made["application"], "approve")
    return str(made["id"])


def test_a_project_lives_when_it_was_approved(box: Box, ann: Person) -> None:
    own, admin = client(box, ann), client(box, box.admin)
    bob = box.person("bob@example.org")
    made = own.create_project(SPECS)
    key, number = made["id"], made["application"]
    assert own.get_project(key)["state"] == "uninitialized"
    assert refused(own.application_action, key, number, "approve") == 403
    assert refused(admin.application_action, key, number + 7, "approve") == 404
    assert refused(client(box, bob).join_project, key) == 409
    admin.application_action(key, number, "approve")
    assert refused(admin.application_action, key, number, "approve") == 409
    assert own.get_project(key)["last_application"]["state"] == "approved"
    assert "last_application" not in client(box, bob).get_project(key)

    wish = client(box, bob).join_project(key)["id"]
    assert refused(client(box, bob).join_project, key) == 409
    assert key not in client(box, bob).get_quotas()
    assert own.get_membership(wish)["allowed_actions"] == ["accept", "reject"]
    own.membership_action(wish, "accept")
    quota = client(box, bob).get_quotas()[key]["pithos.diskspace"]
    assert (quota["limit"], quota["project_limit"]) == (100, 1000)

    admin.project_action(key, "suspend")
    assert own.get_projects(state="suspended")[0]["id"] == key
    admin.project_action(key, "unsuspend")
    client(box, bob).membership_action(wish, "leave")
    assert key not in client(box, bob).get_quotas()
    assert refused(client(box, bob).membership_action, wish, "leave") == 409


def test_a_change_is_asked_for_again(box: Box, ann: Person) -> None:
    own, admin = client(box, ann), client(box, box.admin)
    key = alive(box, ann)
    made = own.modify_project(key, {"description": "new"})
    assert own.get_project(key)["description"] == ""
    admin.application_action(key, made["application"], "deny")
    own.application_action(key, made["application"], "dismiss")
    again = own.modify_project(key, {"description": "new"})
    admin.application_action(key, again["application"], "approve")
    assert own.get_project(key)["description"] == "new"


@pytest.mark.parametrize(
    ("policy", "status"), [("auto", None), ("closed", 403), ("moderated", None)]
)
def test_policies_of_joining(box: Box, ann: Person, policy: str, status: int | None) -> None:
    key = alive(box, ann, join_policy=policy, max_members=1)
    bob, carol = (client(box, box.person(f"{name}@example.org")) for name in ("bob", "carol"))
    if status is not None:
        assert refused(bob.join_project, key) == status
        return
    number = bob.join_project(key)["id"]
    if policy == "auto":
        assert bob.get_membership(number)["state"] == "accepted"
        assert refused(carol.join_project, key) == 409
        assert refused(carol.get_membership, number) == 403


@pytest.mark.parametrize(
    "change",
    [
        {"end_date": "2030-01-01"},
        {"end_date": None},
        {"owner": "nobody"},
        {"join_policy": "open"},
        {"max_members": -1},
        {"resources": {"no.such": {"member_capacity": 1, "project_capacity": 1}}},
        {"resources": {"cyclades.vm": {"member_capacity": 2, "project_capacity": 1}}},
        {"private": "yes"},
    ],
)
def test_odd_applications_are_refused(box: Box, ann: Person, change: dict[str, Any]) -> None:
    assert refused(client(box, ann).create_project, {**SPECS, **change}) == 400


def test_a_member_has_no_more_than_his_part(box: Box, ann: Person) -> None:
    names = ("cyclades.vm", "cyclades.floating_ip", "cyclades.network.private")
    part = {"member_capacity": 1, "project_capacity": 3}
    room = {
        name: {"member_capacity": amount, "project_capacity": amount}
        for name, amount in (
            ("cyclades.cpu", 16), ("cyclades.ram", 2**35), ("cyclades.disk", 2**40)
        )
    }  # fmt: skip
    key = alive(box, ann, resources={**dict.fromkeys(names, part), **room})
    bob = box.person(f"bob{next(_count)}@example.org")
    for one in (ann, bob):
        client(box, ann).enroll_member(key, one.name)

    def take(who: Person, kind: str) -> int:
        cloud = Cloud(settings=CloudSettings(box.astakos_url, token=who.token()))
        if kind == "server":
            image = cloud.image.list_public()[0]["id"]
            flavor = cloud.compute.list_flavors()[0]["id"]
            call: Any = lambda: cloud.compute.create_server(  # noqa: E731  # one of three
                "s", flavor, image, networks=[], project_id=key
            )
        elif kind == "ip":
            call = lambda: cloud.network.create_floatingip(project_id=key)  # noqa: E731
        else:
            call = lambda: cloud.network.create_network(  # noqa: E731
                "MAC_FILTERED", "n", project_id=key
            )
        try:
            call()
        except ClientError as error:
            return error.status if "exceeded for your account" in str(error.details) else -1
        return 0

    for kind in ("server", "ip", "network"):
        assert [take(who, kind) for who in (ann, ann, bob, bob)] == [0, 413, 0, 413], kind


def test_commissions_count(box: Box, ann: Person) -> None:
    service = client(box, box.service_token("pithos"))
    key = ann.project_id
    box.limit(key, "pithos.diskspace", 1000)
    kind = (key, "pithos.diskspace")
    first = service.issue_one_commission(ann.user_id, {kind: 600})
    assert service.get_pending_commissions() == [first]
    quota = client(box, ann).get_quotas()[key]["pithos.diskspace"]
    assert (quota["usage"], quota["pending"]) == (0, 600)
    assert refused(service.issue_one_commission, ann.user_id, {kind: 600}) == 413
    service.accept_commission(first)
    assert refused(service.accept_commission, first) == 404
    quota = client(box, ann).get_quotas()[key]["pithos.diskspace"]
    assert (quota["usage"], quota["pending"]) == (600, 0)

    path = f"/pithos/object-store/v1/{ann.user_id}/c"
    octets = {"Content_Type": "application/octet-stream"}
    assert ask(box.url, "PUT", path, b"", token=ann.token(), **octets).status == 201
    large = ask(box.url, "PUT", f"{path}/o", b"x" * 500, token=ann.token(), **octets)
    assert large.status == 413
    assert refused(service.issue_one_commission, ann.user_id, {kind: -700}) == 413
    second = service.issue_one_commission(ann.user_id, {kind: -600})
    done = service.resolve_commissions([second], [first])
    assert done["accepted"] == [second] and done["failed"][0][0] == first
    again = ask(box.url, "PUT", f"{path}/o", b"x" * 500, token=ann.token(), **octets)
    assert again.status == 201


def test_only_services_charge(box: Box, ann: Person) -> None:
    told = {(ann.project_id, "pithos.diskspace"): 1}
    assert refused(client(box, ann).issue_one_commission, ann.user_id, told) == 401
    service = client(box, box.service_token("cyclades"))
    assert refused(service.issue_one_commission, ann.user_id, told) == 404
    assert service.service_get_usernames([ann.user_id]) == {ann.user_id: ann.name}
    assert "pithos.diskspace" not in str(service.service_get_quotas(ann.user_id))
