"""`pelagos node format` by doing: folders, a definition file, addresses, and undoing it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.require import Require

DEFINITION = """\
[computer]
address = 127.0.0.1/255.0.0.0

[partition_0]
pathname = first
address = 127.0.0.1/255.255.255.255
capability_list = gpu

[partition_1]
pathname = second
address = 127.0.0.1/255.255.255.255
"""


class Node:
    def __init__(self, folder: Path, section: str = "") -> None:
        self.data = folder / "data"
        self.root = self.data / "node"
        self.config = folder / "config.toml"
        self.config.write_text(f"[node]\npartitions = 2\n{section}")

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environ = {
            **os.environ,
            "PELAGOS_CONFIG": str(self.config),
            "PELAGOS_DATA": str(self.data),
        }
        return subprocess.run(
            [sys.executable, "-m", "pelagos", *words],
            env=environ,
            capture_output=True,
            text=True,
            check=check,
        )

    def format(self, *words: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(
            self.run("node", "format", "-o", "json", *words).stdout
        )
        return found


def test_a_trial_changes_nothing_and_a_second_run_finds_nothing(tmp_path: Path) -> None:
    node = Node(tmp_path)
    planned = node.format("--dry-run")
    assert {step["kind"] for step in planned} == {"make-folder", "write-resource"}
    assert not node.data.exists()
    assert [s["kind"] for s in node.format()].count("write-resource") == 2
    assert node.format() == []
    assert sorted(p.name for p in (node.root / "instance").iterdir()) == ["slappart0", "slappart1"]
    said = json.loads((node.root / "instance" / "slappart0" / ".slapos-resource").read_text())
    assert said["address_list"] == [{"addr": "127.0.0.1", "netmask": "255.0.0.0"}]


def test_fewer_partitions_go_when_they_are_free_only(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.format()
    (node.root / "instance" / "slappart1" / ".slapgrid").mkdir()
    guid = node.root / "instance" / "slappart1" / ".slapgrid" / "guid"
    guid.write_text("SOFTINST-1")
    refused = node.run("node", "format", "--partitions", "1", check=False)
    assert refused.returncode == 1
    assert "slappart1 would no longer be a partition" in refused.stderr
    guid.unlink()
    guid.parent.rmdir()
    assert [s["kind"] for s in node.format("--partitions", "1")] == ["remove-folder"]
    assert not (node.root / "instance" / "slappart1").exists()


def test_a_definition_file_counts_until_another_is_given(tmp_path: Path) -> None:
    node = Node(tmp_path)
    path = tmp_path / "definition.cfg"
    path.write_text(DEFINITION)
    node.format("-i", str(path))
    assert node.format() == []
    assert sorted(p.name for p in (node.root / "instance").iterdir()) == ["first", "second"]
    noted = json.loads((node.root / "format.json").read_text())
    assert noted["slots"][0]["capabilities"] == ["gpu"]


def test_a_number_of_partitions_beside_a_definition_file_is_refused(tmp_path: Path) -> None:
    node = Node(tmp_path)
    path = tmp_path / "definition.cfg"
    path.write_text(DEFINITION)
    given = node.run("node", "format", "-i", str(path), "--partitions", "5", check=False)
    assert given.returncode == 2 and str(path) in given.stderr
    node.format("-i", str(path))
    known = node.run("node", "format", "--partitions", "5", check=False)
    assert known.returncode == 2 and str(path) in known.stderr


def test_what_is_wrong_in_the_configuration_is_named(tmp_path: Path) -> None:
    wrong = Node(tmp_path, 'network = "10.0.0.1/8"\n').run("node", "format", check=False)
    assert wrong.returncode != 0
    assert "node.network" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do this")
def test_an_ordinary_user_is_told_that_users_need_root(tmp_path: Path) -> None:
    section = f'users = true\nroot = "{tmp_path}/root"\n'
    refused = Node(tmp_path, section).run("node", "format", check=False)
    assert refused.returncode != 0
    assert "only root" in refused.stderr


@pytest.mark.needs_root
def test_addresses_are_added_once_again_after_a_reboot_and_removed(
    tmp_path: Path, require: Require
) -> None:
    require.program("ip", package="iproute2")
    probe = ["ip", "addr", "add", "10.253.77.9/32", "dev", "lo"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        require.missing("addresses cannot be added to lo here")
    subprocess.run(["ip", "addr", "del", "10.253.77.9/32", "dev", "lo"], check=True)
    node = Node(tmp_path, 'network = "10.253.77.0/29"\n')
    try:
        added = [s["subject"] for s in node.format() if s["kind"] == "add-address"]
        assert added == ["10.253.77.1 lo", "10.253.77.2 lo"]
        assert node.format() == []
        subprocess.run(["ip", "addr", "del", "10.253.77.1/32", "dev", "lo"], check=True)
        assert [s["kind"] for s in node.format()] == ["add-address"]
    finally:
        node.run("node", "unformat")
    shown = subprocess.run(["ip", "addr", "show"], capture_output=True, text=True, check=True)
    assert "10.253.77." not in shown.stdout
