"""plane.why: what the master says of a silent computer, and what that computer knows better."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.core.http import FakeTransport, HttpClient, Response
from pelagos.plane import why
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.sections import BusConfig
from pelagos.plane.settings import Part
from pelagos.slap.agent import AgentStatus
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import MasterUnreachable, NotFoundError
from pelagos.slap.model import (
    Cause,
    Explanation,
    InstanceState,
    InstanceStatus,
    ReleaseOnComputer,
    ReleaseStatus,
    Service,
    SupplyState,
)

SILENT = Cause("computer-silent", "COMP was not heard of for 2 min", since=5.0)
BROKEN = Cause("buildout-failed", "the part web failed")
LOST = Cause("master-unreachable", "nobody answers at http://m", "look at the network", since=9.0)
OK = Cause("ok", "")
URL = "/a.cfg"


def answer(value: object, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "application/json"}, wire.encode(value))


def service(computer_id: str) -> Response:
    facts = {
        "reference": "web",
        "guid": "G",
        "release_url": URL,
        "software_type": "default",
        "requested_state": InstanceState.STARTED,
        "status": InstanceStatus.WAITING,
        "cause": SILENT,
        "root_reference": "web",
        "computer_id": computer_id,
        "partition_id": "slappart0",
        "connection": {},
        "created": 1.0,
    }
    return answer(Service(**facts))


def release(computer_id: str) -> Response:
    one = ReleaseOnComputer(
        URL, computer_id, SupplyState.AVAILABLE, ReleaseStatus.REQUESTED, SILENT
    )
    return answer([one])


class Rig:
    """A data folder of the computer COMP, and a master whose answers are given."""

    def __init__(self, path: Path) -> None:
        self.folder = DataFolder(path / "data")
        self.folder.create()
        self.folder.note(computer_id="COMP")
        self.routes = FakeTransport()
        self.client = SlapClient("http://m", http=HttpClient("http://m", transport=self.routes))

    def says(self, kind: str, name: str, cause: Cause = SILENT) -> None:
        self.routes.routes["GET /v1/explain"] = answer(Explanation(kind, name, "waiting", cause))

    def status(self, cause: Cause) -> None:
        status = AgentStatus("COMP", "http://m", cause, os.getpid(), 1.0)
        (self.folder.node / "agent-status.json").write_bytes(wire.encode(status))

    def why(self, name: str) -> Explanation:
        return why.explain(self.client, self.folder, name)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def running(rig: Rig) -> Iterator[Rig]:
    with rig.folder.hold(Part.AGENT):
        yield rig


def test_a_cause_that_is_known_to_the_master_stays(rig: Rig):
    rig.says("service", "web", BROKEN)
    assert rig.why("web").cause == BROKEN


@pytest.mark.parametrize("code", ["computer-silent", "never-seen", "waiting-for-agent"])
def test_the_own_silent_computer_is_explained_by_its_agent_that_is_down(rig: Rig, code: str):
    told = Cause(code, "not heard of")
    rig.says("computer", "COMP", told)
    found = rig.why("COMP")
    assert found.cause.code == "agent-down"
    assert str(rig.folder.path) in found.cause.hint
    assert found.chain == (told,)


def test_an_agent_that_is_down_is_so_since_it_last_spoke(rig: Rig):
    rig.status(OK)
    os.utime(rig.folder.node / "agent-status.json", (50, 50))
    found = why.local_cause(rig.folder)
    assert found is not None and found.since == 50


def test_a_running_agent_says_that_it_lost_the_master(running: Rig):
    running.status(LOST)
    running.says("computer", "COMP")
    assert running.why("COMP").cause == LOST


@pytest.mark.parametrize("cause", [OK, None])
def test_a_running_agent_without_a_fault_leaves_the_masters_word(
    running: Rig, cause: Cause | None
):
    if cause is not None:
        running.status(cause)
    running.says("computer", "COMP")
    assert running.why("COMP").cause == SILENT


@pytest.mark.parametrize(("computer_id", "code"), [("COMP", "agent-down"), ("B", SILENT.code)])
def test_only_a_service_of_this_computer_is_explained_here(rig: Rig, computer_id: str, code: str):
    rig.says("service", "web")
    rig.routes.routes["GET /v1/services/web"] = service(computer_id)
    assert rig.why("web").cause.code == code


@pytest.mark.parametrize(("computer_id", "code"), [("COMP", "agent-down"), ("B", SILENT.code)])
def test_only_a_release_of_this_computer_is_explained_here(rig: Rig, computer_id: str, code: str):
    rig.says("release", URL)
    rig.routes.routes["GET /v1/releases"] = release(computer_id)
    assert rig.why(URL).cause.code == code


def test_another_computer_is_not_explained_here(rig: Rig):
    rig.says("computer", "B")
    assert rig.why("B").cause == SILENT


def test_a_folder_without_a_computer_knows_nothing(tmp_path: Path):
    folder = DataFolder(tmp_path / "other")
    folder.create()
    assert why.local_cause(folder) is None


def test_without_a_master_the_own_computer_is_still_explained(rig: Rig):
    found = rig.why("COMP")
    assert (found.kind, found.state, found.cause.code) == ("computer", "unknown", "agent-down")


def test_without_a_master_nothing_else_is_explained(rig: Rig):
    with pytest.raises(MasterUnreachable):
        rig.why("web")


def test_without_a_master_an_agent_that_is_well_explains_nothing(running: Rig):
    running.status(OK)
    with pytest.raises(MasterUnreachable):
        running.why("COMP")


def test_what_the_master_does_not_know_stays_unknown(rig: Rig):
    refusal = {"error": {"code": "not-found", "message": "there is none", "hint": None}}
    rig.routes.routes["GET /v1/explain"] = answer(refusal, 404)
    with pytest.raises(NotFoundError):
        rig.why("nope")


def test_a_bus_that_is_away_is_told_beside_what_waits_for_an_agent(rig: Rig):
    rig.routes.routes["GET /v1/explain"] = answer(Explanation("computer", "FAR", "x", SILENT))
    away = BusConfig(url="amqp://guest:secret-word@127.0.0.1:1/")
    told = why.explain(rig.client, rig.folder, "FAR", None, away)
    assert [one.code for one in told.chain] == ["bus-away"]
    assert "secret-word" not in told.chain[0].message
    assert why.explain(rig.client, rig.folder, "FAR", None, BusConfig()).chain == ()
