"""What the master does with few looks at a large site is what it would do with many."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.slap import master
from pelagos.slap.master.desk import Presence
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import ComputerFormat, InstanceState
from support.slap_site import ADMIN, URL, Site, announcement


@pytest.fixture
def crowd(tmp_path: Path):
    site = Site(tmp_path, partitions=0)
    for number in range(5):
        site.add_computer(f"COMP-{number}", 1)
        site.supply(computer_id=f"COMP-{number}")
    yield site
    site.close()


def describe(site: Site, computer_id: str, **properties: str) -> None:
    plain = announcement(1, computer_id)
    told = ComputerFormat(plain.computer_id, plain.partitions, properties=properties)
    site.service.format_computer(told, master.computer(computer_id))


def test_a_full_site_is_told_by_its_first_computers_and_all_its_partitions(crowd: Site):
    for number in range(5):
        crowd.request(f"hello{number}")
    said = crowd.refusal("one more")
    assert said.code == "no-partition-free"
    assert said.message == "all 5 partitions of COMP-0, COMP-1, COMP-2 and 2 more are taken"
    # The same, when all are looked at because of a filter.
    described = crowd.refusal("another", filters={"mode": "unique_by_network"})
    assert described.message == said.message


def test_full_computers_are_not_counted_with_one_that_is_drained(crowd: Site):
    for number in range(4):
        crowd.request(f"hello{number}")
    crowd.service.drain("COMP-4", draining=True, identity=ADMIN)
    said = crowd.refusal("one more")
    assert said.message == "all 4 partitions of COMP-0, COMP-1, COMP-2 and 1 more are taken"


def test_those_that_have_built_it_go_before_those_with_more_room(crowd: Site):
    crowd.add_computer("COMP-large", 9)
    crowd.supply(computer_id="COMP-large")
    crowd.service.report_release("COMP-3", URL, "available", master.computer("COMP-3"))
    assert crowd.request("first").computer_id == "COMP-3"
    assert crowd.request("second").computer_id == "COMP-large"


@pytest.mark.parametrize("value", ["50%", "a_b", 'a"b', "a\\b", "é", "%"])
def test_a_property_is_found_whatever_is_in_it(crowd: Site, value: str):
    describe(crowd, "COMP-2", region="axb")
    describe(crowd, "COMP-3", region=value)
    assert crowd.request(filters={"region": value}).computer_id == "COMP-3"
    missed = crowd.refusal("other", filters={"region": value.upper() + "x"})
    assert missed.code == "filter-unmatched"


def test_a_new_service_is_what_the_master_says_of_it_afterwards(crowd: Site):
    made = crowd.request("hello", parameters={"a": "1", "b": None})
    assert crowd.request("hello", parameters={"a": "1", "b": None}) == made
    child = crowd.child(made, "child", state=InstanceState.STOPPED)
    assert crowd.child(made, "child") == child
    assert child.root_title == "hello"


def test_events_of_one_change_are_numbered_in_their_order(crowd: Site):
    for number in range(5):
        crowd.request(f"hello{number}")
    for number in range(12):
        crowd.refusal(f"waits{number}")
    before = max(event.id for event in crowd.service.events(limit=1000))
    crowd.add_computer("COMP-large", 12)
    crowd.supply(computer_id="COMP-large")
    told = crowd.service.events(after=before, limit=1000)
    assert [event.id for event in told] == sorted({event.id for event in told})
    placed = [event.reference for event in told if event.kind == "instance.allocated"]
    assert placed == [f"waits{number}" for number in range(12)]


def test_a_failed_change_leaves_no_trace_for_the_next_of_its_commit(crowd: Site):
    crowd.request("hello")
    crowd.request("other")
    with pytest.raises(Conflict):
        crowd.service.rename_service("other", "hello", ADMIN)
    assert {item.reference for item in crowd.service.services()} == {"hello", "other"}


def test_signs_of_life_of_all_computers_are_written_together():
    presence = Presence()
    for name in ("a", "b", "c"):
        assert presence.note(name, 100.0, 10.0, 60.0)  # the first since the start
        presence.wrote(presence.unwritten(name, 100.0))
    assert not presence.note("a", 109.0, 10.0, 60.0)
    assert presence.note("b", 110.0, 10.0, 60.0)
    written = presence.unwritten("b", 110.0)
    assert written == {"a": 109.0, "b": 110.0}
    presence.wrote(written)
    assert not presence.note("c", 119.0, 10.0, 60.0)  # later than 10 s after its own last
    assert presence.last_seen("c", 100.0) == 119.0


def test_a_computer_that_was_silent_is_written_at_once():
    presence = Presence()
    for name in ("a", "b"):
        presence.wrote(presence.unwritten(name, 100.0))
    for at in range(109, 170, 9):
        if presence.note("a", float(at), 10.0, 60.0):
            presence.wrote(presence.unwritten("a", float(at)))
    presence.wrote(presence.unwritten("a", 170.0))
    assert presence.note("b", 171.0, 10.0, 60.0)
