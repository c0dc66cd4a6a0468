"""Our library, in the ancestor's names, at the original stand-alone master and at ours alike."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.slap import (
    NotFoundError,
    ResourceNotReady,
    SlapError,
    SoftwareProductCollection,
    marshal,
    slap,
)
from support import slapos_peer
from support.slapos_peer import PeerMissingError, Proxy
from support.slapos_place import our_place

pytestmark = pytest.mark.interop

COMPUTER = "local_computer"
RELEASE = "/srv/a/software.cfg"
Connect = Callable[[], slap]


@contextlib.contextmanager
def theirs(programs: Path, folder: Path) -> Iterator[Connect]:
    with Proxy(programs, folder, COMPUTER) as proxy:

        def connect() -> slap:
            plane = slap()
            # Their master has the interface and does not say so.
            plane.initializeConnection(proxy.url, slapgrid_rest_uri=f"{proxy.url}/hateoas/")
            return plane

        yield connect


@contextlib.contextmanager
def ours(programs: Path, folder: Path) -> Iterator[Connect]:
    folder.mkdir(exist_ok=True)
    with our_place(programs, folder) as place:

        def connect() -> slap:
            plane = slap()
            plane.initializeConnection(place.person.master_url)
            return plane

        yield connect


@pytest.fixture(params=[theirs, ours], ids=["theirs", "ours"])
def plane(request: pytest.FixtureRequest, require: Any, tmp_path: Path) -> Iterator[slap]:
    try:
        programs = slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise
    with request.param(programs, tmp_path / "place") as connect:
        connected = connect()
        slots = [
            {
                "reference": f"slappart{number}",
                "address_list": [{"addr": "127.0.0.1", "netmask": "255.0.0.0"}],
                "tap": {"name": "lo"},
            }
            for number in range(3)
        ]
        announced = {"reference": COMPUTER, "address": "", "netmask": "", "partition_list": slots}
        document = marshal.dumps(announced).decode()
        connected.registerComputer(COMPUTER).updateConfiguration(document)
        connected.registerSupply().supply(RELEASE, COMPUTER)
        yield connected


def test_the_whole_library_works_at_both_masters(plane: slap):
    order, computer = plane.registerOpenOrder(), plane.registerComputer(COMPUTER)
    root = order.request(RELEASE, "root", {"a": "<&>é"})
    assert (root.getId(), root.getState(), root.getType()) == ("slappart0", "started", "default")
    assert order.request(RELEASE, "default", "root", False, {"a": "<&>é"}).getId() == "slappart0"

    inside = plane.registerComputerPartition(COMPUTER, "slappart0")
    assert inside.getInstanceParameter("a") == "<&>é"
    child = inside.request(RELEASE, "default", "db", partition_parameter_kw={"b": "1"})
    plane.registerComputerPartition(COMPUTER, child.getId()).setConnectionDict({"url": "db://1"})
    again = inside.request(RELEASE, "default", "db", partition_parameter_kw={"b": "1"})
    assert again.getConnectionParameter("url") == "db://1"

    inside.building()
    inside.available()
    inside.started()
    inside.error("it broke")
    assert inside.getStatus() is None or str(inside.getStatus()).startswith("#")
    inside.bang("look again")
    computer.bang("all of you")
    computer.reportUsage('<?xml version="1.0" encoding="utf-8"?><journal/>')
    assert set(inside.getCertificate()) == {"certificate", "key"}
    plane.registerComputerPartition(COMPUTER, child.getId()).rename("db2")
    assert inside.request(RELEASE, "default", "db2").getId() == child.getId()

    assert sorted(plane.getOpenOrderDict()) == ["root"]
    assert plane.getOpenOrderDict()["root"]._software_release_url == RELEASE
    known = order.getInformation("root")
    assert (known._requested_state, known._parameter_dict) == ("started", {"a": "<&>é"})
    assert COMPUTER in {each._reference for each in plane.getComputerDict().values()}
    assert computer.getInformation()._reference == COMPUTER
    with pytest.raises(NotFoundError):
        order.getInformation("nosuch")
    products = SoftwareProductCollection(logging.getLogger(__name__), plane)
    assert products.hello == "/hello-2.cfg"

    assert [each.getURI() for each in computer.getSoftwareReleaseList()] == [RELEASE]
    assert [each.getState() for each in computer.getComputerPartitionList()] == [
        "started", "started", "destroyed",
    ]  # fmt: skip
    order.request(RELEASE, "root", {"a": "<&>é"}, state="destroyed")
    with pytest.raises((ResourceNotReady, SlapError)):
        order.request("/nobody.cfg", "shared", shared=True).getId()
