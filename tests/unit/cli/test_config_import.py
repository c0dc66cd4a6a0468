"""pelagos config import xivo-dird: written, printed, and honest about what was left out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from pelagos.core.config import load
from pelagos.directory import DirectorySettings
from pelagos.plane.sections import SECTIONS, DirectoryConfig
from unit.cli.conftest import World

FILES = {
    "config.yml": "{debug: true, services: {lookup: {sales: {sources: [staff], timeout: 1}}}}",
    "conf.d/views.yml": """
views:
  displays: {office: [{title: Name, field: name, type: name}]}
  profile_to_display: {sales: office}
""",
    "sources.d/staff.yml": """
name: staff
type: csv
file: /nowhere/staff.csv
format_columns: {name: "{first} {last}"}
""",
    "sources.d/broken.yml": "type: csv",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "xivo-dird", FILES)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_configuration_is_written_and_what_was_left_out_is_said(world: World, old: Path) -> None:
    mine = world.folder / "mine.toml"
    mine.write_text("# mine\n[node]\npartitions = 3\n")
    ran = world.run("config", "import", "xivo-dird", str(old), "--config", str(mine))
    assert ran.code == 0 and ran.out == ""
    assert "debug: not needed" in ran.err and "broken.yml: it has no name" in ran.err
    assert "/nowhere/staff.csv is not on this machine" in ran.err
    assert f"3 files, 1 source, 5 remarks; written to {mine}" in ran.err
    assert mine.read_text().startswith("# mine\n[node]\npartitions = 3\n")
    settings = load(SECTIONS, mine).of(DirectoryConfig).settings
    read = DirectorySettings.from_mapping(settings)
    assert read.sources["staff"].format_columns == {"name": "{first} {last}"}
    assert list(read.displays) == ["sales"]


def test_it_can_be_looked_at_first(world: World, old: Path) -> None:
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run")
    assert ran.code == 0 and "not written" in ran.err
    printed = tomllib.loads(ran.out)["directory"]["settings"]
    assert printed["services"]["lookup"]["sales"] == {"sources": ["staff"], "timeout": 1}
    assert not (world.folder / ".config/pelagos/config.toml").exists()


def test_no_secret_is_printed_by_a_look(world: World, old: Path) -> None:
    write(old, {"sources.d/crm.yml": "{name: crm, type: wazo, auth: {password: hidden-one}}"})
    write(
        old,
        {"sources.d/ws.yml": "{name: ws, type: csv_ws, lookup_url: 'http://u:hidden-two@h/x'}"},
    )
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run")
    assert ran.code == 0 and "crm" in ran.out and "hidden" not in ran.out + ran.err


def test_what_is_configured_already_is_replaced_only_when_told(world: World, old: Path) -> None:
    mine = world.folder / "mine.toml"
    words = ("config", "import", "xivo-dird", str(old), "--config", str(mine))
    mine.write_text("[directory.settings.sources.mine]\ntype = 'sample'\n")
    refused = world.run(*words)
    assert refused.code and "has directory.settings already" in refused.err
    assert "--replace" in refused.err and "mine" in mine.read_text()
    assert world.run(*words, "--replace").code == 0
    assert "sources.mine" not in mine.read_text() and "sources.staff" in mine.read_text()


def test_a_command_in_a_file_is_run_only_when_told(world: World, old: Path) -> None:
    write(old, {"conf.d/gen.yml": "!exec {command: 'echo foo: 1; echo ran >&2'}"})
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run")
    assert "not run: echo foo: 1" in ran.err and "foo: left out" not in ran.err
    ran = world.run("config", "import", "xivo-dird", str(old), "--dry-run", "--run-commands")
    assert "not run" not in ran.err and "foo: left out" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("xivo-dird", "/nowhere"), "/nowhere/config.yml cannot be read"),
        (("xivo_dird", "/nowhere"), "did you mean xivo-dird?"),
        (("xivo-dird",), "config.yml cannot be read"),
        (("kamaki", "/nowhere"), "there is no file /nowhere"),
        (("kamaki", "--run-commands"), "--run-commands is of xivo-dird"),
        ((), "KIND is missing"),
    ],
)
def test_what_cannot_be_imported_is_said(world: World, words: tuple[str, ...], said: str) -> None:
    ran = world.run("config", "import", *words)
    assert ran.code and said in ran.err and "Traceback" not in ran.err


# ---- the clouds of kamaki and of OpenStack's clients

KAMAKIRC = """
[global]
default_cloud = ~okeanos
colors = on
grps_cli = mygrps
file_cli = pithos
odd = 1
ca_certs = /etc/ca.pem
[cloud "~okeanos"]
url = https://accounts.example.org/identity/v2.0
token = tok3n-one tok3n-two
pithos_container = images
pithos_url = https://pithos.example.org/v1
[cloud "bad"]
token = tok3n-three
[mygrp]
cli = /home/ada/mygrp.py
"""

CLOUDS_YAML = """
clouds:
  lab:
    auth: {auth_url: "http://a:5000/v3", username: ada, project_name: p, user_domain_name: D}
    region_name: north
    verify: false
  oidc: {auth_type: v3oidcpassword, auth: {auth_url: "http://a/v3"}}
  cred:
    auth_type: v3applicationcredential
    auth:
      {auth_url: "http://a/v3", application_credential_id: i, application_credential_secret: s3c}
