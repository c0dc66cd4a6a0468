from __future__ import annotations

import ast
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from pelagos import slap as room
from pelagos.core import wire
from pelagos.core.http import ClientTls, FakeTransport, HttpClient, Response
from pelagos.slap import (
    BadRequest,
    Computer,
    ComputerPartition,
    NotFoundError,
    OpenOrder,
    ResourceNotReady,
    SlapError,
    SoftwareProductCollection,
    Supply,
    marshal,
    protocol,
    slap,
)
from pelagos.slap.client import SlapClient
from pelagos.slap.marshal import MarshalObject
from pelagos.slap.model import Cause, InstanceRequest, InstanceState, Release
from pelagos.slap.partition import SoftwareRelease
from support.slap_samples import sample

RELEASE = "/srv/slapos_demo/sr/software.cfg"
CAUSE = Cause("release-not-supplied", "no computer has this release", "supply it")


def answer(number: int) -> Response:
    return Response(200, {}, sample(number).body)


def client(**routes: Response) -> tuple[SlapClient, FakeTransport]:
    table = {path.replace("_", " /", 1): found for path, found in routes.items()}
    transport = FakeTransport(table)
    return SlapClient("", http=HttpClient("http://master", transport=transport)), transport


def form(transport: FakeTransport) -> dict[str, str]:
    body = transport.requests[-1].body
    assert body is not None
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def ordered(*args: Any, **kwargs: Any) -> InstanceRequest:
    """What an open order makes of its arguments, as the master reads it."""
    master, transport = client(POST_requestComputerPartition=answer(17))
    OpenOrder(master).request(*args, **kwargs)
    return protocol.decode_request(form(transport))


def registered(number: int = 84) -> ComputerPartition:
    master, _ = client(GET_getFullComputerInformation=answer(number))
    return Computer(master, "local_computer").getComputerPartitionList()[0]


# ---- connecting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("http://x:s3cret@127.0.0.1:9",), {}),
        (("http://127.0.0.1:9", "s3cret"), {}),
        ((), {"slapgrid_uri": "http://127.0.0.1:9", "authentification_key": "s3cret"}),
    ],
)
def test_a_connection_needs_an_address_and_a_token(
    args: tuple[str, ...], kwargs: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    transport = FakeTransport({"POST /supplySupply": Response(200, {}, b"")})
    monkeypatch.setattr("pelagos.core.http.client._default_transport", lambda *_: transport)
    plane = slap()
    plane.initializeConnection(*args, **kwargs)
    assert transport.requests == []
    plane.registerSupply().supply("u", "COMP-1", "destroyed")
    assert transport.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert form(transport) == {"url": "u", "computer_id": "COMP-1", "state": "destroyed"}


def test_nothing_can_be_registered_without_a_connection():
    with pytest.raises(SlapError, match="no connection") as caught:
        slap().registerOpenOrder()
    assert caught.value.hint == "call initializeConnection first"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("https://m", "/k.pem", "/c.pem", "/ca.pem", 5), {}),
        (
            ("https://m",),
            {"key_file": "/k.pem", "cert_file": "/c.pem", "master_ca_file": "/ca.pem"},
        ),
    ],
)
def test_a_certificate_says_who_asks(
    args: tuple[Any, ...], kwargs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    made: list[dict[str, Any]] = []

    def remember(url: str, **arguments: Any) -> SlapClient:
        made.append({"url": url, **arguments})
        return client()[0]

    monkeypatch.setattr("pelagos.slap.library.SlapClient", remember)
    slap().initializeConnection(*args, **kwargs)
    (arguments,) = made
    assert arguments["token"] is None
    assert arguments["tls"] == ClientTls(
        authority=Path("/ca.pem"), certificate=Path("/c.pem"), key=Path("/k.pem")
    )


@pytest.mark.parametrize("name", ["key_file", "cert_file"])
def test_a_certificate_and_its_key_belong_together(name: str):
    with pytest.raises(SlapError, match="belong together"):
        slap().initializeConnection("https://master", **{name: "/etc/key"})


def test_the_room_shows_the_ancestors_names():
    assert room.ConnectionError is room.MasterUnreachable
    assert {"slap", "SlapClient", "NotFoundError", "ResourceNotReady"} <= set(room.__all__)
    assert all(getattr(room, name).__module__.startswith("pelagos.slap.") for name in room.__all__)
    assert set(room.__all__) <= set(dir(room))
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        room.nosuch  # noqa: B018  # the access is what is tested


def test_the_stub_lists_the_names_that_the_room_has():
    stub = Path(room.__file__).with_suffix(".pyi").read_text()
    listed = ast.literal_eval(stub.partition("__all__ = ")[2])
    assert listed == room.__all__


@pytest.mark.parametrize(
    ("module", "other"),
    [("model", "msgspec"), ("client", "zope"), ("library", "zope"), ("partition", "zope")],
)
def test_a_part_of_the_room_does_not_load_the_rest(module: str, other: str):
    code = f"import sys, pelagos.slap.{module}; print('{other}' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ---- requesting ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        (("u", "db", {"a": "1"}, "large", {"f": "2"}, "stopped", True), {}),
        (("u", "large", "db", True, {"a": "1"}, {"f": "2"}, "stopped"), {}),
        (
            ("u", "large"),
            {
                "partition_reference": "db",
                "shared": True,
                "partition_parameter_kw": {"a": "1"},
                "filter_kw": {"f": "2"},
                "state": "stopped",
            },
        ),
        (
            ("u",),
            {
                "software_type": "large",
                "partition_reference": "db",
                "shared": True,
                "partition_parameter_kw": {"a": "1"},
                "filter_kw": {"f": "2"},
                "state": "stopped",
            },
        ),
    ],
    ids=["library", "document", "document by name", "all by name"],
)
def test_both_orders_of_the_arguments_mean_the_same(args: tuple[Any, ...], kwargs: dict[str, Any]):
    assert ordered(*args, **kwargs) == InstanceRequest(
        reference="db",
        release_url="u",
        software_type="large",
        parameters={"a": "1"},
        filters={"f": "2"},
        shared=True,
        state=InstanceState.STOPPED,
    )


