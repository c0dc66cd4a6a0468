"""pelagos config doctor: each source of settings, what is wrong with it, and what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pelagos.core import config
from pelagos.plane.config_doctor import OTHER_VARIABLES
from pelagos.plane.sections import SECTIONS
from unit.cli.conftest import World

SOURCE = Path(__file__).parents[3] / "src" / "pelagos"


@pytest.fixture
def path(world: World) -> Path:
    found = world.folder / ".config/pelagos/config.toml"
    found.parent.mkdir(parents=True)
    return found


@pytest.fixture(autouse=True)
def private_token(world: World) -> None:
    (world.data / "token").chmod(0o600)


def put(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def faults(world: World, grade: str = "fail") -> list[dict[str, Any]]:
    ran = world.run("config", "doctor", "-o", "json")
    assert ran.code == (1 if any(one["grade"] == "fail" for one in ran.data) else 0)
    return [one for one in ran.data if one["grade"] == grade]


def told(world: World, grade: str = "fail") -> str:
    return "\n".join(
        f"{one['name']}: {one['message']} {one['mend']}" for one in faults(world, grade)
    )


def test_nothing_configured_is_in_order(world: World) -> None:
    ran = world.run("config", "doctor")
    assert ran.code == 0 and "the defaults hold" in ran.out


def test_a_good_file_is_in_order(world: World, path: Path) -> None:
    put(path, "[node]\npartitions = 3\n[bus]\nurl = 'amqp://a:b@host/'\n")
    ran = world.run("config", "doctor")
    assert ran.code == 0 and f"{path} is well-formed" in ran.out


def test_every_mistake_of_the_file_is_told_with_the_nearest_right_name(
    world: World, path: Path
) -> None:
    put(
        path,
        "[noode]\nx = 1\n[node]\npartitons = 3\npoll_interval = 'x'\nusers = 3\n"
        "[bus]\nurl = 'http://x'\n[master]\nhttps = 'perhaps'\nproducts = {a = 3}\n",
    )
    text = told(world)
    for piece in (
        "did you mean node?", "did you mean node.partitions?",
        "node.poll_interval must be a number", "node.users must be true or false", "bus.url",
        "master.https", "master.products.a",
    ):  # fmt: skip
        assert piece in text, piece


def test_a_file_that_is_no_toml_is_told_with_its_line(world: World, path: Path) -> None:
    put(path, "[node]\nx = = 1\n")
    assert "line 2" in told(world)


def test_a_file_that_cannot_be_read_is_told_once(world: World, path: Path) -> None:
    world.environ["PELAGOS_CONFIG"] = str(path)
    [fault] = faults(world)
    assert f"cannot read the configuration file {path}: No such" in fault["message"]
    path.mkdir()
    [fault] = faults(world)
    assert fault["message"].endswith("Is a directory")
    ran = world.run("config", "doctor", "--config", "/nowhere/c.toml")
    assert ran.code == 1 and "cannot read the configuration file /nowhere/c.toml" in ran.out


def test_a_group_of_commands_without_its_file_is_told(world: World, path: Path) -> None:
    put(path, "[farm]\ncli = 'farm.py'\n[other]\ncli = 'a_module'\n")
    [fault] = faults(world)
    assert "farm.cli names farm.py" in fault["message"]
    put(path.with_name("farm.py"), "")
    assert not faults(world)


def test_a_file_with_secrets_that_others_may_read_is_told(world: World, path: Path) -> None:
    put(path, "[bus]\nurl = 'amqp://a:b@host/'\n", 0o640)
    [fault] = faults(world)
    assert "bus.url" in fault["message"] and fault["mend"] == f"chmod 600 {path}"
    put(path, "[node]\npartitions = 3\n", 0o644)
    assert not faults(world)


def test_variables_that_nothing_reads_and_wrong_ones_are_told(world: World, path: Path) -> None:
    put(path, "[node]\npartitions = 3\n")
    world.environ |= {
        "PELAGOS_NODE_PARTITION": "3", "PELAGOS_NODE_PARTITIONS": "4",
        "PELAGOS_BUS_PORT": "x", "PELAGOS_XYZZY": "1",
    }  # fmt: skip
    text = told(world)
    assert "did you mean PELAGOS_NODE_PARTITIONS?" in text
    assert "PELAGOS_BUS_PORT: bus.port must be" in text and "PELAGOS_XYZZY is no setting" in text
    assert "PELAGOS_NODE_PARTITIONS is stronger than node.partitions" in told(world, "warn")


def test_the_doctor_knows_every_variable_that_the_code_reads() -> None:
    known = {one.variable for one in config.settings(SECTIONS)} | OTHER_VARIABLES
    read: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        read |= set(re.findall(r"[\"'](PELAGOS_[A-Z_]+[A-Z])[\"']", file.read_text()))
    assert read and read <= known


def test_a_token_that_others_may_read_is_told(world: World) -> None:
    token = put(world.folder / "mytoken", "abc\n", 0o644)
    world.environ["PELAGOS_TOKEN_FILE"] = str(token)
    assert f"chmod 600 {token}" in told(world)
    token.chmod(0o600)
    assert not faults(world)
    token.unlink()
    assert f"cannot read {token}" in told(world)


CLOUDS = """
[cloud]
default = "{default}"
[cloud.named.good]
auth_url = "http://a/v3"
username = "ada"
project_name = "p"
password_file = "{secret}"
[cloud.named.bare]
auth_url = "http://a/v3"
[cloud.named.half]
auth_url = "http://a/v3"
username = "ada"
[cloud.named.synnefo]
auth_url = "http://a/identity/v2.0"
[cloud.named.credential]
auth_url = "http://a/v3"
application_credential_id = "x"
[cloud.named.odd]
auth_url = "http://a/v3"
usrname = "ada"
[cloud.named.open]
auth_url = "http://a/v3"
token = "t"
verify = false
[cloud.named.unscoped]
auth_url = "http://a/v3"
username = "ada"
password = "x"
"""


def test_each_cloud_that_lacks_something_is_told(world: World, path: Path) -> None:
    secret = put(world.folder / "secret", "pw\n", 0o644)
    put(path, CLOUDS.format(default="gone", secret=secret))
    text = told(world)
    for piece in (
        "cloud bare: ", "it lacks username and password, a token", "cloud half: ",
        "it lacks a password", "cloud synnefo: ", "it lacks a token", "cloud credential: ",
        "it lacks application_credential_secret", "cloud odd: ", "did you mean username?",
        f"chmod 600 {secret}", "gone, is not configured",
    ):  # fmt: skip
        assert piece in text, piece
    assert "cloud good" not in text
    warned = told(world, "warn")
    assert "cloud open: " in warned and "cloud unscoped: " in warned


def test_clouds_of_which_the_same_is_said_are_each_told(world: World, path: Path) -> None:
    here = "auth_url = 'http://h/v3'\nusername = 'u'\nproject_name = 'p'\n"
    one, two = (f"[cloud.named.{name}]\n{here}" for name in "ab")
    put(path, one + two)
    assert {"cloud a", "cloud b"} <= {fault["name"] for fault in faults(world)}
    put(path, f"{one}password = 'x'\n{two}password = 'x'\n")
    assert {"cloud a", "cloud b"} <= {check["name"] for check in faults(world, "ok")}


def test_clouds_of_other_programs_are_examined_too(world: World, path: Path) -> None:
    put(path, "[cloud.named.work]\nauth_url = 'http://a/v3'\ntoken = 't'\n")
    home = world.folder
    kamakirc = put(home / ".kamakirc", '[cloud "work"]\nurl = http://b/v2.0\ntoken = t\n', 0o644)
    yaml = put(
        home / ".config/openstack/clouds.yaml",
        "clouds: {lab: {auth: {auth_url: http://c/v3, username: x}}}",
        0o644,
    )
    secure = put(home / ".config/openstack/secure.yaml", "clouds: {}", 0o644)
    text = told(world)
    assert f"chmod 600 {kamakirc}" in text and f"chmod 600 {secure}" in text
    assert "cloud lab: " in text and "it lacks a password" in text
    warned = told(world, "warn")
    assert f"chmod 600 {yaml}" in warned and "has a cloud of this name, too" in warned
    assert "several clouds are configured" in warned


def test_a_broken_file_of_clouds_does_not_hide_the_others(world: World, path: Path) -> None:
    put(path, "[cloud.named.bare]\nauth_url = 'http://a/v3'\n")
    put(world.folder / ".kamakirc", "no sections")
    text = told(world)
    assert "cloud bare" in text and ".kamakirc" in text


def test_variables_of_a_cloud_and_of_opennebula(world: World) -> None:
    world.environ |= {"OS_AUTH_URL": "http://a/v3", "OS_USERNAME": "x"}
    assert "cloud of the variables OS_*: " in told(world)
    world.environ["OS_PASSWORD"] = "y"
    world.environ["OS_PROJECT_NAME"] = "p"
    assert not faults(world)
    auth = put(world.folder / "auth", "ada:pw\n", 0o644)
    world.environ["ONE_AUTH"] = str(auth)
    assert f"chmod 600 {auth}" in told(world)
    auth.chmod(0o600)
    assert not faults(world)
    auth.write_text("ada")
    assert "OpenNebula: the session has no colon" in told(world)


def test_no_secret_is_printed(world: World, path: Path) -> None:
    put(path, CLOUDS.format(default="good", secret="/nowhere"), 0o644)
    world.environ |= {"PELAGOS_BUS_URL": "amqp://a:hidden-one@h/"}
    put(
        world.folder / ".kamakirc", '[cloud "k"]\nurl = http://b/v2.0\ntoken = hidden-two\n', 0o644
    )
    ran = world.run("config", "doctor")
    assert "hidden" not in ran.out + ran.err


def test_a_list_of_settings_shows_no_secret_of_a_table_or_a_group(
    world: World, path: Path
) -> None:
    put(
        path,
        '[cloud.named.x]\nauth_url = "http://u:hidden-one@h/"\npassword = "hidden-two"\n'
        '[directory.settings.sources.crm]\ntoken = "hidden-three"\ntype = "csv"\n'
        '[farm]\ncli = "farm"\nbarn_password = "hidden-four"\ncolour = "red"\n'
        '[node]\n[node_cache]\nsigning_key = "/etc/cache.key"\n',
    )
    for form in ("table", "json"):
        ran = world.run("config", "list", "-o", form)
        assert ran.code == 0 and "hidden" not in ran.out + ran.err
    shown = {one["key"]: one["value"] for one in ran.data}
    assert shown["cloud.named"] == {"x": {"auth_url": "http://***@h/", "password": "***"}}
    assert shown["directory.settings"]["sources"]["crm"] == {"token": "***", "type": "csv"}
    assert (shown["farm.barn_password"], shown["farm.colour"]) == ("***", "red")
    assert shown["node_cache.signing_key"] == "/etc/cache.key"
