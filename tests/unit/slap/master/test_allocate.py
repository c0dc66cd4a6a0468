"""Laws of the choice of a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.master.allocate import (
    Candidate,
    Host,
    allocate,
    choose_host,
    refuse_filters,
)
from pelagos.slap.model import Cause, ReleaseStatus

URL = "/a.cfg"

candidates = st.lists(
    st.builds(
        Candidate,
        computer_id=st.sampled_from([f"COMP-{number}" for number in range(6)]),
        free_count=st.integers(0, 3),
        partition_count=st.integers(3, 5),
        is_silent=st.booleans(),
        release_status=st.none() | st.sampled_from(ReleaseStatus),
        is_draining=st.booleans(),
        properties=st.fixed_dictionaries(
            {}, optional={"region": st.sampled_from(["sea", "land"])}
        ),
        has_sibling=st.booleans(),
    ),
    max_size=6,
    unique_by=lambda item: item.computer_id,
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "computer_guid": st.sampled_from(["COMP-0", "COMP-1", "COMP-9"]),
        "retention_delay": st.just("7"),
        "region": st.just("sea"),
        "mode": st.just("unique_by_network"),
        "planet": st.just("mars"),
    },
)


def fits(item: Candidate, wish: dict[str, str]) -> bool:
    return (
        item.free_count > 0
        and not item.is_silent
        and item.release_status is not None
        and wish.get("computer_guid") in (None, item.computer_id)
        and not item.is_draining
        and wish.get("region") in (None, item.properties.get("region"))
        and not ("mode" in wish and item.has_sibling)
        and "planet" not in wish
    )


@given(candidates, filters)
def test_a_place_is_found_exactly_when_a_computer_fits(found, wish):
    chosen = allocate(URL, wish, found, 1.0)
    fitting = {item.computer_id for item in found if fits(item, wish)}
    if fitting:
        assert chosen in fitting
    else:
        assert isinstance(chosen, Cause)
        assert chosen.message and chosen.hint and chosen.since == 1.0


@given(candidates, filters)
def test_the_order_of_the_computers_does_not_matter(found, wish):
    assert allocate(URL, wish, found, 1.0) == allocate(URL, wish, found[::-1], 1.0)


@given(candidates)
def test_a_built_release_wins_over_room(found):
    chosen = allocate(URL, {}, found, 1.0)
    built = {
        item.computer_id
        for item in found
        if fits(item, {}) and item.release_status is ReleaseStatus.AVAILABLE
    }
    assert not built or chosen in built


@given(candidates, filters)
def test_a_refusal_names_the_first_thing_to_mend(found, wish):
    chosen = allocate(URL, wish, found, 1.0)
    if not isinstance(chosen, Cause):
        return
    supplied = [item for item in found if item.release_status is not None]
    allowed = [item for item in supplied if wish.get("computer_guid") in (None, item.computer_id)]
    wanted = wish.get("region")
    matching = [item for item in allowed if wanted in (None, item.properties.get("region"))]
    matching = [item for item in matching if not ("mode" in wish and item.has_sibling)]
    opened = [item for item in matching if not item.is_draining]
    expected = "computer-silent"
    if "planet" in wish:
        expected = "filter-unmatched"
    elif not supplied:
        expected = "release-unknown"
    elif not allowed:
        expected = "release-not-supplied"
    elif not matching:
        expected = "filter-unmatched"
    elif not opened:
        expected = "computer-draining"
    elif not any(item.free_count for item in opened):
        expected = "no-partition-free"
    assert chosen.code == expected


def test_the_hint_for_an_unknown_release_can_be_typed_as_it_is():
    known = [Candidate("COMP-1", 1, 1, False, None)]
    cause = allocate(URL, {}, known, 1.0)
    assert isinstance(cause, Cause)
    assert cause.hint == "pelagos supply /a.cfg COMP-1"


def test_a_shared_instance_goes_where_the_fewest_are_served():
    hosts = [Host(1, "g1", "COMP-1", 2), Host(2, "g2", "COMP-1", 0), Host(3, "g3", "COMP-2", 0)]
    assert choose_host({}, hosts, 1.0) == hosts[1]
    assert choose_host({"computer_guid": "COMP-2"}, hosts, 1.0) == hosts[2]
    assert choose_host({"instance_guid": "g1"}, hosts, 1.0) == hosts[0]


@pytest.mark.parametrize(
    ("filters", "code", "said"),
    [
        ({"instance_guid": "g9"}, "no-shared-host", "g9"),
        ({"computer_guid": "COMP-9"}, "filter-unmatched", "COMP-9"),
        ({"region": "land"}, "filter-unmatched", "region=land"),
        ({"instance_guid": "g4"}, "computer-draining", "COMP-4"),
    ],
)
def test_a_shared_instance_without_a_host_says_why(filters, code, said):
    hosts = [Host(1, "g1", "COMP-1", 0, properties={"region": "sea"})]
    hosts.append(Host(4, "g4", "COMP-4", 0, is_draining=True))
    cause = choose_host(filters, hosts, 1.0)
    assert isinstance(cause, Cause)
    assert cause.code == code
    assert said in cause.message
    assert cause.hint


@pytest.mark.parametrize(
    ("filters", "hint"),
    [
        ({"regoin": "sea"}, "did you mean region?"),
        ({"computer": "COMP-1"}, "did you mean computer_guid?"),
        ({"flavour": "mint"}, "did you mean flavor?"),
        ({"zzz": "1"}, "request again without it"),
        ({"mode": "lonely"}, "use mode=unique_by_network"),
        ({"instance_guid": "g1"}, "request it as shared"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_told_with_the_nearest(filters, hint):
    cause = refuse_filters(filters, 1.0, {"flavor"})
    assert cause is not None
    assert cause.code == "filter-unmatched"
    assert hint in cause.hint


def test_a_property_that_nobody_has_is_told_with_what_there_is():
    found = [
        Candidate("COMP-1", 1, 1, False, ReleaseStatus.AVAILABLE, properties={"cpu_core": "4"})
    ]
    cause = allocate(URL, {"cpu_core": "8"}, found, 1.0)
    assert isinstance(cause, Cause)
    assert "cpu_core=8" in cause.message
    assert "there is 4" in cause.message
    assert "cpu_core=4" in cause.hint


def test_numbers_are_compared_as_text():
    found = [
        Candidate("COMP-1", 1, 1, False, ReleaseStatus.AVAILABLE, properties={"cpu_core": "8"})
    ]
    assert allocate(URL, {"cpu_core": "8"}, found, 1.0) == "COMP-1"
    for wish in ("4", "8.0", "08"):
        assert isinstance(allocate(URL, {"cpu_core": wish}, found, 1.0), Cause)