def test_the_shortest_request_needs_release_and_reference():
    assert ordered("u", "db") == InstanceRequest("db", "u")
    assert ordered("u", "db", None, None) == InstanceRequest("db", "u")
    assert ordered("u", None, "db") == InstanceRequest("db", "u")


def test_a_wrong_request_is_refused_before_it_is_sent():
    master, transport = client()
    order = OpenOrder(master)
    with pytest.raises(ValueError, match="partition_parameter_kw must be a dictionary, not list"):
        order.request("u", "db", partition_parameter_kw=["a"])
    with pytest.raises(ValueError, match="filter_kw"):
        order.request("u", "db", filter_kw="x")
    with pytest.raises(BadRequest, match="'flying' is not a state"):
        order.request("u", "db", state="flying")
    with pytest.raises(TypeError, match="nosuch"):
        order.request("u", "db", nosuch=1)
    with pytest.raises(BadRequest, match="'gone' is not a state"):
        Supply(master).supply("u", "C", "gone")
    assert transport.requests == []


def test_an_allocated_request_is_its_partition():
    nowhere = Response(404, {}, b"")  # not every master tells the status
    master, _ = client(
        POST_requestComputerPartition=answer(17), GET_getComputerPartitionStatus=nowhere
    )
    partition = OpenOrder(master).request(RELEASE, "inst1")
    assert partition.getId() == "slappart0"
    assert partition.getState() == "started"
    assert partition.getType() == "default"
    assert partition.getInstanceGuid() == "local_computer-slappart0"
    assert partition.getInstanceParameterDict() == {"greeting": "hello", "port": "8000"}
    assert partition.getConnectionParameterDict() == {}
    assert partition.getStatus() is None
    assert partition.getSoftwareRelease().getURI() == RELEASE
    with pytest.raises(NotFoundError, match="no connection parameter 'url'"):
        partition.getConnectionParameter("url")


GETTERS = [
    "getId",
    "getState",
    "getType",
    "getInstanceGuid",
    "getStatus",
    "getConnectionParameterDict",
    "getInstanceParameterDict",
    "getSoftwareRelease",
]


@pytest.mark.parametrize("getter", GETTERS)
def test_a_request_that_waits_is_empty_and_each_getter_says_why(getter: str):
    body = wire.encode({"error": {"message": CAUSE.message}, "cause": CAUSE})
    master, _ = client(POST_requestComputerPartition=Response(408, {}, body))
    partition = OpenOrder(master).request("u", "db")
    with pytest.raises(ResourceNotReady, match="no computer has this release") as caught:
        getattr(partition, getter)()
    assert caught.value.cause == CAUSE


