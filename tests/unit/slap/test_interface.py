from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyClass, verifyObject

from pelagos import slap as room
from pelagos.core.http import FakeTransport, HttpClient
from pelagos.slap import errors, interface, library, partition
from pelagos.slap.client import SlapClient
from pelagos.slap.hateoas import Navigator
from pelagos.slap.model import Partition, Release

#: What the SLAP document lists, interface by interface.
DOCUMENT = {
    "IRequester": ["request"],
    "IBuildoutController": ["available", "building", "error"],
    "ISoftwareRelease": ["getState", "getURI", "getComputerId", "destroyed", "error"],
    "IComputerPartition": [
        "rename", "getState", "getStatus", "getInstanceParameterDict", "getConnectionParameter",
        "getConnectionParameterDict", "started", "stopped", "destroyed", "getInstanceGuid",
        "getSoftwareRelease", "getId", "getCertificate", "bang", "setUsage",
        "getInstanceParameter", "setConnectionDict", "getType", "error", "building", "available",
        "request",
    ],
    "IComputer": [
        "updateConfiguration", "getStatus", "reportUsage", "bang", "getSoftwareReleaseList",
        "generateCertificate", "revokeCertificate", "getComputerPartitionList",
    ],
    "IOpenOrder": ["request", "requestComputer"],
    "ISupply": ["supply"],
    "ISlap": [
        "initializeConnection", "registerSupply", "registerOpenOrder", "registerComputer",
        "registerComputerPartition", "registerSoftwareRelease",
        "getSoftwareReleaseListFromSoftwareProduct",
    ],
}  # fmt: skip


def objects() -> dict[str, Any]:
    client = SlapClient("", http=HttpClient("http://master", transport=FakeTransport({})))
    navigator = Navigator(client, None, lambda _: client)
    return {
        "ISoftwareRelease": partition.SoftwareRelease(client, Release("/a.cfg", "COMP-1")),
        "IComputerPartition": partition.ComputerPartition(client, Partition("COMP-1", "p0")),
        "IComputer": library.Computer(client, "COMP-1"),
        "IOpenOrder": library.OpenOrder(client),
        "ISupply": library.Supply(client),
        "IToken": library.Token(navigator),
        "ISlap": library.slap(),
    }


@pytest.mark.parametrize("name", list(objects()))
def test_our_objects_provide_their_interface(name: str):
    found = objects()[name]
    declared = getattr(interface, name)
    assert declared.providedBy(found)
    assert verifyObject(declared, found)
    assert verifyClass(declared, type(found))


@pytest.mark.parametrize("name", list(DOCUMENT))
def test_an_interface_has_all_methods_of_the_document(name: str):
    assert set(DOCUMENT[name]) <= set(getattr(interface, name).names(all=True))


def test_every_method_and_interface_says_what_it_is():
    for name in dir(interface):
        declared = getattr(interface, name)
        if not isinstance(declared, type(interface.ISupply)) or name.endswith("Interface"):
            continue
        assert declared.__doc__, name
        for method in declared.names():
            assert declared[method].__doc__, f"{name}.{method}"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (errors.NotFoundError, ["IException", "INotFoundError"]),
        (errors.Unauthorized, ["IException", "IUnauthorized"]),
        (errors.AuthenticationError, ["IException", "IUnauthorized"]),
        (errors.ResourceNotReady, ["IException", "IResourceNotReady"]),
        (errors.ServerError, ["IException", "IServerError"]),
        (errors.ConnectionError, ["IException", "IConnectionError"]),
        (errors.BadRequest, ["IException"]),
    ],
)
def test_errors_provide_theirs(kind: type[errors.SlapError], names: list[str]):
    error = kind("it failed")
    for name in names:
        assert verifyObject(getattr(interface, name), error)


def test_the_room_shows_the_interfaces():
    assert room.IComputer is interface.IComputer
    assert room.ISlap is interface.slap
