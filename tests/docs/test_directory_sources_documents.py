"""The pages on sources of other systems name the keys that there are; their examples load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pelagos.directory.backends.ldap import settings as ldap
from pelagos.directory.backends.pbx import settings as pbx
from pelagos.directory.backends.pbx.users import UsersBackend
from pelagos.directory.settings import COMMON_KEYS
from pelagos.plane.sources import cloud_servers, listed, opennebula, servers
from pelagos.plane.sources.server_rows import COLUMNS as SERVER_COLUMNS

REFERENCE = Path(__file__).parents[2] / "docs/reference"


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def keys_of(text: str) -> set[str]:
    rows = re.findall(r"^\| (`.+?) \| ", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def source_of(text: str) -> dict[str, Any]:
    (block,) = re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (source,) = tomllib.loads(block)["directory"]["settings"]["sources"].values()
    return dict(source)


def test_the_page_on_ldap_names_all_keys_and_its_example_loads() -> None:
    text = page("directory-ldap")
    assert keys_of(text) == set(ldap._KEYS) - set(COMMON_KEYS)
    settings = ldap.LdapSettings.of({"config": source_of(text)})
    assert settings.searched == ("cn", "mail", "telephoneNumber")
    for number in (settings.network_timeout, settings.timeout, settings.connections):
        assert f"; {number}" in text


def test_the_page_on_telephone_systems_names_all_keys_and_its_example_loads() -> None:
    text = page("directory-pbx")
    own = {"confd", "auth", "confd_config", "extra_search_params", "region"}
    assert keys_of(text) == own | set(pbx._SERVER_KEYS)
    settings = pbx.PbxSettings.of({"config": source_of(text)}, UsersBackend.COLUMNS)
    assert settings.confd.url == "https://pbx.example.org:443/api/confd/1.1"
    for column in UsersBackend.COLUMNS:
        assert f"`{column}`" in text
    assert f"; {pbx._TIMEOUT:g} |" in text


def test_the_page_on_servers_names_all_keys_and_columns_and_its_example_loads(
    tmp_path: Path,
) -> None:
    text = page("directory-servers")
    own = set(servers._KEYS) - set(COMMON_KEYS)
    assert keys_of(text) == own | set(SERVER_COLUMNS)
    path = tmp_path / "config.toml"
    path.write_text('[cloud.named.work]\nauth_url = "http://127.0.0.1:9/v3"\ntoken = "t"\n')
    backend = servers.ServersBackend({"PELAGOS_CONFIG": str(path), "HOME": str(tmp_path)})
    backend.load({"config": source_of(text)})
    backend.unload()
    assert f"not asked for again; {listed._FRESH:g} |" in text
    assert f"not ended after {cloud_servers._LONGEST:g} seconds" in text


def test_the_page_on_opennebula_names_all_keys_and_columns_and_its_example_loads(
    tmp_path: Path,
) -> None:
    text = page("directory-opennebula")
    own = set(opennebula._KEYS) - set(COMMON_KEYS)
    columns = {*opennebula.OneVmsBackend.COLUMNS, *opennebula.OneHostsBackend.COLUMNS}
    assert keys_of(text) == own | columns
    auth = tmp_path / "one_auth"
    auth.write_text("oneadmin:secret\n")
    backend = opennebula.OneVmsBackend({"HOME": str(tmp_path)})
    backend.load({"config": {**source_of(text), "auth_file": str(auth)}})
    backend.unload()
    assert f"not asked for again; {listed._FRESH:g} |" in text
    assert f"`timeout` ({opennebula._TIMEOUT:g})" in text


@pytest.mark.parametrize(
    "name", ["directory-ldap", "directory-pbx", "directory-servers", "directory-opennebula"]
)
def test_a_page_of_sources_is_reached_from_the_first(name: str) -> None:
    first = Path(REFERENCE.parent / "README.md").read_text(encoding="utf-8")
    assert f"reference/{name}.md" in first
