"""`pelagos server restore|tags|info`: what was deleted comes back; labels; names for ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND
from pelagos.core.clock import SystemClock
from support.cloud_cli import CloudShell, openstack_shell, synnefo_shell


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0, keep_deleted=3600.0) as running:
        yield running


@pytest.fixture
def shell(box: Box, tmp_path: Path) -> CloudShell:
    return openstack_shell(box, tmp_path, SystemClock())


@pytest.fixture
def synnefo(box: Box, tmp_path: Path) -> CloudShell:
    return synnefo_shell(box, tmp_path, SystemClock())


def offered(shell: CloudShell, kind: str) -> str:
    """The name of some flavour or image."""
    return str(shell.data(kind, "list")[0]["name"])


def make(shell: CloudShell, name: str, *words: str) -> str:
    flavor, image = offered(shell, "flavor"), offered(shell, "image")
    chosen = ("--flavor", flavor, "--image", image, "--no-network")
    return str(shell.data("server", "create", name, *chosen, *words)["id"])


def test_a_deleted_server_comes_back_by_its_name(shell: CloudShell) -> None:
    make(shell, "web")
    ran = shell.ok("server", "delete", "web", "--wait")
    assert "server web can be restored for a while: pelagos server restore" in ran.err
    assert shell.data("server", "list", "--name", "web") == []
    lost = shell.run("server", "restore", "wbe")
    assert (lost.code, "did you mean web?" in lost.err) == (NOT_FOUND, True)
    shell.ok("server", "restore", "web", "--wait")
    found = shell.data("server", "list", "--name", "web")
    assert [one["status"] for one in found] == ["ACTIVE"]
    ran = shell.ok("server", "delete", "web", "--force", "--wait")
    assert "server web is gone" in ran.err
    assert shell.run("server", "restore", "web").code == NOT_FOUND


def test_a_synnefo_keeps_none(synnefo: CloudShell) -> None:
    ran = synnefo.run("server", "restore", "web")
    assert (ran.code, "keeps no deleted servers" in ran.err) == (FAILED, True)


def test_labels_are_listed_and_looked_for(shell: CloudShell, synnefo: CloudShell) -> None:
    for one in (shell, synnefo):
        make(one, "tagged", "--tag", "blue", "--tag", "red")
        assert {row["tag"] for row in one.data("server", "tags", "tagged")} == {"blue", "red"}
        assert [row["tag"] for row in one.data("server", "tags", "tagged", "red")] == ["red"]
        ran = one.run("server", "tags", "tagged", "green", "red")
        assert (ran.code, "tagged has no label green" in ran.err) == (NOT_FOUND, True)
        one.ok("server", "delete", "tagged", "--wait")
    assert "status" in synnefo.ok("server", "tags", make(synnefo, "x", "--tag", "t")).out.lower()


def test_a_server_is_told_with_the_names_of_flavor_and_image(
    shell: CloudShell, synnefo: CloudShell
) -> None:
    for one in (shell, synnefo):
        make(one, "named")
        told = one.ok("server", "info", "named").rows
        flavor, image = offered(one, "flavor"), offered(one, "image")
        assert (told["flavor"].split()[0], told["image"].split()[0]) == (flavor, image)
        listed = one.ok("server", "list", "--long").out
        assert flavor in listed
        assert image in listed
        one.ok("server", "delete", "named", "--wait")
