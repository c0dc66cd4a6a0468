"""Plans, trees, names, bangs and draining on the command line."""

import dataclasses
import json

import pytest

from pelagos.cli import failures
from pelagos.core.http import Response
from pelagos.slap.documents import encode_instance
from pelagos.slap.model import (
    Alteration,
    Cause,
    Instance,
    InstanceState,
    InstanceStatus,
    Plan,
    TreeNode,
)

PLAN = Plan((Alteration("size", "10", "20"),), ("configures hello again",), "basis-1")


@pytest.fixture
def planned(world, profile):
    """A kept plan, as a person makes it."""
    world.routes["POST /v1/plan"] = world.answer(PLAN)
    ran = world.run("request", "hello", str(profile), "-p", "size=20", "--plan", "-o", "json")
    assert ran.code == failures.OK
    path = world.folder / "plan.json"
    path.write_text(ran.out)
    return path


def instance():
    return Instance(
        guid="guid-of-hello",
        title="hello",
        root_title="hello",
        computer_id="COMP",
        partition_id="slappart0",
        release_url="/srv/hello/software.cfg",
        software_type="default",
        requested_state=InstanceState.STARTED,
    )


def test_a_plan_is_shown_and_nothing_is_asked_for(world, profile):
    world.routes["POST /v1/plan"] = world.answer(PLAN)
    ran = world.run("request", "hello", str(profile), "-p", "size=20", "--plan")
    assert ran.code == failures.OK
    assert "size" in ran.out and "- configures hello again" in ran.out
    assert "nothing was done" in ran.err
    assert not world.sent("POST", "requestComputerPartition")


@pytest.mark.parametrize(("computer", "is_told"), [("rack7", True), ("COMP", False)])
def test_a_filter_that_moves_nothing_is_told(world, profile, computer, is_told):
    document = encode_instance(instance())
    world.routes["POST /requestComputerPartition"] = Response(200, {}, document)
    world.routes["GET /v1/services/hello"] = world.answer(world.service("hello"))
    ran = world.run("request", "hello", str(profile), "--filter", f"computer_guid={computer}")
    assert ran.code == failures.OK
    assert ("hello stays on COMP" in ran.err) is is_told


def test_a_plan_that_changes_nothing_says_so(world, profile):
    world.routes["POST /v1/plan"] = world.answer(Plan((), (), "b"))
    assert "as wished already" in world.run("request", "hello", str(profile), "--plan").out


def test_a_kept_plan_is_applied_with_its_basis(world, planned):
    world.routes["POST /v1/apply"] = world.answer(instance())
    world.routes["GET /v1/services/hello"] = world.answer(world.service())
    ran = world.run("apply", str(planned))
    assert (ran.code, "hello" in ran.out) == (failures.OK, True)
    (sent,) = world.sent("POST", "v1/apply")
    document = json.loads(sent.body)
    assert document["basis"] == "basis-1" and document["parameters"] == {"size": "20"}


def test_a_plan_that_does_not_hold_any_more_fails_in_the_masters_words(world, planned):
    world.routes["POST /v1/apply"] = world.refusal(409, "hello has changed since the plan")
    ran = world.run("apply", str(planned))
    assert ran.code == failures.FAILED
    assert "hello has changed since the plan" in ran.err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"basis": 1, "request": {}}', '{"basis": "b", "request": {"x": 1}}']
)
def test_what_is_no_plan_is_refused(world, text):
    path = world.folder / "plan.json"
    path.write_text(text)
    ran = world.run("apply", str(path))
    assert ran.code == failures.USAGE
    assert "holds no plan" in ran.err and "--plan" in ran.err
    assert world.run("apply", str(world.folder / "none.json")).code == failures.USAGE


def node(reference, depth, **more):
    return TreeNode(
        guid=f"guid-of-{reference}",
        reference=reference,
        depth=depth,
        requester_guid=None,
        requested_state=InstanceState.STARTED,
        status=InstanceStatus.STARTED,
        cause=Cause("ok", "runs"),
        release_url="/srv/hello/software.cfg",
        software_type="default",
        **more,
    )


def test_a_tree_is_shown_with_children_below_their_parents(world):
    nodes = [node("shop", 0), node("db", 1), node("disk", 2, shared=True)]
    world.routes["GET /v1/tree/shop"] = world.answer(nodes)
    lines = world.run("service", "tree", "shop").out.splitlines()
    assert [line.split("  ")[0] or line for line in lines[1:2]] == ["shop"]
    assert lines[2].startswith("  db ") and lines[3].startswith("    disk ")
    found = world.run("service", "tree", "shop", "-o", "json").data
    assert [one["reference"] for one in found] == ["shop", "db", "disk"]


def test_a_service_is_renamed_and_banged(world):
    renamed = dataclasses.replace(world.service(), reference="bye")
    world.routes |= {
        "POST /v1/services/hello/rename": world.answer(renamed),
        "POST /v1/services/hello/bang": world.answer(world.service()),
    }
    assert "bye" in world.run("service", "rename", "hello", "bye").out
    assert world.run("service", "bang", "hello", "-m", "why not").code == failures.OK
    assert json.loads(world.sent("POST", "bang")[0].body) == {"message": "why not"}
    assert world.run("service", "rename", "hello", "..").code == failures.USAGE


def test_a_computer_is_drained_and_banged(world):
    world.routes |= {
        "GET /v1/computers/COMP": world.answer(world.computer()),
        "POST /v1/computers/COMP/drain": world.answer(world.computer()),
        "POST /v1/computers/COMP/bang": world.answer(world.computer()),
    }
    ran = world.run("computer", "drain", "COMP")
    assert "slappart0" in ran.out and "slappart1" not in ran.out
    assert json.loads(world.sent("POST", "drain")[0].body) == {"draining": True}
    world.run("computer", "drain", "COMP", "--undo")
    assert json.loads(world.sent("POST", "drain")[1].body) == {"draining": False}
    assert world.run("computer", "bang", "COMP", "-m", "x").code == failures.OK


def test_a_ping_gives_the_agent_the_time_that_is_said(world):
    presence = {"computer_id": "COMP", "elapsed_ms": 2.5, "version": "1", "started": 0.0}
    world.routes |= {
        "GET /v1/computers/COMP": world.answer(world.computer()),
        "POST /v1/computers/COMP/ping": world.answer({**presence, "allows": ["logs"]}),
    }
    for words in ((), ("--timeout", "1.5m")):
        ran = world.run("computer", "ping", "COMP", *words, "-j")
        assert ran.code == failures.OK, ran.err
        assert ran.data["elapsed_ms"] == 2.5
    sent = [json.loads(one.body)["seconds"] for one in world.sent("POST", "ping")]
    assert sent == [5.0, 90.0]


@pytest.mark.parametrize(("words", "lost"), [((), False), (("--lost",), True)])
def test_a_computer_is_removed(world, words, lost):
    world.routes |= {
        "GET /v1/computers/COMP": world.answer(world.computer()),
        "POST /v1/computers/COMP/remove": world.answer({"removed": "COMP"}),
    }
    ran = world.run("computer", "remove", "COMP", *words)
    assert ran.code == failures.OK, ran.err
    assert "COMP is removed" in ran.err
    assert json.loads(world.sent("POST", "remove")[0].body) == {"lost": lost}
