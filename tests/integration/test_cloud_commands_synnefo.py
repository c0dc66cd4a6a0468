"""The same commands on a box that is a Synnefo: its own words, numbers for ids, no confirming."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_ALLOWED, NOT_FOUND, USAGE
from pelagos.core.clock import ManualClock
from support.cloud_cli import CloudShell, synnefo_shell

pytestmark = pytest.mark.integration

SMALL = ("--flavor", "C1R512D5plain", "--image", "box-linux")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudShell]:
    clock = ManualClock(time.time())
    with Box(clock=clock) as box:
        made = synnefo_shell(box, tmp_path_factory.mktemp("shell"), clock)
        made.ok("network", "create", "lan", "--cidr", "10.5.0.0/24")
        yield made


@pytest.fixture(scope="module")
def web(shell: CloudShell) -> str:
    """A server that stays."""
    shell.ok(
        "server", "create", "web", *SMALL, "--network", "lan", "-m", "role=front",
        "--tag", "blue", "--wait",
    )  # fmt: skip
    return "web"


def test_a_server_is_made_shown_changed_and_deleted(shell: CloudShell):
    made = shell.ok("server", "create", "one", *SMALL, "--network", "lan", "--wait")
    assert made.rows["status"] == "ACTIVE" and made.rows["password"]
    shell.ok(
        "server", "modify", "one", "--name", "two", "--metadata-set", "a=1",
        "--tag-add", "green", "--firewall", "ENABLED",
    )  # fmt: skip
    found = shell.data("server", "info", "two")
    assert found["metadata"]["a"] == "1" and "green" in found["tags"]
    assert [one["name"] for one in shell.data("server", "list", "--name", "t*")] == ["two"]
    shell.ok("server", "delete", "two", "--wait")
    assert shell.run("server", "info", "two").code == NOT_FOUND


def test_a_server_is_found_by_its_number(shell: CloudShell, web: str):
    number = shell.data("server", "info", web)["id"]
    assert shell.ok("server", "info", str(number)).rows["name"] == web
    assert shell.run("server", "info", "4711").code == NOT_FOUND


def test_a_server_is_stopped_and_started_in_either_familys_words(shell: CloudShell, web: str):
    assert shell.ok("server", "stop", web, "--wait").err == "server web is STOPPED\n"
    assert shell.ok("server", "wait", web, "--until", "SHUTOFF").rows["status"] == "STOPPED"
    assert len(shell.data("server", "list", "--status", "SHUTOFF")) == 1
    shell.ok("server", "start", web, "--wait")


def test_only_a_server_that_is_stopped_is_resized(shell: CloudShell, web: str):
    running = shell.run("server", "resize", web, "C1R1024D5plain")
    assert running.code == FAILED and "pelagos server stop" in running.err
    shell.ok("server", "stop", web, "--wait")
    shell.ok("server", "resize", web, "C1R1024D5plain", "--wait")
    assert shell.ok("server", "info", web).rows["flavor"].startswith("C1R1024D5plain")
    shell.ok("server", "start", web, "--wait")


def test_what_only_a_synnefo_tells_is_told(shell: CloudShell, web: str):
    assert "http" in shell.ok("server", "info", web, "--stats").rows["cpuBar"]
    console = shell.ok("server", "console", web).rows
    assert console["password"] and console["port"]
    assert shell.run("server", "create", "z", *SMALL, "--zone", "x").code == USAGE
    assert {one["SNF:disk_template"] for one in shell.data("flavor", "list")} >= {"plain"}


def test_a_floating_address_is_led_to_a_server_and_away(shell: CloudShell, web: str):
    address = shell.data("ip", "create")["floating_ip_address"]
    led = shell.ok("ip", "attach", address, web, "--wait")
    assert led.rows["status"] == "ACTIVE"
    assert address in [one["ipv4"] for one in shell.data("server", "info", web, "--nics")]
    shell.ok("ip", "detach", address, "--wait")
    shell.ok("ip", "delete", address)


def test_a_server_joins_a_network_and_leaves_it(shell: CloudShell, web: str):
    shell.ok("network", "create", "side", "--cidr", "10.6.0.0/24")
    shell.ok("server", "connect", web, "side", "--wait")
    shell.ok("server", "disconnect", web, "side", "--wait")
    [port] = shell.data("port", "list", "--server", web)
    assert port["ips"] == "10.5.0.2"


def test_a_volume_is_made_at_a_server_and_detached(shell: CloudShell, web: str):
    shell.ok("volume", "create", "data", "--size", "1", "--server", web, "--wait")
    assert len(shell.data("volume", "list", "--server", web, "--name", "data")) == 1
    assert shell.run("volume", "delete", "data").code == FAILED
    shell.ok("server", "detach", web, "data", "--wait")
    shell.ok("volume", "modify", "data", "--name", "daten", "--description", "x")
    shell.ok("volume", "delete", "daten", "--wait")


def test_an_image_is_made_of_an_object(shell: CloudShell, tmp_path: Path):
    here = shell.run("image", "create", "x", "--file", str(tmp_path / "x"))
    assert here.code == USAGE and "object" in here.err
    others = shell.run("image", "create", "x", "--location", "pithos://somebody/images/x")
    assert others.code == NOT_ALLOWED


def test_a_cloud_is_checked(shell: CloudShell):
    checked = {one["service"]: one for one in shell.data("cloud", "check")}
    assert {one["verdict"] for one in checked.values()} == {"ok"}
