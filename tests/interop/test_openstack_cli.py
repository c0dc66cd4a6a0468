"""The command line on real services of OpenStack: a guide's jobs, and what it leaves out."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from pelagos.cli.failures import NOT_FOUND
from pelagos.core.clock import SystemClock
from support.cloud_cli import CloudShell, follow, openstack_shell
from support.openstack_services import OpenStack
from support.places import SECONDS

pytestmark = pytest.mark.whole_openstack

GUIDE = Path(__file__).parents[2] / "docs/how-to/work-with-a-cloud.md"
TINY = ("--flavor", "m1.tiny", "--image", "box-linux")


@pytest.fixture
def shell(whole_openstack: OpenStack, tmp_path: Path) -> CloudShell:
    return openstack_shell(whole_openstack, tmp_path, SystemClock(), tmp_path.name)


def test_the_guide_holds(
    shell: CloudShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / ".ssh" / "id_ed25519.pub"
    key.parent.mkdir()
    blob = b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x20" + bytes(range(32))
    key.write_text(f"ssh-ed25519 {base64.b64encode(blob).decode()} ada")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert follow(GUIDE, shell) > 20


def test_a_server_is_reached_from_the_outside(shell: CloudShell) -> None:
    lan = shell.data("network", "create", "lan", "--cidr", "10.5.0.0/24")["id"]
    shell.ok("router", "create", "edge", "--gateway", "public")
    [subnet] = [one for one in shell.data("subnet", "list") if one["network_id"] == lan]
    shell.ok("router", "connect", "edge", subnet["id"])
    made = shell.data("server", "create", "web", *TINY, "--network", "lan", "--wait")
    assert made["status"] == "ACTIVE"
    address = shell.data("ip", "create", "public")["floating_ip_address"]
    shell.ok("ip", "attach", address, "web")
    deadline = time.monotonic() + SECONDS  # Neutron tells Nova a little later
    while address not in str(shell.data("server", "list", "--status", "ACTIVE")[0]["addresses"]):
        assert time.monotonic() < deadline
    assert shell.data("ip", "info", address)["floating_ip_address"] == address
    shell.ok("ip", "detach", address)
    shell.ok("ip", "delete", address)
    shell.ok("network", "create", "second", "--cidr", "10.6.0.0/24")
    shell.ok("server", "connect", "web", "second", "--wait")
    assert {one["network_id"] for one in shell.data("port", "list", "--server", "web")} == {
        one["id"] for one in shell.data("network", "list") if one["name"] != "public"
    }
    shell.ok("server", "disconnect", "web", "second", "--wait")
    shell.ok("server", "delete", "web", "--wait")
    shell.ok("router", "disconnect", "edge", subnet["id"])
    shell.ok("router", "delete", "edge")
    for name in ("lan", "second"):
        shell.ok("network", "delete", name)


def test_an_image_goes_up_and_down_and_into_a_server(shell: CloudShell, tmp_path: Path) -> None:
    disk, got = tmp_path / "disk.img", tmp_path / "got.img"
    disk.write_bytes(b"disk" * 100_000)
    shell.ok("image", "create", "mine", "--file", str(disk), "--disk-format", "raw")
    shown = shell.data("image", "info", "mine")
    assert (shown["status"], shown["size"]) == ("active", 400_000)
    shell.ok("image", "save", "mine", str(got))
    assert got.read_bytes() == disk.read_bytes()
    shell.ok("server", "create", "web", "--flavor", "m1.tiny", "--image", "mine", "--wait")
    shell.ok("image", "create", "picture", "--server", "web", "--wait")
    assert shell.data("image", "info", "picture")["status"] == "active"
    shell.ok("server", "delete", "web", "--wait")
    for name in ("picture", "mine"):
        shell.ok("image", "delete", name)
    assert shell.run("image", "info", "mine").code == NOT_FOUND


def test_files_go_into_object_storage(shell: CloudShell, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a ü").write_bytes(b"a")
    (folder / "big").write_bytes(bytes(3_000_000))
    shell.ok("container", "create", "box")
    shell.ok("object", "upload", str(folder), "/box/", "-r")
    names = {one["name"] for one in shell.data("object", "list", "/box")}
    assert names == {"a ü", "big"}
    back = tmp_path / "back"
    back.mkdir()
    shell.ok("object", "download", "/box/big", str(back / "big"))
    assert (back / "big").read_bytes() == bytes(3_000_000)
    assert shell.run("container", "delete", "box").code != 0
    shell.ok("container", "delete", "box", "-r", "--yes")


def test_quotas_are_shown(shell: CloudShell) -> None:
    assert {one["resource"] for one in shell.data("quota", "list")}