"""


def own(world: World) -> Path:
    return Path(world.run("config", "path").out.strip())


def test_kamakis_clouds_are_taken_over(world: World) -> None:
    write(world.folder, {".kamakirc": KAMAKIRC})
    ran = world.run("config", "import", "kamaki")
    assert ran.code == 0 and f"1 cloud, 7 remarks; written to {own(world)}" in ran.err
    for said in (
        "cloud ~okeanos: is called -okeanos here", "cloud bad: left out",
        '[cloud "~okeanos"] token: the first of several', "[global] odd: has no meaning here",
        "[global] colors: not needed", "pelagos config set grps.cli=mygrps",
        "pelagos config set mygrp.cli=/home/ada/mygrp.py",
    ):  # fmt: skip
        assert said in ran.err, said
    written = tomllib.loads(own(world).read_text())["cloud"]
    secret = own(world).parent / "clouds" / "-okeanos.secret"
    assert written == {
        "default": "-okeanos",
        "named": {
            "-okeanos": {
                "auth_url": "https://accounts.example.org/identity/v2.0",
                "dialect": "synnefo",
                "container": "images",
                "cacert": "/etc/ca.pem",
                "endpoints": {"object-store": "https://pithos.example.org/v1"},
                "token_file": str(secret),
            }
        },
    }
    assert secret.read_text() == "tok3n-one\n" and secret.stat().st_mode & 0o77 == 0
    assert own(world).stat().st_mode & 0o77 == 0
    assert "tok3n" not in own(world).read_text() + ran.err + ran.out
    (world.folder / ".kamakirc").unlink()
    assert world.run("cloud", "info", "-o", "json").data["dialect"] == "synnefo"


def test_a_clouds_yaml_is_taken_over_with_its_secrets(world: World) -> None:
    place = write(
        world.folder / "old",
        {
            "clouds.yaml": CLOUDS_YAML,
            "secure.yaml": "clouds: {lab: {auth: {password: s3cret, token: t2}}}",
        },
    )
    ran = world.run("config", "import", "clouds.yaml", str(place / "clouds.yaml"))
    assert ran.code == 0 and "2 clouds" in ran.err and "cloud oidc: left out" in ran.err
    named = tomllib.loads(own(world).read_text())["cloud"]["named"]
    assert named["lab"]["region"] == "north" and named["lab"]["verify"] is False
    assert named["lab"]["user_domain_name"] == "D" and "password" not in named["lab"]
    assert "cloud lab, password: left out: token logs in already" in ran.err
    secret = Path(named["cred"]["application_credential_secret_file"])
    assert secret.read_text() == "s3c\n" and secret.stat().st_mode & 0o77 == 0
    assert world.run("cloud", "info", "lab", "-o", "json").data["region"] == "north"


def test_clouds_that_are_there_are_replaced_only_when_told(world: World) -> None:
    write(world.folder, {".kamakirc": KAMAKIRC.replace("~", "")})
    write(own(world).parent, {own(world).name: "# mine\n[cloud.named.okeanos]\ntoken = 'x'\n"})
    refused = world.run("config", "import", "kamaki")
    assert refused.code == 2 and "has a cloud okeanos already" in refused.err
    assert "token = 'x'" in own(world).read_text()
    assert world.run("config", "import", "kamaki", "--replace").code == 0
    assert "token = 'x'" not in own(world).read_text() and "# mine" in own(world).read_text()


# ---- OpenNebula's login


def test_the_login_of_opennebula_is_taken_over(world: World) -> None:
    write(
        world.folder,
        {".one/one_auth": "ada:pa55\n", ".one/one_endpoint": "http://one:2633/RPC2\n"},
    )
    ran = world.run("config", "import", "one")
    assert ran.code == 0 and "pa55" not in own(world).read_text() + ran.err
    assert world.run("config", "get", "one.endpoint").out == "http://one:2633/RPC2\n"
    kept = Path(world.run("config", "get", "one.auth_file").out.strip())
    assert kept.read_text() == "ada:pa55\n" and kept.stat().st_mode & 0o77 == 0
    for name in ("one_auth", "one_endpoint"):
        (world.folder / ".one" / name).unlink()
    ran = world.run("one", "vm", "list")
    assert "http://one:2633" in str([one.url for one in world.transport.requests])
    world.environ["ONE_XMLRPC"] = "http://stronger:1/RPC2"
    world.run("one", "vm", "list")
    assert "http://stronger:1" in world.transport.requests[-1].url


# ---- a computer of a SlapOS

SLAPOS = """
[slapos]
software_root = /opt/slapgrid
master_url = https://slap.example.org/
computer_id = COMP-1234
key_file = /etc/key
software_min_free_space = 1500M
instance_min_free_space = 1G
maximum_periodicity = 3600
partition_timeout = soon
shared_part_list =
  /opt/a
  /opt/b
