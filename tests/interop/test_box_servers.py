"""OpenStack's own clients, unmodified, at the servers and images of a box."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.box import Box
from support import openstack_clients
from support.box_site import openstack_environ
from support.peer_environment import PeerMissingError
from support.require import Require

pytestmark = pytest.mark.interop

WALK = Path(__file__).parents[1] / "support" / "sdk_servers.py"


@pytest.fixture(scope="module")
def programs() -> Path:
    try:
        return openstack_clients.install()
    except PeerMissingError as error:
        Require().missing(str(error))
        raise


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0.02) as box:
        yield box


@pytest.mark.parametrize("what", ["servers", "images"])
def test_openstacksdk_walks_through_the_life_of(what: str, programs: Path, box: Box) -> None:
    environ = openstack_environ(box, box.person(what))
    done = openstack_clients.run(programs / "python", str(WALK), what, environ=environ)
    assert done.returncode == 0, done.stderr.decode()


def _run(programs: Path, box: Box, program: str, *words: str, folder: Path | None = None) -> str:
    environ = openstack_environ(box, box.person("demo"))
    done = openstack_clients.run(programs / program, *words, environ=environ, folder=folder)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_openstack_makes_a_server(programs: Path, box: Box) -> None:
    def openstack(*words: str) -> Any:
        return json.loads(_run(programs, box, "openstack", *words, "-f", "json"))

    made = openstack(
        "server", "create", "--image", "box-linux", "--flavor", "m1.tiny", "--nic", "none",
        "--property", "a=b", "--wait", "web",
    )  # fmt: skip
    assert made["status"] == "ACTIVE" and made["properties"] == {"a": "b"}
    listed = openstack("server", "list", "--long")
    assert [(one["Name"], one["Status"], one["Image Name"]) for one in listed] == [
        ("web", "ACTIVE", "box-linux")
    ]
    assert openstack("limits", "show", "--absolute")
    _run(programs, box, "openstack", "server", "delete", "--wait", "web")


def test_glance_uploads_and_downloads(programs: Path, box: Box, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    disk.write_bytes(b"disk" * 100_000)
    made = _run(
        programs, box, "glance", "image-create", "--name", "g", "--disk-format", "raw",
        "--container-format", "bare", "--file", str(disk), "--property", "os_distro=debian",
        folder=tmp_path,
    )  # fmt: skip
    assert "| status           | active" in made and "os_distro" in made
    image_id = next(line.split("|")[2].strip() for line in made.splitlines() if "| id " in line)
    got = tmp_path / "got.img"
    _run(programs, box, "glance", "image-download", image_id, "--file", str(got), folder=tmp_path)
    assert got.read_bytes() == disk.read_bytes()
    _run(programs, box, "glance", "image-delete", image_id, folder=tmp_path)
