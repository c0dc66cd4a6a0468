"""Commands on a computer that joined a plane: there is its agent, and no person's token."""

import pytest

from pelagos.cli import failures
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.seats import write_seats
from pelagos.slap.model import Partition, ReleaseOnComputer, ReleaseStatus, SupplyState

RELEASE = "/srv/hello/software.cfg"


def seat(number, title):
    return Partition(
        "COMP",
        f"slappart{number}",
        "started",
        release_url=RELEASE,
        instance_guid=f"SOFTINST-{number}",
        instance_title=title,
    )


@pytest.fixture
def node(world):
    root = world.folder / "node"
    for number in range(3):
        folder = root / "instance" / f"slappart{number}"
        folder.mkdir(parents=True)
        (folder / f".slappart{number}_web.log").write_text(f"says {number}\n")
    world.plane(node_root=str(root))
    (world.data / "token").unlink()
    write_seats(root, [seat(0, "hello"), seat(1, "db"), seat(2, "db")])
    return root


@pytest.mark.usefixtures("node")
def test_logs_and_promises_are_found_without_a_token(world):
    ran = world.run("service", "logs", "hello")
    assert (ran.code, "says 0" in ran.out) == (failures.OK, True)
    assert world.run("service", "promises", "hello").code == failures.OK
    assert not world.transport.requests


@pytest.mark.usefixtures("node")
def test_services_of_one_name_are_told_apart_by_their_guid(world):
    ran = world.run("service", "logs", "db")
    assert ran.code == failures.USAGE
    assert "pelagos service logs SOFTINST-2" in ran.err
    assert "says 2" in world.run("service", "logs", "SOFTINST-2").out


@pytest.mark.usefixtures("node")
def test_a_service_that_is_not_here_is_not_found(world):
    ran = world.run("service", "logs", "nothing")
    assert ran.code == failures.NOT_FOUND
    assert "there is no service nothing on this computer" in ran.err


def test_the_log_of_a_build_is_found_without_a_token(world, node):
    log = Layout(node, 0).release_log(RELEASE)
    log.parent.mkdir()
    log.write_text("built\n")
    assert world.run("software", "log", RELEASE).out == "built\n"
    assert not world.transport.requests


@pytest.mark.usefixtures("node")
def test_the_own_computer_is_never_told_to_look_on_itself(world):
    ran = world.run("software", "log", RELEASE)
    assert ran.code == failures.NOT_FOUND
    assert "pelagos software log" not in ran.err
    (world.data / "token").write_text("t0ken\n")
    one = ReleaseOnComputer(
        RELEASE,
        "COMP",
        SupplyState.AVAILABLE,
        ReleaseStatus.REQUESTED,
        world.service().cause,
    )
    world.routes = {"GET /v1/releases": world.answer([one])}
    ran = world.run("software", "log", RELEASE)
    assert ran.code == failures.NOT_FOUND
    assert "pelagos software log" not in ran.err
    assert f"pelagos why {RELEASE}" in ran.err


def test_the_hint_to_go_elsewhere_keeps_the_program(world):
    world.routes = {
        "GET /v1/services/hello": world.answer(world.service(computer_id="AWAY")),
        "POST /v1/services/hello/exec": world.answer({"error": {"message": "no agent"}}, 503),
    }
    ran = world.run("service", "exec", "hello", "ls", "a file")
    assert "no agent" in ran.err
    assert "pelagos service exec hello -- ls 'a file'" in ran.err


@pytest.mark.usefixtures("node")
def test_a_silent_master_elsewhere_is_not_to_be_started_here(world):
    (world.data / "node").mkdir()
    (world.data / "node" / "token").write_text("agents\n")
    world.environ["PELAGOS_TOKEN"] = "t0ken"
    ran = world.run("service", "list")
    assert ran.code == failures.UNREACHABLE
    assert "pelagos up" not in ran.err
    assert "http://master.test:1" in ran.err
