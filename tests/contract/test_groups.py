"""Groups of users on the box's Keystone and on a real one: who is in them, and what that gives."""

from __future__ import annotations

import pytest

from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import Conflict, Forbidden, NotFound, Unauthorized
from pelagos.clients.identity import IdentityClient
from support.places import Place, cloud_of

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def identity(place: Place) -> IdentityClient:
    return cloud_of(place, place.admin).identity


def login(place: Place, user: str, project: str) -> Cloud:
    settings = CloudSettings(place.auth_url, username=user, password="pw1", project_name=project)
    return Cloud(settings=settings)


def test_a_group_from_its_making_to_its_end(identity: IdentityClient) -> None:
    users = [identity.create_user(name, password="pw1") for name in ("gil", "gus")]
    group = identity.create_group("rowers", description="who sails")
    assert identity.get_group(group["id"])["description"] == "who sails"
    with pytest.raises(Conflict):
        identity.create_group("rowers")
    for user in users:
        identity.add_group_user(group["id"], user["id"])
        identity.add_group_user(group["id"], user["id"])  # again is harmless
    assert {one["name"] for one in identity.list_group_users(group["id"])} == {"gil", "gus"}
    assert [one["name"] for one in identity.list_user_groups(users[0]["id"])] == ["rowers"]
    identity.remove_group_user(group["id"], users[0]["id"])
    assert not identity.is_group_user(group["id"], users[0]["id"])
    assert identity.is_group_user(group["id"], users[1]["id"])
    with pytest.raises(NotFound):
        identity.remove_group_user(group["id"], users[0]["id"])
    identity.update_group(group["id"], name="mates")
    assert [one["id"] for one in identity.list_groups(name="mates")] == [group["id"]]
    identity.delete_group(group["id"])
    with pytest.raises(NotFound):
        identity.get_group(group["id"])
    assert identity.list_user_groups(users[1]["id"]) == []
    for user in users:
        identity.delete_user(user["id"])


def test_what_a_group_may_its_members_may(place: Place, identity: IdentityClient) -> None:
    user = identity.create_user("gem", password="pw1")
    project = identity.create_project("hold")
    group = identity.create_group("stewards")
    role = identity.find_role("member")["id"]
    there = {"group_id": group["id"], "project_id": project["id"]}
    identity.assign_role(role, **there)
    assert identity.has_role(role, **there)
    with pytest.raises(Unauthorized):
        _ = login(place, "gem", "hold").access
    identity.add_group_user(group["id"], user["id"])
    gem = login(place, "gem", "hold")
    assert "member" in gem.access.roles
    assert [one["name"] for one in gem.identity.list_my_projects()] == ["hold"]
    with pytest.raises(Forbidden):
        gem.identity.list_groups()
    assert not identity.has_role(role, user_id=user["id"], project_id=project["id"])
    given = identity.list_role_assignments(scope_project_id=project["id"])
    assert [one.get("group", {}).get("id") for one in given] == [group["id"]]
    effective = identity.list_role_assignments(scope_project_id=project["id"], effective=True)
    assert {one["user"]["id"] for one in effective} == {user["id"]}
    identity.unassign_role(role, **there)
    with pytest.raises(Unauthorized):
        _ = login(place, "gem", "hold").access
    for remove, which in (
        (identity.delete_group, group),
        (identity.delete_project, project),
        (identity.delete_user, user),
    ):
        remove(which["id"])


def test_who_leaves_a_group_loses_what_it_gave(place: Place, identity: IdentityClient) -> None:
    user = identity.create_user("gee", password="pw1")
    project = identity.create_project("deck")
    group = identity.create_group("hands")
    role = identity.find_role("member")["id"]
    identity.assign_role(role, group_id=group["id"], project_id=project["id"])
    identity.add_group_user(group["id"], user["id"])
    token = login(place, "gee", "deck").access.token
    identity.remove_group_user(group["id"], user["id"])
    with pytest.raises((Unauthorized, NotFound)):
        _ = Cloud(settings=CloudSettings(place.auth_url, token=token)).access
    identity.delete_group(group["id"])
    identity.delete_project(project["id"])
    identity.delete_user(user["id"])
