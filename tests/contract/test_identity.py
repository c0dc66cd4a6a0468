"""The way in and the identity client on the box's Keystone and on a real one."""

import pytest

from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import NotFound, Unauthorized
from support.openstack_services import OpenStack
from support.places import Place, cloud_of

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def keystone(place: Place) -> str:
    """Its address."""
    return place.auth_url


@pytest.fixture
def admin(place: Place) -> Cloud:
    return cloud_of(place, place.admin)


def test_a_user_a_project_and_a_role_from_nothing_to_a_login(keystone: str, admin: Cloud):
    identity = admin.identity
    user = identity.create_user("ada", password="pw1")
    project = identity.create_project("engines")
    role = identity.find_role("member")
    where = {"user_id": user["id"], "project_id": project["id"]}
    assert not identity.has_role(role["id"], **where)
    identity.assign_role(role["id"], **where)
    assert identity.has_role(role["id"], **where)
    assert "member" in {one["name"] for one in identity.list_roles_of(**where)}
    assert identity.list_role_assignments(user_id=user["id"], effective=True, names=True)

    login = {"username": "ada", "password": "pw1", "project_name": "engines"}
    ada = Cloud(settings=CloudSettings(keystone, **login))
    assert "member" in ada.access.roles and (ada.access.lifetime or 0) > 3000
    assert [one["name"] for one in ada.identity.list_my_projects()] == ["engines"]
    made = ada.identity.create_application_credential(user["id"], "robot")
    robot = CloudSettings(
        keystone,
        application_credential_id=made["id"],
        application_credential_secret=made["secret"],
    )
    assert Cloud(settings=robot).access.project_id == project["id"]
    token = CloudSettings(keystone, token=ada.access.token)
    assert Cloud(settings=token).access.user_name == "ada"
    ada.identity.change_password(user["id"], "pw1", "pw2")
    with pytest.raises(Unauthorized):
        _ = Cloud(settings=CloudSettings(keystone, **login)).access

    identity.delete_project(project["id"])
    identity.delete_user(user["id"])
    with pytest.raises(NotFound):
        identity.get_user(user["id"])


def test_a_revoked_token_is_renewed_by_the_next_call(admin: Cloud):
    old = admin.access.token
    admin.identity.revoke_token()
    assert admin.identity.list_users()
    assert admin.access.token != old


@pytest.mark.interop
def test_groups_domains_tags_and_the_catalogue(openstack: OpenStack):
    """What the box has no part of."""
    identity = cloud_of(openstack, openstack.admin).identity
    project = identity.create_project("tagged")["id"]
    assert identity.replace_project_tags(project, ["a"]) == ["a"]
    assert identity.list_project_tags(project) == ["a"]
    identity.delete_project(project)
    group = identity.create_group("crew")
    bob = identity.create_user("bob")["id"]  # leaving a group ends one's own tokens
    identity.add_group_user(group["id"], bob)
    assert identity.is_group_user(group["id"], bob)
    assert [one["name"] for one in identity.list_group_users(group["id"])] == ["bob"]
    identity.remove_group_user(group["id"], bob)
    assert not identity.is_group_user(group["id"], bob)
    identity.delete_group(group["id"])
    domain = identity.create_domain("sea")
    identity.update_domain(domain["id"], enabled=False)
    identity.delete_domain(domain["id"])
    service = identity.create_service("dns", "designate")
    identity.create_endpoint(service["id"], "http://dns/v2", region_id="RegionOne")
    assert [one["url"] for one in identity.list_endpoints(service_id=service["id"])] == [
        "http://dns/v2"
    ]
    identity.delete_service(service["id"])
    assert identity.get_catalog()