def test_what_is_refused_is_raised_at_once():
    master, _ = client(POST_requestComputerPartition=Response(404, {}, b""))
    with pytest.raises(NotFoundError):
        OpenOrder(master).request("u", "db")


# ---- a registered partition ---------------------------------------------------------------------


def test_a_partition_shows_what_the_master_knows():
    partition = registered()
    assert partition.getConnectionParameter("url") == "http://127.0.0.1:8000/"
    assert partition.getInstanceParameter("greeting") == "hello"
    assert partition.getInstanceParameter("ip_list") == [("lo", "127.0.0.1")]
    assert partition.getInstanceParameter("instance_title") == "inst1"
    assert partition.getInstanceParameter("slap_software_type") == "default"
    assert partition.getAccessStatus() is None
    with pytest.raises(NotFoundError, match="no parameter 'x'") as caught:
        partition.getInstanceParameter("x")
    assert "greeting" in (caught.value.hint or "")


def test_a_free_partition_has_no_instance():
    master, _ = client(GET_registerComputerPartition=answer(104))
    plane = slap()
    plane._client = master
    partition = plane.registerComputerPartition("local_computer", "slappart5")
    assert partition.getState() == "destroyed"
    assert partition.getInstanceParameterDict() == {}
    with pytest.raises(NotFoundError, match="no instance is in slappart5"):
        partition.getSoftwareRelease()
    with pytest.raises(ResourceNotReady, match="no instance is in slappart5"):
        partition.getType()


def test_a_partition_without_names_is_not_found():
    plane = slap()
    plane._client = client()[0]
    for names in (("", "slappart0"), ("COMP-1", "")):
        with pytest.raises(NotFoundError):
            plane.registerComputerPartition(*names)


def test_an_instance_requests_in_its_own_name():
    master, transport = client(
        GET_registerComputerPartition=answer(68), POST_requestComputerPartition=answer(116)
    )
    parent = ComputerPartition(master, master.fetch_partition("local_computer", "slappart0"))
    child = parent.request(RELEASE, "child", "db1", partition_parameter_kw={"a": "1"})
    assert form(transport) == sample(116).fields
    assert child.getId() == "slappart2"


@pytest.mark.parametrize(
    ("report", "number"),
    [
        (lambda p: p.started(), 80),
        (lambda p: p.stopped(), 139),
        (lambda p: p.destroyed(), 267),
        (lambda p: p.error("bad", slave_reference="_sl1"), 141),
        (lambda p: p.bang(sample(142).fields["message"]), 142),
        (lambda p: p.setConnectionDict({"site": "http://a"}, "_sl1"), 132),
    ],
)
def test_reports_are_sent_as_recorded(report: Any, number: int):
    recorded = sample(number)
    master, transport = client(
        GET_registerComputerPartition=answer(68), **{f"POST_{recorded.call}": answer(number)}
    )
    partition = ComputerPartition(master, master.fetch_partition("local_computer", "slappart0"))
    report(partition)
    assert form(transport) == recorded.fields


def test_an_error_that_cannot_be_reported_is_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        registered().error("bad")
        SoftwareRelease(client()[0], Release("u", "C")).error("bad")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "nobody answers" in caplog.text


# ---- computers and releases ---------------------------------------------------------------------


def test_a_computer_lists_partitions_and_releases():
    master, _ = client(GET_getFullComputerInformation=answer(84))
    computer = Computer(master, "local_computer")
    assert [slot.getId() for slot in computer.getComputerPartitionList()] == [
        "slappart0",
        "slappart1",
        "slappart2",
    ]
    (release,) = computer.getSoftwareReleaseList()
    assert release.getURI() == RELEASE
    assert (release.getComputerId(), release.getState()) == ("local_computer", "available")


@pytest.mark.parametrize(("report", "number"), [("building", 20), ("available", 25)])
def test_a_release_is_reported_as_recorded(report: str, number: int):
    recorded = sample(number)
    master, transport = client(**{f"POST_{recorded.call}": answer(number)})
    getattr(SoftwareRelease(master, Release(RELEASE, "local_computer")), report)()
    assert form(transport) == recorded.fields


def test_a_release_by_its_url_alone_has_no_computer():
    plane = slap()
    plane._client = client()[0]
    release = plane.registerSoftwareRelease("u")
    assert release.getURI() == "u"
    with pytest.raises(NameError):
        release.getComputerId()


