"""Plans and their application, trees, names, bangs, draining."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady
from pelagos.slap.master.errors import Conflict
from pelagos.slap.model import Alteration, InstanceRequest, InstanceState, Plan
from support.slap_site import ADMIN, COMPUTER, URL, Site


def wish(reference: str = "hello", url: str = URL, **kw: Any) -> InstanceRequest:
    return InstanceRequest(reference, url, **kw)


def plan(site: Site, reference: str = "hello", **kw: Any) -> Plan:
    return site.service.plan(wish(reference, **kw), ADMIN)


def everything(site: Site) -> object:
    return (
        site.service.full_computer(COMPUTER),
        site.service.events(limit=1000),
        list(site.service.tree("hello")) if site.kinds("hello") else None,
    )


def test_a_plan_of_something_new_says_where_it_would_go_and_does_nothing(site: Site):
    before = everything(site)
    found = plan(site, parameters={"size": 10})
    assert found.effects == ("creates hello", f"placed on {COMPUTER}")
    assert Alteration("parameters.size", None, "10") in found.changes
    assert Alteration("state", None, "started") in found.changes
    assert everything(site) == before


def test_a_plan_of_the_same_again_changes_nothing(site: Site):
    site.request()
    assert plan(site).changes == ()
    assert plan(site).effects == ("changes nothing",)


def test_a_plan_of_other_parameters_says_that_it_restarts(site: Site):
    site.request(parameters={"a": "1", "gone": "x"})
    before = everything(site)
    found = plan(site, parameters={"a": "2", "new": ""})
    assert found.effects == ("restarts hello",)
    assert set(found.changes) == {
        Alteration("parameters.a", "1", "2"),
        Alteration("parameters.gone", "x", None),
        Alteration("parameters.new", None, ""),
    }
    assert everything(site) == before


def test_a_plan_of_a_destruction_counts_what_is_beneath(site: Site):
    root = site.request()
    middle = site.child(root, "middle")
    site.child(middle, "leaf")
    found = plan(site, state=InstanceState.DESTROYED)
    assert found.effects == ("destroys hello", "destroys 2 instances beneath: middle, leaf")
    assert found.changes == (Alteration("state", "started", "destroyed"),)


def test_a_plan_of_a_stop_names_what_stops_with_it(site: Site):
    root = site.request()
    site.child(root, "a")
    site.child(root, "b", state=InstanceState.STOPPED)
    assert plan(site, state=InstanceState.STOPPED).effects == (
        "stops hello",
        "stops 1 instance beneath: a",
    )


def test_a_plan_without_a_place_says_what_it_would_wait_for(site: Site):
    (created, waits) = plan(site, url="/never.cfg").effects
    assert created == "creates hello"
    assert "no computer was asked to supply /never.cfg" in waits


def test_a_plan_of_a_release_that_is_not_supplied_there_says_so(site: Site):
    site.request()
    assert plan(site, url="/b.cfg").effects == (
        "restarts hello",
        f"then waits until /b.cfg is supplied on {COMPUTER}",
    )


def test_a_plan_that_leaves_shared_instances_alone_names_them(site: Site):
    site.request()
    site.request("front", shared=True)
    assert plan(site, state=InstanceState.DESTROYED).effects[-1] == (
        "leaves 1 shared instance without a host: front"
    )


def test_a_plan_of_a_shared_instance_names_its_host(site: Site):
    site.request()
    assert plan(site, "front", shared=True).effects == (
        "creates front",
        f"served by hello on {COMPUTER}",
    )


def test_a_plan_of_what_does_not_exist_and_shall_not_exist(site: Site):
    assert "keeps nothing" in plan(site, state=InstanceState.DESTROYED).effects[0]


def test_a_plan_refuses_what_the_request_would(site: Site):
    with pytest.raises(NotFoundError):
        plan(site, filters={"computer_guid": "COMP-9"})
    site.request()
    with pytest.raises(BadRequest):
        plan(site, shared=True)


def test_a_plan_is_applied_while_nothing_has_moved(site: Site):
    shown = plan(site, parameters={"a": "1"})
    site.clock.advance(60)
    site.service.seen(COMPUTER)
    found = site.service.apply(wish(parameters={"a": "1"}), shown.basis, ADMIN)
    assert found == site.request(parameters={"a": "1"})
    again = plan(site, parameters={"a": "2"})
    site.service.bang(COMPUTER, found.partition_id, "x", ADMIN)
    assert site.service.apply(wish(parameters={"a": "2"}), again.basis, ADMIN).guid == found.guid


def test_an_applied_plan_that_waits_is_kept_and_says_why(site: Site):
    shown = plan(site, url="/never.cfg")
    with pytest.raises(ResourceNotReady) as caught:
        site.service.apply(wish(url="/never.cfg"), shown.basis, ADMIN)
    assert caught.value.cause and caught.value.cause.code == "release-unknown"
    assert site.service.service("hello").release_url == "/never.cfg"


def _other_parameters(site: Site) -> None:
    site.request(parameters={"a": "9"})


def _destroyed(site: Site) -> None:
    site.set_state("hello", "destroyed")


def _new_child(site: Site) -> None:
    site.child(site.request(), "kid")


def _stopped(site: Site) -> None:
    site.set_state("hello", "stopped")


@pytest.mark.parametrize(
    ("move", "named"),
    [
        (_other_parameters, "the parameters"),
        (_destroyed, "the state"),
        (_stopped, "the state"),
        (_new_child, "the instances beneath"),
    ],
)
def test_a_plan_is_refused_when_the_world_moved(site: Site, move: Any, named: str):
    site.request()
    shown = plan(site, state=InstanceState.DESTROYED)
    move(site)
    before = everything(site)
    with pytest.raises(Conflict, match=named) as caught:
        site.service.apply(wish(state=InstanceState.DESTROYED), shown.basis, ADMIN)
    assert caught.value.status == 409
    assert everything(site) == before


def test_a_plan_whose_place_is_taken_meanwhile_is_refused(site: Site):
    site.add_computer("COMP-2", 1)
    site.supply(computer_id="COMP-2")
    shown = plan(site)
    assert f"placed on {COMPUTER}" in shown.effects
    for number in range(3):
        site.request(f"s{number}", filters={"computer_guid": COMPUTER})
    with pytest.raises(Conflict, match="placed on COMP-2"):
        site.service.apply(wish(), shown.basis, ADMIN)
    assert "hello" not in [item.reference for item in site.service.services()]


def test_a_plan_is_refused_for_another_request(site: Site):
    shown = plan(site)
    with pytest.raises(Conflict, match="the request"):
        site.service.apply(wish(parameters={"x": "y"}), shown.basis, ADMIN)


@pytest.mark.parametrize("basis", ["", "1-", "x", "1-" + "0" * 119, "2-" + "0" * 120])
def test_what_is_no_basis_is_refused(site: Site, basis: str):
    with pytest.raises(BadRequest, match="basis"):
        site.service.apply(wish(), basis, ADMIN)
    assert site.kinds("hello") == []


# ---- trees --------------------------------------------------------------------------------------


def test_a_tree_lists_parents_before_children(site: Site):
    root = site.request("root")
    middle = site.child(root, "middle")
    site.child(middle, "leaf")
    site.child(root, "front", shared=True, url=URL)
    nodes = site.service.tree("leaf")
    assert [(node.reference, node.depth) for node in nodes] == [
        ("root", 0),
        ("middle", 1),
        ("leaf", 2),
        ("front", 1),
    ]
    assert nodes[1].requester_guid == nodes[0].guid
    assert nodes[3].shared
    assert nodes[3].host_guid in {node.guid for node in nodes[:3]}
    assert all(node.cause.message for node in nodes)
    with pytest.raises(NotFoundError):
        site.service.tree("nothing")


# ---- names, bangs -------------------------------------------------------------------------------


def test_a_service_is_renamed_by_name_even_without_a_place(site: Site):
    site.refusal("old", url="/never.cfg")
    guid = site.service.rename_service("old", "new", ADMIN)
    assert site.service.service("new").guid == guid
    site.request("other")
    with pytest.raises(Conflict, match="other"):
        site.service.rename_service("new", "other", ADMIN)


def test_a_renamed_shared_instance_is_told_to_its_host(site: Site):
    host = site.request("host")
    site.request("front", shared=True)
    before = site.timestamp(host)
    site.service.rename_service("front", "face", ADMIN)
    assert (site.timestamp(host) or 0) > (before or 0)
    (entry,) = site.service.partition(COMPUTER, host.partition_id).shared_instances
    assert entry["slave_title"] == "face"


def test_a_bang_by_name_wakes_up_to_the_root(site: Site):
    root = site.request("root")
    child, sibling = site.child(root, "a"), site.child(root, "b")
    before = site.timestamp(root), site.timestamp(child), site.timestamp(sibling)
    site.service.bang_service("a", "look", ADMIN)
    assert (site.timestamp(root) or 0) > (before[0] or 0)
    assert (site.timestamp(child) or 0) > (before[1] or 0)
    assert site.timestamp(sibling) == before[2]
    site.refusal("late", url="/never.cfg")
    with pytest.raises(Conflict, match="no place"):
        site.service.bang_service("late", "look", ADMIN)


# ---- draining -----------------------------------------------------------------------------------


def test_a_draining_computer_keeps_what_it_has_and_takes_nothing_new(site: Site):
    kept = site.request("kept")
    site.service.drain(COMPUTER, True, ADMIN)
    assert site.request("kept") == kept
    cause = site.refusal()
    assert cause.code == "computer-draining"
    assert COMPUTER in cause.message
    assert site.service.explain(COMPUTER, "computer").cause.code == "computer-draining"
    site.report(kept)
    assert site.service.explain("kept").cause.code == "ok"
    site.service.drain(COMPUTER, False, ADMIN)
    assert site.service.service("hello").computer_id == COMPUTER
    assert [kind for kind in site.kinds(COMPUTER) if "drain" in kind or "open" in kind] == [
        "computer.draining",
        "computer.opened",
    ]
    site.service.drain(COMPUTER, False, ADMIN)
    assert site.kinds(COMPUTER).count("computer.opened") == 1
    with pytest.raises(NotFoundError):
        site.service.drain("COMP-9", True, ADMIN)


def test_plans_beside_requests_leave_no_trace(site: Site):
    def work(number: int) -> None:
        if number % 2:
            plan(site, f"planned{number}")
        else:
            site.request(f"asked{number}", parameters={"n": str(number)}, url=URL)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sorted(item.reference for item in site.service.services()) == [
        "asked0",
        "asked2",
        "asked4",
    ]
    assert site.service.computer(COMPUTER).free_count == 0
    assert not [event for event in site.service.events(limit=999) if "planned" in event.reference]
