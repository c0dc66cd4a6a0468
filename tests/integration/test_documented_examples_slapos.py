"""Every method of the SLAP interfaces, called by a program for SlapOS at a real master."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.web import Server, ServerTls
from pelagos.slap.master import Master, MasterSettings

pytestmark = pytest.mark.integration

WAIT = 120.0
DAY = 86400.0

#: Notes which methods of which interface are called, and says at the end which were not.
_WATCH = """
import functools, importlib
import pelagos.compat
pelagos.compat.install("slapos")
from zope.interface import implementedBy
from slapos.slap.interface import slap as interface
library = importlib.import_module("slapos.slap.slap")
from pelagos.slap import partition

INTERFACES = [one for name, one in vars(interface).items()
              if name in interface.__all__ and hasattr(one, "names")]
wanted = {(one.__name__, name) for one in INTERFACES for name in one.names()}
kinds = [getattr(library, name) for name in library.__all__]
called = set()

def watch(kind, name, owners):
    method = getattr(kind, name)
    @functools.wraps(method)
    def noting(*args, **kwds):
        called.update((owner, name) for owner in owners)
        return method(*args, **kwds)
    setattr(kind, name, noting)

for kind in kinds:
    declared = [one for one in implementedBy(kind).flattened() if one in INTERFACES]
    for name in {name for one in declared for name in one.names()}:
        watch(kind, name, [one.__name__ for one in declared if name in one.names()])
"""

_PROGRAM = """
import logging
import slapos.slap.slap
from slapos.slap import slap, SoftwareProductCollection, NotFoundError, ResourceNotReady
from slapos.slap import interface as interfaces
from slapos.slap.exception import ServerError, ConnectionError
from slapos.util import dumps
from zope.interface.verify import verifyObject

url, token, secure_url, authority, folder, unknown = sys.argv[1:]
RELEASE = "https://example.com/software.cfg"

plane = slapos.slap.slap()
assert isinstance(plane, slap)
plane.initializeConnection(url, token)

computer = plane.registerOpenOrder().requestComputer("node")
guid = computer.getInformation()._reference
slots = [{"reference": "slappart%s" % number, "tap": {"name": "lo"},
          "address_list": [{"addr": "127.0.0.1", "netmask": "255.0.0.0"}]} for number in range(4)]
computer = plane.registerComputer(guid)
computer.updateConfiguration(dumps(
    {"reference": guid, "address": "", "netmask": "", "partition_list": slots}).decode())
certificate = computer.generateCertificate()
for name in ("key", "certificate"):
    open(folder + "/" + name, "w").write(certificate[name])
agent = slap()
agent.initializeConnection(secure_url, folder + "/key", folder + "/certificate", authority)

plane.registerSupply().supply(RELEASE, guid)
[release] = agent.registerComputer(guid).getSoftwareReleaseList()
assert (release.getURI(), release.getComputerId(), release.getState()) == (
    RELEASE, guid, "available")
release.building()
release.error("no disk")
release.available()
assert plane.registerSoftwareRelease(RELEASE).getURI() == RELEASE

order = plane.registerOpenOrder()
root = order.request(software_release=RELEASE, software_type="default",
                     partition_reference="root", partition_parameter_kw={"size": "10"},
                     filter_kw={"computer_guid": guid})
assert root.getState() == "started" and root.getType() == "default"
inside = plane.registerComputerPartition(guid, root.getId())
assert inside.getInstanceParameter("size") == "10"
assert inside.getInstanceParameterDict()["slap_computer_id"] == guid
assert inside.getSoftwareRelease().getURI() == RELEASE and inside.getInstanceGuid()
child = inside.request(RELEASE, "default", "db")
served = {"shared": True, "filter_kw": {"instance_guid": child.getInstanceGuid()}}
shared = inside.request(RELEASE, "default", "table", **served)
assert shared.getId() == child.getId()
host = plane.registerComputerPartition(guid, child.getId())
[slave] = host.getInstanceParameter("slave_instance_list")
host.setConnectionDict({"url": "db://1"})
host.setConnectionDict({"url": "db://1/table"}, slave_reference=slave["slave_reference"])
assert inside.request(RELEASE, "default", "db").getConnectionParameterDict() == {"url": "db://1"}
assert inside.request(RELEASE, "default", "table", **served).getConnectionParameter(
    "url") == "db://1/table"
def partition(name):
    slots = agent.registerComputer(guid).getComputerPartitionList()
    return [one for one in slots if one.getId() == name][0]

