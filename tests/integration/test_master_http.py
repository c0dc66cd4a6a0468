"""Every call of the master over real HTTP, with good and with bad input."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.http import HttpClient
from pelagos.core.http.types import Response
from pelagos.core.web import Server
from pelagos.slap import marshal, protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import NotFoundError, ResourceNotReady, Unauthorized
from pelagos.slap.model import (
    Cause,
    InstanceRequest,
    InstanceState,
    InstanceStatus,
    SupplyState,
)
from support.slap_samples import sample
from support.slap_site import COMPUTER, URL, Site, announcement

pytestmark = pytest.mark.integration


class Wire:
    """A served site, and raw calls to it."""

    def __init__(self, site: Site, server: Server) -> None:
        self.site = site
        self.url = server.url
        self.person = HttpClient(server.url, token=site.person_token)
        self.agent = HttpClient(server.url, token=site.computer_token)
        self.nobody = HttpClient(server.url)

    def get(self, path: str, who: HttpClient | None = None, **params: str) -> Response:
        return (who or self.person).request("GET", path, params=params)

    def post(self, path: str, who: HttpClient | None = None, **form: str) -> Response:
        return (who or self.person).request("POST", path, form=form)

    def request(self, reference: str = "hello", **changes: str) -> Response:
        form = protocol.encode_request(InstanceRequest(reference, URL))
        return self.post(protocol.REQUEST, **{**form, **changes})

    def slap(self, token: str) -> SlapClient:
        return SlapClient(self.url, token=token)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    site = Site(tmp_path)
    site.supply()
    server = Server(site.master.app, threads=12)
    server.start()
    wire = Wire(site, server)
    yield wire
    for client in (wire.person, wire.agent, wire.nobody):
        client.close()
    site.master.end_waiting()
    server.stop()
    site.close()


def error_of(response: Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert body["error"]["message"]
    assert "Traceback" not in response.body.decode()
    found: dict[str, Any] = body["error"]
    return found


SLOT = {"computer_id": COMPUTER, "computer_partition_id": "slappart0"}
RELEASE = {"computer_id": COMPUTER, "url": URL}

# ---- the calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [protocol.FETCH_COMPUTER, protocol.FETCH_COMPUTER_OLD])
def test_a_computer_is_fetched_once_for_each_revision(wire: Wire, name: str):
    first = wire.get(name, wire.agent, computer_id=COMPUTER)
    assert first.status == 200
    assert first.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert len(protocol.decode_computer(first.body).partitions) == 3
    headers = {"If-None-Match": first.headers["ETag"]}
    params = {"computer_id": COMPUTER}
    same = wire.agent.request("GET", name, params=params, headers=headers)
    assert (same.status, same.body) == (304, b"")
    wire.request()
    assert wire.agent.request("GET", name, params=params, headers=headers).status == 200


def test_the_whole_journey_with_the_client_library(wire: Wire):
    person, agent = wire.slap(wire.site.person_token), wire.slap(wire.site.computer_token)
    agent.format_computer(announcement(3))
    person.supply(URL, COMPUTER, SupplyState.AVAILABLE)
    instance = person.request(InstanceRequest("hello", URL, parameters={"size": "10"}))
    assert person.service("hello").cause.code == "waiting-for-agent"
    found = agent.fetch_computer(COMPUTER)
    assert found.partitions[0].parameters == {"size": "10"}
    agent.report_release(COMPUTER, URL, "building", Cause("release-building", "part 1 of 3"))
    assert person.explain("hello").cause.message == "part 1 of 3"
    agent.report_release(COMPUTER, URL, "available")
    token = agent.partition_token(COMPUTER, instance.partition_id)
    assert token is not None
    inside = wire.slap(token)
    inside.publish(COMPUTER, instance.partition_id, {"url": "http://127.0.0.1:1/"})
    agent.report_partition(COMPUTER, instance.partition_id, "started")
    service = person.service("hello")
    assert service.status is InstanceStatus.STARTED
    assert service.connection == {"url": "http://127.0.0.1:1/"}
    assert person.request(InstanceRequest("hello", URL, parameters={"size": "10"})).connection
    assert person.set_state("hello", InstanceState.STOPPED).cause.code == "waiting-for-agent"
    agent.fetch_computer(COMPUTER)
    agent.report_partition(COMPUTER, instance.partition_id, "stopped")
    assert person.service("hello").status is InstanceStatus.STOPPED
    person.set_state("hello", InstanceState.DESTROYED)
    agent.fetch_computer(COMPUTER)
    agent.report_partition(COMPUTER, instance.partition_id, "destroyed")
    assert [*person.services()] == []
    assert person.computer(COMPUTER).free_count == 3
    assert person.events(subject="hello")[-1].kind == "instance.destroyed"
    with pytest.raises(Exception, match="does not know this token"):
        inside.fetch_partition(COMPUTER, instance.partition_id)


def test_a_request_that_has_to_wait_is_408_with_its_cause(wire: Wire):
    answer = wire.request(software_release="/b.cfg")
    assert answer.status == 408
    assert error_of(answer)["code"] == "not-ready"
    assert answer.json()["cause"]["code"] == "release-unknown"
    with pytest.raises(ResourceNotReady) as caught:
        wire.slap(wire.site.person_token).request(InstanceRequest("hello", "/b.cfg"))
    assert caught.value.cause is not None
    assert caught.value.cause.hint == f"pelagos supply /b.cfg {COMPUTER}"


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        (protocol.RELEASE_BUILDING, RELEASE, b"OK"),
        (protocol.RELEASE_AVAILABLE, RELEASE, b"OK"),
        (protocol.RELEASE_ERROR, {**RELEASE, "error_log": "no\nluck"}, b"OK"),
        (protocol.RELEASE_DESTROYED, RELEASE, b"OK"),
        (protocol.PARTITION_STARTED, SLOT, b"OK"),
        (protocol.PARTITION_STOPPED, {**SLOT, "timestamp": "no number"}, b"OK"),
        (
            protocol.PARTITION_STARTED,
            {**SLOT, "timestamp": "5"},
            b"the wish has changed meanwhile",
        ),
        (protocol.PARTITION_DESTROYED, SLOT, b"hello shall not be destroyed"),
        (protocol.PARTITION_ERROR, {**SLOT, "error_log": "bad", "slave_reference": "None"}, b"OK"),
        (protocol.PARTITION_BANG, {**SLOT, "message": "wake up"}, b"OK"),
        ("computerBang", {"computer_id": COMPUTER, "message": "boot"}, marshal.dumps("")),
        ("useComputer", {"computer_id": COMPUTER, "use_string": "<journal/>"}, b"OK"),
        ("softwareInstanceRename", {**SLOT, "new_name": "hallo"}, b"done"),
        (
            "updateComputerPartitionRelatedInstanceList",
            {**SLOT, "instance_reference_xml": protocol.encode_parameters({})},
            b"OK",
        ),
        (
            protocol.PUBLISH,
            {
                **SLOT,
                "connection_xml": protocol.encode_parameters({"url": "x"}),
                "slave_reference": "None",
            },
            b"done",
        ),
        (protocol.FORMAT_COMPUTER, {"xml": protocol.encode_format(announcement(3))}, b"done"),
    ],
)
def test_each_report_is_taken(wire: Wire, name: str, form: dict[str, str], said: bytes):
    wire.request()
    answer = wire.post(name, wire.agent, **form)
    assert (answer.status, answer.body) == (200, said)


def test_the_small_reads_answer(wire: Wire):
    wire.request()
    slot = {"computer_reference": COMPUTER, "computer_partition_reference": "slappart0"}
    answer = wire.get(protocol.FETCH_PARTITION, wire.agent, **slot)
    assert protocol.decode_partition(answer.body).instance_title == "hello"
    assert wire.get(protocol.HATEOAS_URL).text.endswith("/hateoas/")
    answer = wire.get("getComputerPartitionCertificate", wire.agent, **SLOT)
    assert marshal.loads(answer.body) == {"certificate": "", "key": ""}
    product = "getSoftwareReleaseListFromSoftwareProduct"
    assert marshal.loads(wire.get(product, software_product_reference="x").body) == []
    assert marshal.loads(wire.get(product, software_release_url=URL).body) == [URL]


def test_supply_answers_in_words_as_the_ancestor_does(wire: Wire):
    answer = wire.post(protocol.SUPPLY, url="/b.cfg", computer_id=COMPUTER, state="available")
    assert answer.body == b"Supplied '/b.cfg' to be available"


def test_the_recorded_forms_of_the_real_client_are_taken(tmp_path: Path):
    """The ancestor's own bytes: announce, supply, request, report, publish."""
    site = Site(tmp_path, partitions=0)
    server = Server(site.master.app)
    server.start()
    client = HttpClient(server.url, token=site.person_token)
    try:
        for number in (2, 3, 17, 20, 21, 25, 28, 69, 80, 109, 110, 112, 139, 142):
            recorded = sample(number)
            sent = {"form" if recorded.method == "POST" else "params": recorded.fields}
            answer = client.request(recorded.method, recorded.call, **sent)
            assert answer.status == 200, (recorded.name, answer.body)
        listing = client.request(
            "GET", protocol.FETCH_COMPUTER, params={"computer_id": "local_computer"}
        )
        assert protocol.decode_computer(listing.body).partitions[0].instance_title == "inst1"
    finally:
        client.close()
        server.stop()
        site.close()


