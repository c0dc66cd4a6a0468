"""kill -9 of master, agent and service at random points: nothing that was accepted is lost."""

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane.settings import Part
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.model import InstanceRequest, InstanceState, InstanceStatus, SupplyState
from support.plane import HELLO, Plane, eventually, page

POINTS = 20
ENDS = 8  # of a service; then it has crashed often enough to be told so
#: Restarts count as recent for so many seconds, not for a minute: the test waits until none does.
RECENT = 12.0
FORGETFUL = (
    "import sys; from pelagos.slap.agent import recall; "
    "from pelagos.slap.agent.steps import checking; "
    f"recall.RESTART_WINDOW = checking.RESTART_WINDOW = {RECENT}; "
    "from pelagos.cli.main import main; sys.exit(main(sys.argv[2:]))"
)
pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path, poll_interval=0.5)
    yield plane
    plane.stop()


class Requester(threading.Thread):
    """Keeps asking for services and remembers what was accepted."""

    def __init__(self, plane: Plane) -> None:
        super().__init__()
        self.plane = plane
        self.accepted: dict[str, int] = {}
        self.maybe: dict[str, set[int]] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            reference = f"r{number % 40}"
            self.maybe.setdefault(reference, set()).add(number)
            try:
                client = self.plane.client()
                client.request(
                    InstanceRequest(reference, "/none.cfg", parameters={"n": str(number)})
                )
            except ResourceNotReady:
                pass  # accepted, and waits for its release
            except PelagosError:
                time.sleep(0.01)
                continue
            self.accepted[reference] = number


def test_a_killed_master_has_lost_nothing_that_it_accepted(plane: Plane):
    plane.start(Part.MASTER)
    requester = Requester(plane)
    requester.start()
    try:
        for _ in range(POINTS):
            time.sleep(random.uniform(0.0, 0.25))
            plane.kill(Part.MASTER)
            plane.start(Part.MASTER)
    finally:
        requester.stopping.set()
        requester.join()
    assert len(requester.accepted) > 10
    kept = {s.reference: int(s.parameters["n"]) for s in plane.client().services()}
    for reference, number in requester.accepted.items():
        assert kept[reference] >= number, f"{reference}: accepted {number}, kept {kept[reference]}"
        assert kept[reference] in requester.maybe[reference]


def deploy(plane: Plane, greeting: str = "ahoy") -> str:
    """A running hello service; returns its URL."""
    client = plane.client()
    computer = eventually(client.computers)[0].computer_id
    client.supply(str(HELLO), computer, SupplyState.AVAILABLE)
    want(plane, greeting)
    return eventually(lambda: url_when_started(plane), within=90)


def want(plane: Plane, greeting: str) -> None:
    with contextlib.suppress(ResourceNotReady):
        plane.client().request(
            InstanceRequest(
                "hello",
                str(HELLO),
                parameters={"greeting": greeting},
                state=InstanceState.STARTED,
            )
        )


def url_when_started(plane: Plane) -> str:
    service = plane.client().service("hello")
    return service.connection.get("url", "") if service.status is InstanceStatus.STARTED else ""


def test_a_killed_agent_carries_on_where_it_was(plane: Plane):
    plane.start(Part.MASTER)
    plane.start(Part.AGENT)
    url = deploy(plane)
    for point in range(POINTS):
        want(plane, f"greeting-{point}")
        time.sleep(random.uniform(0.0, 1.2))
        plane.kill(Part.AGENT)  # perhaps in the middle of restarting the service
        plane.start(Part.AGENT)
        eventually(lambda: page(url))
    assert eventually(lambda: page(url).startswith(f"greeting-{POINTS - 1}"), within=60)
    assert eventually(lambda: url_when_started(plane), within=60) == url


def test_a_killed_service_comes_back_each_time(plane: Plane):
    plane.start(before=(sys.executable, "-c", FORGETFUL))
    url = deploy(plane)
    for _ in range(ENDS):
        before = eventually(lambda: page(url))
        os.kill(int(before.rpartition(" ")[2]), signal.SIGKILL)
        assert eventually(lambda before=before: page(url) not in {"", before}, within=60)
        time.sleep(random.uniform(0.0, 2.5))
    # It counts as one that crashes again and again until its last restarts are old.
    assert eventually(lambda: url_when_started(plane), within=RECENT + 90) == url


def test_a_killed_plane_carries_on_with_running_services_untouched(plane: Plane):
    plane.start()
    url = deploy(plane)
    before = page(url)
    plane.kill()
    assert page(url) == before
    plane.start()
    eventually(lambda: url_when_started(plane))
    time.sleep(2)  # several passes of the agent
    assert page(url) == before
    assert plane.terminate() == 0
    assert page(url) == before