def test_a_computer_announces_itself():
    master, transport = client(POST_loadComputerConfigurationFromXML=answer(2))
    plane = slap()
    plane._client = master
    plane.registerComputer("local_computer").updateConfiguration(sample(2).fields["xml"])
    announced = protocol.decode_format(form(transport)["xml"])
    assert announced == protocol.decode_format(sample(2).fields["xml"])


# ---- what few programs use ----------------------------------------------------------------------


def marshalled(value: object) -> Response:
    return Response(200, {}, marshal.dumps(value))


def partition_with(**routes: Response) -> tuple[ComputerPartition, FakeTransport]:
    master, transport = client(GET_getFullComputerInformation=answer(84), **routes)
    return Computer(master, "local_computer").getComputerPartitionList()[0], transport


def test_a_status_is_text_and_a_dictionary():
    facts = {"text": "#access Instance correctly started", "since": "x", "user": "COMP-1"}
    partition, _ = partition_with(GET_getComputerPartitionStatus=marshalled(facts))
    status = partition.getStatus()
    assert status == "#access Instance correctly started"
    assert status is not None
    assert status["user"] == "COMP-1"
    assert dict(status) == facts
    assert (status.get("since"), status.get("absent", 5)) == ("x", 5)
    assert status[:7] == "#access"


def test_a_status_of_which_nothing_was_heard_is_none():
    partition, _ = partition_with(GET_getComputerPartitionStatus=marshalled({"no_data": 1}))
    assert partition.getStatus() is None


def test_the_proxys_text_for_a_status_is_none():
    partition, _ = partition_with(GET_getComputerPartitionStatus=marshalled("Not implemented."))
    assert partition.getStatus() is None


def test_a_partition_does_all_that_the_document_says():
    ok = Response(200, {}, b"OK")
    partition, transport = partition_with(
        POST_softwareInstanceRename=ok,
        POST_buildingComputerPartition=ok,
        POST_availableComputerPartition=Response(404, {}, b""),  # as at the ancestor's master
        POST_updateComputerPartitionRelatedInstanceList=ok,
        GET_getComputerPartitionCertificate=answer(146),
        GET_getHostingSubscriptionIpList=marshalled([("lo", "127.0.0.1")]),
    )
    partition.rename("new", slave_reference="S-1")
    assert form(transport) == {
        "computer_id": "local_computer",
        "computer_partition_id": "slappart0",
        "new_name": "new",
        "slave_reference": "S-1",
    }
    partition.building()
    partition.available()
    partition.setComputerPartitionRelatedInstanceList(["a", "b"])
    assert marshal.loads(form(transport)["instance_reference_xml"]) == ["a", "b"]
    assert partition.getCertificate() == {"certificate": "", "key": ""}
    assert partition.getFullHostingIpAddressList() == [("lo", "127.0.0.1")]


def test_usage_is_a_text_or_what_the_partitions_were_given():
    partition, _ = partition_with()
    other, _ = partition_with()
    master, transport = client(POST_useComputer=Response(200, {}, b"OK"))
    computer = Computer(master, "COMP-1")
    computer.reportUsage("")
    computer.reportUsage([partition])
    assert transport.requests == []
    computer.reportUsage("<journal/>")
    assert form(transport) == {"computer_id": "COMP-1", "use_string": "<journal/>"}
    partition.setUsage('<?xml version="1.0"?>\n<journal><transaction>1</transaction></journal>')
    other.setUsage("<journal><transaction>2</transaction></journal>")
    computer.reportUsage([partition, other])
    assert form(transport)["use_string"] == (
        "<journal><transaction>1</transaction><transaction>2</transaction></journal>"
    )
    partition.setUsage("no xml")
    with pytest.raises(BadRequest, match="not a TioXML journal"):
        computer.reportUsage([partition])


def test_a_computer_does_all_that_the_document_says():
    pair = {"certificate": "C", "key": "K"}
    master, transport = client(
        POST_computerBang=marshalled(""),
        GET_getComputerStatus=marshalled({"text": "#access"}),
        POST_generateComputerCertificate=marshalled(pair),
        POST_revokeComputerCertificate=marshalled(None),
        POST_requestComputer=marshalled(MarshalObject("Computer", ("COMP-7",), {})),
    )
    computer = OpenOrder(master).requestComputer("my node")
    assert form(transport) == {"computer_title": "my node"}
    computer.bang("look")
    assert form(transport) == {"computer_id": "COMP-7", "message": "look"}
    assert computer.getStatus() == {"text": "#access"}
    assert computer.generateCertificate() == pair
    computer.revokeCertificate()
    with pytest.raises(NotFoundError):
        Computer(master, "").getSoftwareReleaseList()