# ---- /v1 ----------------------------------------------------------------------------------------


def test_v1_lists_and_shows(wire: Wire):
    wire.request()
    assert [item["reference"] for item in wire.get("v1/services").json()["services"]] == ["hello"]
    assert wire.get("v1/services/hello").json()["computer_id"] == COMPUTER
    assert wire.get("v1/computers").json()[0]["free_count"] == 2
    assert wire.get(f"v1/computers/{COMPUTER}").json()["partition_count"] == 3
    assert wire.get("v1/releases").json()[0]["url"] == URL
    assert wire.get("v1/identity").json() == {
        "kind": "person", "name": "admin", "role": "operator",
    }  # fmt: skip
    assert wire.get("v1/identity", wire.agent).json() == {"kind": "computer", "name": COMPUTER}
    assert wire.get("v1/explain/hello").json()["cause"]["code"] == "waiting-for-agent"
    assert wire.get("v1/explain", name=URL, kind="release").json()["kind"] == "release"
    assert wire.get("v1/health", wire.nobody).json() == {"status": "ok"}


def test_names_with_slashes_are_found(wire: Wire):
    name = "team/a?b=ü"
    wire.request(name)
    person = wire.slap(wire.site.person_token)
    assert person.service(name).reference == name
    assert person.explain(name).name == name
    assert person.set_state(name, InstanceState.STOPPED).requested_state is InstanceState.STOPPED
    assert person.explain(URL).kind == "release"


