"""What a real Keystone keeps and the box has no part of: the catalogue, domains, groups, roles."""

from __future__ import annotations

import secrets

import pytest

from pelagos.clients import IdentityClient
from pelagos.clients.errors import ClientError, Conflict, NotFound
from support.openstack_services import OpenStack
from support.places import cloud_of

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def identity(openstack: OpenStack) -> IdentityClient:
    """As the administrator."""
    client: IdentityClient = cloud_of(openstack, openstack.admin).identity
    return client


@pytest.fixture
def name() -> str:
    """One that nobody has yet."""
    return f"x-{secrets.token_hex(4)}"


def test_users(identity: IdentityClient, name: str) -> None:
    user = identity.create_user(name, password="pw", email="x@example.org")
    assert identity.find_user(name)["id"] == user["id"] == identity.find_user(user["id"])["id"]
    changed = identity.update_user(user["id"], description="of mine", enabled=False)
    assert (changed["description"], changed["enabled"]) == ("of mine", False)
    assert [one["id"] for one in identity.list_users(name=name)] == [user["id"]]
    group = identity.create_group(name)
    assert identity.update_group(group["id"], description="crew")["description"] == "crew"
    identity.add_group_user(group["id"], user["id"])
    assert [one["id"] for one in identity.list_user_groups(user["id"])] == [group["id"]]
    assert identity.get_group(group["id"])["name"] == name
    assert name in {one["name"] for one in identity.list_groups()}
    project = identity.create_project(name)
    role = identity.find_role("reader")
    where = {"group_id": group["id"], "project_id": project["id"]}
    identity.assign_role(role["id"], **where)
    assert [one["id"] for one in identity.list_user_projects(user["id"])] == [project["id"]]
    identity.unassign_role(role["id"], **where)
    with pytest.raises(NotFound):
        identity.unassign_role(role["id"], **where)
    identity.delete_project(project["id"])
    identity.delete_group(group["id"])
    with pytest.raises(NotFound):
        identity.get_group(group["id"])
    identity.delete_user(user["id"])
    with pytest.raises(NotFound):
        identity.find_user(name)


def test_projects_domains_and_roles(identity: IdentityClient, name: str) -> None:
    domain = identity.create_domain(name, description="a sea")
    project = identity.create_project(name, domain_id=domain["id"])
    assert identity.find_project(name, domain_id=domain["id"])["id"] == project["id"]
    assert identity.get_project(project["id"])["domain_id"] == domain["id"]
    assert identity.update_project(project["id"], enabled=False)["enabled"] is False
    assert [one["id"] for one in identity.list_projects(domain_id=domain["id"])] == [project["id"]]
    assert identity.get_domain(domain["id"])["description"] == "a sea"
    assert [one["id"] for one in identity.list_domains(name=name)] == [domain["id"]]
    assert isinstance(identity.list_my_domains(), list)
    with pytest.raises(ClientError) as caught:
        identity.delete_domain(domain["id"])
    assert caught.value.status == 403
    identity.update_domain(domain["id"], enabled=False)
    identity.delete_domain(domain["id"])
    role = identity.create_role(name)
    with pytest.raises(Conflict):
        identity.create_role(name)
    assert identity.update_role(role["id"], name=f"{name}-2")["name"] == f"{name}-2"
    assert identity.get_role(role["id"])["name"] == f"{name}-2"
    assert f"{name}-2" in {one["name"] for one in identity.list_roles()}
    identity.delete_role(role["id"])
    with pytest.raises(NotFound):
        identity.get_role(role["id"])


def test_the_catalogue(identity: IdentityClient, name: str) -> None:
    region = identity.create_region(name, description="far away")
    assert identity.get_region(name) == region
    assert name in {one["id"] for one in identity.list_regions()}
    service = identity.create_service("rating", name)
    assert identity.get_service(service["id"]) == service
    assert identity.update_service(service["id"], description="x")["description"] == "x"
    assert [one["id"] for one in identity.list_services(name=name)] == [service["id"]]
    place = identity.create_endpoint(service["id"], "http://rating/v1", region_id=name)
    assert identity.get_endpoint(place["id"])["url"] == "http://rating/v1"
    changed = identity.update_endpoint(place["id"], url="http://rating/v2")
    assert changed["url"] == "http://rating/v2"
    assert "rating" in {one["type"] for one in identity.get_catalog()}
    identity.delete_endpoint(place["id"])
    assert identity.list_endpoints(service_id=service["id"]) == []
    identity.delete_service(service["id"])
    identity.delete_region(name)
    with pytest.raises(NotFound):
        identity.get_region(name)


def test_tokens_and_logins_of_programs(openstack: OpenStack, identity: IdentityClient) -> None:
    person = openstack.person("logins")
    own = cloud_of(openstack, person).identity
    told = identity.get_token_info(person.token())
    assert told["user"]["id"] == person.user_id
    made = own.create_application_credential(person.user_id, "robot")
    shown = own.get_application_credential(person.user_id, made["id"])
    assert shown["name"] == "robot" and "secret" not in shown
    listed = own.list_application_credentials(person.user_id)
    assert [one["id"] for one in listed] == [made["id"]]
    own.delete_application_credential(person.user_id, made["id"])
    with pytest.raises(NotFound):
        own.get_application_credential(person.user_id, made["id"])
    assert identity.list_limits() == [] == identity.list_registered_limits()
