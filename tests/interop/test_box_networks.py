"""OpenStack's own clients, unmodified, at the networks and volumes of a box."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.box import Box
from support import openstack_clients
from support.box_site import openstack_environ
from support.peer_environment import PeerMissingError
from support.require import Require

pytestmark = pytest.mark.interop

WALK = Path(__file__).parents[1] / "support" / "sdk_networks.py"


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


@pytest.mark.parametrize("what", ["networks", "volumes"])
def test_openstacksdk_walks_through_all_of(what: str, programs: Path, box: Box) -> None:
    environ = openstack_environ(box, box.person(what))
    done = openstack_clients.run(programs / "python", str(WALK), what, environ=environ)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def openstack(programs: Path, box: Box) -> Callable[..., Any]:
    def run(*words: str) -> Any:
        environ = openstack_environ(box, box.person("demo"))
        done = openstack_clients.run(programs / "openstack", *words, environ=environ)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout) if words[-1] == "json" and done.stdout else None

    return run


def test_openstack_gives_a_server_networks_and_volumes(
    openstack: Callable[..., Any], tmp_path: Path
) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"disk")
    openstack("image", "create", "--disk-format", "raw", "--file", str(image), "image")
    openstack("network", "create", "home")
    openstack("subnet", "create", "--network", "home", "--subnet-range", "10.2.0.0/24", "inside")
    openstack("router", "create", "--external-gateway", "public", "door")
    openstack("router", "add", "subnet", "door", "inside")
    openstack(
        "server", "create", "--flavor", "m1.tiny", "--image", "image", "--network", "home",
        "--wait", "machine",
    )  # fmt: skip
    floating = openstack("floating", "ip", "create", "public", "-f", "json")
    openstack("server", "add", "floating", "ip", "machine", floating["floating_ip_address"])
    openstack("volume", "create", "--size", "1", "data")
    attached = openstack("server", "add", "volume", "machine", "data", "-f", "json")
    assert attached["Device"] == "/dev/vdb"
    shown = openstack("server", "show", "machine", "-f", "json")
    assert shown["addresses"] == {"home": ["10.2.0.2", floating["floating_ip_address"]]}
    assert [one["id"] for one in shown["volumes_attached"]] == [attached["Volume ID"]]
    openstack("server", "delete", "--wait", "machine")
    assert openstack("port", "list", "--network", "home", "--device-owner", "compute:nova",
                     "-f", "json") == []  # fmt: skip
    volume = openstack("volume", "show", "data", "-f", "json")
    assert volume["status"] in {"available", "detaching"} and not volume["attachments"]
