"""The JSON-RPC interface of SlapOS, as its callers see it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.core.certificate import Authority
from pelagos.slap.errors import NotFoundError
from pelagos.slap.master import Master, MasterSettings, computer
from pelagos.slap.master.auth import Role
from pelagos.slap.master.faces.json_shape import fault
from pelagos.slap.master.faces.jsonrpc import JsonRpcFace
from pelagos.slap.master.faces.jsonrpc_methods import METHODS
from pelagos.slap.model import InstanceRequest, SupplyState
from support.slap_site import ADMIN, COMPUTER, URL, Site, announcement
from support.wsgi import Caller

REQUEST = {"title": "web", "software_release_uri": URL, "software_type": "default"}
POST = "slapos.post.v0.software_instance"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, settings=MasterSettings())
    made.supply()
    yield made
    made.close()


@pytest.fixture
def person(site: Site) -> Caller:
    return Caller(site.master.app, site.person_token)


@pytest.fixture
def agent(site: Site) -> Caller:
    return Caller(site.master.app, site.computer_token)


def test_every_method_has_its_shape_and_its_answer(site: Site):
    assert {route.name for route in JsonRpcFace(site.service).routes()} == set(METHODS)


def test_a_request_is_answered_with_the_instance(site: Site, person: Caller):
    found = person.call(POST, **REQUEST, parameters={"a": "1"}, sla_parameters={})
    guid = found["instance_guid"]
    assert found == {
        "title": "web",
        "instance_guid": guid,
        "software_release_uri": URL,
        "software_type": "default",
        "state": "started",
        "connection_parameters": {},
        "parameters": {"a": "1"},
        "shared": False,
        "root_instance_title": "web",
        "ip_list": [["lo", "127.0.0.1"]],
        "full_ip_list": [],
        "sla_parameters": {},
        "computer_guid": COMPUTER,
        "compute_partition_id": "slappart0",
        "processing_timestamp": int(site.clock.time()),
        "access_status_message": "",
    }
    assert person.call("slapos.get.v0.software_instance", instance_guid=guid) == found
    where = {"computer_guid": COMPUTER, "compute_partition_id": "slappart0"}
    assert person.call("slapos.get.v0.compute_partition", **where) == found
    assert person.call("slapos.get.v0.instance_tree", title="web") == found
    trees = person.call("slapos.allDocs.v0.instance_tree_list")
    assert trees == {"result_list": [{"title": "web"}]}
    seats = person.call("slapos.allDocs.v0.compute_node_instance_list", computer_guid=COMPUTER)
    assert seats["result_list"] == [
        {
            "title": "web",
            "instance_guid": guid,
            "state": "started",
            "compute_partition_id": "slappart0",
            "software_release_uri": URL,
        }
    ]


def test_structure_is_kept_and_texts_are_texts(site: Site, person: Caller):
    nested = {"a": 1, "nested": {"b": [1, 2]}, "none": None}
    found = person.call(POST, **REQUEST, parameters=nested)
    assert found["parameters"] == nested
    again = person.call(POST, **REQUEST, parameters=nested)
    assert again == found
    flat = person.call(POST, **REQUEST | {"title": "flat"}, parameters={"a": 1, "e": ""})
    assert flat["parameters"] == {"a": "1", "e": ""}
    publish = "slapos.put.v0.software_instance_connection_parameter"
    sent = {"instance_guid": found["instance_guid"], "connection_parameter_dict": {"u": ["x"]}}
    assert person.call(publish, **sent) == {"type": "success", "title": "Updated"}
    assert site.service.service("web").connection == {"_": '{"u":["x"]}'}
    read = person.call("slapos.get.v0.instance_tree", title="web")
    assert read["connection_parameters"] == {"u": ["x"]}


def test_what_waits_is_not_ready_and_no_error(person: Caller):
    answer = person.ask("POST", POST, json=REQUEST | {"software_release_uri": "/b.cfg"})
    assert answer.status_code == 200
    assert answer.get_json()["status"] == 102
    assert "/b.cfg" in answer.get_json()["message"]


def test_an_instance_asks_in_its_own_name_only(site: Site, person: Caller, agent: Caller):
    root = site.request("root")
    own = f"computer_id={COMPUTER}, computer_partition_id={root.partition_id}"
    token = site.service.partition_token(COMPUTER, root.partition_id, computer(COMPUTER))
    inside = Caller(site.master.app, token)
    child = inside.call(POST, **REQUEST | {"title": "db"})
    assert child["root_instance_title"] == "root"
    by_agent = agent.call(POST, {"X-SlapPartition": own}, **REQUEST | {"title": "db"})
    assert by_agent == child
    by_person = person.call(POST, {"X-SlapPartition": own}, **REQUEST | {"title": "db"})
    assert by_person == child
    other = f"computer_id={COMPUTER}, computer_partition_id={child['compute_partition_id']}"
    refused = inside.call(POST, {"X-SlapPartition": other}, **REQUEST | {"title": "x"})
    assert refused["status"] == 403
    nobody = agent.call(POST, **REQUEST | {"title": "x"})
    assert nobody["status"] == 403
    unreadable = person.call(POST, {"X-SlapPartition": "what"}, **REQUEST)
    assert unreadable["status"] == 400


def test_shared_instances_are_listed_and_published_to(site: Site, person: Caller):
    host = site.request("host")
    shared = person.call(POST, **REQUEST, shared=True, parameters={"d": "a"})
    assert shared["shared"] is True
    found = person.call("slapos.allDocs.v0.instance_node_instance_list", instance_guid=host.guid)
    assert found["result_list"] == [
        {
            "title": "web",
            "instance_guid": shared["instance_guid"],
            "software_type": "default",
            "state": "started",
            "parameters": {"d": "a"},
            "compute_partition_id": "slappart0",
        }
    ]
    named = {"instance_guid": shared["instance_guid"]}
    person.call(
        "slapos.put.v0.software_instance_connection_parameter",
        **named,
        connection_parameter_dict={"site": "http://a"},
    )
    read = person.call("slapos.get.v0.software_instance", **named)
    assert read["connection_parameters"] == {"site": "http://a"}
    renamed = person.call("slapos.put.v0.software_instance_title", **named, title="web2")
    assert renamed == {"type": "success", "title": "Renamed"}
    assert person.call("slapos.get.v0.software_instance", **named)["title"] == "web2"
    assert site.service.service("host").reference == "host"


def test_an_agent_can_do_its_work(site: Site, agent: Caller):
    formatted = agent.call(
        "slapos.put.v0.compute_node_format",
        computer_guid=COMPUTER,
        compute_partition_list=[
            {
                "partition_id": "slappart0",
                "ip_list": [
                    {
                        "ip-address": "10.0.0.1",
                        "netmask": "255.0.0.0",
                        "network-interface": "eth0",
                        "gateway-ip-address": "10.0.0.254",
                        "network-address": "10.0.0.0",
                    }
                ],
            }
        ],
    )
    assert formatted["type"] == "success"
    guid = site.request().guid
    listed = agent.call(
        "slapos.allDocs.v0.compute_node_software_installation_list", computer_guid=COMPUTER
    )
    assert listed == {"result_list": [{"software_release_uri": URL, "state": "available"}]}
    release = {"computer_guid": COMPUTER, "software_release_uri": URL}
    reported = "slapos.put.v0.software_installation_reported_state"
    for state in ("building", "available"):
        assert agent.call(reported, **release, reported_state=state)["type"] == "success"
    failed = "slapos.put.v0.software_installation_error"
    assert agent.call(failed, **release, message="broke")["type"] == "success"
    assert site.service.releases()[0].cause.message == "broke"
    agent.call(reported, **release, reported_state="available")
    instance = "slapos.put.v0.software_instance_reported_state"
    assert agent.call(instance, instance_guid=guid, reported_state="started")["type"] == "success"
    read = agent.call("slapos.get.v0.software_instance", instance_guid=guid)
    assert read["access_status_message"] == "#access Instance correctly started"
    assert read["ip_list"] == [["eth0", "10.0.0.1"]]
    agent.call("slapos.put.v0.software_instance_error", instance_guid=guid, message="bad")
    assert site.service.service("hello").cause.message == "bad"
    bang = agent.call("slapos.put.v0.software_instance_bang", instance_guid=guid, message="b")
    assert bang == {"type": "success", "title": "Bang handled"}
    for method, more in (
        ("slapos.put.v0.compute_node_bang", {"message": "m"}),
        ("slapos.post.v0.compute_node_usage", {"tioxml": "<journal/>"}),
    ):
        assert agent.call(method, computer_guid=COMPUTER, **more)["type"] == "success", method
    status = agent.call("slapos.get.v0.compute_node_status", computer_guid=COMPUTER)
    assert status == {"text": "#access Computer is running"}
    nodes = agent.call("slapos.allDocs.WIP.compute_node_list")
    assert nodes == {"result_list": [{"computer_guid": COMPUTER}]}


def test_an_instance_with_children_is_not_gone_yet(site: Site, agent: Caller):
    root = site.request()
    child = site.child(root, "db")
    site.set_state("hello", "destroyed")
    gone = "slapos.put.v0.software_instance_reported_state"
    waits = agent.call(gone, instance_guid=root.guid, reported_state="destroyed")
    assert waits["status"] == 403
    done = {"type": "success", "title": "Destroyed"}
    assert agent.call(gone, instance_guid=child.guid, reported_state="destroyed") == done
    with pytest.raises(NotFoundError):  # the root was wiped before
        site.service.instance_by_guid(root.guid, ADMIN)


def test_certificates_are_issued_and_revoked(tmp_path: Path):
    authority = Authority.open(tmp_path / "ca", name="test", now=time.time())
    (tmp_path / "own").mkdir()
    master = Master(f"sqlite:///{tmp_path}/own/m.db", authority=authority)
    try:
        person = Caller(master.app, master.service.create_person("admin"))
        agent = Caller(master.app, master.service.register_computer(COMPUTER))
        agent.call(
            "slapos.put.v0.compute_node_format",
            computer_guid=COMPUTER,
            compute_partition_list=[{"partition_id": "slappart0"}],
        )
        supply = {"computer_guid": COMPUTER, "software_release_uri": URL}
        person.call("slapos.post.v0.software_installation", **supply)
        guid = person.call(POST, **REQUEST)["instance_guid"]
        pair = agent.call("slapos.get.v0.software_instance_certificate", instance_guid=guid)
        assert pair["certificate"].startswith("-----BEGIN CERTIFICATE-----")
        assert "PRIVATE KEY" in pair["key"]
        issue = "slapos.post.v0.compute_node_certificate"
        revoke = "slapos.remove.v0.compute_node_certificate"
        assert set(person.call(issue, computer_guid=COMPUTER)) == {"key", "certificate"}
        assert person.call(issue, computer_guid=COMPUTER)["status"] == 403
        assert person.call(revoke, computer_guid=COMPUTER)["type"] == "success"
        assert person.call(revoke, computer_guid=COMPUTER)["status"] == 403
    finally:
        master.close()


def test_a_certificate_counts_and_the_header_beside_it_is_a_hint(tmp_path: Path):
    """As the original library from 1.26 on asks over HTTPS."""
    authority = Authority.open(tmp_path / "ca", name="test", now=time.time())
    master = Master(f"sqlite:///{tmp_path}/m.db", authority=authority)
    try:
        service = master.service
        service.create_person("admin")
        service.register_computer(COMPUTER)
        service.format_computer(announcement(2), computer(COMPUTER))
        service.supply(URL, COMPUTER, SupplyState.AVAILABLE, ADMIN)
        service.request(InstanceRequest("root", URL), ADMIN)
        pair = service.partition_certificate(COMPUTER, "slappart0", ADMIN)
        peer = {"pelagos.peer_certificate": ssl.PEM_cert_to_DER_cert(pair["certificate"])}
        client = master.app.test_client()

        def status(partition_id: str, call: str, **sent: Any) -> int:
            hint = f"computer_id={COMPUTER}, computer_partition_id={partition_id}"
            headers = {"Authorization": f"X-SlapPartition {hint}"}
            answer = client.post(f"/{call}", headers=headers, environ_overrides=peer, **sent)
            return int(answer.status_code)

        child = REQUEST | {"title": "db"}
        assert status("slappart0", POST, json=child) == 200
        assert status("slappart1", POST, json=child) == 403
        form = {"computer_id": COMPUTER, "computer_partition_id": "slappart0", "message": "m"}
        assert status("slappart1", "softwareInstanceBang", data=form) == 200
        assert status("slappart0", "softwareInstanceBang", data=form) == 200
        form["computer_partition_id"] = "slappart1"
        assert status("slappart1", "softwareInstanceBang", data=form) == 403
    finally:
        master.close()


def test_the_hateoas_address_is_told(person: Caller):
    assert person.call("slapos.get.v0.hateoas_url") == {"hateoas_url": "http://localhost/hateoas/"}


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"software_type": ...}, "'software_type' is a required property"),
        ({"extra": 1}, "Additional properties are not allowed ('extra' was unexpected)"),
        ({"title": 5}, "title: 5 is not of type 'string'"),
        ({"title": ""}, "title: '' is too short"),
        ({"title": "x" * 201}, "is too long"),
        ({"state": "flying"}, "state: 'flying' is not one of"),
        ({"shared": 1}, "shared: 1 is not of type 'boolean'"),
        ({"parameters": [1]}, "parameters: [1] is not of type 'object'"),
        ({"title": "a\nb"}, "control character"),
    ],
)
def test_what_has_another_shape_is_refused(person: Caller, changes: dict[str, Any], said: str):
    sent = {name: value for name, value in (REQUEST | changes).items() if value is not ...}
    answer = person.ask("POST", POST, json=sent)
    assert answer.status_code == 400
    assert answer.get_json()["type"] == "Bad Request"
    assert said in answer.get_json()["title"]


def test_what_is_not_there_or_not_yours_is_forbidden(site: Site, person: Caller):
    guid = site.request().guid
    ann = Caller(site.master.app, site.service.create_person("ann", Role.TENANT))
    for caller, sent in ((person, "SOFTINST-0"), (ann, guid)):
        answer = caller.ask(
            "POST", "slapos.get.v0.software_instance", json={"instance_guid": sent}
        )
        assert answer.status_code == 403
        assert answer.get_json() == {
            "status": 403,
            "type": "Forbidden",
            "title": f"there is no service {sent} (pelagos service list shows them all)",
        }
    assert ann.call("slapos.allDocs.v0.instance_tree_list") == {"result_list": []}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json;q=0.5, text/html", 200),
        ("application/*", 200),
        ("text/html", 406),
    ],
)
def test_the_answer_is_json_or_none(person: Caller, accept: str, status: int):
    method = "slapos.allDocs.v0.instance_tree_list"
    answer = person.ask("POST", method, json={}, headers={"Accept": accept})
    assert answer.status_code == status


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_verbs_are_refused_in_the_same_shape(person: Caller, verb: str):
    answer = person.ask(verb, "slapos.get.v0.hateoas_url")
    assert answer.status_code == 405
    assert answer.get_json()["type"] == "Method Not Allowed"
    assert answer.headers["Allow"] == "POST"


def test_strangers_are_refused_in_the_same_shape(site: Site):
    answer = Caller(site.master.app, "wrong").ask("POST", POST, json=REQUEST)
    assert answer.status_code == 401
    assert set(answer.get_json()) == {"status", "type", "title"}


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"\xff"])
def test_a_body_that_is_no_object_is_refused(person: Caller, body: bytes):
    answer = person.ask("POST", POST, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.get_json()) == {"status", "type", "title"}


SAMPLES: dict[str, Any] = {"string": st.text(max_size=20), "boolean": st.booleans()}


def made(shape: Any) -> st.SearchStrategy[Any]:
    """Values of a shape, with any text in them."""
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if shape["type"] == "array":
        return st.lists(made(shape["items"]), max_size=2)
    if shape["type"] == "object" and "properties" in shape:
        return st.fixed_dictionaries(
            {name: made(each) for name, each in shape["properties"].items()}
        )
    return SAMPLES.get(shape["type"], st.dictionaries(st.text(), st.text(), max_size=2))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("methods"))
    made.supply()
    made.request()
    yield made
    made.close()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(METHODS)), st.data())
def test_whatever_is_sent_the_master_does_not_fail(
    lasting: Site, method: str, data: st.DataObject
):
    sent = data.draw(made(METHODS[method].shape))
    for name, known in (("computer_guid", COMPUTER), ("software_release_uri", URL)):
        if name in sent and data.draw(st.booleans()):
            sent[name] = known
    if "instance_guid" in sent and data.draw(st.booleans()):
        rows = lasting.service.trees(ADMIN)
        sent["instance_guid"] = rows[0].guid if rows else "SOFTINST-0"
    caller = Caller(lasting.master.app, lasting.person_token)
    answer = caller.ask("POST", method, json=sent)
    assert answer.status_code in (200, 400, 403, 409, 413), answer.data
    assert isinstance(answer.get_json(), dict)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(METHODS)), values)
def test_a_shape_is_judged_and_never_breaks(method: str, value: Any):
    said = fault(METHODS[method].shape, value)
    assert said is None or isinstance(said, str)


def test_an_error_ends_with_what_to_do(site: Site, person: Caller):
    said = person.call("slapos.get.v0.instance_tree", title="nothing")["title"]
    assert said == (
        "there is no instance tree nothing (slapos.allDocs.v0.instance_tree_list names "
        "those that there are)"
    )
    unknown = Caller(site.master.app, "nonsense").call("slapos.get.v0.hateoas_url")["title"]
    assert "may be another plane's" in unknown


def test_an_agent_is_answered_for_what_it_requests_elsewhere(site: Site, agent: Caller):
    """In the name of its partition; the child's own page stays closed to this computer."""
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    root = site.request("root")
    header = {
        "X-SlapPartition": f"computer_id={COMPUTER}, computer_partition_id={root.partition_id}"
    }
    wish = REQUEST | {"title": "kid", "sla_parameters": {"computer_guid": "COMP-2"}}
    answer = agent.ask("POST", POST, json=wish, headers=header)
    found = answer.get_json()
    assert (answer.status_code, found["computer_guid"]) == (200, "COMP-2"), found
    assert found == agent.call(POST, headers=header, **wish)
    guid = found["instance_guid"]
    shown = agent.ask("POST", "slapos.get.v0.software_instance", json={"instance_guid": guid})
    assert shown.status_code == 403
