"""Laws of the choice of a place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.master.allocate import Candidate, Host, allocate, choose_host
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
    },
)


def fits(item: Candidate, wish: dict[str, str]) -> bool:
    return (
        item.free_count > 0
        and not item.is_silent
        and item.release_status is not None
        and wish.get("computer_guid") in (None, item.computer_id)
        and "region" not in wish
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
    expected = "computer-silent"
    if "region" in wish:
        expected = "filter-unmatched"
    elif not supplied:
        expected = "release-unknown"
    elif not allowed:
        expected = "release-not-supplied"
    elif not any(item.free_count for item in allowed):
        expected = "no-partition-free"
    assert chosen.code == expected


def test_the_hint_for_an_unknown_release_can_be_typed_as_it_is():
    known = [Candidate("COMP-1", 1, 1, False, None)]
    cause = allocate(URL, {}, known, 1.0)
    assert isinstance(cause, Cause)
    assert cause.hint == "pelagos supply /a.cfg COMP-1"


def test_a_shared_instance_goes_where_the_fewest_are_served():
    hosts = [Host(1, "g1", "COMP-1", 2), Host(2, "g2", "COMP-1", 0), Host(3, "g3", "COMP-2", 0)]
    assert choose_host({}, hosts) == hosts[1]
    assert choose_host({"computer_guid": "COMP-2"}, hosts) == hosts[2]
    assert choose_host({"instance_guid": "g1"}, hosts) == hosts[0]
    assert choose_host({"instance_guid": "g9"}, hosts) is None
