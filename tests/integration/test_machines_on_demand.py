"""A plane in processes of its own gets a machine from a cloud, is killed, and goes on."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.one import OneServer
from pelagos.plane.settings import Part
from support.machine_land import Land
from support.plane import HELLO, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    with Box(pace=0.0) as box:
        made = Land(
            tmp_path, box, driver="openstack", cloud="box", flavor="m1.tiny", image="box-linux"
        )
        yield made
        made.close()


@pytest.fixture
def nebula(tmp_path: Path) -> Iterator[Land]:
    with Box(pace=0.0) as box:
        file = tmp_path / "one_auth"
        file.write_text(box.one.session("demo"))
        made = Land(
            tmp_path, box, driver="opennebula", template="tiny", endpoint=box.one_url,
            auth_file=str(file),
        )  # fmt: skip
        yield made
        made.close()


def test_a_request_gets_a_machine_though_the_plane_is_killed(land: Land) -> None:
    plane = land.plane
    plane.start(Part.MASTER)
    plane.run("request", "db", str(HELLO), check=False)
    [server] = eventually(land.servers)
    plane.kill(Part.MASTER)
    plane.start(Part.MASTER)
    listed = json.loads(plane.run("capacity", "list", "-o", "json").stdout)
    assert [one["name"] for one in listed] == [server["name"]]
    told = plane.run("why", "db")
    assert "machine-" in told.stdout
    assert server["name"] in plane.run("why", server["name"]).stdout
    land.start_agent(server["OS-EXT-SRV-ATTR:user_data"])
    eventually(lambda: plane.client().service("db").computer_id == server["name"], within=60.0)
    assert [one["name"] for one in land.servers()] == [server["name"]]
    checked = plane.run("capacity", "check", check=False)
    assert "cannot reach" in checked.stdout + checked.stderr  # it listens on loopback only
    assert "more may come from north" in plane.run("doctor", check=False).stdout
    refused = plane.run("capacity", "remove", server["name"], check=False)
    assert refused.returncode != 0
    assert "db sits on" in refused.stderr
    plane.run("service", "destroy", "db")
    eventually(lambda: not land.servers(), within=60.0)


def test_an_opennebula_makes_one_machine_however_often_the_plane_is_killed(nebula: Land) -> None:
    plane, chance = nebula.plane, random.Random(7)
    admin = OneServer(nebula.box.one_url, session=nebula.box.one.session())

    def machines(state: int) -> list[Any]:
        return list(admin.vmpool.info(-2, -1, -1, state).VM)

    def kill_some(times: int) -> None:
        for _ in range(times):
            time.sleep(chance.uniform(0.0, 1.2))
            plane.kill(Part.MASTER)
            plane.start(Part.MASTER)

    plane.start(Part.MASTER)
    plane.run("request", "db", str(HELLO), check=False)
    kill_some(3)
    [machine] = eventually(lambda: machines(-1), within=60.0)
    template = admin.vm.info(machine.ID).TEMPLATE  # a list of machines has no context
    nebula.start_agent(template["CONTEXT"]["USER_DATA"])
    eventually(lambda: plane.client().service("db").computer_id == machine.NAME, within=60.0)
    assert [one.NAME for one in machines(-1)] == [machine.NAME]
    plane.run("service", "destroy", "db", "--wait")
    kill_some(2)
    eventually(lambda: not machines(-1), within=90.0)
    assert len(machines(-2)) == 1  # of all that there ever were
    admin.close()