mine = partition(root.getId())
assert mine.getAccessStatus() is None and mine.getStatus() is None
mine.building()
mine.available()
mine.started()
mine = partition(root.getId())
assert mine.getStatus()["text"] == mine.getAccessStatus() == "#access Instance correctly started"
mine.error("it broke")
assert partition(root.getId()).getAccessStatus().startswith("#error")
mine.bang("look again")
partition(root.getId()).stopped()
assert set(inside.getCertificate()) == {"certificate", "key"}
assert ("lo", "127.0.0.1") in [tuple(one) for one in inside.getFullHostingIpAddressList()]
inside.setComputerPartitionRelatedInstanceList(["db", "table"])
host.rename("database")
assert inside.request(RELEASE, "default", "database").getId() == child.getId()
assert inside.getInformation("root")._requested_state == "started"
assert order.getInformation("root")._software_release_url == RELEASE
inside.setUsage('<?xml version="1.0" encoding="utf-8"?><journal/>')
computer.reportUsage([inside])
computer.bang("all of you")
assert computer.getStatus()["text"]
assert set(certificate) >= {"certificate", "key"}
states = [one.getState() for one in computer.getComputerPartitionList()]
assert states == ["started", "started", "destroyed", "destroyed"], states

assert sorted(plane.getOpenOrderDict()) == ["root"]
assert guid in [one._reference for one in plane.getComputerDict().values()]
assert plane.getSoftwareReleaseListFromSoftwareProduct("hello") == ["/hello-2.cfg"]
products = SoftwareProductCollection(logging.getLogger("x"), plane)
assert products.hello == products.get("hello") == "/hello-2.cfg"
assert plane.registerToken().request()

order.request(RELEASE, "default", "root", state="destroyed")
for name in (child.getId(), root.getId()):
    partition(name).destroyed()
plane.registerSupply().supply(RELEASE, guid, "destroyed")
release.destroyed()
assert computer.getSoftwareReleaseList() == []
computer.revokeCertificate()

waiting = order.request("https://example.com/nowhere.cfg", "default", "waiting")
for getter in (waiting.getId, waiting.getState, waiting.getConnectionParameterDict):
    try:
        getter()
    except ResourceNotReady as error:
        assert str(error)
    else:
        raise AssertionError(getter)
for call, kind in (
    (lambda: plane.registerComputerPartition(guid, "absent"), NotFoundError),
    (lambda: plane.registerSupply().supply(RELEASE, "absent"), NotFoundError),
    (lambda: order.getInformation("absent"), slapos.slap.slap.NotFoundError),
):
    try:
        call()
    except kind as error:
        assert interfaces.slap.INotFoundError.providedBy(error) and str(error)
    else:
        raise AssertionError(kind)
gone = slap()
gone.initializeConnection(unknown, token)
try:
    gone.registerComputer(guid).getComputerPartitionList()
except ConnectionError as error:
    assert interfaces.slap.IConnectionError.providedBy(error)
for one, declared in ((plane, interfaces.slap.slap), (order, interfaces.slap.IOpenOrder),
                      (inside, interfaces.slap.IComputerPartition)):
    assert verifyObject(declared, one)

missing = sorted(wanted - called)
assert not missing, missing
print(len(wanted), "methods")
"""


@dataclass(frozen=True)
class Place:
    """A master that runs: plainly, and over https."""

    url: str
    secure_url: str
    token: str
    authority: Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    authority = Authority.open(tmp_path / "authority", name="test", now=time.time())
    issued = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
    save_pair(issued, tmp_path / "server.pem", tmp_path / "server.key")
    certificate = tmp_path / "authority" / "ca.pem"
    master = Master(
        f"sqlite:///{tmp_path}/plane.db",
        authority=authority,
        settings=MasterSettings(products={"hello": ("/hello-2.cfg",)}),
    )
    tls = ServerTls(tmp_path / "server.pem", tmp_path / "server.key", certificate)
    servers = [Server(master.app), Server(master.app, tls=tls)]
    try:
        for server in servers:
            server.start()
        token = master.service.create_person("admin")
        yield Place(servers[0].url, servers[1].url, token, certificate)
    finally:
        for server in servers:
            server.stop()
        master.close()


def run(folder: Path, program: str, *words: str) -> str:
    file = folder / "program.py"
    file.write_text(f"import sys\n{program}")
    done = subprocess.run(
        [sys.executable, "-m", "pelagos.compat", str(file), *words],
        capture_output=True, text=True, check=False, timeout=WAIT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_method_of_the_interfaces_is_answered(place: Place, tmp_path: Path) -> None:
    words = (place.secure_url, str(place.authority), str(tmp_path), "http://127.0.0.1:9/")
    out = run(tmp_path, _WATCH + _PROGRAM, place.url, place.token, *words)
    number, word = out.split()
    assert word == "methods" and int(number) >= 50