odd = 1
[slapformat]
partition_amount = 7
alter_user = False
[slapproxy]
port = 5000
software_product_list =
  kvm https://example.org/kvm.cfg
[networkcache]
download-binary-cache-url = http://shacache.example.org/
signature-certificate-list =
  -----BEGIN CERTIFICATE-----
  abc
  -----END CERTIFICATE-----
"""


def test_a_computer_of_a_slapos_is_taken_over(world: World) -> None:
    place = write(world.folder, {"slapos.cfg": SLAPOS}) / "slapos.cfg"
    world.environ["SLAPOS_CONFIGURATION"] = str(place)
    write(own(world).parent, {own(world).name: "# mine\n[node]\npoll_interval = 2.0 # quick\n"})
    ran = world.run("config", "import", "slapos")
    assert ran.code == 0, ran.err
    for key, value in {
        "plane.master_url": "https://slap.example.org/",
        "node.computer_id": "COMP-1234",
        "node.software_min_free_space": "1500",
        "node.instance_min_free_space": "1024",
        "node.maximum_periodicity": "3600.0",
        "node.shared_parts": "/opt/a /opt/b",
        "node.partitions": "7",
        "node.users": "no",
        "node_cache.url": "http://shacache.example.org/",
    }.items():
        assert world.run("config", "get", key).out == f"{value}\n", key
    text = own(world).read_text()
    assert text.startswith("# mine\n[node]\npoll_interval = 2.0 # quick\n")
    signers = Path(world.run("config", "get", "node_cache.old_certificates").out.strip())
    assert signers.read_text().startswith("-----BEGIN CERTIFICATE-----\nabc\n")
    for said in (
        "[slapos] software_root: not carried over", "[slapos] key_file: not carried over",
        "[slapos] partition_timeout: 'soon' could not be read", "[slapos] odd: has no meaning",
        "[slapproxy]: the master of one machine",
    ):  # fmt: skip
        assert said in ran.err, said
    assert not world.run("config", "import", "slapos").code, "the same again is no contradiction"
    place.write_text(SLAPOS.replace("partition_amount = 7", "partition_amount = 8"))
    refused = world.run("config", "import", "slapos")
    assert refused.code == 2 and "something else of node.partitions already" in refused.err
    assert world.run("config", "get", "node.partitions").out == "7\n"
    assert world.run("config", "import", "slapos", "--replace").code == 0
    assert world.run("config", "get", "node.partitions").out == "8\n"


def test_the_master_of_one_machine_is_not_taken_over(world: World) -> None:
    text = "[slapos]\nmaster_url = http://127.0.0.1:5000/\n"
    place = write(world.folder, {"slapos-client.cfg": text}) / "slapos-client.cfg"
    ran = world.run("config", "import", "slapos", str(place))
    assert ran.code == 0 and "start ours: pelagos up" in ran.err
    assert world.run("config", "get", "plane.master_url").out == "\n"


# ---- all of them


@pytest.mark.parametrize("kind", ["kamaki", "clouds.yaml", "one", "slapos"])
def test_all_can_be_looked_at_first_and_say_what_is_not_there(world: World, kind: str) -> None:
    name = {
        "kamaki": ".kamakirc", "one": ".one/one_auth", "slapos": "slapos.cfg",
        "clouds.yaml": ".config/openstack/clouds.yaml",
    }[kind]  # fmt: skip
    world.environ["SLAPOS_CONFIGURATION"] = str(world.folder / "slapos.cfg")
    world.environ["OS_CLIENT_CONFIG_FILE"] = str(world.folder / name) if kind != "slapos" else ""
    absent = world.run("config", "import", kind)
    assert absent.code == 2 and name in absent.err
    text = {
        "kamaki": KAMAKIRC, "one": "ada:pa55\n", "slapos": SLAPOS, "clouds.yaml": CLOUDS_YAML
    }[kind]  # fmt: skip
    write(world.folder, {name: text})
    ran = world.run("config", "import", kind, "--dry-run")
    assert ran.code == 0 and "not written" in ran.err and tomllib.loads(ran.out)
    assert not any(secret in ran.out for secret in ("tok3n", "pa55", "s3c\n"))
    assert not own(world).exists() and not (own(world).parent / "clouds").exists()


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("kamaki", "no sections", "not a file of sections"),
        ("clouds.yaml", "clouds: [", "is not YAML"),
        ("one", "nobody", "no colon"),
        ("slapos", "[client]\n", "no section [slapos]"),
        ("slapos", "nothing", "no file of sections"),
    ],
)
def test_a_file_of_another_kind_is_refused(world: World, kind: str, text: str, said: str) -> None:
    place = write(world.folder, {"old": text}) / "old"
    ran = world.run("config", "import", kind, str(place))
    assert ran.code == 2 and said in ran.err
    assert not own(world).exists()


def test_clouds_whose_names_become_alike_are_kept_apart(world: World) -> None:
    clouds = {"~a": "one", "-a": "two", "@a": "three"}
    said = "".join(
        f'[cloud "{name}"]\nurl = http://h/v2.0\ntoken = {token}\n'
        for name, token in clouds.items()
    )
    write(world.folder, {".kamakirc": f"[global]\ndefault_cloud = @a\n{said}"})
    assert world.run("config", "import", "kamaki").code == 0
    kept = own(world).parent / "clouds"
    found = {one.stem: one.read_text().strip() for one in kept.iterdir()}
    assert found == {"-a": "two", "-a-2": "one", "-a-3": "three"}
    assert tomllib.loads(own(world).read_text())["cloud"]["default"] == "-a-3"