def connected(monkeypatch: pytest.MonkeyPatch, **routes: Response) -> slap:
    master, _ = client(**routes)
    monkeypatch.setattr("pelagos.slap.library.SlapClient", lambda *_, **__: master)
    plane = slap()
    plane.initializeConnection("http://master")
    return plane


def test_products_have_their_best_release(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    product = "GET_getSoftwareReleaseListFromSoftwareProduct"
    plane = connected(monkeypatch, **{product: answer(153)})
    found = plane.getSoftwareReleaseListFromSoftwareProduct("hello")
    products = SoftwareProductCollection(logging.getLogger("test"), plane)
    assert products.hello == products.get("hello") == found[0]
    assert found[0] in caplog.text
    none = connected(monkeypatch, **{product: marshalled([])})
    with pytest.raises(AttributeError, match="no release of a product 'nosuch'"):
        SoftwareProductCollection(logging.getLogger("test"), none).nosuch  # noqa: B018
    for arguments in ({}, {"software_product_reference": "a", "software_release_url": "b"}):
        with pytest.raises(AttributeError, match="one of the two"):
            plane.getSoftwareReleaseListFromSoftwareProduct(**arguments)


HATEOAS = {
    "GET_getHateoasUrl": Response(200, {}, b"http://master/hateoas/"),
    "GET_hateoas/": Response(
        200,
        {},
        wire.encode(
            {
                "_links": {
                    "self": {"href": "http://master/hateoas"},
                    "raw_search": {"href": "http://master/find?query={query}{&select_list}"},
                    "traverse": {"href": "http://master/doc{?relative_url,view}"},
                }
            }
        ),
    ),
    "GET_find": Response(
        200,
        {},
        wire.encode(
            {
                "_embedded": {
                    "contents": [
                        {
                            "title": "web",
                            "reference": "COMP-1",
                            "relative_url": "x/1",
                            "url_string": "/a.cfg",
                        }
                    ]
                }
            }
        ),
    ),
    "GET_hateoas/computer_module/Base_getComputerToken": Response(
        200, {}, b'{"access_token": "T"}'
    ),
    "GET_doc": Response(200, {}, sample(210).body),
}


def test_what_only_hateoas_tells_is_told(monkeypatch: pytest.MonkeyPatch):
    plane = connected(monkeypatch, **HATEOAS)
    assert plane.getOpenOrderDict()["web"]._software_release_url == "/a.cfg"
    assert plane.getComputerDict()["web"]._reference == "COMP-1"
    assert plane.registerToken().request() == "T"
    known = plane.registerOpenOrder().getInformation("web")
    assert known._requested_state == "started"
    assert known._software_release_url == RELEASE
    assert known._parameter_dict == {}
    assert plane.registerComputer("COMP-1").getInformation()._reference == "fill0"
    with pytest.raises(NotFoundError, match="nothing whose title is other"):
        plane.registerOpenOrder().getInformation("other")


def test_a_master_without_hateoas_is_named(monkeypatch: pytest.MonkeyPatch):
    plane = connected(monkeypatch, GET_getHateoasUrl=Response(404, {}, b""))
    with pytest.raises(SlapError, match="no HATEOAS interface") as caught:
        plane.getOpenOrderDict()
    assert "slapgrid_rest_uri" in (caught.value.hint or "")


def test_a_document_that_moved_is_followed_but_not_for_ever(monkeypatch: pytest.MonkeyPatch):
    moved = {"GET_doc": Response(302, {"Location": "/there"}, b"")}
    there = {"GET_there": Response(200, {}, sample(210).body)}
    known = connected(monkeypatch, **{**HATEOAS, **moved, **there}).registerOpenOrder()
    assert known.getInformation("web")._requested_state == "started"
    circle = {"GET_doc": Response(302, {"Location": "/doc"}, b"")}
    lost = connected(monkeypatch, **{**HATEOAS, **circle}).registerOpenOrder()
    with pytest.raises(SlapError, match="from one place to the next"):
        lost.getInformation("web")


def test_a_link_to_another_server_is_not_followed(monkeypatch: pytest.MonkeyPatch):
    stranger = wire.encode({"_links": {"raw_search": {"href": "http://evil/{query}"}}})
    routes = {**HATEOAS, "GET_hateoas/": Response(200, {}, stranger)}
    with pytest.raises(SlapError, match="another server"):
        connected(monkeypatch, **routes).getOpenOrderDict()