def test_events_are_polled_long(wire: Wire):
    last = wire.get("v1/events", after="-1").json()[0]["id"]
    assert wire.get("v1/events", after=str(last), wait="0").json() == []
    wire.request()
    found = wire.get("v1/events", after=str(last), wait="5", limit="1").json()
    assert found[0]["kind"] == "instance.requested"


@pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "1e400"}, {"wait": "nan"}])
def test_numbers_that_are_none_are_refused(wire: Wire, query: dict[str, str]):
    assert wire.get("v1/events", **query).status == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"state": 5}', b'{"state": "flying"}', b"\xff\xfe"]
)
def test_a_state_that_is_none_is_refused(wire: Wire, body: bytes):
    wire.request()
    client = wire.site.master.app.test_client()
    answer = client.post(
        "/v1/services/hello/state",
        data=body,
        headers={"Authorization": f"Bearer {wire.site.person_token}"},
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert wire.site.service.service("hello").requested_state is InstanceState.STARTED


# ---- who may what -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer wrong",
        "Bearer ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"x:wrong").decode(),
        "X-SlapPartition computer_id=COMP-1, computer_partition_id=slappart0",
    ],
)
def test_without_a_right_token_nothing_is_told(wire: Wire, header: str | None):
    headers = {} if header is None else {"Authorization": header}
    for path in ("v1/services", protocol.FETCH_COMPUTER, "v1/identity"):
        answer = wire.nobody.request("GET", path, headers=headers)
        assert answer.status == 401
        assert error_of(answer)["hint"]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_userinfo_in_the_address_carries_the_token(wire: Wire):
    encoded = base64.b64encode(f"x:{wire.site.person_token}".encode()).decode()
    answer = wire.nobody.request(
        "GET", "v1/identity", headers={"Authorization": f"Basic {encoded}"}
    )
    assert answer.json()["name"] == "admin"


def test_a_replaced_token_is_refused_at_once(wire: Wire):
    assert wire.get("v1/identity").status == 200
    wire.site.service.create_person("admin")
    assert wire.get("v1/identity").status == 401


