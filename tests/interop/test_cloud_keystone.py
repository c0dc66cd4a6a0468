"""The way in and the identity client on a real Keystone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import NotFound, Unauthorized
from support.keystone import PASSWORD, Keystone, PeerMissingError
from support.require import Require

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    folder: Path = tmp_path_factory.mktemp("keystone")
    try:
        running = Keystone(folder)
    except PeerMissingError as error:
        Require().missing(str(error))
    with running:
        yield running


@pytest.fixture
def admin(keystone: Keystone) -> Cloud:
    settings = CloudSettings(
        keystone.url, username="admin", password=PASSWORD, project_name="admin"
    )
    return Cloud(settings=settings)


def test_a_user_a_project_and_a_role_from_nothing_to_a_login(keystone: Keystone, admin: Cloud):
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
    assert identity.replace_project_tags(project["id"], ["a"]) == ["a"]
    assert identity.list_project_tags(project["id"]) == ["a"]

    login = {"username": "ada", "password": "pw1", "project_name": "engines"}
    ada = Cloud(settings=CloudSettings(keystone.url, **login))
    assert "member" in ada.access.roles and (ada.access.lifetime or 0) > 3000
    assert [one["name"] for one in ada.identity.list_my_projects()] == ["engines"]
    made = ada.identity.create_application_credential(user["id"], "robot")
    robot = CloudSettings(
        keystone.url,
        application_credential_id=made["id"],
        application_credential_secret=made["secret"],
    )
    assert Cloud(settings=robot).access.project_id == project["id"]
    token = CloudSettings(keystone.url, token=ada.access.token)
    assert Cloud(settings=token).access.user_name == "ada"
    ada.identity.change_password(user["id"], "pw1", "pw2")
    with pytest.raises(Unauthorized):
        _ = Cloud(settings=CloudSettings(keystone.url, **login)).access

    identity.delete_project(project["id"])
    identity.delete_user(user["id"])
    with pytest.raises(NotFound):
        identity.get_user(user["id"])


def test_a_revoked_token_is_renewed_by_the_next_call(admin: Cloud):
    old = admin.access.token
    admin.identity.revoke_token()
    assert admin.identity.list_users()
    assert admin.access.token != old


def test_groups_domains_and_the_catalogue(admin: Cloud):
    identity = admin.identity
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
    service = identity.create_service("compute", "nova")
    identity.create_endpoint(service["id"], "http://nova/v2.1", region_id="RegionOne")
    assert [one["url"] for one in identity.list_endpoints(service_id=service["id"])] == [
        "http://nova/v2.1"
    ]
    identity.delete_service(service["id"])
    assert identity.get_catalog()
