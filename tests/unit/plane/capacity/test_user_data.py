"""What a machine is given: YAML for cloud-init, whatever the settings hold."""

from __future__ import annotations

import base64
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.core import config
from pelagos.core.errors import ConfigError
from pelagos.plane.capacity.terms import CapacityTerms
from pelagos.plane.capacity.user_data import agent_config, cloud_config, filled
from pelagos.plane.sections import SECTIONS, NodeConfig


def files(text: str) -> dict[str, tuple[str, str]]:
    """Path -> (mode, content) of what cloud-init would write."""
    assert text.startswith("#cloud-config\n")
    return {
        one["path"]: (one["permissions"], base64.b64decode(one["content"]).decode())
        for one in yaml.safe_load(text)["write_files"]
    }


def test_the_token_is_for_root_alone_and_in_no_command() -> None:
    text = cloud_config(CapacityTerms(), "pelagos-join.abc")
    found = files(text)
    assert found["/etc/pelagos/token"] == ("0600", "pelagos-join.abc\n")
    assert found["/etc/pelagos/config.toml"][0] == "0600"
    assert "pelagos-join" not in str(yaml.safe_load(text)["runcmd"])
    unit = found["/etc/systemd/system/pelagos-agent.service"][1]
    assert "/opt/pelagos/bin/pelagos node run - < /etc/pelagos/token" in unit
    assert "KillMode=process" in unit


def test_an_image_with_pelagos_installs_nothing() -> None:
    terms = CapacityTerms(install="", command="/usr/bin/pelagos")
    text = cloud_config(terms, "t")
    assert len(yaml.safe_load(text)["runcmd"]) == 1
    assert (
        "exec /usr/bin/pelagos node run"
        in files(text)["/etc/systemd/system/pelagos-agent.service"][1]
    )


_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@settings(deadline=None)
@given(properties=st.dictionaries(_TEXTS, _TEXTS, max_size=4), bus=_TEXTS, install=_TEXTS)
def test_whatever_the_settings_hold_the_agent_reads_it(
    properties: dict[str, str], bus: str, install: str
) -> None:
    terms = CapacityTerms(partitions=7, properties=properties, install=install)
    text = cloud_config(terms, "t", bus)
    told = tomllib.loads(files(text)["/etc/pelagos/config.toml"][1])
    assert told["node"]["partitions"] == 7
    assert told["node"].get("properties", {}) == properties
    assert told.get("bus", {}).get("url", "") == bus
    assert yaml.safe_load(text)["runcmd"][: 1 if install else 0] == ([install] if install else [])


def test_a_sites_own_file_is_filled_in() -> None:
    values = {"TOKEN": "tok", "NAME": "m-1"}
    assert filled("#!/bin/sh\necho @TOKEN@ @NAME@\n", values, "f") == "#!/bin/sh\necho tok m-1\n"
    with pytest.raises(ConfigError, match="no @TOKEN@"):
        filled("#!/bin/sh\n", values, "/etc/f")


def test_the_configuration_is_what_an_agent_takes(tmp_path: Any) -> None:
    file = tmp_path / "config.toml"
    file.write_text(agent_config(CapacityTerms(properties={"region": "n"}), "amqp://b/"))
    assert config.load(SECTIONS, file, {}).of(NodeConfig).properties == {"region": "n"}
