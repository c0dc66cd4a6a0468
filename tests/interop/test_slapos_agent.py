"""The original agent at our master, and our agent at the original master, with one release.

The release is made of published recipes; each of its instances publishes what it was given.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core.web import Server
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master import Master
from pelagos.slap.model import Instance, InstanceRequest, InstanceState, SupplyState
from support import slapos_peer
from support.ports import free_ports
from support.slap_site import announcement
from support.slapos_peer import Node, PeerMissingError, Proxy

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

COMPUTER = "COMP-1"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def programs(require: Any) -> Path:
    if os.geteuid() == 0:
        require.program("unshare", package="util-linux")
    try:
        return slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise


@pytest.fixture
def release(tmp_path: Path) -> str:
    folder = tmp_path / "release"
    shutil.copytree(Path(__file__).with_name("release"), folder)
    profile = folder / "software.cfg"
    profile.write_text(profile.read_text().replace("@FOLDER@", str(folder)))
    return str(profile)


@dataclass
class Person:
    """Asks a master for instances of the release."""

    client: SlapClient
    release: str

    def request(
        self,
        reference: str,
        software_type: str = "default",
        *,
        state: str | None = None,
        shared: bool = False,
        **parameters: str,
    ) -> Instance:
        return self.client.request(
            InstanceRequest(
                reference,
                self.release,
                software_type,
                parameters=parameters,
                shared=shared,
                state=None if state is None else InstanceState(state),
            )
        )

    def destroy(self, reference: str, *more: Any, **asked: Any) -> None:
        with contextlib.suppress(ResourceNotReady):  # gone at once, where a shared one is
            self.request(reference, *more, state="destroyed", **asked)

    def connection(self, reference: str, **asked: Any) -> Mapping[str, Any]:
        return self.request(reference, **asked).connection

    def published(self, title: str) -> Mapping[str, Any]:
        """What the instance of that title has published, whoever requested it."""
        found = self.client.fetch_computer(COMPUTER).partitions
        return next((one.connection for one in found if one.instance_title == title), {})

    def seats(self) -> dict[str, str]:
        """Partition → the instance in it."""
        found = self.client.fetch_computer(COMPUTER)
        return {
            one.partition_id: one.instance_title for one in found.partitions if not one.is_free
        }


# ---- the original agent


@dataclass
class Grid:
    """The original agent, run pass by pass, at our master."""

    node: Node
    person: Person
    client: SlapClient

    def passes(self, *kinds: str, exit_code: int = 0) -> None:
        for kind in kinds:
            done = self.node.agent(*kind.split())
            assert done.returncode == exit_code, done.stdout[-3000:] + done.stderr[-3000:]

    def status(self, name: str) -> str:
        return str(self.client.service(name).status)

    def cause(self, name: str) -> str:
        return self.client.service(name).cause.message

    @property
    def instance(self) -> Path:
        return self.node.folder / "instance"


@pytest.fixture
def grid(programs: Path, tmp_path: Path, release: str) -> Iterator[Grid]:
    master = Master(f"sqlite:///{tmp_path}/master.db")
    server = Server(master.app)
    server.start()
    host = urlsplit(server.url).netloc
    computer = f"http://x:{master.service.register_computer(COMPUTER)}@{host}"
    client = SlapClient(server.url, token=master.service.create_person("admin"))
    node = Node(programs, tmp_path / "node", computer)
    try:
        yield Grid(node, Person(client, release), client)
    finally:
        if (node.folder / "instance" / "etc" / "supervisord.conf").exists():
            node.agent("supervisorctl", "shutdown")
        server.stop()
        master.close()


def test_the_original_agent_keeps_one_instance_as_wished_of_our_master(grid: Grid) -> None:
    person = grid.person
    grid.passes("format --now")
    assert grid.client.computer(COMPUTER).free_count == 3
    grid.client.supply(person.release, COMPUTER)
    grid.passes("software")
    assert [str(one.status) for one in grid.client.releases()] == ["available"]

    # Deployed, published, seen.
    person.request("one", greeting="hello")
    grid.passes("instance")
    assert person.connection("one", greeting="hello") == {"greeting": "hello", "state": "started"}
    assert grid.status("one") == "started"
    assert (grid.instance / "slappart0" / "srv" / "once").read_text() == "ran\n"

    # A failing promise is told in its words, and what is mended, too.
    broken = grid.instance / "slappart0" / "srv" / "broken"
    broken.touch()
    grid.passes("instance --force", exit_code=2)
    assert (grid.status("one"), "holds" in grid.cause("one")) == ("error", True)
    broken.unlink()
    grid.passes("instance --force")
    assert grid.status("one") == "started"

    # Stopped, started again with other parameters.
    person.request("one", state="stopped", greeting="hello")
    grid.passes("instance")
    assert grid.status("one") == "stopped"
    person.request("one", state="started", greeting="again")
    grid.passes("instance")
    assert grid.status("one") == "started"
    assert person.connection("one", greeting="again")["greeting"] == "again"


def test_the_original_agent_grows_and_ends_a_tree_of_our_master(grid: Grid) -> None:
    person = grid.person
    grid.client.format_computer(announcement(3))
    grid.client.supply(person.release, COMPUTER)
    person.request("one", greeting="hello")
    person.request("root", "tree")
    grid.passes("format --now", "software", "instance")

    # The root is woken by what its leaf publishes.
    grid.passes("instance", "instance")
    assert person.connection("root", software_type="tree")["leaf"] == "to the leaf"
    assert grid.status("leaf") == "started"

    # A shared one, served by its host.
    person.request("shop", shared=True, domain="a.example")
    grid.passes("instance")
    assert person.connection("shop", shared=True, domain="a.example") == {"site": "served shop"}

    # A bang makes everything be looked at again; usage is taken.
    before = grid.client.fetch_partition(COMPUTER, "slappart0").timestamp
    grid.passes("bang -m again")
    assert grid.client.fetch_partition(COMPUTER, "slappart0").timestamp != before
    grid.passes("instance", "report")

    # Destroyed bottom-up; nothing is left.
    person.destroy("root", "tree")
    grid.passes(*["instance", "report"] * 3)
    assert set(person.seats().values()) == {"one"}
    assert not (grid.instance / "slappart1" / "srv").exists()
    person.destroy("shop", shared=True)
    person.destroy("one")
    grid.passes("instance", "report")
    assert person.seats() == {}
    grid.client.supply(person.release, COMPUTER, SupplyState.DESTROYED)
    grid.passes("software")
    assert not list(grid.client.releases())


def test_a_broken_release_is_told_by_the_original_agent(grid: Grid, tmp_path: Path) -> None:
    broken = tmp_path / "broken.cfg"
    broken.write_text("[buildout]\nparts = nothing\n")
    grid.passes("format --now")
    grid.client.supply(str(broken), COMPUTER)
    grid.passes("software", exit_code=1)
    [told] = grid.client.releases()
    assert str(told.status) == "error"
    assert "nothing" in told.cause.message + told.cause.detail


def test_services_of_the_original_agent_outlive_our_master(grid: Grid) -> None:
    """An unreachable master: the agent's exit code 3, and its services are kept."""
    grid.passes("format --now")
    grid.client.supply(grid.person.release, COMPUTER)
    grid.person.request("one")
    grid.passes("software", "instance")
    configuration = grid.node.configuration
    text = configuration.read_text()
    configuration.write_text(
        text.replace(grid.node.master_url, f"http://127.0.0.1:{free_ports(1)[0]}")
    )
    grid.passes("instance", exit_code=3)
    configuration.write_text(text)
    assert "RUNNING" in grid.node.agent("supervisorctl", "status").stdout