def test_a_computer_may_not_do_what_is_a_persons_or_anothers(wire: Wire):
    wire.site.add_computer("COMP-2", 1)
    assert wire.post(protocol.SUPPLY, wire.agent, **RELEASE, state="available").status == 403
    assert wire.get("v1/services", wire.agent).status == 403
    assert wire.get(protocol.FETCH_COMPUTER, wire.agent, computer_id="COMP-2").status == 403
    other = {**SLOT, "computer_id": "COMP-2"}
    assert wire.post(protocol.PARTITION_STARTED, wire.agent, **other).status == 403
    form = protocol.encode_format(announcement(9, "COMP-2"))
    assert wire.post(protocol.FORMAT_COMPUTER, wire.agent, xml=form).status == 403
    form_of_root = protocol.encode_request(InstanceRequest("x", URL))
    assert wire.post(protocol.REQUEST, wire.agent, **form_of_root).status == 403
    assert wire.site.service.computer("COMP-2").partition_count == 1


def test_a_partition_sees_and_does_only_its_own(wire: Wire):
    wire.request("a")
    wire.request("b", partition_parameter_xml=protocol.encode_parameters({"key": "s3cret"}))
    agent = wire.slap(wire.site.computer_token)
    token = agent.partition_token(COMPUTER, "slappart0")
    assert token is not None
    inside, raw = wire.slap(token), HttpClient(wire.url, token=token)
    (own,) = inside.fetch_computer(COMPUTER).partitions
    assert own.partition_id == "slappart0"
    with pytest.raises(Unauthorized):
        inside.fetch_partition(COMPUTER, "slappart1")
    with pytest.raises(Unauthorized):
        inside.publish(COMPUTER, "slappart1", {"url": "mine"})
    with pytest.raises(Unauthorized):
        inside.report_partition(COMPUTER, "slappart0", "destroyed")
    child = inside.request(InstanceRequest("kid", URL, requester=(COMPUTER, "slappart0")))
    assert child.root_title == "a"
    assert wire.get("v1/services", raw).status == 403
    raw.close()
    with pytest.raises(Unauthorized):
        wire.slap(wire.site.person_token).partition_token(COMPUTER, "slappart0")
    assert agent.partition_token(COMPUTER, "slappart0") != token
    with pytest.raises(Exception, match="does not know"):
        inside.fetch_partition(COMPUTER, "slappart0")


# ---- bad input ----------------------------------------------------------------------------------

ENTITIES = '<!DOCTYPE m [<!ENTITY a "b">]><marshal><string>&a;</string></marshal>'
DEEP = "<marshal>" + "<list>" * 100 + "</list>" * 100 + "</marshal>"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": marshal.dumps("flying").decode()}, 400),
        ({"state": marshal.dumps(5).decode()}, 400),
        ({"state": "<marshal><str"}, 400),
        ({"shared_xml": marshal.dumps("yes").decode()}, 400),
        ({"partition_parameter_xml": "not xml"}, 400),
        ({"partition_parameter_xml": marshal.dumps([1]).decode()}, 400),
        ({"partition_parameter_xml": ENTITIES}, 400),
        ({"partition_parameter_xml": DEEP}, 400),
        ({"partition_parameter_xml": "<marshal><code>x</code></marshal>"}, 400),
        ({"filter_xml": "<marshal/>"}, 400),
        ({"partition_reference": ""}, 400),
        ({"partition_reference": "x" * 201}, 400),
        ({"partition_reference": "a\0b"}, 400),
        ({"partition_reference": "a\nb"}, 400),
        ({"software_release": ""}, 400),
        ({"software_type": "x" * 201}, 400),
        ({"computer_id": COMPUTER}, 400),
        ({"computer_id": COMPUTER, "computer_partition_id": "../../etc"}, 404),
        ({"computer_id": COMPUTER, "computer_partition_id": "slappart0"}, 404),
        (
            {
                "partition_parameter_xml": protocol.encode_parameters({"x": "y" * 1_100_000}),
            },
            413,
        ),
        (
            {
                "partition_parameter_xml": protocol.encode_parameters({"x": "y" * 10_000_000}),
            },
            413,
        ),
        (
            {"filter_xml": protocol.encode_parameters({"computer_guid": "COMP-9"})},
            404,
        ),
    ],
)
def test_a_request_that_cannot_be_is_refused_and_leaves_nothing(
    wire: Wire, changes: dict[str, str], status: int
):
    before = wire.site.kinds()
    answer = wire.request(**changes)
    assert answer.status == status
    error_of(answer)
    assert wire.site.service.services() == []
    assert wire.site.kinds() == before
    assert wire.request().status == 200


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "..", ".hidden", "a\0b", "x" * 201, "", "a\nb"]
)
def test_impossible_partition_names_are_refused(wire: Wire, name: str):
    entry = {"reference": name, "address_list": [], "tap": {"name": "lo"}}
    document = {"reference": COMPUTER, "partition_list": [entry]}
    xml = protocol.encode_parameters(document) if "\0" not in name else None
    if xml is not None:
        answer = wire.post(protocol.FORMAT_COMPUTER, wire.agent, xml=xml)
        assert answer.status == 400
    for call in (protocol.PARTITION_STARTED, protocol.PARTITION_BANG):
        form = {**SLOT, "computer_partition_id": name}
        answer = wire.post(call, wire.agent, **form)
        assert answer.status in (400, 404)
        error_of(answer)
    assert wire.site.service.computer(COMPUTER).partition_count == 3


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<marshal/>",
        ENTITIES,
        protocol.encode_parameters({"partition_list": []}),
        protocol.encode_parameters({"reference": COMPUTER, "partition_list": "many"}),
        protocol.encode_parameters({"reference": COMPUTER, "partition_list": ["one"]}),
        protocol.encode_parameters(
            {"reference": COMPUTER, "partition_list": [{"reference": "a"}, {"reference": "a"}]}
        ),
    ],
)
def test_an_announcement_that_cannot_be_changes_nothing(wire: Wire, xml: str):
    answer = wire.post(protocol.FORMAT_COMPUTER, wire.agent, xml=xml)
    assert answer.status == 400
    error_of(answer)
    assert wire.site.service.computer(COMPUTER).partition_count == 3


