"""`pelagos capacity …` against a master over HTTP; who may, and what a plane without says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.web import Server
from pelagos.slap import master
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import Unauthorized
from support.capacity_site import CapacitySite
from support.cloud_cli import CloudShell

pytestmark = pytest.mark.integration


class Shell:
    """The command line of somebody with a token."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self.url = url
        self._shell = CloudShell(folder, {"PELAGOS_MASTER_URL": url, "PELAGOS_TOKEN": token})

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code, and all that is said."""
        ran = self._shell.run(*words)
        return ran.code, ran.out + ran.err


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CapacitySite]:
    made = CapacitySite(tmp_path, north={"max_machines": 2}, south={"quota": 0})
    yield made
    made.close()


@pytest.fixture
def shell(site: CapacitySite, tmp_path: Path) -> Iterator[Shell]:
    server = Server(site.master.app)
    server.start()
    token = site.service.create_person("ann")
    yield Shell(tmp_path, server.url, token)
    server.stop()


def test_machines_are_made_listed_checked_and_removed(site: CapacitySite, shell: Shell) -> None:
    code, said = shell.run("capacity", "make", "north")
    assert code == 0, said
    name = said.split()[0]
    site.round()
    site.round()
    code, said = shell.run("capacity", "list")
    assert code == 0
    assert name in said
    assert "booting" in said
    assert "person:ann" in said
    code, said = shell.run("why", name)
    assert code == 0
    assert "machine-booting" in said
    code, said = shell.run(
        "capacity", "list", "--places", "-o", "value", "--columns", "name,state"
    )
    assert said.split() == ["north", "ready", "south", "ready"]
    code, said = shell.run("capacity", "check")
    assert code == 1
    assert "north: a machine could be made now" in said
    assert "south: the quota of 0 machines is used up" in said
    assert shell.run("capacity", "check", "north")[0] == 0
    code, said = shell.run("capacity", "remove", name)
    assert code == 0, said
    assert "somebody asked for that" in shell.run("why", name)[1]
    site.round()
    site.round(61.0)
    code, said = shell.run("capacity", "list")
    assert "there are no machines now" in said
    assert shell.run("capacity", "remove", name)[0] == 4


def test_a_machine_is_waited_for(site: CapacitySite, shell: Shell) -> None:
    code, said = shell.run("capacity", "make", "north", "--wait", "--timeout", "0")
    assert code == 3, said
    assert "not joined" in said
    name = next(word for word in said.split() if word.startswith("pelagos-"))
    code, said = shell.run("capacity", "remove", name.rstrip(":"), "--wait", "--timeout", "0")
    assert code in (0, 3), said
    site.round()
    site.round(61.0)
    assert "there are no machines now" in shell.run("capacity", "list")[1]


def test_what_cannot_be_is_told(shell: Shell) -> None:
    assert shell.run("capacity", "make", "nort")[0] == 4
    for _ in range(2):
        assert shell.run("capacity", "make", "north")[0] == 0
    code, said = shell.run("capacity", "make", "north")
    assert code == 1
    assert "may have no more" in said
    assert "max_machines" in said


def test_a_tenant_learns_and_does_nothing(site: CapacitySite, shell: Shell) -> None:
    token = site.service.create_person("tom", master.auth.Role.TENANT)
    client = SlapClient(shell.url, token=token)
    with pytest.raises(Unauthorized):
        client.capacity()
    with pytest.raises(Unauthorized):
        client.check_capacity()
    with pytest.raises(Unauthorized):
        client.make_machine("north")
    with pytest.raises(Unauthorized):
        client.remove_machine("x")
    made = site.program.line.make("north", keep=False, actor="person:ann")
    with pytest.raises(Exception, match="there is no"):
        client.explain(made.name)
    client.close()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Shell]:
    """The command line at a plane that makes no machines."""
    made = master.Master(f"sqlite:///{tmp_path}/plain.db")
    server = Server(made.app)
    server.start()
    yield Shell(tmp_path, server.url, made.service.create_person("ann"))
    server.stop()
    made.close()


def test_a_plane_that_makes_none_says_so(plain: Shell) -> None:
    for words in (("check",), ("make", "north"), ("remove", "x")):
        code, said = plain.run("capacity", *words)
        assert code == 1
        assert "this plane makes no machines" in said
    assert plain.run("capacity", "list", "-j") == (0, "[]\n")
