"""Agents that hold a certificate and no token are called over the bus, too; over HTTPS."""

from __future__ import annotations

import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from pelagos.core.errors import PelagosError
from pelagos.messaging import GenericConsumer, connect
from pelagos.plane.agent_line import AgentCalls, AgentEar, BusLine
from pelagos.plane.bringing import bring, brought_before
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer
from pelagos.plane.master import MasterProgram
from pelagos.plane.membership import (
    IdentityRenewer,
    certificate_of,
    has_joined,
    identity_file,
    member_tls,
)
from pelagos.plane.node import NodeProgram
from pelagos.plane.sections import MasterConfig, NodeConfig
from pelagos.plane.settings import Part, PlaneSettings
from pelagos.slap import joining
from pelagos.slap.agent.attendant import Attendant
from pelagos.slap.agent.call_key import AskedKey
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import AuthenticationError, ServerError, SlapError, Unauthorized
from support.called_site import CalledSite
from support.plane import PELAGOS, Plane, eventually

pytestmark = pytest.mark.integration


class Site(CalledSite):
    """A master that speaks HTTPS, and a computer that registered itself as the ancestor's do."""

    def __init__(self, folder: Path) -> None:
        self.bus_url = f"memory:{uuid.uuid4().hex}"
        self.home = DataFolder(folder / "home")
        self.home.create()
        self.line = BusLine(self.bus_url)
        settings = PlaneSettings(self.home.path, master=MasterConfig(https="true"))
        self.master = MasterProgram(settings, self.home, Announcer(self.bus_url), self.line)
        self.person = SlapClient(
            self.master.url, token=self.home.token(), tls=self.home.client_tls(), timeout=30.0
        )
        self.away = DataFolder(folder / "away")
        self.away.create()
        self.name = self.register("rack")
        self.root = folder / "root"
        self.ears: list[AgentEar] = []

    def register(self, title: str) -> str:
        """With a certificate and no token; the name of the computer."""
        said = joining.decode(self.person.invite("computer").token)
        issued = self.master._master.service.register_with(said.secret, title)
        identity_file(self.away).write_text(f"{issued.key}{issued.certificate}")
        authority = str(self.home.ca / "ca.pem")
        self.away.note(master_url=self.master.url, authority=authority)
        client = self.member()
        name = str(client.identity()["name"])
        client.close()
        self.away.note(computer_id=name)
        return name

    def member(self) -> SlapClient:
        tls = member_tls(self.away, time())
        return SlapClient(self.master.url, tls=tls, timeout=30.0)

    def fill(self) -> None:
        self.fill_with_a_service(self.member(), self.name)

    def listen(self) -> None:
        allows = frozenset({"logs", "exec"})
        attendant = Attendant(
            self.name,
            self.root,
            AskedKey(self.member().call_key),
            allows=allows,
            stop=threading.Event(),
        )
        self.hear(attendant)

    def hear(self, attendant: Attendant) -> None:
        ear = AgentEar(self.bus_url, self.name, attendant.answer)
        self.ears.append(ear)
        ear.wait_ready(60)

    def renew(self) -> None:
        before = certificate_of(self.away)
        assert before is not None
        late = before.begins + (before.expires - before.begins) * 0.7
        IdentityRenewer(self.away, self.master.url, clock=lambda: late, period=3600.0).stop()
        after = certificate_of(self.away)
        assert after is not None and after.serial != before.serial


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_an_agent_with_a_certificate_alone_is_asked_for_logs_and_runs_programs(plane: Site):
    plane.fill()
    plane.listen()
    assert plane.person.ping(plane.name).allows == ("exec", "logs")
    assert plane.person.logs("web", lines=1).files[0].lines == ("second",)
    ran = plane.person.run("web", ["sh", "-c", "echo here; exit 3"])
    assert (ran.status, ran.output) == (3, b"here\n")


def test_the_program_of_a_computer_runs_with_a_certificate_alone(plane: Site, tmp_path: Path):
    settings = PlaneSettings(plane.away.path, node=NodeConfig(root=tmp_path / "node"))
    node = NodeProgram(settings, plane.away, plane.name, plane.master.url)
    try:
        assert plane.away.node_token() is None
        plane.hear(node.attendant)
        assert plane.person.ping(plane.name).computer_id == plane.name
    finally:
        node.stop()


