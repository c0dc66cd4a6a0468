"""Commands on servers, networks, addresses, volumes and images, on a box that is an OpenStack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_ALLOWED, NOT_FOUND, NOT_READY, USAGE
from pelagos.core.clock import ManualClock
from support.cloud_cli import CloudShell, openstack_shell

pytestmark = pytest.mark.integration


SMALL = ("--flavor", "m1.small", "--image", "box-linux")


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(time.time())  # the box's answers are dated by the real one


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory, clock: ManualClock) -> Iterator[CloudShell]:
    with Box(clock=clock) as box:
        yield openstack_shell(box, tmp_path_factory.mktemp("shell"), clock)


@pytest.fixture(scope="module")
def lan(shell: CloudShell) -> str:
    """A network with addresses 10.5.0.0/24."""
    shell.ok("network", "create", "lan", "--cidr", "10.5.0.0/24")
    return "lan"


@pytest.fixture(scope="module")
def web(shell: CloudShell, lan: str) -> str:
    """A server that stays."""
    shell.ok("server", "create", "web", *SMALL, "--network", f"{lan},10.5.0.9", "--wait")
    return "web"


# ---- servers


def test_a_server_is_made_shown_and_deleted(shell: CloudShell, lan: str, tmp_path: Path):
    first = tmp_path / "first.sh"
    first.write_text("#!/bin/sh\n")
    made = shell.ok(
        "server", "create", "one", *SMALL, "--network", lan, "-m", "role=front", "--tag", "blue",
        "--user-data", str(first), "--wait",
    )  # fmt: skip
    assert made.rows["status"] == "ACTIVE"
    assert made.rows["password"]
    shown = shell.ok("server", "info", "one").rows
    assert shown["flavor"].startswith("m1.small (")
    assert shown["image"].startswith("box-linux (")
    assert (shown["metadata"], shown["tags"]) == ("role=front", "blue")
    assert shown["on lan"].startswith("10.5.0.")
    assert "password" not in shown
    gone = shell.ok("server", "delete", "one", "--wait")
    assert gone.err == "server one is gone\n"
    again = shell.run("server", "info", "one")
    assert (again.code, again.out) == (NOT_FOUND, "")
    assert "there is no server one in the cloud box" in again.err


def test_a_list_has_addresses_and_can_be_narrowed(shell: CloudShell, web: str):
    [row] = [one for one in shell.data("server", "list") if one["name"] == web]
    assert row["ips"] == "10.5.0.9"
    assert row["status"] == "ACTIVE"
    narrow = ("--name", "W*", "--status", "active", "--flavor", "m1.small", "--image", "box-linux")
    assert [one["id"] for one in shell.data("server", "list", *narrow)] == [row["id"]]
    assert shell.data("server", "list", "--name", "x*") == []
    assert shell.data("server", "list", "--metadata", "role=none") == []
    assert shell.ok("server", "list", "--status", "error").out == "there are no such servers\n"
    table = shell.ok("server", "list", "-l", "--id", row["id"]).out
    assert "m1.small" in table and "box-linux" in table
    assert shell.ok("server", "info", row["id"]).rows["name"] == web


def test_a_name_that_is_almost_right_is_told(shell: CloudShell, web: str):
    almost = shell.run("server", "info", "wbe")
    assert almost.code == NOT_FOUND
    assert f"did you mean {web}?" in almost.err


def test_two_of_one_name_are_told_apart_by_their_ids(shell: CloudShell, lan: str):
    for _ in range(2):
        shell.ok("server", "create", "twin", *SMALL, "--network", lan)
    ids = [one["id"] for one in shell.data("server", "list", "--name", "twin")]
    both = shell.run("server", "delete", "twin")
    assert both.code == FAILED
    assert "2 servers are called twin" in both.err
    assert all(one in both.err for one in ids)
    shell.ok("server", "delete", *ids, "--wait")


def test_several_are_made_at_once_and_deleted_by_a_pattern(shell: CloudShell, lan: str):
    made = shell.data("server", "create", "n", *SMALL, "--network", lan, "--count", "3", "--wait")
    assert [(one["name"], one["status"]) for one in made] == [
        ("n-1", "ACTIVE"), ("n-2", "ACTIVE"), ("n-3", "ACTIVE"),
    ]  # fmt: skip
    asked = shell.run("server", "delete", "--all-named", "n-*")
    assert asked.code == USAGE
    assert "3 servers would be deleted" in asked.err and "--yes" in asked.err
    assert len(shell.data("server", "list", "--name", "n-*")) == 3
    shell.ok("server", "delete", "--all-named", "n-*", "--yes", "--wait")
    assert shell.data("server", "list", "--name", "n-*") == []


def test_what_a_quota_allows_is_made_and_shown(shell: CloudShell, lan: str):
    ran = shell.run(
        "server", "create", "q", "--flavor", "m1.tiny", "--image", "box-linux",
        "--network", lan, "--count", "40", "-j",
    )  # fmt: skip
    made = ran.data
    assert ran.code != 0 and 0 < len(made) < 40
    assert "quota" in ran.err.lower()
    shell.ok("server", "delete", "--all-named", "q-*", "--yes", "--wait")


def test_a_server_is_stopped_started_and_started_again(shell: CloudShell, web: str):
    assert shell.ok("server", "stop", web, "--wait").err == "server web is SHUTOFF\n"
    assert shell.ok("server", "stop", web).err == "server web is SHUTOFF already\n"
    assert shell.ok("server", "start", web).err == "server web is being started\n"
    waited = shell.ok("server", "wait", web, "--until", "ACTIVE")
    assert waited.rows["status"] == "ACTIVE"
    assert shell.ok("server", "reboot", web, "--hard", "--wait").err == "server web is ACTIVE\n"


def test_a_wait_in_vain_ends_with_3_and_says_what_is(shell: CloudShell, web: str):
    waited = shell.run("server", "wait", web, "--until", "SHUTOFF", "--timeout", "20s")
    assert waited.code == NOT_READY
    assert "server web is ACTIVE after 20 s, not SHUTOFF" in waited.err


def test_a_terminal_shows_how_far_it_is(shell: CloudShell, web: str):
    ran = shell.ok("server", "stop", web, "--wait", is_terminal=True)
    assert "server web: ACTIVE" in ran.err
    assert ran.err.endswith("\r\x1b[Kserver web is SHUTOFF\n")
    shell.ok("server", "start", web, "--wait")


def test_a_server_gets_another_flavour_and_keeps_it_or_not(shell: CloudShell, lan: str):
    shell.ok("server", "create", "r", *SMALL, "--network", lan, "--wait")
    shell.ok("server", "resize", "r", "m1.medium", "--wait", "--confirm")
    assert shell.ok("server", "info", "r").rows["flavor"].startswith("m1.medium")
    shell.ok("server", "resize", "r", "m1.small", "--wait")
    assert shell.ok("server", "info", "r").rows["status"].startswith("VERIFY_RESIZE")
    shell.ok("server", "resize", "r", "--revert", "--wait")
    assert shell.ok("server", "info", "r").rows["flavor"].startswith("m1.medium")
    early = shell.run("server", "resize", "r", "m1.small", "--confirm")
    assert early.code == USAGE and "--wait" in early.err
    shell.ok("server", "delete", "r", "--wait")


def test_name_metadata_tags_and_password_are_changed(shell: CloudShell, lan: str):
    shell.ok("server", "create", "m", *SMALL, "--network", lan, "-m", "a=1", "-m", "b=2", "--wait")
    shell.ok(
        "server", "modify", "m", "--name", "mm", "--metadata-set", "c=3", "--metadata-del", "a",
        "--tag-add", "green", "--password", stdin="s3cret\n",
    )  # fmt: skip
    found = shell.data("server", "info", "mm")
    assert found["metadata"] == {"b": "2", "c": "3"}
    assert found["tags"] == ["green"]
    shell.ok("server", "modify", "mm", "--tag-replace", "x", "--tag-replace", "y")
    assert sorted(shell.data("server", "info", "mm")["tags"]) == ["x", "y"]
    shell.ok("server", "modify", "mm", "--tags-del")
    assert shell.data("server", "info", "mm")["tags"] == []
    assert shell.run("server", "modify", "mm").code == USAGE
    assert shell.run("server", "modify", "mm", "--firewall", "ENABLED").code == USAGE
    shell.ok("server", "delete", "mm", "--wait")


def test_a_server_is_rescued_and_rebuilt(shell: CloudShell, web: str):
    assert shell.ok("server", "rescue", web, "--wait").err == "server web is RESCUE\n"
    shell.ok("server", "unrescue", web, "--wait")
    asked = shell.run("server", "rebuild", web)
    assert asked.code == USAGE and "--yes" in asked.err
    assert shell.ok("server", "rebuild", web, "--yes", "--wait").rows["status"] == "ACTIVE"
    assert "http" in shell.ok("server", "console", web).rows["url"]


def test_the_command_line_is_checked_before_anything_is_made(shell: CloudShell):
    before = shell.data("server", "list")
    for words in (
        ("--flavor", "m1.small"),
        ("--image", "box-linux"),
        (*SMALL, "--network", "nowhere"),
        (*SMALL, "--no-network", "--network", "lan"),
        (*SMALL, "--key", "a", "--key", "b"),
        (*SMALL, "--user-data", "/nowhere"),
        (*SMALL, "--personality", ",x"),
        (*SMALL, "--project", "other"),
    ):
        ran = shell.run("server", "create", "never", *words)
        assert ran.code in (USAGE, NOT_FOUND), words
        assert ran.err.count("\n  ") or "--" in ran.err
    assert shell.data("server", "list") == before


# ---- keys


def test_keys_are_registered_made_and_kept_for_their_owner(shell: CloudShell, tmp_path: Path):
    private = tmp_path / "robot.pem"
    made = shell.ok("keypair", "create", "robot", "--save", str(private))
    assert "PRIVATE KEY" in private.read_text()
    assert private.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in made.out
    public = shell.data("keypair", "info", "robot")["public_key"]
    (tmp_path / "k.pub").write_text(public)
    shell.ok("keypair", "create", "ada", "--public-key", str(tmp_path / "k.pub"))
    again = shell.run("keypair", "create", "ada", "--public-key", str(tmp_path / "k.pub"))
    assert again.code == FAILED and "--force" in again.err
    shell.ok("keypair", "create", "ada", "--public-key", "-", "--force", stdin=public)
    wrong = shell.run("keypair", "create", "x", "--public-key", str(private))
    assert wrong.code == USAGE and "nothing was sent" in wrong.err
    taken = shell.run("keypair", "create", "x", "--save", str(private))
    assert taken.code == USAGE and "PRIVATE KEY" in private.read_text()
    assert {one["name"] for one in shell.data("keypair", "list")} >= {"ada", "robot"}
    shell.ok("keypair", "delete", "ada", "robot")
    assert shell.run("keypair", "info", "ada").code == NOT_FOUND


def test_the_private_half_is_printed_as_it_is(shell: CloudShell):
    ran = shell.ok("keypair", "create", "told")
    head, begin, key = ran.out.partition("-----BEGIN ")
    assert begin and head.endswith("\n\n") and "private" not in head
    assert all(line and not line.startswith(" ") for line in key.splitlines())
    assert key.endswith("PRIVATE KEY-----\n") and "told this once" in ran.err
    one = ("-o", "value", "--columns", "private_key")
    again = shell.ok("keypair", "create", "told", "--force", *one).out
    assert again.startswith("-----BEGIN ") and again.count("\n") > 10 and "\\n" not in again
    shell.ok("keypair", "delete", "told")


def test_a_key_that_cannot_be_made_leaves_no_file(shell: CloudShell, tmp_path: Path):
    shell.ok("keypair", "create", "once")
    path = tmp_path / "once.pem"
    assert shell.run("keypair", "create", "once", "--save", str(path)).code == FAILED
    assert not path.exists()
    shell.ok("keypair", "delete", "once")


# ---- flavours and images


def test_flavours_come_the_smallest_first(shell: CloudShell):
    found = shell.data("flavor", "list", "--vcpus", "2")
    assert [one["vcpus"] for one in found] == sorted(one["vcpus"] for one in found)
    assert all(one["vcpus"] >= 2 for one in found)
    assert shell.ok("flavor", "info", "m1.small").rows["memory"] == "2 GiB"


def test_an_image_is_uploaded_changed_shared_and_saved(shell: CloudShell, tmp_path: Path):
    content = tmp_path / "disk.qcow2"
    content.write_bytes(bytes(range(256)) * 3000)
    made = shell.ok(
        "image", "create", "mine", "--file", str(content), "-p", "os=x", is_terminal=True
    )
    assert made.rows["status"] == "active"
    assert (made.rows["format"], made.rows["size"]) == ("qcow2", "750 KiB")
    assert "mine: " in made.err
    saved = tmp_path / "saved"
    shell.ok("image", "save", "mine", str(saved))
    assert saved.read_bytes() == content.read_bytes()
    assert shell.run("image", "save", "mine", str(saved)).code == FAILED
    printed = subprocess.run(
        [sys.executable, "-m", "pelagos", "image", "save", "mine", "-", "-vv"],
        env={**os.environ, **shell.environ, "HOME": str(shell.folder)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    assert b"/image/v2/images" in printed.stderr and b"Level 1" not in printed.stderr
    assert printed.stdout == content.read_bytes() and not (tmp_path / "-").exists()
    shell.ok("image", "modify", "mine", "--name", "ours", "--property-set", "a=b")
    shell.ok("image", "modify", "ours", "--property-del", "os", "--member-add", "friends")
    assert shell.ok("image", "info", "ours").rows["properties"] == "a=b"
    [member] = shell.data("image", "info", "ours", "--members")
    assert member["member_id"] == "friends"
    shell.ok("image", "modify", "ours", "--member-del", "friends")
    found = shell.data("image", "list", "--property", "a=b", "--order=-size", "--size-min", "1000")
    assert [one["name"] for one in found] == ["ours"]
    shell.ok("image", "delete", "ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk.qcow2", "saved"]


def test_an_image_is_made_of_a_server(shell: CloudShell, web: str):
    made = shell.ok("image", "create", "web-now", "--server", web, "--wait")
    assert made.rows["status"] == "active"
    shell.ok("server", "wait", web, "--until", "ACTIVE")  # it is still busy with the upload
    shell.ok("image", "delete", "web-now")


def test_a_file_that_is_not_there_makes_no_image(shell: CloudShell):
    ran = shell.run("image", "create", "none", "--file", "/nowhere/disk.raw")
    assert ran.code == USAGE and "/nowhere/disk.raw" in ran.err
    assert shell.data("image", "list", "--name", "none") == []


# ---- networks, ports, addresses


def test_a_network_whose_subnet_is_refused_is_removed_again(shell: CloudShell):
    ran = shell.run("network", "create", "half", "--cidr", "10.0.0.0/99")
    assert ran.code == USAGE
    assert "was removed again" in ran.err
    assert shell.data("network", "list", "--name", "half") == []


def test_networks_and_subnets_are_made_changed_and_deleted(shell: CloudShell):
    shell.ok("network", "create", "n1", "--cidr", "10.8.0.0/24")
    made = shell.ok(
        "subnet", "create", "n1", "10.9.0.0/24", "--name", "s1", "--no-gateway", "--no-dhcp",
        "--pool", "10.9.0.10,10.9.0.20",
    )  # fmt: skip
    assert made.rows["gives out"] == "10.9.0.10 to 10.9.0.20"
    assert "gateway" not in made.rows
    shell.ok("subnet", "modify", "s1", "--name", "s2", "--dhcp")
    assert shell.data("subnet", "info", "s2")["enable_dhcp"] is True
    assert len(shell.data("subnet", "list", "--network", "n1")) == 2
    assert "10.9.0.0/24 (s2)" in shell.ok("network", "info", "n1").rows["subnets"]
    assert shell.run("subnet", "create", "n1", "10.9.0.1/24").code == USAGE
    shell.ok("subnet", "delete", "s2")
    shell.ok("network", "modify", "n1", "--name", "n2")
    shell.ok("network", "delete", "n2")
    assert shell.run("network", "info", "n2").code == NOT_FOUND


@pytest.mark.usefixtures("web")
def test_a_network_in_use_says_by_what(shell: CloudShell, lan: str):
    ran = shell.run("network", "delete", lan)
    assert ran.code == FAILED
    assert "is in use" in ran.err and "pelagos port list --network" in ran.err


def test_a_server_joins_a_network_and_leaves_it(shell: CloudShell, web: str):
    shell.ok("network", "create", "side", "--cidr", "10.6.0.0/24")
    port = shell.ok("server", "connect", web, "side", "--address", "10.6.0.50", "--wait")
    assert (port.rows["addresses"], port.rows["status"]) == ("10.6.0.50", "ACTIVE")
    cards = shell.data("server", "info", web, "--nics")
    assert "10.6.0.50" in [one["ipv4"] for one in cards]
    [listed] = shell.data("port", "list", "--server", web, "--network", "side")
    assert listed["ips"] == "10.6.0.50"
    assert shell.ok("server", "disconnect", web, "side").err == "server web has 1 port less\n"
    assert shell.data("port", "list", "--network", "side") == []
    again = shell.run("server", "disconnect", web, "side")
    assert again.code == NOT_FOUND
    shell.ok("network", "delete", "side")


def test_ports_are_made_waited_for_changed_and_deleted(shell: CloudShell, lan: str):
    shell.ok("port", "create", lan, "--name", "p1")
    waited = shell.run("port", "wait", "p1", "--until", "ACTIVE", "--timeout", "5")
    assert waited.code == NOT_READY and "is DOWN" in waited.err
    assert shell.ok("port", "wait", "p1").rows["status"] == "DOWN"
    shell.ok("port", "modify", "p1", "--name", "p2")
    assert shell.ok("port", "info", "p2").rows["name"] == "p2"
    shell.ok("port", "delete", "p2", "--wait")


def test_floating_addresses_are_taken_and_given_back(shell: CloudShell, web: str):
    address = shell.data("ip", "create")["floating_ip_address"]
    assert address in shell.ok("ip", "list", "--free").out
    unreachable = shell.run("ip", "attach", address, web)
    assert unreachable.code == NOT_FOUND  # no router leads there
    assert "not reachable" in unreachable.err
    assert shell.ok("ip", "detach", address).err == f"{address} leads nowhere already\n"
    shell.ok("ip", "delete", address)
    assert address not in shell.ok("ip", "list").out


def test_a_floating_address_leads_to_a_server_behind_a_router(shell: CloudShell):
    shell.ok("network", "create", "dmz", "--cidr", "10.9.0.0/24")
    [subnet] = shell.data("subnet", "list", "--network", "dmz")
    shell.ok("server", "create", "front", *SMALL, "--network", "dmz,10.9.0.7", "--wait")
    made = shell.ok("router", "create", "edge", "--gateway", "public").rows
    assert made["address"].startswith("198.51.100.")
    joined = shell.ok("router", "connect", "edge", subnet["id"])
    assert joined.err == "the router edge joins 10.9.0.0/24\n"
    assert "10.9.0.1 (" in shell.ok("router", "info", "edge").out
    address = shell.data("ip", "create", "public")["floating_ip_address"]
    led = shell.ok("ip", "attach", address, "front").rows
    assert (led["address"], led["leads to"]) == (address, "10.9.0.7")
    assert address in shell.ok("server", "info", "front").out
    used = shell.run("router", "disconnect", "edge", subnet["id"])
    assert used.code == FAILED and "floating" in used.err
    stays = shell.run("router", "delete", "edge")
    assert stays.code == FAILED and "pelagos router disconnect" in stays.err
    shell.ok("ip", "detach", address)
    assert address in shell.ok("ip", "list", "--free").out
    shell.ok("router", "disconnect", "edge", subnet["id"])
    shell.ok("server", "delete", "front", "--wait")
    shell.ok("ip", "delete", address)


def test_a_router_is_changed_and_deleted(shell: CloudShell):
    shell.ok("router", "create", "r1")
    assert shell.data("router", "list", "--name", "r*")[0]["external_gateway_info"] is None
    changed = shell.ok("router", "modify", "r1", "--name", "r2", "--gateway", "public").rows
    assert changed["name"] == "r2" and changed["address"]
    assert "address" not in shell.ok("router", "modify", "r2", "--no-gateway").rows
    assert shell.run("router", "modify", "r2").code == USAGE
    assert shell.run("router", "connect", "r2", "nowhere").code == NOT_FOUND
    assert shell.ok("router", "delete", "r2").err == "the router r2 is gone\n"
    assert shell.data("router", "list", "--name", "r*") == []


def test_a_security_group_lets_in_what_it_is_told(shell: CloudShell, lan: str):
    shell.ok("security-group", "create", "doors", "--description", "of the house")
    ssh = shell.data("security-group", "allow", "doors", "--port", "22")
    assert (ssh["protocol"], ssh["port_range_min"], ssh["port_range_max"]) == ("tcp", 22, 22)
    for words in (
        ("--protocol", "udp", "--port", "8000-8099", "--remote", "fd00::/64"),
        ("--protocol", "icmp", "--group", "doors"),
        ("--out", "--ipv6", "--remote", "::/0", "--protocol", "tcp"),
    ):
        shell.ok("security-group", "allow", "doors", *words)
    rules = shell.data("security-group", "info", "doors")
    told = {(one["direction"], one["ethertype"], one["port"], one["remote"]) for one in rules}
    assert ("ingress", "IPv4", "22", "anywhere") in told
    assert ("ingress", "IPv6", "8000-8099", "fd00::/64") in told
    assert ("egress", "IPv6", "", "::/0") in told
    twice = shell.run("security-group", "allow", "doors", "--port", "22")
    assert twice.code == FAILED and "exists" in twice.err
    for odd in ("0", "x", "9-3", "70000", "-"):
        assert shell.run("security-group", "allow", "doors", "--port", odd).code == USAGE
    shell.ok("security-group", "revoke", "doors", ssh["id"])
    assert shell.run("security-group", "revoke", "doors", ssh["id"]).code == NOT_FOUND
    shell.ok("security-group", "modify", "doors", "--name", "gates")
    shell.ok("port", "create", lan, "--name", "guarded", "--security-group", "gates")
    in_use = shell.run("security-group", "delete", "gates")
    assert in_use.code == FAILED and "in use" in in_use.err
    shell.ok("port", "delete", "guarded", "--wait")
    shell.ok("security-group", "delete", "gates")
    assert [one["name"] for one in shell.data("security-group", "list")] == ["default"]


# ---- volumes


def test_a_volume_becomes_larger_also_at_a_server(shell: CloudShell, web: str):
    shell.ok("volume", "create", "big", "--size", "1", "--wait")
    made = shell.ok("volume", "extend", "big", "--size", "3", "--wait").rows
    assert (made["size"], made["status"]) == ("3 GiB", "available")
    shell.ok("server", "attach", web, "big", "--wait")
    made = shell.ok("volume", "extend", "big", "--size", "4", "--wait").rows
    assert (made["size"], made["status"]) == ("4 GiB", "in-use")
    smaller = shell.run("volume", "extend", "big", "--size", "2")
    assert smaller.code == USAGE and "greater than current size" in smaller.err
    assert shell.run("volume", "extend", "big").code == USAGE
    shell.ok("server", "detach", web, "big", "--wait")
    shell.ok("volume", "delete", "big", "--wait")


def test_a_volume_is_made_attached_kept_and_deleted(shell: CloudShell, web: str):
    made = shell.ok("volume", "create", "data", "--size", "2", "-m", "a=1", "--wait")
    assert (made.rows["status"], made.rows["size"]) == ("available", "2 GiB")
    shell.ok("server", "attach", web, "data", "--wait")
    assert "web" in shell.ok("volume", "list", "-l", "--name", "data").out
    assert len(shell.data("server", "info", web, "--volumes")) == 1
    used = shell.run("volume", "delete", "data")
    assert used.code == FAILED and "pelagos server detach" in used.err
    shell.ok("snapshot", "create", "data", "--name", "now", "--force", "--wait")
    shell.ok("server", "detach", web, "data", "--wait")
    gone = shell.run("server", "detach", web, "data")
    assert gone.code == NOT_FOUND
    shell.ok("volume", "modify", "data", "--name", "daten", "--metadata-set", "b=2")
    assert shell.data("volume", "info", "daten")["metadata"] == {"a": "1", "b": "2"}
    shell.ok("volume", "create", "copy", "--snapshot", "now", "--wait")
    assert shell.data("volume", "info", "copy")["size"] == 2
    shell.ok("snapshot", "modify", "now", "--description", "before")
    [snapshot] = shell.data("snapshot", "list", "--volume", "daten")
    assert snapshot["description"] == "before"
    shell.ok("snapshot", "delete", "now", "--wait")
    shell.ok("volume", "delete", "daten", "copy", "--wait")
    assert shell.data("volume", "list", "--name", "*a*") == []


def test_volumes_have_types_and_are_waited_for(shell: CloudShell):
    [kind, *_] = shell.data("volume", "types")
    shell.ok("volume", "create", "v", "--size", "1", "--type", kind["name"])
    assert shell.ok("volume", "wait", "v").rows["status"] == "available"
    late = shell.run("volume", "wait", "v", "--until", "in-use", "--timeout", "3")
    assert late.code == NOT_READY
    shell.ok("volume", "delete", "v", "--wait")
    assert shell.run("volume", "create", "w").code == USAGE


# ---- clouds


def test_clouds_are_listed_checked_and_shown_without_their_secrets(shell: CloudShell):
    listed = {one["name"]: one for one in shell.data("cloud", "list")}
    assert listed["box"]["is_default"] and listed["box"]["kind"] == "OpenStack"
    assert listed["synnefo"]["kind"] == "Synnefo"
    secret = (shell.folder / "demo.toml").read_text().split('password = "')[1].split('"')[0]
    shown = shell.ok("cloud", "info", "box")
    assert secret not in shown.out and "***" in shown.out
    checked = {one["service"]: one for one in shell.data("cloud", "check")}
    assert {one["verdict"] for one in checked.values()} == {"ok"}
    assert "user demo" in checked["login"]["said"]
    named = {one["service"] for one in shell.data("cloud", "check", "--cloud", "synnefo")}
    assert named == set(checked)
    assert shell.data("cloud", "info", "--cloud", "synnefo")["name"] == "synnefo"
    two = shell.run("cloud", "check", "box", "--cloud", "synnefo")
    assert two.code == USAGE and "two clouds" in two.err


def test_a_cloud_is_added_used_and_forgotten(shell: CloudShell, tmp_path: Path):
    listed = {one["name"]: one for one in shell.data("cloud", "list")}
    secret = (shell.folder / "demo.toml").read_text().split('password = "')[1].split('"')[0]
    own = {"PELAGOS_CONFIG": str(tmp_path / "own.toml"), "OS_CLOUD": ""}
    fresh = CloudShell(tmp_path, own, shell.clock)
    add = ("cloud", "add", "work", listed["box"]["auth_url"], "--username", "demo")
    wrong = fresh.run(*add, "--project", "demo", stdin="wrong\n")
    assert wrong.code == NOT_ALLOWED and "nothing was kept" in wrong.err
    assert "cloud check" not in wrong.err, "there is no such cloud to be checked"
    assert list(tmp_path.iterdir()) == []
    place = ("cloud", "add", "work", listed["box"]["auth_url"] + "/nowhere", "--username", "demo")
    assert "nothing was kept" in fresh.run(*place, stdin="x\n").err
    added = fresh.ok(*add, "--project", "demo", "--default", stdin=f"{secret}\n")
    assert secret not in added.out + added.err
    kept = tmp_path / "clouds" / "work.secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert secret not in (tmp_path / "own.toml").read_text()
    assert fresh.ok("server", "list").code == 0
    again = fresh.run(*add, stdin=f"{secret}\n")
    assert again.code == FAILED and "--replace" in again.err
    assert fresh.run("cloud", "add", "../x", "http://x", "--token", stdin="t\n").code == USAGE
    fresh.ok("cloud", "remove", "work")
    assert not kept.exists()
    none = fresh.run("server", "list")
    assert none.code == USAGE and "no cloud is configured" in none.err
    assert "pelagos cloud add NAME" in none.err


def test_the_cloud_is_chosen_by_option_variable_or_default(shell: CloudShell):
    both = {**shell.environ, "OS_CLOUD": ""}
    plain = CloudShell(shell.folder, both, shell.clock)
    unclear = plain.run("server", "list")
    assert unclear.code == USAGE and "several clouds" in unclear.err
    assert "--cloud box" in unclear.err
    assert plain.run("server", "list", "--cloud", "box").code == 0
    wrong = plain.run("server", "list", "--cloud", "bxo")
    assert wrong.code == USAGE and "did you mean box?" in wrong.err
    named = CloudShell(shell.folder, {**both, "PELAGOS_CLOUD": "box"}, shell.clock)
    assert named.run("server", "list").code == 0


def test_json_has_the_whole_record_and_the_table_a_few_columns(shell: CloudShell, web: str):
    whole = shell.data("server", "info", web)
    assert {"links", "hostId", "OS-EXT-STS:vm_state"} <= whole.keys()
    chosen = shell.ok("server", "info", web, "-o", "value", "--columns", "name,status").out
    assert chosen == "web\nACTIVE\n"
    assert json.loads(shell.ok("server", "list", "--columns", "name", "-j").out)


def test_a_list_loads_nothing_that_it_does_not_need(shell: CloudShell):
    program = (
        "import sys; from pelagos.cli.main import main; code = main(['server', 'list', '-j']);"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    environ = {**os.environ, **shell.environ, "HOME": str(shell.folder)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    code, *loaded = done.stderr.split()
    assert (code, isinstance(json.loads(done.stdout), list)) == ("0", True)
    dear = {"asyncio", "email.message", "flask", "http.client", "rich", "ssl", "urllib3", "yaml"}
    assert not dear & set(loaded)


@pytest.mark.parametrize(
    "line",
    [
        "server list", "flavor list", "network list", "subnet list", "port list",
        "security-group list", "keypair list", "project list",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("web")
def test_what_rows_have_may_be_named_where_there_are_none(shell: CloudShell, line: str):
    if line == "keypair list":
        shell.run("keypair", "create", "for-keys", "-j")
    keys = {key for row in shell.data(*line.split()) for key in row}
    assert keys
    named = [word for key in sorted(keys) for word in ("--filter", f"{key}!=x")]
    words = (*line.split(), "--name", "nobody-is-called-so")
    assert shell.run(*words, *named, "-j").out == "[]\n"
    wrong = shell.run(*words, "--filter", "nmae=x")
    assert (wrong.code, "did you mean name?" in wrong.err) == (USAGE, True)
