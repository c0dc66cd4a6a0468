"""The way in on a whole cloud in this process, by each kind of login and each kind of file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import CloudNotConfigured, NotFound, Unauthorized


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


def by_password(box: Box) -> Cloud:
    person = box.person("demo")
    settings = CloudSettings(
        box.auth_url, username=person.name, password=person.password, project_name="demo"
    )
    return Cloud(settings=settings)


def test_a_password_an_application_credential_and_a_token(box: Box):
    cloud = by_password(box)
    me = cloud.access.user_id
    assert cloud.identity.get_token_info()["user"]["id"] == me
    made = cloud.identity.create_application_credential(me, "robot")
    robot = Cloud(
        settings=CloudSettings(
            box.auth_url,
            application_credential_id=made["id"],
            application_credential_secret=made["secret"],
        )
    )
    assert robot.access.project_id == cloud.access.project_id
    guest = Cloud(settings=CloudSettings(box.auth_url, token=robot.access.token))
    assert guest.access.user_id == me
    assert [one["name"] for one in guest.identity.list_my_projects()] == ["demo"]
    cloud.identity.delete_application_credential(me, made["id"])
    with pytest.raises(NotFound):
        cloud.identity.get_application_credential(me, made["id"])


def test_a_revoked_token_is_renewed_by_the_next_call(box: Box):
    cloud = by_password(box)
    old = cloud.access.token
    cloud.identity.revoke_token()
    assert cloud.identity.list_my_projects()
    assert cloud.access.token != old


def test_a_wrong_password_is_refused(box: Box):
    settings = CloudSettings(box.auth_url, username="demo", password="no", project_name="demo")
    with pytest.raises(Unauthorized):
        _ = Cloud(settings=settings).access


def test_astakos_by_the_ancestors_file(box: Box, tmp_path: Path):
    person = box.person("demo")
    (tmp_path / ".kamakirc").write_text(
        f'[cloud "box"]\nurl = {box.astakos_url}\ntoken = {person.token()}\n'
    )
    cloud = Cloud("box", environ={"HOME": str(tmp_path)})
    assert cloud.dialect == "synnefo"
    astakos = cloud.astakos
    assert astakos.user_info["id"] == cloud.access.user_id
    assert astakos.get_quotas()
    name = astakos.get_username(cloud.access.user_id)
    assert astakos.get_uuid(name) == cloud.access.user_id
    assert cloud.object_store.account == cloud.access.user_id
    with pytest.raises(CloudNotConfigured):
        _ = cloud.identity


def test_keystone_by_clouds_yaml(box: Box, tmp_path: Path):
    person = box.person("demo")
    path = tmp_path / "clouds.yaml"
    path.write_text(
        f"clouds: {{box: {{auth: {{auth_url: '{box.auth_url}', username: demo, "
        f"password: '{person.password}', project_name: demo}}}}}}"
    )
    environ = {"HOME": str(tmp_path), "OS_CLIENT_CONFIG_FILE": str(path)}
    assert Cloud("box", environ=environ).access.user_name == "demo"
    assert Cloud(environ=environ).access.project_name == "demo"
