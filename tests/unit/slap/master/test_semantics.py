"""What a request means: one test for each rule of docs/explanation/semantics.md."""

from __future__ import annotations

import json

import pytest

from pelagos.slap import master, protocol
from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady
from pelagos.slap.model import (
    Address,
    ComputerFormat,
    Instance,
    InstanceState,
    InstanceStatus,
    PartitionFormat,
)
from support.slap_site import ADMIN, COMPUTER, URL, Site, announcement

STOPPED, DESTROYED = InstanceState.STOPPED, InstanceState.DESTROYED
AGENT = master.computer(COMPUTER)


def announce(site: Site, computer_id: str, count: int = 2, **properties: str) -> None:
    """A computer that supplies the release and says something of itself."""
    site.add_computer(computer_id, count)
    form = announcement(count, computer_id)
    site.service.format_computer(
        ComputerFormat(computer_id, form.partitions, properties=properties),
        master.computer(computer_id),
    )
    site.supply(computer_id=computer_id)


def capable(site: Site, *capabilities: str) -> None:
    """The site's computer gets one more partition, which carries capabilities."""
    form = announcement(3)
    extra = PartitionFormat("special", (Address("lo", "127.0.0.1"),), capabilities)
    site.service.format_computer(ComputerFormat(COMPUTER, (*form.partitions, extra)), AGENT)


def stamp(site: Site, instance: Instance) -> int:
    return site.timestamp(instance) or 0


# ---- properties, capabilities, modes ------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "network_guid",
        "project_guid",
        "group",
        "cpu_core",
        "cpu_frequency",
        "cpu_type",
        "local_area_network_type",
        "region",
        "memory_size",
        "memory_type",
        "storage_capacity",
        "storage_interface",
        "storage_redundancy",
        "colour",
    ],
)
def test_a_filter_finds_the_computer_that_announced_it(site: Site, key: str):
    announce(site, "COMP-2", **{key: "x"})
    announce(site, "COMP-3", **{key: "y"})
    assert site.request("b", filters={key: "y"}).computer_id == "COMP-3"
    assert site.request("a", filters={key: "x"}).computer_id == "COMP-2"
    cause = site.refusal("c", filters={key: "z"})
    assert cause.code == "filter-unmatched"
    assert f"{key}=z" in cause.message
    assert "x, y" in cause.message


def test_all_filters_must_hold(site: Site):
    announce(site, "COMP-2", region="sea", cpu_core="4")
    announce(site, "COMP-3", region="sea", cpu_core="8")
    wish = {"region": "sea", "cpu_core": 8}
    assert site.request(filters=wish).computer_id == "COMP-3"


def test_what_waits_for_a_property_is_placed_when_a_computer_announces_it(site: Site):
    assert site.refusal(filters={"region": "sea"}).code == "filter-unmatched"
    form = announcement(3)
    said = ComputerFormat(COMPUTER, form.partitions, properties={"region": "sea"})
    site.service.format_computer(said, AGENT)
    assert site.service.service("hello").computer_id == COMPUTER
    site.service.format_computer(form, AGENT)  # an agent that says nothing of them keeps them
    assert site.service.computer(COMPUTER).properties == {"region": "sea"}


@pytest.mark.parametrize(
    ("key", "near"), [("regoin", "region"), ("computer_gid", "computer_guid")]
)
def test_an_unknown_key_makes_a_request_unallocatable(site: Site, key: str, near: str):
    cause = site.refusal(filters={key: "x"})
    assert cause.code == "filter-unmatched"
    assert key in cause.message
    assert near in cause.hint


def test_a_partition_with_a_capability_is_kept_for_those_who_name_it(site: Site):
    capable(site, "gpu", "tpu")
    names = [site.request(f"s{number}").partition_id for number in range(3)]
    assert "special" not in names
    assert site.refusal("late").code == "no-partition-free"
    assert site.refusal("x", filters={"capability": "gp"}).code == "no-partition-free"
    assert site.request("fast", filters={"capability": "gpu"}).partition_id == "special"
    cause = site.refusal("faster", filters={"capability": "gpu"})
    assert cause.code == "no-partition-free"
    assert "gpu" in cause.message


def test_a_capability_is_kept_when_the_computer_is_announced_again(site: Site):
    capable(site, "gpu")
    fast = site.request("fast", filters={"capability": "gpu"})
    capable(site, "gpu")
    site.set_state("fast", "destroyed")
    site.report(fast, "destroyed")
    assert [site.request(f"s{number}").partition_id for number in range(3)] == [
        "slappart0",
        "slappart1",
        "slappart2",
    ]


