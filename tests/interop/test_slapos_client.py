"""The original SlapOS client and command line at our master, and our client at theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core.web import Server
from pelagos.slap import marshal
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import NotFoundError
from pelagos.slap.marshal import MarshalObject
from pelagos.slap.master import Master
from pelagos.slap.model import (
    Address,
    ComputerFormat,
    InstanceRequest,
    InstanceState,
    PartitionFormat,
    SupplyState,
)
from support import slap_samples, slapos_peer
from support.slapos_peer import Node, PeerMissingError, Proxy
from support.slapos_place import library

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

RELEASE = "http://example.invalid/software.cfg"
COMPUTER = "COMP-1"


@pytest.fixture(scope="module")
def programs(require: Any) -> Path:
    try:
        return slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise


@dataclass
class Place:
    """Our master, and those who talk to it with the original programs."""

    url: str
    person: Node
    computer: Node
    person_client: SlapClient
    computer_client: SlapClient

    def with_token(self, token: str) -> str:
        return f"http://x:{token}@{urlsplit(self.url).netloc}"


@pytest.fixture
def place(programs: Path, tmp_path: Path) -> Iterator[Place]:
    master = Master(f"sqlite:///{tmp_path}/plane.db")
    server = Server(master.app)
    server.start()
    try:
        person_token = master.service.create_person("admin")
        computer_token = master.service.register_computer(COMPUTER)
        netloc = urlsplit(server.url).netloc
        yield Place(
            server.url,
            Node(programs, tmp_path / "person", f"http://x:{person_token}@{netloc}"),
            Node(programs, tmp_path / "computer", f"http://x:{computer_token}@{netloc}"),
            SlapClient(server.url, token=person_token),
            SlapClient(server.url, token=computer_token),
        )
    finally:
        server.stop()
        master.close()


def done(node: Node, *words: str) -> str:
    """What a command that succeeds says."""
    result = node.run(*words)
    assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    assert "Traceback" not in result.stdout + result.stderr
    return result.stdout + result.stderr


def test_the_original_command_line_and_library_do_the_journey(place: Place):
    done(place.computer, "node", "format", "--now")
    computer = place.computer_client.fetch_computer(COMPUTER)
    assert [slot.partition_id for slot in computer.partitions] == [
        "slappart0",
        "slappart1",
        "slappart2",
    ]
    assert all(slot.is_free for slot in computer.partitions)

    done(place.person, "supply", RELEASE, COMPUTER)
    fetched = place.computer_client.fetch_computer(COMPUTER)
    assert [release.url for release in fetched.releases] == [RELEASE]

    request = [
        "request", "web", RELEASE, "--node", f"computer_guid={COMPUTER}", "--type", "default",
        "--parameters", "greeting=hëllo <&>", "port=8000",
    ]  # fmt: skip
    done(place.person, *request)
    service = place.person_client.service("web")
    assert service.parameters == {"greeting": "hëllo <&>", "port": "8000"}
    assert service.partition_id == "slappart0"

    token = place.computer_client.partition_token(COMPUTER, "slappart0")
    assert token is not None
    seen = library(
        place.computer,
        f"""
        partition = plane.registerComputerPartition("{COMPUTER}", "slappart0")
        parameters = partition.getInstanceParameterDict()
        partition.setConnectionDict({{"url": "http://127.0.0.1:8000/", "note": "schön <&>"}})
        show([partition.getId(), partition.getState(), partition.getType(), parameters])
        """,
        place.with_token(token),
    )
    assert seen[:3] == ["slappart0", "started", "default"]
    assert seen[3]["greeting"] == "hëllo <&>"
    assert seen[3]["ip_list"] == [["lo", "127.0.0.1"]]
    assert seen[3]["instance_title"] == "web"
    assert isinstance(seen[3]["timestamp"], int)

    said = done(place.person, *request)
    assert "http://127.0.0.1:8000/" in said
    assert "schön <&>" in said

    again = library(
        place.person,
        f"""
        partition = plane.registerOpenOrder().request(
            "{RELEASE}", "web", partition_parameter_kw={{"greeting": "hëllo <&>", "port": "8000"}})
        show([partition.getConnectionParameterDict(), partition.getState(), partition.getId(),
              partition.getConnectionParameter("url"), partition.getInstanceGuid()])
        """,
    )
    assert again[0] == {"url": "http://127.0.0.1:8000/", "note": "schön <&>"}
    assert again[1:4] == ["started", "slappart0", "http://127.0.0.1:8000/"]
    assert again[4] == service.guid


def announce(place: Place, count: int = 2) -> None:
    place.computer_client.format_computer(
        ComputerFormat(
            COMPUTER,
            tuple(
                PartitionFormat(f"slappart{number}", (Address("lo", "127.0.0.1"),))
                for number in range(count)
            ),
        )
    )


def test_the_original_agents_calls_are_understood(place: Place):
    announce(place)
    place.person_client.supply(RELEASE, COMPUTER)
    place.person_client.request(InstanceRequest("web", RELEASE, parameters={"a": "1"}))
    shown = library(
        place.computer,
        f"""
        computer = plane.registerComputer("{COMPUTER}")
        busy, free = computer.getComputerPartitionList()
        (release,) = computer.getSoftwareReleaseList()
        release.building()
        release.available()
        busy.error("it does not start")
        busy.started()
        busy.stopped()
        busy.bang("look again")
        child = busy.request("{RELEASE}", "default", "child", partition_parameter_kw={{"b": "2"}})
        show([busy.getId(), busy.getInstanceParameter("a"), busy.getSoftwareRelease().getURI(),
              free.getId(), free.getState(), release.getURI(), release.getState(),
              error_of(free.getSoftwareRelease), child.getId()])
        """,
    )
    assert shown == [
        "slappart0",
        "1",
        RELEASE,
        "slappart1",
        "destroyed",
        RELEASE,
        "available",
        "NotFoundError",
        "slappart1",
    ]
    assert place.person_client.service("child").root_reference == "web"


def test_a_request_that_waits_is_an_empty_partition_to_the_original_client(place: Place):
    announce(place)
    shown = library(
        place.person,
        f"""
        partition = plane.registerOpenOrder().request("{RELEASE}", "early")
        show([error_of(partition.getId), error_of(partition.getState),
              error_of(partition.getConnectionParameterDict)])
        """,
    )
    assert shown == ["ResourceNotReady"] * 3
    assert place.person_client.service("early").cause.code == "release-unknown"
    place.person_client.supply(RELEASE, COMPUTER)
    allocated = library(
        place.person,
        f"""
        show(plane.registerOpenOrder().request("{RELEASE}", "early").getId())
        """,
    )
    assert allocated == "slappart0"


def test_what_is_absent_or_refused_is_an_error_to_the_original_client(place: Place):
    announce(place)
    place.person_client.supply(RELEASE, COMPUTER)
    shown = library(
        place.person,
        f"""
        order = plane.registerOpenOrder()
        elsewhere = dict(filter_kw={{"computer_guid": "NO-SUCH"}})
        stranger = slap()
        stranger.initializeConnection(sys.argv[1].replace("x:", "x:not"))
        gone = slap()
        gone.initializeConnection("http://127.0.0.1:1")
        show([
            error_of(lambda: order.request("{RELEASE}", "web", **elsewhere)),
            error_of(lambda: plane.registerSupply().supply("{RELEASE}", "NO-SUCH")),
            error_of(lambda: order.request("{RELEASE}", "web", state="flying")),
            error_of(lambda: stranger.registerOpenOrder().request("{RELEASE}", "web")),
            error_of(lambda: gone.registerOpenOrder().request("{RELEASE}", "web")),
        ])
        """,
    )
    assert shown == ["NotFoundError", "NotFoundError", "HTTPError", "HTTPError", "ConnectionError"]
    assert [*place.person_client.services()] == []


def test_the_original_command_line_stops_and_destroys(place: Place):
    announce(place)
    done(place.person, "supply", RELEASE, COMPUTER)
    done(place.person, "request", "web", RELEASE, "--state", "stopped")
    assert place.person_client.service("web").requested_state is InstanceState.STOPPED
    done(place.person, "request", "web", RELEASE, "--state", "destroyed")
    assert (
        place.computer_client.fetch_computer(COMPUTER).partitions[0].requested_state == "destroyed"
    )
    done(place.person, "remove", RELEASE, COMPUTER)
    (release,) = place.computer_client.fetch_computer(COMPUTER).releases
    assert release.requested_state is SupplyState.DESTROYED


# ---- the two marshallers ------------------------------------------------------------------------

REAL_MARSHALLER = """
import json, sys
from slapos.util import dumps, loads
def tree(value):
    kind = type(value)
    if kind is dict:
        return ["dict", sorted([tree(k), tree(v)] for k, v in value.items())]
    if kind in (list, tuple):
        return [kind.__name__, [tree(each) for each in value]]
    if kind is set:
        return ["set", sorted(tree(each) for each in value)]
    return [kind.__name__, repr(value)]