def test_the_key_changes_with_the_certificate_and_calls_go_on(
    plane: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pelagos.slap.agent.call_key._PAUSE", 0.0)
    plane.listen()
    plane.person.ping(plane.name)
    former = plane.member().call_key()
    plane.renew()
    assert plane.member().call_key() != former
    plane.person.ping(plane.name)


def test_the_key_ends_with_any_of_the_certificates(plane: Site):
    first = certificate_of(plane.away)
    assert first is not None
    plane.renew()
    both = plane.member().call_key()  # whoever has the former certificate could ask for this
    plane.person.revoke_certificate(serial=first.serial)
    assert plane.member().call_key() != both


def test_a_certificate_does_not_give_the_key_of_a_token(plane: Site):
    own = plane.member()
    own.call_key()
    plane.master._master.service.register_computer(plane.name)
    with pytest.raises(SlapError, match="sealed with a key of its token") as caught:
        own.call_key()
    assert caught.value.status == 409
    for way in ("rack --revoke", "--issue", "--again"):
        assert way.replace("rack", plane.name) in str(caught.value.hint)


def test_who_joins_again_or_is_revoked_leaves_nothing_of_use(plane: Site):
    plane.listen()
    plane.person.ping(plane.name)
    plane.person.revoke_certificate("computer", plane.name)
    with pytest.raises(AuthenticationError, match="was revoked"):
        plane.member().call_key()
    with pytest.raises(ServerError, match="neither a token nor a certificate") as caught:
        plane.person.ping(plane.name)
    assert caught.value.status == 503 and "--again" in str(caught.value.hint)
    plane.person.issue_certificate("computer", plane.name)  # whose key the former agent has not
    with pytest.raises(ServerError, match="not sealed by this computer's master"):
        plane.person.ping(plane.name)


def test_nobody_gets_the_key_but_the_computer_itself(plane: Site):
    plane.fill()
    own = plane.member()
    mine = own.call_key()
    inside = own.partition_token(plane.name, "slappart0")
    for other in (plane.person, plane.person.with_token(inside)):
        with pytest.raises(Unauthorized):
            other.call_key()
    with pytest.raises(AuthenticationError):
        plane.person.with_token(None).call_key()
    plane.register("another")
    assert plane.member().call_key() != mine


def test_no_cache_keeps_what_lets_in(plane: Site):
    plane.fill()
    own, slot = plane.member(), {"computer_id": plane.name, "partition_id": "slappart0"}
    for answer in (
        own._http.request("GET", "v1/call-key"),
        own._http.request("POST", "v1/partition-token", json=slot),
    ):
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    own.close()


def test_the_key_lets_nobody_in_and_does_not_cross_the_bus(plane: Site):
    seen: list[bytes] = []
    own = {"name": "", "flags": {"exclusive": True}}
    spy = GenericConsumer([(AgentCalls, [(own, "#")])], bus=connect(plane.bus_url))
    spy.start(lambda message: seen.append(message.delivery.body))
    spy.wait_ready(60)
    plane.listen()
    plane.person.ping(plane.name)
    key = plane.member().call_key()
    spy.stop()
    assert seen and key not in b"".join(seen)
    with pytest.raises(AuthenticationError):
        plane.person.with_token(key.hex()).identity()


def test_an_agent_whose_master_is_silent_says_so(plane: Site):
    def silent() -> bytes:
        raise SlapError("nobody answers")

    attendant = Attendant(
        plane.name, plane.root, AskedKey(silent), allows=frozenset(), stop=threading.Event()
    )
    plane.hear(attendant)
    with pytest.raises(ServerError, match="key of its master's calls: nobody answers"):
        plane.person.ping(plane.name)


def test_a_computer_comes_with_a_certificate_alone(plane: Site, tmp_path: Path):
    (tmp_path / "rack.pem").write_text(identity_file(plane.away).read_text())
    given = (tmp_path / "rack.pem", tmp_path / "rack.pem", plane.home.ca / "ca.pem")
    fresh = DataFolder(tmp_path / "fresh")
    fresh.create()
    with pytest.raises(PelagosError, match="only over HTTPS"):
        bring(fresh, "http://127.0.0.1:1", *given)
    with pytest.raises(PelagosError, match="cannot read"):
        bring(fresh, plane.master.url, tmp_path / "none.pem", *given[1:])
    with pytest.raises(PelagosError):
        bring(fresh, plane.master.url, *given[:2], None)  # whom the system trusts is another one
    assert not has_joined(fresh) and list(fresh.node.iterdir()) == []
    assert bring(fresh, plane.master.url, *given) == plane.name
    assert has_joined(fresh) and fresh.endpoints().computer_id == plane.name
    client = SlapClient(plane.master.url, tls=member_tls(fresh, time()), timeout=30.0)
    assert len(client.call_key()) == 32
    client.close()


def test_what_is_not_this_computers_is_not_brought(plane: Site, tmp_path: Path):
    trust = plane.home.ca / "ca.pem"
    issued = plane.person.issue_certificate("person", "admin")
    (tmp_path / "admin.pem").write_text(f"{issued.key}{issued.certificate}")
    fresh = DataFolder(tmp_path / "fresh")
    fresh.create()
    with pytest.raises(PelagosError, match="certificate of the person admin"):
        bring(fresh, plane.master.url, *[tmp_path / "admin.pem"] * 2, trust)
    assert list(fresh.node.iterdir()) == []
    mine, former = identity_file(plane.away), plane.name
    (tmp_path / "mine.pem").write_text(mine.read_text())
    plane.register("another")
    with pytest.raises(PelagosError, match=f"certificate of the computer {former}"):
        bring(plane.away, plane.master.url, *[tmp_path / "mine.pem"] * 2, trust)
    fresh.keep_node_token("secret")
    with pytest.raises(PelagosError, match="has joined with a token") as caught:
        bring(fresh, plane.master.url, *[tmp_path / "mine.pem"] * 2, trust)
    assert caught.value.hint


def test_a_computer_that_has_a_token_at_the_plane_is_told_so(plane: Site, tmp_path: Path):
    (tmp_path / "rack.pem").write_text(identity_file(plane.away).read_text())
    plane.master._master.service.register_computer(plane.name)
    fresh = DataFolder(tmp_path / "fresh")
    fresh.create()
    given = (tmp_path / "rack.pem", tmp_path / "rack.pem", plane.home.ca / "ca.pem")
    with pytest.raises(PelagosError, match="sealed with a key of its token") as caught:
        bring(fresh, plane.master.url, *given)
    assert f"certificate {plane.name} --revoke" in str(caught.value.hint)
    assert list(fresh.node.iterdir()) == []


def test_an_agent_whose_computer_has_a_token_there_says_what_to_do(plane: Site):
    plane.master._master.service.register_computer(plane.name)
    plane.listen()
    with pytest.raises(ServerError, match=f"certificate {plane.name} --revoke"):
        plane.person.ping(plane.name)


def test_the_same_certificate_again_leaves_the_renewed_one(plane: Site, tmp_path: Path):
    given = tmp_path / "rack.pem"
    given.write_text(identity_file(plane.away).read_text())
    trust, url = plane.home.ca / "ca.pem", plane.master.url
    assert brought_before(plane.away, url, given, trust) is None
    bring(plane.away, url, given, given, trust)
    first = certificate_of(plane.away)
    assert first is not None
    plane.renew()
    renewed = identity_file(plane.away).read_text()
    plane.person.revoke_certificate(serial=first.serial)
    with pytest.raises(PelagosError, match="only over HTTPS"):
        brought_before(plane.away, "http://127.0.0.1:1", given, trust)
    assert brought_before(plane.away, "https://127.0.0.1:1", given, None) == plane.name
    assert plane.away.endpoints().master_url == "https://127.0.0.1:1"
    assert brought_before(plane.away, url, given, trust) == plane.name
    assert identity_file(plane.away).read_text() == renewed
    assert len(plane.member().call_key()) == 32
    with pytest.raises(PelagosError, match="cannot read"):
        brought_before(plane.away, url, tmp_path / "none.pem", trust)
    given.write_text(renewed)  # another one in the same place
    assert brought_before(plane.away, url, given, trust) is None
    plane.away.keep_node_token("secret")
    assert brought_before(plane.away, url, given, trust) is None


@pytest.fixture
def planes(tmp_path: Path) -> Iterator[tuple[Plane, Plane]]:
    """A plane whose master speaks HTTPS and runs a broker, and another computer."""
    here, there = Plane(tmp_path / "here"), Plane(tmp_path / "there")
    for one in (here, there):
        one.folder.mkdir()
    here.configure(master={"https": "true"}, bus={"broker": True})
    here.start(Part.MASTER)
    bus_url = (here.data.path / "bus").read_text().strip()
    there.configure(bus={"url": bus_url}, node={"partitions": 1})
    yield here, there
    there.stop()
    here.stop()


def test_processes_with_a_certificate_alone_are_reached(
    planes: tuple[Plane, Plane], tmp_path: Path
):
    here, there = planes
    joining_token = here.run("computer", "add", "rack7").stdout.split()[-1]
    here.client().join(joining_token)
    here.run("computer", "certificate", "rack7", "--revoke")
    here.run("computer", "certificate", "rack7", "--issue", str(tmp_path))
    url = here.data.endpoints().master_url
    files = ("--certificate", f"{tmp_path}/rack7.pem", "--key", f"{tmp_path}/rack7.key")
    trust = ("--authority", str(here.data.ca / "ca.pem"), "--master-url", url)
    for words in ((*files, *trust), (*files, *trust), ()):  # later it needs none of them
        with (there.folder / "up.log").open("ab") as log:
            command = [PELAGOS, "node", "run", *words]
            node = subprocess.Popen(command, env=there.environment, stdout=log, stderr=log)
        try:

            def answers(node: subprocess.Popen[bytes] = node) -> bool:
                assert node.poll() is None, (there.folder / "up.log").read_text()
                return here.run("computer", "ping", "rack7", check=False).returncode == 0

            eventually(answers)
            assert there.data.node_token() is None
        finally:
            node.terminate()
            node.wait(60)