def test_unique_by_network_allows_one_instance_of_a_tree_in_each_network(site: Site):
    announce(site, "COMP-2", network_guid="N1")
    announce(site, "COMP-3", network_guid="N1")
    announce(site, "COMP-4", network_guid="N2")
    alone = {"mode": "unique_by_network"}
    root = site.request("root", filters={"computer_guid": "COMP-2"})
    assert site.child(root, "a", filters={**alone, "network_guid": "N2"}).computer_id == "COMP-4"
    assert site.child(root, "b", filters=alone).computer_id == COMPUTER
    with pytest.raises(ResourceNotReady) as caught:
        site.child(root, "c", filters=alone)
    assert caught.value.cause and caught.value.cause.code == "filter-unmatched"
    assert "each network" in caught.value.cause.message


def test_what_passes_through_reaches_the_agent_and_moves_nothing(site: Site):
    wish = {"retention_delay": 3, "fw_restricted_access": "on", "fw_authorized_sources": "1.2.3.4"}
    found = site.request(filters=wish)
    told = site.service.partition(COMPUTER, found.partition_id).filters
    assert told == {key: str(value) for key, value in wish.items()}


def test_a_pull_backup_is_kept_for_seven_days_unless_it_says_so(site: Site):
    assert site.request("a", software_type="pull-backup").filters == {"retention_delay": "7"}
    wish = {"retention_delay": "1"}
    assert site.request("b", software_type="pull-backup", filters=wish).filters == wish
    assert site.request("a", software_type="pull-backup").guid


def test_properties_and_capabilities_travel():
    form = ComputerFormat(
        "COMP-1",
        (PartitionFormat("a", (), ("gpu", "tpu")), PartitionFormat("b")),
        properties={"region": "sea", "cpu_core": "8"},
    )
    assert protocol.decode_format(protocol.encode_format(form)) == form
    silent = ComputerFormat("COMP-1", ())
    assert protocol.decode_format(protocol.encode_format(silent)).properties is None


# ---- who may request what -----------------------------------------------------------------------


def test_one_may_request_a_hundred_children_and_no_more(site: Site):
    root = site.request("root")
    for number in range(100):
        with pytest.raises(ResourceNotReady):
            site.child(root, f"c{number}", url="/b.cfg")
    with pytest.raises(BadRequest, match="100"):
        site.child(root, "c100", url="/b.cfg")
    assert len(site.service.tree("root")) == 101
    with pytest.raises(ResourceNotReady):
        site.child(root, "c99", url="/b.cfg")  # those that there are may be asked for again


