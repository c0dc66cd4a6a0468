"""People and computers join a plane over HTTPS with one command each, and are sent away again."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.plane.settings import Part
from pelagos.slap.errors import AuthenticationError
from support.plane import Plane

pytestmark = pytest.mark.integration


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    """The master of a plane that speaks HTTPS, also on the loopback address."""
    found = Plane(tmp_path)
    found.configure(master={"https": "true"})
    found.start(Part.MASTER)
    yield found
    found.stop()


def test_a_tenant_joins_works_and_is_sent_away(plane: Plane, tmp_path: Path):
    said = plane.run("person", "add", "ann", "--tenant")
    assert "within 24 hours" in said.stderr
    assert "listens on this machine only" in said.stderr
    join = said.stdout.split()
    assert join[:2] == ["pelagos", "join"]

    config = tmp_path / "ann" / "config.toml"
    as_ann = ("--config", str(config), "--data", str(tmp_path / "nothing"))
    plane.run(*as_ann, *join[1:])
    for name, mode in (("config.toml", 0o600), ("config.token", 0o600), ("config.ca.pem", 0o644)):
        assert stat.S_IMODE((config.parent / name).stat().st_mode) == mode
    assert plane.run(*as_ann, *join[1:], check=False).returncode != 0  # a plane is named already
    again = plane.run(*as_ann, *join[1:], "--force", check=False)
    assert "was used" in again.stderr
    assert join[2] not in again.stderr

    assert json.loads(plane.run(*as_ann, "service", "list", "-o", "json").stdout) == []
    people = json.loads(plane.run(*as_ann, "person", "list", "-o", "json").stdout)
    assert [(one["name"], one["role"]) for one in people] == [("ann", "tenant")]
    told = json.loads(plane.run(*as_ann, "computer", "add", "box", "-o", "json").stdout)
    assert told["command"] == f"pelagos node run {told['token']}"
    assert plane.run(*as_ann, "person", "add", "eve", check=False).returncode != 0

    plane.run(*as_ann, "person", "certificate", "ann", "--issue", str(tmp_path))
    assert stat.S_IMODE((tmp_path / "ann.key").stat().st_mode) == 0o600
    assert "PRIVATE" in (tmp_path / "ann.key").read_text()
    assert "no" in plane.run(*as_ann, "person", "certificate", "ann").stdout
    assert plane.client().join(told["token"]).name == "box"
    locked = plane.run("person", "certificate", "ann", "--revoke").stderr
    assert "pelagos person add ann --again" in locked
    gone = plane.run(*as_ann, "service", "list", check=False)
    assert gone.returncode != 0
    assert "token" in gone.stderr

    last = plane.run("person", "remove", "admin", "--yes", check=False)
    assert "last operator" in last.stderr
    owns = plane.run("person", "remove", "ann", check=False)
    assert "owns the computers box" in owns.stderr
    assert "pelagos person hand-over ann NAME" in owns.stderr
    plane.run("person", "hand-over", "ann", "admin")
    plane.run("person", "remove", "ann")
    people = json.loads(plane.run("person", "list", "-o", "json").stdout)
    assert [one["name"] for one in people] == ["admin"]


def test_a_stolen_computer_is_locked_out_by_one_command(plane: Plane):
    token = plane.run("computer", "add", "rack7").stdout.split()[-1]
    computer = plane.client().with_token(plane.client().join(token).token)
    assert computer.identity()["name"] == "rack7"
    said = plane.run("computer", "certificate", "rack7", "--revoke").stderr
    assert "pelagos computer add rack7 --again" in said
    with pytest.raises(AuthenticationError):
        computer.identity()


def test_what_a_person_owned_is_destroyed_with_him(plane: Plane):
    ann = plane.client().join(plane.run("person", "add", "ann", "--tenant").stdout.split()[-1])
    box = plane.client().with_token(ann.token).invite("computer", "box")
    computer = plane.client().with_token(plane.client().join(box.token).token)
    plane.run("person", "remove", "ann", "--destroy")
    with pytest.raises(AuthenticationError):
        computer.identity()
    plane.run("person", "add", "ann")


def test_a_computers_token_is_for_a_computer(plane: Plane, tmp_path: Path):
    token = plane.run("computer", "add", "rack7").stdout.split()[-1]
    config = ("--config", str(tmp_path / "other.toml"))
    refused = plane.run(*config, "join", token, check=False)
    assert "for a computer" in refused.stderr
    assert "node run" in refused.stderr
    taken = plane.run("computer", "add", "vanished", "--again", check=False)
    assert taken.returncode != 0
    assert plane.client().join(token).name == "rack7"
    known = plane.run("computer", "add", "rack7", check=False)
    assert "--again" in known.stderr
    plane.run("computer", "add", "rack7", "--again")


def test_the_doctor_and_the_directory_reach_a_master_with_its_own_authority(plane: Plane):
    plane.start(Part.DIRECTORY)
    said = plane.run("doctor", check=False).stdout
    assert "answers at https://127.0.0.1" in said
    assert "good for person admin" in said
    plane.run("lookup", "nobody", check=False)
    assert "unreachable" not in (plane.folder / "up.log").read_text()
