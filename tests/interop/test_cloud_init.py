"""What a new machine is given is good for real cloud-init, which boots one with it that joins."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.plane.capacity.terms import CapacityTerms
from pelagos.plane.capacity.user_data import cloud_config
from pelagos.plane.settings import Part
from support.machine_land import Land
from support.new_machine import NewMachine, wheels
from support.plane import HELLO, eventually
from support.require import Require

pytestmark = pytest.mark.interop
ODD = "ü€😀 \"\\' # : - {x} [y] &z *a !b %c @d `e`\t\n--- ...\x07"
#: For a machine that is slow and busy: an installation from the network is in it.
SECONDS = 900


@pytest.fixture
def cloud_init(require: Require) -> str:
    return require.program("cloud-init", package="cloud-init")


@pytest.mark.parametrize(
    ("terms", "bus"),
    [
        (CapacityTerms(), ""),
        (CapacityTerms(install="", command="/usr/bin/pelagos"), "amqps://u:p@bus.example.org/"),
        (CapacityTerms(install=ODD, properties={ODD: ODD, "": ""}), ODD),
    ],
    ids=["plain", "image with pelagos", "odd"],
)
def test_cloud_init_knows_all_that_it_is_told(
    cloud_init: str, tmp_path: Path, terms: CapacityTerms, bus: str
) -> None:
    def judged(text: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "user-data"
        file.write_text(text)
        words = [cloud_init, "schema", "--config-file", str(file)]
        return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)

    text = cloud_config(terms, "pelagos-join.abc", bus)
    told = judged(text)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Valid" in told.stdout
    assert judged(text.replace("b64", "base65")).returncode != 0
    assert judged(text.replace("permissions", "mode")).returncode != 0


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    folder = tmp_path / "land"
    folder.mkdir()
    with Box(pace=0.0) as box:
        made = Land(
            folder, box, driver="openstack", cloud="box", flavor="m1.tiny", image="box-linux"
        )
        yield made
        made.close()


@pytest.mark.needs_root
@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.usefixtures("cloud_init")
def test_a_new_machine_installs_pelagos_joins_and_runs_what_was_requested(
    land: Land, tmp_path: Path, require: Require
) -> None:
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode:
        require.missing("unshare --mount --pid is not allowed here")
    (tmp_path / "index").mkdir()
    index = wheels(tmp_path / "index")
    land.plane.start(Part.MASTER)
    land.plane.run("request", "db", str(HELLO), check=False)
    [server] = eventually(land.servers)
    data = base64.b64decode(server["OS-EXT-SRV-ATTR:user_data"]).decode()
    with NewMachine(tmp_path, data, index) as machine:
        client = land.plane.client()
        try:
            eventually(lambda: client.service("db").computer_id == server["name"], within=SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{machine.said}") from error
        told = land.plane.run("request", "db", str(HELLO), "--wait", "--timeout", "600")
        assert "url" in told.stdout
        result = json.loads(eventually(lambda: machine.read("/run/cloud-init/result.json")))
        assert result["v1"]["errors"] == []
        for name in ("token", "config.toml"):
            assert machine.path(f"/etc/pelagos/{name}").stat().st_mode & 0o777 == 0o600
        secret = machine.read("/etc/pelagos/token").strip()
        assert secret and secret not in machine.said
        land.plane.run("service", "destroy", "db")
        eventually(lambda: not land.servers(), within=SECONDS)
