"""Texts that no XML can carry: refused by every interface, survived where they are stored."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.slap import marshal, master, protocol
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Role
from pelagos.slap.model import InstanceRequest
from support.slap_site import ADMIN, COMPUTER, URL, Site
from support.wsgi import Caller

UNSPEAKABLE = ["\x00", "\x01", "\x1f", "\ufffe", "\uffff"]
texts = st.text(st.characters(codec=None), max_size=6) | st.sampled_from(
    ["", "<&>'\"", "\r\n\t", "\x7f\x85\u2028", *UNSPEAKABLE, "a\ud800b", "\U0001ffff"]
)
values = texts | st.none() | st.booleans() | st.lists(texts, max_size=2)
mappings = st.dictionaries(texts, values, max_size=3)


@dataclass
class Faces:
    """A master with a tenant, a partition that a tenant's instance sits in, and all callers."""

    site: Site
    tenant: Caller
    instance: Caller
    agent: Caller
    guid: str

    def ways(self, name: str, sent: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The calls that carry parameters, and how."""
        wish = {"reference": name, "release_url": URL, "parameters": sent}
        yield "v1/plan", {"data": json.dumps(wish), "content_type": "application/json"}
        wish = {
            "title": name,
            "software_release_uri": URL,
            "software_type": "default",
            "parameters": sent,
        }
        yield (
            "slapos.post.v0.software_instance",
            {"data": json.dumps(wish), "content_type": "application/json"},
        )

    def publish(self, sent: dict[str, Any]) -> int:
        body = {"instance_guid": self.guid, "connection_parameter_dict": sent}
        answer = self.instance.ask(
            "POST",
            "slapos.put.v0.software_instance_connection_parameter",
            data=json.dumps(body),
            content_type="application/json",
        )
        return answer.status_code

    def fetch(self) -> protocol.Computer:
        answer = self.agent.get("getFullComputerInformation", computer_id=COMPUTER)
        assert answer.status_code == 200, answer.text
        marshal.loads(answer.data)
        return protocol.decode_computer(answer.data)


@pytest.fixture
def faces(site: Site) -> Faces:
    service = site.service
    token = service.create_person("ann", Role.TENANT)
    ann = master.person("ann", Role.TENANT)
    mine = service.request(InstanceRequest("mine", URL), ann)
    own = service.partition_token(COMPUTER, mine.partition_id, master.computer(COMPUTER))
    app = site.master.app
    callers = [Caller(app, one) for one in (token, own, site.computer_token)]
    return Faces(site, *callers, mine.guid)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sent=mappings, published=mappings)
def test_whatever_is_accepted_can_be_fetched(
    faces: Faces, sent: dict[str, Any], published: dict[str, Any]
):
    for path, body in faces.ways("mine", sent):
        answer = faces.tenant.ask("POST", path, **body)
        assert answer.status_code < 500, answer.text
        if path.endswith("plan") and answer.status_code == 200:
            wish = json.loads(body["data"]) | {"basis": answer.json["basis"]}
            applied = faces.tenant.ask("POST", "v1/apply", json=wish)
            assert applied.status_code in (200, 409), applied.text
        fetched = faces.fetch()
        assert [slot.instance_title for slot in fetched.partitions].count("mine") == 1
    assert faces.publish(published) < 500
    faces.fetch()
    shown = faces.tenant.get(f"hateoas/software_instance_module/{faces.guid}")
    if shown.status_code == 200:
        for text in _xml_in(shown.json):
            expat.ParserCreate().Parse(text.encode(), True)


def _xml_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _xml_in(one)
    elif isinstance(value, str) and value.startswith("<?xml"):
        yield value


@pytest.mark.parametrize("bad", UNSPEAKABLE)
@pytest.mark.parametrize("place", ["key", "value"])
def test_an_unspeakable_character_is_refused_with_its_place(faces: Faces, bad: str, place: str):
    sent = {f"k{bad}": "v"} if place == "key" else {"size": f"x{bad}"}
    for path, body in faces.ways("kid", sent):
        answer = faces.tenant.ask("POST", path, **body)
        assert answer.status_code == 400, answer.text
        assert f"U+{ord(bad):04X} at position 1" in answer.text
        assert ("parameters.size" if place == "value" else "name") in answer.text
    assert faces.publish(sent) == 400
    faces.fetch()


def test_filters_and_lone_surrogates_are_refused_as_well(site: Site):
    for wish in (
        InstanceRequest("a", URL, filters={"region": "\x00"}),
        InstanceRequest("a", URL, parameters={"p": "\ud800"}),
        InstanceRequest("a", URL, filters={"\uffff": "x"}),
    ):
        with pytest.raises(BadRequest, match="which XML cannot carry"):
            site.service.request(wish, ADMIN)


@pytest.mark.parametrize("column", ["parameters", "connection", "filters"])
def test_what_is_stored_already_costs_nobody_his_computer(
    site: Site, column: str, caplog: pytest.LogCaptureFixture
):
    """As a master of an earlier version may have taken it."""
    own, other = site.request("own"), site.request("other", parameters={"p": "well"})
    service = site.service
    with service._desk.change(ADMIN) as change:
        stored = change.store.instance_in_partition(own.computer_id, own.partition_id)
        assert stored is not None
        change.store.update_instance(stored.key, **{column: {"k\ufffe": "a\x01b"}})
        change.bump(stored.computer_key)
    caplog.set_level(logging.WARNING)
    agent = Caller(site.master.app, site.computer_token)
    for _ in range(2):
        fetched = protocol.decode_computer(
            agent.get("getFullComputerInformation", computer_id=COMPUTER).data
        )
        slots = {slot.instance_title: slot for slot in fetched.partitions}
        assert getattr(slots["own"], column) == {"k\ufffd": "a\ufffdb"}
        assert slots["other"].parameters == {"p": "well"}
        site.set_state(other.guid, "stopped")  # a new revision: it is made again
    said = [record for record in caplog.records if COMPUTER in record.getMessage()]
    assert len(said) == 1 and "U+" in said[0].getMessage()
    where = {"computer_reference": COMPUTER, "computer_partition_reference": own.partition_id}
    assert agent.get("registerComputerPartition", **where).status_code == 200
    asked = Caller(site.master.app, site.person_token).post(
        "requestComputerPartition", software_release=URL, partition_reference="own"
    )
    assert asked.status_code == 200, asked.text


def test_words_of_an_agent_are_cleaned(site: Site):
    own = site.request("own")
    cause = json.dumps({"code": "x", "message": "m\x01\ufffe", "detail": "d\x00"})
    answer = Caller(site.master.app, site.computer_token).post(
        "softwareInstanceError",
        computer_id=COMPUTER,
        computer_partition_id=own.partition_id,
        error_log="boo",
        cause=cause,
    )
    assert answer.status_code == 200, answer.text
    kept = site.service.service("own", ADMIN).cause
    assert (kept.message, kept.detail) == ("m", "d")
