"""What a request means."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady
from pelagos.slap.master.errors import Conflict, TooLarge
from pelagos.slap.model import InstanceState, InstanceStatus
from support.slap_site import COMPUTER, URL, Site, announcement


def test_a_request_gets_a_partition_and_keeps_it(site: Site):
    first = site.request(parameters={"size": 10, "flag": True, "none": ""})
    assert (first.computer_id, first.partition_id) == (COMPUTER, "slappart0")
    assert first.parameters == {"size": "10", "flag": "True", "none": None}
    assert first.requested_state is InstanceState.STARTED
    site.clock.advance(5)
    assert site.request(parameters={"size": 10, "flag": True, "none": ""}) == first


def test_an_unchanged_request_writes_nothing(site: Site):
    site.request()
    before = site.service.events(limit=1000), site.service.full_computer(COMPUTER)
    site.clock.advance(1)
    site.request()
    assert (site.service.events(limit=1000), site.service.full_computer(COMPUTER)) == before


def test_a_changed_request_gives_a_new_timestamp_and_awaits_the_agent(site: Site):
    first = site.request(parameters={"a": "1"})
    site.report(first)
    changed = site.request(parameters={"a": "2"})
    assert changed.partition_id == first.partition_id
    assert changed.timestamp > first.timestamp
    service = site.service.service("hello")
    assert service.status is InstanceStatus.WAITING
    assert service.cause.code == "waiting-for-agent"


def test_timestamps_grow_even_when_the_clock_stands_or_runs_backwards(site: Site):
    stamps = [site.request(parameters={"n": str(number)}).timestamp for number in range(3)]
    site.clock.jump(-3600)
    stamps.append(site.request(parameters={"n": "back"}).timestamp)
    assert stamps == sorted(set(stamps))


def test_a_state_that_is_not_said_stays(site: Site):
    site.request(state=InstanceState.STOPPED)
    assert site.request().requested_state is InstanceState.STOPPED
    assert site.request(state=InstanceState.STARTED).requested_state is InstanceState.STARTED


def test_a_changed_filter_never_moves_and_gives_no_new_timestamp(site: Site):
    first = site.request()
    site.add_computer("COMP-2", 1)
    again = site.request(filters={"computer_guid": "COMP-2"})
    assert (again.computer_id, again.timestamp) == (COMPUTER, first.timestamp)
    assert again.filters == {"computer_guid": "COMP-2"}


def test_other_releases_and_types_change_in_place(site: Site):
    first = site.request()
    other = site.request(url="/b.cfg", software_type="slim")
    assert (other.guid, other.release_url, other.software_type) == (first.guid, "/b.cfg", "slim")
    assert site.service.service("hello").cause.code == "release-not-supplied"


@pytest.mark.parametrize(
    ("url", "filters", "code"),
    [
        ("/never.cfg", {}, "release-unknown"),
        (URL, {"computer_guid": "COMP-2"}, "release-not-supplied"),
        (URL, {"region": "sea"}, "filter-unmatched"),
    ],
)
def test_a_request_without_a_place_is_kept_with_its_cause(site: Site, url, filters, code):
    site.add_computer("COMP-2", 1)
    cause = site.refusal(url=url, filters=filters)
    assert cause.code == code
    assert cause.hint
    assert site.service.service("hello").cause == cause
    site.clock.advance(3)
    assert site.refusal(url=url, filters=filters) == cause


def test_all_partitions_taken_is_said_and_mended_by_a_destruction(site: Site):
    taken = [site.request(f"s{number}") for number in range(3)]
    assert site.refusal().code == "no-partition-free"
    site.set_state("s1", "destroyed")
    assert site.refusal().code == "no-partition-free"
    site.report(taken[1], "destroyed")
    assert site.request().partition_id == taken[1].partition_id


def test_those_that_wait_are_placed_oldest_first(site: Site):
    for number in range(5):
        try:
            site.request(f"s{number}")
        except ResourceNotReady:
            site.clock.advance(1)
    site.service.format_computer(announcement(4), master.computer(COMPUTER))
    assert site.request("s3").partition_id == "slappart3"
    assert site.refusal("s4").code == "no-partition-free"


def test_a_supply_places_what_waited_for_it(site: Site):
    assert site.refusal(url="/b.cfg").code == "release-unknown"
    site.supply("/b.cfg")
    assert site.service.service("hello").computer_id == COMPUTER
    assert site.kinds("hello") == [
        "instance.requested",
        "instance.waiting",
        "instance.allocated",
    ]


def test_a_silent_computer_gets_nothing_until_it_calls(site: Site):
    site.clock.advance(61)
    assert site.refusal().code == "computer-silent"
    site.service.seen(COMPUTER)
    assert site.request().computer_id == COMPUTER
    assert "computer.seen" in site.kinds(COMPUTER)


def test_a_filter_for_an_unknown_computer_keeps_nothing(site: Site):
    with pytest.raises(NotFoundError, match="COMP-9"):
        site.request(filters={"computer_guid": "COMP-9"})
    assert site.service.services() == []


def test_a_waiting_request_cannot_move_its_filter_to_an_unknown_computer(site: Site):
    site.refusal(url="/b.cfg")
    with pytest.raises(NotFoundError, match="COMP-9"):
        site.request(url="/b.cfg", filters={"computer_guid": "COMP-9"})
    assert site.service.service("hello").filters == {}


def test_a_new_wish_to_be_destroyed_keeps_nothing(site: Site):
    assert site.refusal(state=InstanceState.DESTROYED).code == "destroyed"
    assert site.service.services() == []


def test_parameters_above_the_limit_are_refused_before_anything_is_kept(site: Site):
    with pytest.raises(TooLarge) as caught:
        site.request(parameters={"blob": "x" * (1024 * 1024)})
    assert caught.value.status == 413
    assert site.service.services() == []


def test_sixteen_requesters_of_one_reference_get_one_instance(tmp_path: Path):
    site = Site(tmp_path, partitions=20)
    site.supply()
    start = threading.Barrier(16)

    def ask(_: int) -> str:
        start.wait()
        return site.request("same").guid

    with ThreadPoolExecutor(16) as pool:
        guids = set(pool.map(ask, range(16)))
    assert len(guids) == 1
    assert len(site.service.services()) == 1
    assert site.service.computer(COMPUTER).free_count == 19
    assert site.kinds("same") == ["instance.requested", "instance.allocated"]
    site.close()


def test_sixteen_requesters_of_different_references_never_share_a_partition(tmp_path: Path):
    site = Site(tmp_path, partitions=10)
    site.supply()

    def ask(number: int) -> str | None:
        try:
            return site.request(f"s{number}").partition_id
        except ResourceNotReady:
            return None

    with ThreadPoolExecutor(16) as pool:
        places = list(pool.map(ask, range(16)))
    assert sorted(filter(None, places)) == sorted(f"slappart{n}" for n in range(10))
    assert places.count(None) == 6
    site.close()


# ---- trees --------------------------------------------------------------------------------------


def test_children_are_keyed_by_the_tree_and_not_by_the_requester(site: Site):
    root = site.request("root")
    child = site.child(root, "db")
    assert child.root_title == "root"
    assert site.child(root, "db") == child
    other = site.request("other")
    with pytest.raises(ResourceNotReady):
        site.child(other, "db")  # another tree, another instance: no partition is left for it
    assert len(site.service.services()) == 4


def test_a_second_requester_of_the_tree_takes_the_child_over(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    leaf = site.child(root, "leaf")
    assert site.child(middle, "leaf").guid == leaf.guid
    assert site.service.service("leaf").requester_guid == middle.guid


def test_a_child_may_have_the_name_of_its_root(site: Site):
    root = site.request("root")
    child = site.child(root, "root")
    assert child.guid != root.guid
    assert site.service.service("root").guid == root.guid


def test_a_circle_is_refused(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    leaf = site.child(middle, "leaf")
    with pytest.raises(BadRequest, match="descends"):
        site.child(leaf, "middle")


def test_a_stopped_root_stops_its_tree_and_a_started_one_gives_it_back(site: Site):
    root = site.request("root")
    running, resting = site.child(root, "a"), site.child(root, "b", state=InstanceState.STOPPED)
    before = site.timestamp(running), site.timestamp(resting)
    site.set_state("root", "stopped")
    assert site.child(root, "a").requested_state is InstanceState.STOPPED
    assert site.timestamp(running) > before[0]
    assert site.timestamp(resting) == before[1]
    site.set_state("root", "started")
    assert site.child(root, "a").requested_state is InstanceState.STARTED
    assert site.child(root, "b").requested_state is InstanceState.STOPPED


def test_a_tree_ends_bottom_up(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    leaf = site.child(middle, "leaf")
    site.set_state("root", "destroyed")
    assert "waits for its children" in site.report(root, "destroyed")
    assert "waits for its children" in site.report(middle, "destroyed")
    assert len(site.service.services()) == 3
    assert site.report(leaf, "destroyed") == "OK"
    assert site.service.services() == []
    assert site.service.computer(COMPUTER).free_count == 3
    ends = [e.reference for e in site.service.events(limit=99) if e.kind == "instance.destroyed"]
    assert ends == ["leaf", "middle", "root"]


def test_a_doomed_name_answers_that_it_is_being_destroyed(site: Site):
    doomed = site.request()
    site.set_state("hello", "destroyed")
    assert site.refusal().code == "destroying"
    assert site.refusal(state=InstanceState.STARTED).code == "destroying"
    again = site.request(state=InstanceState.DESTROYED)
    assert again.requested_state is InstanceState.DESTROYED
    with pytest.raises(Conflict):
        site.set_state("hello", "started")
    site.report(doomed, "destroyed")
    assert site.request().guid != doomed.guid


def test_what_has_no_place_yet_is_destroyed_at_once(site: Site):
    site.refusal(url="/b.cfg")
    site.set_state("hello", "destroyed")
    assert site.service.services() == []
    assert site.service.service("hello").status is InstanceStatus.DESTROYED


def test_a_doomed_tree_takes_no_new_children(site: Site):
    root = site.request("root")
    site.set_state("root", "destroyed")
    with pytest.raises(ResourceNotReady):
        site.child(root, "late")
    assert len(site.service.services()) == 1


def test_an_empty_partition_cannot_request(site: Site):
    with pytest.raises(NotFoundError):
        site.request("x", requester=(COMPUTER, "slappart0"))
    with pytest.raises(NotFoundError):
        site.request("x", requester=(COMPUTER, "nothing"))


# ---- rename -------------------------------------------------------------------------------------


def test_a_renamed_root_is_found_by_its_new_name_and_its_children_know(site: Site):
    root = site.request("old")
    child = site.child(root, "kid")
    site.service.rename(COMPUTER, root.partition_id, "new", master.person("admin"))
    assert site.request("new").guid == root.guid
    assert site.child(root, "kid").root_title == "new"
    assert site.timestamp(child) > child.timestamp


def test_a_taken_name_is_refused(site: Site):
    first = site.request("a")
    site.request("b")
    with pytest.raises(NotFoundError, match="taken"):
        site.service.rename(COMPUTER, first.partition_id, "b", master.person("admin"))


# ---- shared instances ---------------------------------------------------------------------------


def test_a_shared_instance_without_a_host_is_refused_and_not_kept(site: Site):
    with pytest.raises(NotFoundError, match="shared"):
        site.request("front", shared=True)
    assert site.service.services() == []


def test_a_shared_instance_is_served_by_its_host(site: Site):
    host = site.request("host")
    shared = site.request("front", shared=True, parameters={"domain": "x.test"})
    assert (shared.partition_id, shared.guid != host.guid) == (host.partition_id, True)
    assert site.timestamp(host) > host.timestamp
    (entry,) = site.service.partition(COMPUTER, host.partition_id).shared_instances
    assert entry["slave_reference"] == shared.guid
    assert entry["domain"] == "x.test"
    site.publish(host, {"url": "http://x.test"}, shared.guid)
    assert site.request("front", shared=True, parameters={"domain": "x.test"}).connection == {
        "url": "http://x.test"
    }
    assert site.service.service("host").connection == {}
    assert site.service.computer(COMPUTER).free_count == 2


def test_a_shared_instance_leaves_its_host_at_once(site: Site):
    host = site.request("host")
    site.request("front", shared=True)
    site.set_state("front", "destroyed")
    assert [service.reference for service in site.service.services()] == ["host"]
    assert site.service.partition(COMPUTER, host.partition_id).shared_instances == ()


def test_a_shared_instance_survives_its_host_with_a_cause(site: Site):
    host = site.request("host")
    site.request("front", shared=True)
    site.set_state("host", "destroyed")
    site.report(host, "destroyed")
    assert site.service.service("front").cause.code == "no-shared-host"
    site.request("host2")
    assert site.request("front", shared=True).partition_id is not None


def test_shared_cannot_become_unshared(site: Site):
    site.request("host")
    with pytest.raises(BadRequest, match="shared"):
        site.request("host", shared=True)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("/srv/my releases/a.cfg", "move a file"),
        ("https://example.org/a b.cfg", "%20"),
        ("ftp://example.org/a.cfg", "give such a URL"),
        ("javascript:alert(1)", "give such a URL"),
        ("software.cfg", "give such a URL"),
        ("http://", "give such a URL"),
        ("http://[::1", "give such a URL"),
        ("file:software.cfg", "give such a URL"),
    ],
)
def test_what_no_computer_can_build_is_refused(site: Site, url: str, hint: str):
    for ask in (site.supply, lambda url: site.request(url=url)):
        with pytest.raises(BadRequest, match="no computer can build") as caught:
            ask(url)
        assert hint in (caught.value.hint or "")
    assert [one.url for one in site.service.releases()] == [URL]
    assert site.service.services() == []


def test_what_was_supplied_before_can_be_removed_whatever_its_name(site: Site):
    site.supply("a b", state="destroyed")
    cause = site.refusal(url="a b", state=InstanceState.DESTROYED)
    assert cause.code == "destroyed"


@pytest.mark.parametrize("url", ["/other/software.cfg", "file:///a%20b.cfg", "HTTPS://x/", URL])
def test_what_may_exist_somewhere_is_kept(site: Site, url: str):
    site.supply(url)
    assert url in [one.url for one in site.service.releases()]