def test_what_is_being_destroyed_requests_nothing_new_and_takes_nothing_over(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    leaf = site.child(root, "leaf")
    site.request("middle", requester=(COMPUTER, root.partition_id), state=DESTROYED)
    with pytest.raises(ResourceNotReady):
        site.child(middle, "late")
    assert site.child(middle, "leaf").guid == leaf.guid
    assert site.service.service("leaf").requester_guid == root.guid
    assert "late" not in [node.reference for node in site.service.tree("root")]


def test_a_state_that_is_not_said_is_answered_as_it_is_stored(site: Site):
    site.request(state=STOPPED)
    assert site.request().requested_state is STOPPED
    assert site.request(parameters={"a": "b"}).requested_state is STOPPED


def test_a_json_parameter_passes_untouched(site: Site):
    text = json.dumps({"deep": [1, {"é": "<&>"}], "n": None})
    found = site.request(parameters={"_": text})
    assert found.parameters == {"_": text}
    assert site.service.partition(COMPUTER, found.partition_id).parameters == {"_": text}


def test_each_new_instance_is_told_once(site: Site):
    root = site.request("root")
    site.request("root", parameters={"x": "y"})
    site.child(root, "kid")
    site.child(root, "kid")
    kinds = site.kinds()
    assert kinds.count("instance.requested") == 2
    assert kinds.count("instance.allocated") == 2


# ---- shared instances ---------------------------------------------------------------------------


def test_only_started_shared_instances_are_listed_and_each_change_wakes_the_host(site: Site):
    host = site.request("host")
    stamps = [stamp(site, host)]

    def listed() -> list[str]:
        found = site.service.partition(COMPUTER, host.partition_id).shared_instances
        stamps.append(stamp(site, host))
        return [str(entry["slave_title"]) for entry in found]

    site.request("a", shared=True)
    assert listed() == ["a"]
    site.request("a", shared=True, parameters={"x": "1"})
    assert listed() == ["a"]
    site.request("a", shared=True, parameters={"x": "1"}, state=STOPPED)
    assert listed() == []
    assert site.service.service("a").status is InstanceStatus.STOPPED
    assert site.service.explain("a").cause.code == "stopped"
    site.request("a", shared=True, parameters={"x": "1"}, state=InstanceState.STARTED)
    assert listed() == ["a"]
    site.set_state("a", "destroyed")
    assert listed() == []
    assert stamps == sorted(set(stamps))


def test_a_host_sees_what_it_published_before_and_when_the_wish_changed(site: Site):
    host = site.request("host")
    front = site.request("front", shared=True, parameters={"domain": "x.test", "both": "wish"})
    before = stamp(site, host)
    site.publish(host, {"site_url": "https://x.test", "both": "said"}, front.guid)
    assert stamp(site, host) == before  # what it said itself does not wake it
    (entry,) = site.service.partition(COMPUTER, host.partition_id).shared_instances
    assert entry["site_url"] == "https://x.test"
    assert entry["both"] == "wish"
    assert entry["slave_reference"] == front.guid
    assert isinstance(entry["timestamp"], int)


def test_a_shared_instance_answers_its_own_guid_and_state(site: Site):
    host = site.request("host")
    front = site.request("front", shared=True, state=STOPPED)
    assert front.guid != host.guid
    assert front.requested_state is STOPPED
    document = protocol.encode_instance(front)
    assert protocol.decode_instance(document).requested_state == "stopped"
    assert front.guid.encode() in document


def test_a_changed_shared_instance_is_served_again_when_its_host_has_run(site: Site):
    host = site.request("host")
    front = site.request("front", shared=True)
    site.publish(host, {"url": "x"}, front.guid)
    site.report(host)
    assert site.service.service("front").status is InstanceStatus.STARTED
    site.request("front", shared=True, parameters={"a": "b"})
    assert site.service.service("front").status is InstanceStatus.WAITING
    site.report(host)
    assert site.service.service("front").status is InstanceStatus.STARTED
    site.request("front", shared=True, parameters={"a": "c"})
    site.publish(host, {"url": "x"}, front.guid)  # the same again: it is served
    assert site.service.service("front").status is InstanceStatus.STARTED


def test_an_error_may_be_of_a_shared_instance_alone(site: Site):
    host = site.request("host")
    front = site.request("front", shared=True)
    site.report(host)
    site.service.report_partition_error(
        COMPUTER, host.partition_id, "bad domain", AGENT, shared_reference=front.guid
    )
    assert site.service.service("front").status is InstanceStatus.ERROR
    assert "bad domain" in site.service.explain("front").cause.message
    assert site.service.service("host").status is InstanceStatus.STARTED


def test_a_rename_with_a_slave_reference_spares_the_host(site: Site):
    host = site.request("host")
    front = site.request("front", shared=True)
    site.service.rename(COMPUTER, host.partition_id, "face", ADMIN, front.guid)
    assert site.service.service("face").guid == front.guid
    assert site.service.service("host").guid == host.guid
    with pytest.raises(NotFoundError):
        site.service.rename(COMPUTER, host.partition_id, "x", ADMIN, "SOFTINST-none")


def test_a_shared_instance_waits_for_a_host_that_has_no_place_yet(site: Site):
    site.refusal("host", url="/b.cfg")
    cause = site.refusal("front", url="/b.cfg", shared=True)
    assert cause.code == "waiting-for-host"
    assert "host" in cause.message
    site.supply("/b.cfg")
    host = site.request("host", url="/b.cfg")
    front = site.request("front", url="/b.cfg", shared=True)
    assert front.partition_id == host.partition_id
    assert site.kinds("front").count("instance.allocated") == 1


def test_a_host_is_chosen_by_its_computer_and_its_guid(site: Site):
    announce(site, "COMP-2", region="sea")
    here = site.request("here", filters={"computer_guid": COMPUTER})
    there = site.request("there", filters={"computer_guid": "COMP-2"})
    by_region = site.request("a", shared=True, filters={"region": "sea"})
    assert by_region.computer_id == "COMP-2"
    by_guid = site.request("b", shared=True, filters={"instance_guid": here.guid})
    assert by_guid.computer_id == COMPUTER
    assert site.refusal("c", shared=True, filters={"region": "land"}).code == "filter-unmatched"
    assert site.refusal("d", shared=True, filters={"zone": "1"}).code == "filter-unmatched"
    with pytest.raises(NotFoundError):
        site.request("e", shared=True, filters={"instance_guid": "SOFTINST-none"})
    assert there.guid


def test_a_shared_instance_that_loses_its_host_wakes_its_requester(site: Site):
    root = site.request("root")
    host = site.request("host")
    front = site.child(root, "front", shared=True, filters={"instance_guid": host.guid})
    site.publish(host, {"url": "x"}, front.guid)
    before = stamp(site, root)
    site.set_state("host", "destroyed")
    site.report(host, "destroyed")
    assert stamp(site, root) > before
    assert site.service.service("front").connection == {}


# ---- waking -------------------------------------------------------------------------------------


def test_a_publication_wakes_the_direct_requester_and_nobody_else(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    leaf = site.child(middle, "leaf")
    before = {name: stamp(site, item) for name, item in (("r", root), ("l", leaf))}
    woken = stamp(site, middle)
    site.publish(leaf, {"url": "x"})
    assert stamp(site, middle) > woken
    once = stamp(site, middle)
    site.publish(leaf, {"url": "x"})
    assert stamp(site, middle) == once
    assert {"r": stamp(site, root), "l": stamp(site, leaf)} == before


def test_a_publication_for_a_shared_instance_wakes_who_requested_it(site: Site):
    host, root = site.request("host"), site.request("root")
    front = site.child(root, "front", shared=True, filters={"instance_guid": host.guid})
    before = stamp(site, root)
    site.publish(host, {"url": "x"}, front.guid)
    assert stamp(site, root) > before


def test_a_computers_bang_wakes_each_instance_once_and_requesters_elsewhere(site: Site):
    announce(site, "COMP-2")
    root = site.request("root", filters={"computer_guid": "COMP-2"})
    kid = site.child(root, "kid", filters={"computer_guid": COMPUTER})
    other = site.child(root, "other", filters={"computer_guid": COMPUTER})
    beside = site.child(root, "beside", filters={"computer_guid": "COMP-2"})
    stamps = {item.title: stamp(site, item) for item in (root, kid, other, beside)}
    site.service.bang_computer(COMPUTER, "rebooted", AGENT)
    assert all(stamp(site, item) > stamps[item.title] for item in (root, kid, other))
    assert stamp(site, beside) == stamps["beside"]
    banged = [e for e in site.service.events(limit=999) if e.kind == "instance.banged"]
    assert [(event.reference, event.computer_id) for event in banged] == [("root", "COMP-2")]


def test_a_bang_of_a_shared_instance_wakes_its_host(site: Site):
    host = site.request("host")
    site.request("front", shared=True)
    before = stamp(site, host)
    site.service.bang_service("front", "look", ADMIN)
    assert stamp(site, host) > before


def test_a_changed_filter_or_requester_is_no_effective_change(site: Site):
    root = site.request("root")
    middle, leaf = site.child(root, "middle"), site.child(root, "leaf")
    before = stamp(site, leaf)
    site.child(middle, "leaf", filters={"retention_delay": "2"})
    assert stamp(site, leaf) == before
    assert site.service.partition(COMPUTER, leaf.partition_id).filters == {"retention_delay": "2"}


# ---- ends ---------------------------------------------------------------------------------------


def test_a_child_that_its_agent_never_saw_does_not_keep_its_tree(site: Site):
    root = site.request("root")
    with pytest.raises(ResourceNotReady):
        site.child(root, "late", url="/never.cfg")
    site.set_state("root", "destroyed")
    assert [item.reference for item in site.service.services()] == ["root"]
    assert site.report(root, "destroyed") == "OK"
    assert site.service.services() == []


def test_a_report_that_an_instance_is_gone_frees_it_only_when_that_was_wished(site: Site):
    found = site.request()
    site.report(found, "destroyed")
    assert site.request().guid == found.guid


def test_fewer_partitions_keep_those_that_are_busy(site: Site):
    busy = [site.request(f"s{number}") for number in range(2)]
    site.service.format_computer(announcement(1), AGENT)
    assert site.service.computer(COMPUTER).free_count == 0
    assert site.request("s1") == busy[1]
    assert site.refusal("new").code == "no-partition-free"
    site.set_state("s1", "destroyed")
    site.report(busy[1], "destroyed")
    assert site.refusal("new").code == "no-partition-free"


# ---- supply -------------------------------------------------------------------------------------


def test_a_removal_says_that_the_release_is_still_used_and_can_be_undone(site: Site):
    found = site.request()
    site.report(found)
    site.supply(state="destroyed")
    (release,) = site.service.releases()
    assert release.cause.code == "release-removing"
    assert "; a service still uses it" in release.cause.message
    assert release.cause.hint == f"pelagos supply {URL} {COMPUTER} keeps it"
    assert site.request(parameters={"a": "b"}).guid == found.guid
    assert site.service.explain("hello").cause.code == "release-not-supplied"
    site.supply()
    (release,) = site.service.releases()
    assert release.requested_state == "available"
    site.service.report_release(COMPUTER, URL, "destroyed", AGENT)
    assert len(site.service.releases()) == 1  # wished again meanwhile


def test_a_removal_of_what_nobody_uses_says_so(site: Site):
    site.supply(state="destroyed")
    (release,) = site.service.releases()
    assert "use" not in release.cause.message
    site.service.report_release(COMPUTER, URL, "destroyed", AGENT)
    assert site.service.releases() == []