# ---- our agent


@dataclass
class Ours:
    """Our agent, running by itself."""

    agent: Agent
    person: Person
    folder: Path

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < end, self.agent.status()
            time.sleep(0.1)


@pytest.fixture
def make_ours(release: str, tmp_path: Path) -> Iterator[Callable[[SlapClient, SlapClient], Ours]]:
    ends: list[Callable[[], None]] = []

    def make(client: SlapClient, person: SlapClient) -> Ours:
        folder = tmp_path / "ours"
        settings = AgentSettings(COMPUTER, folder, partition_count=4, poll_interval=0.2)
        agent, stop = Agent(settings, client), threading.Event()
        thread = threading.Thread(target=agent.run, args=(stop,))
        thread.start()

        def end() -> None:
            stop.set()
            agent.wake()
            thread.join(30)
            agent.shutdown_services()

        ends.append(end)
        return Ours(agent, Person(person, release), folder)

    yield make
    for end in ends:
        end()


def carry_out(ours: Ours) -> None:
    """All that is wished of an agent whose computer is empty, and back."""
    person = ours.person
    ours.until(lambda: ours.agent.status().last_contact)
    person.client.supply(person.release, COMPUTER)
    person.request("one", greeting="hello")
    ours.until(lambda: person.connection("one", greeting="hello").get("greeting") == "hello")
    once = ours.folder / "instance" / "slappart0" / "srv" / "once"
    ours.until(lambda: once.is_file() and once.read_text() == "ran\n")
    person.request("shop", shared=True, domain="a.example")
    ours.until(lambda: person.connection("shop", shared=True, domain="a.example").get("site"))

    person.request("root", "tree")
    ours.until(lambda: "leaf" in person.connection("root", software_type="tree"))
    ours.until(lambda: person.published("leaf"))
    # The original master of this version does not wake the root when its leaf publishes.
    person.request("root", "tree", again="1")
    ours.until(
        lambda: (
            person.connection("root", software_type="tree", again="1").get("leaf") == "to the leaf"
        )
    )

    person.request("one", state="stopped", greeting="hello")
    ours.until(lambda: person.connection("one", greeting="hello")["state"] == "stopped")
    person.destroy("root", "tree")
    ours.until(lambda: set(person.seats().values()) == {"one"})
    person.destroy("shop", shared=True)
    person.destroy("one")
    ours.until(lambda: not person.seats())
    assert not list((ours.folder / "instance" / "slappart0").iterdir())
    person.client.supply(person.release, COMPUTER, SupplyState.DESTROYED)
    ours.until(lambda: not person.client.fetch_computer(COMPUTER).releases)


def test_our_agent_carries_out_all_that_is_wished_of_the_original_master(
    programs: Path, tmp_path: Path, make_ours: Callable[[SlapClient, SlapClient], Ours]
) -> None:
    with Proxy(programs, tmp_path / "proxy", COMPUTER) as proxy:
        client = SlapClient(proxy.url)
        carry_out(make_ours(client, client))
        assert not client.fetch_computer(COMPUTER).releases


def test_our_agent_deploys_a_release_of_published_recipes(
    tmp_path: Path, make_ours: Callable[[SlapClient, SlapClient], Ours]
) -> None:
    master = Master(f"sqlite:///{tmp_path}/master.db")
    server = Server(master.app)
    server.start()
    try:
        computer = SlapClient(server.url, token=master.service.register_computer(COMPUTER))
        person = SlapClient(server.url, token=master.service.create_person("admin"))
        carry_out(make_ours(computer, person))
        assert not computer.fetch_computer(COMPUTER).releases
    finally:
        server.stop()
        master.close()
