import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.clients.cloud import CloudSettings, KnownClouds
from pelagos.clients.cloud.clouds_yaml import CloudsYaml
from pelagos.clients.errors import CloudNotConfigured

OWN = """
[plane]
timeout = 5
[cloud]
default = "work"
[cloud.named.work]
auth_url = "https://work:5000/v3"
username = "ada"
password_file = "{home}/secret"
project_name = "engines"
region = "north"
cacert = "~/ca.pem"
[cloud.named.work.endpoints]
compute = "http://elsewhere/v2.1"
"""
YAML = """
_base: &base
  auth: &auth {auth_url: "http://yaml:5000", project_name: p, user_domain_name: Users}
  region_name: RegionOne
clouds:
  work: {auth: {auth_url: "http://not-this/v3"}}
  other:
    <<: *base
    auth: {<<: *auth, username: bob, project_domain_id: d}
    interface: internalURL
    verify: false
    api_timeout: 7
    image_endpoint_override: http://images
    object_store_endpoint_override: http://objects/v1/AUTH_1
  credential:
    auth_type: v3applicationcredential
    auth: {auth_url: "http://yaml:5000", application_credential_id: i, project_name: x}
  vendor: {profile: acme, auth: {username: eve, password: p}}
  lost: {profile: nobody}
  odd: {auth_type: v3oidcpassword, auth: {auth_url: "http://x"}}
  number: {auth: {auth_url: "http://yaml:5000", username: 7, password: 12345}}
"""
SECURE = "clouds: {other: {auth: {password: hidden}}}"
PUBLIC = 'public-clouds: {acme: {auth: {auth_url: "https://acme/v3"}, region_name: moon}}'
KAMAKI = """
# Kamaki configuration file
[global]
default_cloud = okeanos
ignore_ssl = on
[cloud "okeanos"]
url = https://accounts/identity/v2.0
token = FIRST SECOND
pithos_container = photos
pithos_url = https://pithos/v1
[cloud "test.cloud"]
url = https://other/identity/v2.0
token = %T
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in {
        ".config/pelagos/config.toml": OWN.format(home=tmp_path),
        ".config/openstack/clouds.yaml": YAML,
        ".config/openstack/secure.yaml": SECURE,
        ".config/openstack/clouds-public.yaml": PUBLIC,
        ".kamakirc": KAMAKI,
        "secret": "s3cret\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def known(home: Path, **more: str) -> KnownClouds:
    return KnownClouds({"HOME": str(home), **more})


def shown(settings: CloudSettings, *names: str) -> Mapping[str, Any]:
    return {name: getattr(settings, name) for name in names}


def test_our_own_file_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(home))
    settings = known(home).get("work")
    assert settings.auth_url == "https://work:5000/v3"
    assert shown(settings, "username", "password", "project_name", "region", "cacert") == {
        "username": "ada",
        "password": "s3cret",
        "project_name": "engines",
        "region": "north",
        "cacert": home / "ca.pem",
    }
    assert settings.endpoints == {"compute": "http://elsewhere/v2.1"}
    assert not settings.is_synnefo


def test_clouds_yaml_with_secrets_beside_it(home: Path):
    settings = known(home).get("other")
    assert shown(settings, "auth_url", "username", "password", "project_name", "region") == {
        "auth_url": "http://yaml:5000",
        "username": "bob",
        "password": "hidden",
        "project_name": "p",
        "region": "RegionOne",
    }
    assert shown(settings, "user_domain_name", "project_domain_id", "interface", "verify") == {
        "user_domain_name": "Users",
        "project_domain_id": "d",
        "interface": "internal",
        "verify": False,
    }
    assert (settings.timeout, dict(settings.endpoints)) == (
        7.0,
        {"image": "http://images", "object-store": "http://objects/v1/AUTH_1"},
    )


def test_numbers_in_yaml_are_names(home: Path):
    settings = known(home).get("number")
    assert (settings.username, settings.password) == ("7", "12345")


def test_a_kind_of_login_uses_only_what_belongs_to_it(home: Path):
    settings = known(home).get("credential")
    assert (settings.application_credential_id, settings.project_name) == ("i", None)


def test_a_profile_is_laid_under_the_cloud(home: Path):
    settings = known(home).get("vendor")
    assert (settings.auth_url, settings.region, settings.username) == (
        "https://acme/v3",
        "moon",
        "eve",
    )


@pytest.mark.parametrize(("name", "said"), [("lost", "nobody"), ("odd", "v3oidcpassword")])
def test_what_cannot_be_done_is_said(home: Path, name: str, said: str):
    with pytest.raises(CloudNotConfigured, match=said):
        known(home).get(name)


def test_the_ancestors_file(home: Path):
    settings = known(home).get("okeanos")
    assert shown(settings, "auth_url", "token", "container", "verify", "is_synnefo") == {
        "auth_url": "https://accounts/identity/v2.0",
        "token": "FIRST",
        "container": "photos",
        "verify": False,
        "is_synnefo": True,
    }
    assert settings.endpoints == {"object-store": "https://pithos/v1"}
    assert known(home).get("test.cloud").token == "%T"


def test_an_old_file_of_the_ancestor_has_one_cloud(tmp_path: Path):
    path = tmp_path / "old"
    path.write_text("[global]\nurl = http://a/identity/v2.0\ntoken = T\n[store]\ncli=pithos_cli\n")
    settings = known(tmp_path, KAMAKI_CONFIG=str(path)).get()
    assert (settings.auth_url, settings.token) == ("http://a/identity/v2.0", "T")


def test_all_names_are_listed_once(home: Path):
    names = known(home, OS_AUTH_URL="http://e").names()
    assert names[0] == "work" and names[-1] == "envvars" and names.count("work") == 1
    assert {"other", "okeanos", "test.cloud"} < set(names)


VARIABLES = {
    "OS_AUTH_URL": "http://env:5000/v3",
    "OS_USERNAME": "carol",
    "OS_PASSWORD": "pw",
    "OS_TENANT_NAME": "t",
    "OS_DEFAULT_DOMAIN": "dom",
    "OS_REGION_NAME": "r",
    "OS_INSECURE": "1",
    "OS_COMPUTE_ENDPOINT_OVERRIDE": "http://c",
    "OS_CACERT": "",
}


def test_variables_are_a_cloud(tmp_path: Path):
    settings = known(tmp_path, **VARIABLES).get()
    assert shown(settings, "username", "project_name", "region", "verify", "user_domain_id") == {
        "username": "carol",
        "project_name": "t",
        "region": "r",
        "verify": False,
        "user_domain_id": "dom",
    }
    assert settings.endpoints == {"compute": "http://c"} and settings.origin == "the environment"


def test_a_token_in_the_variables(tmp_path: Path):
    variables = {"OS_AUTH_URL": "http://e", "OS_AUTH_TYPE": "token", "OS_TOKEN": "T"}
    settings = known(tmp_path, **variables, OS_PASSWORD="x").get("envvars")
    assert (settings.token, settings.password) == ("T", None)


@pytest.mark.parametrize(
    ("variables", "default"),
    [
        ({}, "work"),
        ({"PELAGOS_CLOUD_DEFAULT": "other", "OS_CLOUD": "vendor"}, "other"),
        ({"PELAGOS_CONFIG": "{home}/empty.toml", "OS_CLOUD": "vendor"}, "vendor"),
        ({"PELAGOS_CONFIG": "{home}/empty.toml", "OS_AUTH_URL": "http://e"}, "envvars"),
        (
            {
                "PELAGOS_CONFIG": "{home}/empty.toml",
                "OS_CLIENT_CONFIG_FILE": "{home}/empty.toml",
            },
            "okeanos",
        ),
    ],
)
def test_which_cloud_is_meant_when_nobody_says(
    home: Path, variables: dict[str, str], default: str
):
    (home / "empty.toml").write_text("")
    filled = {key: value.format(home=home) for key, value in variables.items()}
    assert known(home, **filled).default() == default


def test_several_clouds_without_a_choice_are_an_error(home: Path):
    (home / "empty.toml").write_text("")
    with pytest.raises(CloudNotConfigured, match="several clouds") as caught:
        known(home, PELAGOS_CONFIG=str(home / "empty.toml")).get()
    assert "OS_CLOUD" in (caught.value.hint or "")


def test_no_cloud_at_all_says_where_to_write_one(tmp_path: Path):
    with pytest.raises(CloudNotConfigured, match="no cloud is configured") as caught:
        known(tmp_path).get()
    assert "[cloud.named.NAME]" in (caught.value.hint or "")


def test_a_misspelt_name_is_told_the_nearest(home: Path):
    with pytest.raises(CloudNotConfigured, match="wrok") as caught:
        known(home).get("wrok")
    assert "work" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[cloud]\nname = 1", "default"),
        ("[cloud]\ndefault = 1", "default"),
        ("[cloud]\nnamed = 1", "named"),
        ("cloud = 1", "section"),
        ("[cloud.named.a]\nauth_ur = 'x'", "auth_ur"),
        ("[cloud.named.a]\nusername = 'x'", "where the cloud is"),
        ("[cloud.named.a]\nauth_url = ['x']", "auth_url"),
        ("[cloud.named.a]\nauth_url = 'x'\nverify = 'no'", "verify"),
        ("[cloud.named.a]\nauth_url = 'x'\ntimeout = 0", "timeout"),
        ("[cloud.named.a]\nauth_url = 'x'\ndialect = 'aws'", "dialect"),
        ("[cloud.named.a]\nauth_url = 'x'\nendpoints = 'x'", "endpoints"),
        ("[cloud.named.a]\nauth_url = 'x'\ntoken_file = '/nowhere'", "/nowhere"),
        ("[cloud.named]\na = 5", "table"),
        ("[cloud", "TOML"),
    ],
)
def test_a_wrong_file_of_ours_is_refused(tmp_path: Path, text: str, said: str):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(CloudNotConfigured, match=said):
        known(tmp_path, PELAGOS_CONFIG=str(path)).get("a")


@pytest.mark.parametrize(
    "text",
    [
        "clouds: [",
        "- a",
        "clouds: 5",
        "clouds: {a: 5}",
        "clouds: {a: {auth: 5}}",
        "clouds: {a: {}}",
        "clouds: {a: {auth: {auth_url: [x]}}}",
        "clouds: !!python/object/apply:os.system ['echo SECRET-token']",
        "x: [\x00]",
        "a: &a {k1: SECRET}\n"
        + "\n".join(
            f"{chr(98 + i)}: &{chr(98 + i)} {{<<: [{', '.join(['*' + chr(97 + i)] * 12)}]}}"
            for i in range(12)
        ),
    ],
)
def test_a_wrong_clouds_yaml_is_refused_and_not_quoted(tmp_path: Path, text: str):
    path = tmp_path / "clouds.yaml"
    path.write_text(text)
    with pytest.raises(CloudNotConfigured) as caught:
        known(tmp_path, OS_CLIENT_CONFIG_FILE=str(path)).get("a")
    assert "SECRET" not in str(caught.value)


def test_the_current_folder_goes_before_the_home(home: Path, tmp_path: Path):
    here = tmp_path / "here"
    here.mkdir()
    (here / "clouds.yml").write_text("clouds: {here: {auth: {auth_url: 'http://x'}}}")
    assert CloudsYaml({"HOME": str(home)}, here).names == ("here",)


@pytest.mark.parametrize("text", ["token = SECRET\n", "[a\nSECRET", "\x00"])
def test_a_wrong_file_of_the_ancestor_is_refused_and_not_quoted(tmp_path: Path, text: str):
    path = tmp_path / "rc"
    path.write_text(text)
    with pytest.raises(CloudNotConfigured) as caught:
        known(tmp_path, KAMAKI_CONFIG=str(path)).get("a")
    assert "SECRET" not in str(caught.value)


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_an_error(home: Path):
    (home / ".kamakirc").chmod(0)
    with pytest.raises(CloudNotConfigured, match="kamakirc"):
        known(home).get("okeanos")


def test_no_repr_has_a_secret(home: Path):
    names = ("work", "other", "okeanos")
    text = repr([known(home).get(name) for name in names])
    assert not any(secret in text for secret in ("s3cret", "hidden", "FIRST"))
