"""The reads of SLAP that few programs make, and what no report may be answered with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pelagos.slap import protocol
from pelagos.slap.master import MasterSettings
from pelagos.slap.master.auth import Role
from support.slap_site import COMPUTER, URL, Site
from support.wsgi import Caller

SLOT = {"computer_id": COMPUTER, "computer_partition_id": "slappart0"}
PRODUCTS = {"hello": ("/hello-2/software.cfg", "/hello-1/software.cfg")}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, settings=MasterSettings(products=PRODUCTS))
    made.supply()
    yield made
    made.close()


@pytest.fixture
def person(site: Site) -> Caller:
    return Caller(site.master.app, site.person_token)


@pytest.fixture
def agent(site: Site) -> Caller:
    return Caller(site.master.app, site.computer_token)


# ---- status -------------------------------------------------------------------------------------


def test_the_status_of_an_instance_is_its_last_report(site: Site, person: Caller):
    instance = site.request()
    before = person.marshalled("getComputerPartitionStatus", **SLOT)
    assert before == {
        "user": "SlapOS Master",
        "text": "#error no data found",
        "reference": instance.guid,
        "portal_type": "Software Instance",
        "no_data": 1,
    }
    site.report(instance)
    after = person.marshalled("getComputerPartitionStatus", **SLOT)
    assert after["text"] == "#access Instance correctly started"
    assert after["state"] == "started"
    assert after["user"] == COMPUTER
    assert after["no_data_since_5_minutes"] == after["no_data_since_15_minutes"] == 0
    assert set(after) == {
        "user", "created_at", "since", "state", "text", "reference", "portal_type",
        "no_data_since_5_minutes", "no_data_since_15_minutes",
    }  # fmt: skip
    site.fail(instance, "a traceback\nOSError: no port")
    failed = person.marshalled("getComputerPartitionStatus", **SLOT)
    assert failed["text"].startswith("#error")
    assert "no port" in failed["text"]


def test_since_stays_while_the_same_is_reported(site: Site, person: Caller):
    instance = site.request()
    site.report(instance)
    first = person.marshalled("getComputerPartitionStatus", **SLOT)
    site.clock.advance(400)
    site.report(instance)
    second = person.marshalled("getComputerPartitionStatus", **SLOT)
    assert first["since"] == second["since"]
    assert (second["no_data_since_5_minutes"], second["no_data_since_15_minutes"]) == (1, 0)


def test_the_status_of_a_computer_says_when_it_was_heard(
    site: Site, person: Caller, agent: Caller
):
    agent.get(protocol.FETCH_COMPUTER, computer_id=COMPUTER)
    heard = person.marshalled("getComputerStatus", computer_id=COMPUTER)
    assert heard["text"].startswith("#access")
    assert heard["reference"] == COMPUTER
    assert heard["portal_type"] == "Compute Node"
    site.clock.advance(1000)
    silent = person.marshalled("getComputerStatus", computer_id=COMPUTER)
    assert silent["text"].startswith("#error")
    assert silent["no_data_since_15_minutes"] == 1
    site.service.register_computer("COMP-2")
    unheard = person.marshalled("getComputerStatus", computer_id="COMP-2")
    assert unheard["no_data"] == 1
    assert person.get("getComputerStatus", computer_id="NOPE").status_code == 404
    assert person.get("getComputerStatus").status_code == 400
    answer = person.get("getComputerStatus", computer_id=COMPUTER)
    assert answer.headers["Cache-Control"] == "private, max-age=60"


def test_the_status_of_an_installation_follows_its_build(person: Caller, agent: Caller):
    asked = {"url": URL, "computer_id": COMPUTER}

    def text() -> Any:
        return person.marshalled("getSoftwareInstallationStatus", **asked)["text"]

    assert text() == "#error no data found"
    agent.post("buildingSoftwareRelease", **asked)
    assert text() == "#building software release"
    agent.post("softwareReleaseError", error_log="it broke", **asked)
    assert text() == "#error while building: it broke"
    agent.post("availableSoftwareRelease", **asked)
    assert text() == "#access software release available"
    none = person.get("getSoftwareInstallationStatus", url="/no.cfg", computer_id=COMPUTER)
    assert none.status_code == 404


def test_the_addresses_are_those_of_the_whole_tree(site: Site, person: Caller):
    root = site.request()
    site.child(root, "db")
    site.request("other")
    found = person.marshalled("getHostingSubscriptionIpList", **SLOT)
    assert found == [("lo", "127.0.0.1"), ("lo", "127.0.0.1")]
    site.set_state("hello", "destroyed")
    assert person.marshalled("getHostingSubscriptionIpList", **SLOT) == []


def test_others_cannot_read_what_is_not_theirs(site: Site):
    site.request()
    token = site.service.create_person("ann", Role.TENANT)
    ann = Caller(site.master.app, token)
    for call in ("getComputerPartitionStatus", "getHostingSubscriptionIpList"):
        assert ann.get(call, **SLOT).status_code == 404
    other = Caller(site.master.app, site.service.register_computer("COMP-9"))
    assert other.get("getComputerStatus", computer_id=COMPUTER).status_code == 403


# ---- the master ---------------------------------------------------------------------------------


def test_products_are_those_of_the_settings(person: Caller):
    call = "getSoftwareReleaseListFromSoftwareProduct"
    newest, oldest = PRODUCTS["hello"]
    assert person.marshalled(call, software_product_reference="hello") == [newest, oldest]
    assert person.marshalled(call, software_product_reference="zzz") == []
    assert person.marshalled(call, software_release_url=oldest) == [newest, oldest]
    assert person.marshalled(call, software_release_url="/x.cfg") == ["/x.cfg"]


def test_the_run_id_is_one_of_this_run(person: Caller, agent: Caller, tmp_path: Path):
    mine = person.get("getRunId").text
    assert agent.get("getRunId").text == mine
    (tmp_path / "b").mkdir()
    other = Site(tmp_path / "b")
    assert Caller(other.master.app, other.person_token).get("getRunId").text != mine
    other.close()


def test_the_hateoas_address_has_the_credential_only_when_the_address_had_it(site: Site):
    token = site.person_token
    plain = Caller(site.master.app, token).get("getHateoasUrl")
    assert plain.text == "http://localhost/hateoas/"
    within = Caller(site.master.app, token, basic=True).get("getHateoasUrl")
    assert within.text == f"http://x:{token}@localhost/hateoas/"
    assert within.headers["Cache-Control"] == "private, no-store"


def test_head_is_answered_where_get_is(site: Site, person: Caller):
    site.request()
    got = person.get(protocol.FETCH_COMPUTER, computer_id=COMPUTER)
    head = person.ask("HEAD", protocol.FETCH_COMPUTER, query_string={"computer_id": COMPUTER})
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == got.headers["ETag"]
    assert person.ask("PUT", protocol.FETCH_COMPUTER).status_code == 405


def test_a_partition_that_is_prepared_says_so_and_stays_as_it_is(site: Site, agent: Caller):
    site.request()
    before = site.service.service("hello")
    for call in ("buildingComputerPartition", "availableComputerPartition"):
        assert agent.post(call, **SLOT).status_code == 200
    assert site.service.service("hello") == before
    nowhere = SLOT | {"computer_partition_id": "nope"}
    assert agent.post("buildingComputerPartition", **nowhere).status_code == 404


# ---- no report of one partition ends an agent's pass --------------------------------------------

REPORTS = (
    protocol.PARTITION_STARTED,
    protocol.PARTITION_STOPPED,
    protocol.PARTITION_DESTROYED,
    protocol.PARTITION_ERROR,
    protocol.PARTITION_BANG,
    "updateComputerPartitionRelatedInstanceList",
    "buildingComputerPartition",
    "availableComputerPartition",
)
texts = st.text(max_size=300)
OPTIONAL = (
    "cause",
    "error_log",
    "instance_reference_xml",
    "message",
    "slave_reference",
    "timestamp",
)
forms = st.fixed_dictionaries({}, optional=dict.fromkeys(OPTIONAL, texts))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("reports"))
    made.supply()
    root = made.request()
    made.child(root, "db")
    yield made
    made.close()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(call=protocol.PARTITION_ERROR, partition="slappart0", form={"slave_reference": "a\nb"})
@example(call=protocol.PARTITION_ERROR, partition="slappart0", form={"error_log": "\0" * 99})
@given(
    call=st.sampled_from(REPORTS),
    partition=st.sampled_from(["slappart0", "slappart1", "slappart2", "gone"]),
    form=forms,
)
def test_a_report_of_one_partition_is_taken_or_not_found(
    lasting: Site, call: str, partition: str, form: dict[str, str]
):
    agent = Caller(lasting.master.app, lasting.computer_token)
    sent = form | {"computer_id": COMPUTER, "computer_partition_id": partition}
    answer = agent.post(call, **sent)
    assert answer.status_code in (200, 404, 408), answer.data