def test_a_supply_that_cannot_be_is_refused(wire: Wire):
    bad_state = {**RELEASE, "state": "flying"}
    assert wire.post(protocol.SUPPLY, **bad_state).status == 400
    unknown = {**RELEASE, "computer_id": "COMP-9"}
    assert wire.post(protocol.SUPPLY, **unknown).status == 404
    assert wire.post(protocol.SUPPLY, computer_id=COMPUTER).status == 400
    assert len(wire.site.service.releases()) == 1


def test_a_cause_that_cannot_be_read_does_not_cost_the_report_its_effect(wire: Wire):
    wire.request()
    for cause in ("{", "[]", '{"code": 5}', "x" * 100, '{"code": "A\\u001b[2J", "message": ""}'):
        answer = wire.post(
            protocol.PARTITION_ERROR, wire.agent, **SLOT, error_log="e", cause=cause
        )
        assert answer.status == 200
    assert wire.site.service.service("hello").status is InstanceStatus.ERROR


def test_well_formed_reports_about_what_is_not_there_are_never_worse_than_404(wire: Wire):
    for call in (
        protocol.PARTITION_STARTED,
        protocol.PARTITION_STOPPED,
        protocol.PARTITION_DESTROYED,
        protocol.PARTITION_ERROR,
        protocol.PARTITION_BANG,
    ):
        for slot, status in (("slappart2", 200), ("slappart99", 404)):
            form = {"computer_id": COMPUTER, "computer_partition_id": slot, "error_log": "e"}
            assert wire.post(call, wire.agent, **form).status == status
    for call in (protocol.RELEASE_BUILDING, protocol.RELEASE_ERROR, protocol.RELEASE_DESTROYED):
        form = {"computer_id": COMPUTER, "url": "/gone.cfg", "error_log": "e"}
        assert wire.post(call, wire.agent, **form).status == 404


def test_wrong_verbs_and_paths_are_json_errors(wire: Wire):
    for answer, status in (
        (wire.get(protocol.REQUEST), 405),
        (wire.post(protocol.FETCH_COMPUTER, computer_id=COMPUTER), 405),
        (wire.get("noSuchCall"), 404),
        (wire.get("v1/services/nothing"), 404),
        (wire.get("v1/computers/nothing"), 404),
        (wire.get("v1/explain", name="nothing"), 404),
        (wire.get("v1/explain", name=URL, kind="planet"), 400),
        (wire.get("v1/explain"), 400),
    ):
        assert answer.status == status
        error_of(answer)


def test_missing_things_are_not_found_by_the_client_library(wire: Wire):
    person = wire.slap(wire.site.person_token)
    with pytest.raises(NotFoundError):
        person.service("nothing")