with open(sys.argv[1]) as file:
    values = [loads(text.encode()) for text in json.load(file)]
print(json.dumps([[tree(value), dumps(value).decode()] for value in values]))
"""


def tree(value: Any) -> Any:
    match value:
        case dict():
            return ["dict", sorted([tree(key), tree(each)] for key, each in value.items())]
        case list() | tuple():
            return [type(value).__name__, [tree(each) for each in value]]
        case set():
            return ["set", sorted(tree(each) for each in value)]
    return [type(value).__name__, repr(value)]


def has_object(value: Any) -> bool:
    match value:
        case MarshalObject():
            return True
        case dict():
            return any(map(has_object, value.values()))
        case list() | tuple() | set():
            return any(map(has_object, value))
    return False


AWKWARD: list[Any] = [
    "",
    " ",
    "&amp;lt;",
    "<&>\"'",
    "é😀\t\n\rx",
    10**24,
    -(10**30),
    -0.0,
    1e300,
    (),
    [],
    {},
    set(),
    {"b": [1, (2.5, None)], "a": {"c": {"x"}}},  # one in the set: more have no order
    {"é": "&#233;", "": ""},
]


def test_both_marshallers_read_and_write_the_same(programs: Path, tmp_path: Path):
    recorded = [data.decode() for data in slap_samples.marshalled().values()]
    ours = [marshal.dumps(value).decode() for value in AWKWARD]
    shared = ["x"]
    ours.append(marshal.dumps({"a": shared, "b": shared}).decode())
    plain = [text for text in recorded + ours if not has_object(marshal.loads(text))]
    assert len(plain) > 30
    (tmp_path / "documents.json").write_text(json.dumps(plain))
    node = Node(programs, tmp_path / "node", "http://127.0.0.1:1")
    theirs = json.loads(node.python(REAL_MARSHALLER, str(tmp_path / "documents.json")))
    for text, (their_tree, written) in zip(plain, theirs, strict=True):
        value = marshal.loads(text)
        assert tree(value) == their_tree
        assert written == marshal.dumps(value).decode()


# ---- our client against their master ------------------------------------------------------------


def test_our_client_does_the_journey_at_the_original_master(programs: Path, tmp_path: Path):
    with Proxy(programs, tmp_path, COMPUTER) as proxy:
        client = SlapClient(proxy.url, timeout=20)
        client.format_computer(
            ComputerFormat(
                COMPUTER,
                (PartitionFormat("slappart0", (Address("lo", "127.0.0.1", "255.255.255.255"),)),),
                address="127.0.0.1",
                netmask="255.255.255.255",
            )
        )
        client.supply(RELEASE, COMPUTER)
        wish = InstanceRequest("web", RELEASE, parameters={"greeting": "hëllo <&>"})
        instance = client.request(wish)
        assert (instance.partition_id, instance.requested_state) == (
            "slappart0",
            InstanceState.STARTED,
        )
        client.publish(COMPUTER, "slappart0", {"url": "http://x/?a=1&b=é"})
        assert client.request(wish).connection == {"url": "http://x/?a=1&b=é"}
        computer = client.fetch_computer(COMPUTER)
        assert computer.partitions[0].parameters == {"greeting": "hëllo <&>"}
        assert computer.partitions[0].addresses == (Address("lo", "127.0.0.1"),)
        assert computer.partitions[0] == client.fetch_partition(COMPUTER, "slappart0")
        client.report_release(COMPUTER, RELEASE, "building")
        client.report_release(COMPUTER, RELEASE, "available")
        client.report_partition(COMPUTER, "slappart0", "started")
        client.report_partition_error(COMPUTER, "slappart0", "bad")
        assert client.partition_token(COMPUTER, "slappart0") is None
        with pytest.raises(NotFoundError):
            client.request(InstanceRequest("more", RELEASE))
