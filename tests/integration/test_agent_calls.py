"""A person asks the agent of a computer through the master: ping, logs, exec, and rights."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.messaging import GenericConsumer, GenericProducer, ReceivedMessage, connect
from pelagos.plane.agent_line import AgentCalls, AgentEar, BusLine
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer
from pelagos.plane.master import MasterProgram
from pelagos.plane.settings import PlaneSettings
from pelagos.plane.words import word
from pelagos.slap import joining
from pelagos.slap.agent.attendant import Attendant
from pelagos.slap.agent.call_key import TokenKey
from pelagos.slap.agent.seats import FILE, Seat
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import NotFoundError, ServerError, SlapError, Unauthorized
from pelagos.slap.master.errors import AgentUnreachable
from support.called_site import CalledSite

pytestmark = pytest.mark.integration

#: Another one in each process: tests that run at once share a broker.
NAME = f"box{os.getpid()}.example"


class Site(CalledSite):
    """A master, and a computer whose agent has one service, on one bus."""

    def __init__(self, folder: Path, bus_url: str) -> None:
        self.bus_url = bus_url
        home = DataFolder(folder / "home")
        home.create()
        self.announcer, self.line = Announcer(bus_url), BusLine(bus_url)
        self.master = MasterProgram(PlaneSettings(home.path), home, self.announcer, self.line)
        self.person = SlapClient(self.master.url, token=home.token(), timeout=30.0)
        self.token = self.master.node_token(NAME, home)
        self.root = folder / "root"
        self.place = self.root / "instance" / "slappart0"
        self.ears: list[AgentEar] = []
        agent = SlapClient(self.master.url, token=self.token, timeout=30.0)
        self.fill_with_a_service(agent, NAME)

    def listen(self, *allows: str, token: str | None = None) -> AgentEar:
        attendant = Attendant(
            NAME,
            self.root,
            TokenKey(token or self.token),
            allows=frozenset(allows),
            stop=threading.Event(),
        )
        ear = AgentEar(self.bus_url, NAME, attendant.answer)
        ear.wait_ready(30)
        self.ears.append(ear)
        return ear

    def tenant(self, name: str) -> SlapClient:
        invitation = self.person.invite("person", name, role="tenant")
        secret = joining.decode(invitation.token).secret
        member = SlapClient(self.master.url, timeout=30.0).join(secret, name=name)
        return self.person.with_token(member.token)


@pytest.fixture(params=["memory", "rabbitmq"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    url = f"memory:{uuid.uuid4().hex}"
    if request.param == "rabbitmq":
        url = request.getfixturevalue("rabbitmq_url")
    found = Site(tmp_path, url)
    yield found
    found.close()


def test_an_agent_that_is_there_says_so(site: Site):
    site.listen("logs")
    found = site.person.ping(NAME)
    assert found.computer_id == NAME and found.allows == ("logs",)
    assert 0 < found.elapsed_ms < 30_000


def test_an_agent_that_is_not_there_is_told_at_once_with_what_to_do(site: Site):
    with pytest.raises(ServerError, match=f"no agent of {re.escape(NAME)} listens") as caught:
        site.person.ping(NAME)
    assert caught.value.status == 503 and "bus.url" in str(caught.value.hint)


def test_a_ping_waits_as_long_as_is_said(site: Site, monkeypatch: pytest.MonkeyPatch):
    given: list[float] = []

    def call(_computer: str, _call: str, _sealed: bytes, timeout: float) -> bytes:
        given.append(timeout)
        raise AgentUnreachable("silent", status=504)

    monkeypatch.setattr(site.line, "call", call)
    for seconds in (0.25, 60.0):
        with pytest.raises(ServerError, match="silent"):
            site.person.ping(NAME, seconds=seconds)
    assert given == [0.25, 60.0]
    for wrong, said in ((0.0, "needs some time"), (-1.0, "needs some time"), (301.0, "too long")):
        with pytest.raises(SlapError, match=said) as caught:
            site.person.ping(NAME, seconds=wrong)
        assert caught.value.status == 400


def test_logs_come_from_the_computer(site: Site):
    site.listen("logs")
    found = site.person.logs("web", lines=1)
    assert [(one.name, one.lines) for one in found.files] == [("web", ("second",))]
    with pytest.raises(NotFoundError, match="no log of a program") as caught:
        site.person.logs("web", program="wep")
    assert "web" in str(caught.value.hint)


def test_a_program_runs_in_the_place_of_the_service_and_the_events_tell_of_it(site: Site):
    site.listen("exec")
    ran = site.person.run("web", ["sh", "-c", "pwd; echo no >&2; exit 4"], seconds=20)
    assert ran.output.decode() == f"{site.place}\n"
    assert (ran.status, ran.errors) == (4, b"no\n")
    told = [event for event in site.person.events() if event.kind == "instance.exec"]
    assert [(one.reference, one.actor) for one in told] == [("web", "person:admin")]
    assert "exit 4" not in told[0].cause.message  # what it is given may be secret


def test_the_settings_of_the_computer_decide(site: Site):
    site.listen()
    with pytest.raises(Unauthorized, match="do not allow exec") as caught:
        site.person.run("web", ["touch", "ran"])
    assert "node.allow_exec" in str(caught.value.hint)
    assert not (site.place / "ran").exists()


def test_tenants_run_nothing_and_see_the_logs_of_their_own_only(site: Site):
    site.listen("logs", "exec")
    tenant = site.tenant("ann")
    with pytest.raises(Unauthorized, match="only an operator"):
        tenant.run("web", ["true"])
    with pytest.raises(NotFoundError):
        tenant.logs("web")
    agent = site.person.with_token(site.token)
    for call in (lambda: agent.ping(NAME), lambda: agent.run("web", ["true"])):
        with pytest.raises(Unauthorized):
            call()


def test_an_agent_with_another_token_does_nothing(site: Site):
    site.listen("exec", token="another")
    with pytest.raises(ServerError, match="not sealed by this computer's master"):
        site.person.run("web", ["touch", "ran"])
    assert not (site.place / "ran").exists()


def test_a_call_on_which_the_agent_fails_is_answered_at_once(site: Site, caplog):
    def fail(_call_id: str, _sealed: bytes) -> bytes:
        raise ZeroDivisionError

    ear = AgentEar(site.bus_url, NAME, fail)
    ear.wait_ready(30)
    site.ears.append(ear)
    with pytest.raises(ServerError, match="its log says why"):
        site.person.ping(NAME)
    assert "ZeroDivisionError" in caplog.text


def test_a_place_that_changed_hands_shows_nothing(site: Site):
    site.listen("logs", "exec")
    seats = (Seat("slappart0", "other", "another-guid"),)
    (site.root / FILE).write_bytes(wire.encode(seats))
    for ask in (lambda: site.person.logs("web"), lambda: site.person.run("web", ["touch", "ran"])):
        with pytest.raises(SlapError, match="another service"):
            ask()
    assert not (site.place / "ran").exists()


def test_who_merely_reaches_the_bus_can_neither_run_nor_repeat_nor_read(site: Site):
    """A stranger on the bus sees all that passes, and sends what he likes."""
    seen: list[dict] = []

    def keep(message) -> None:
        seen.append(message.body)

    own = {"name": "", "flags": {"exclusive": True}}
    spy = GenericConsumer([(AgentCalls, [(own, "#")])], bus=connect(site.bus_url))
    spy.start(keep)
    spy.wait_ready(30)
    site.listen("exec")
    ran = site.person.run("web", ["sh", "-c", "echo secret-word >> ran; cat ran"])
    assert ran.output == b"secret-word\n"
    words = json.dumps(seen)
    calls = [one for one in seen if one["name"] == "agent"]
    assert len(calls) == 2 and "secret-word" not in words
    assert b"secret" not in b"".join(
        base64.b64decode(one["content"]["parameters"]["sealed"]) for one in calls
    )
    with GenericProducer({"name": "thief"}, bus=connect(site.bus_url)) as thief:
        for body in calls:
            given = body["content"]["parameters"]
            answer = thief.rpc_agent(given, _eks=[(AgentCalls, f"computer.{word(NAME)}")])
            assert b"secret" not in json.dumps(answer.body).encode()
        for odd in ({}, {"call": 1, "sealed": "###"}, {"call": "x", "sealed": "AAAA"}, "x", None):
            answer = thief.rpc_agent(odd, _eks=[(AgentCalls, f"computer.{word(NAME)}")])
            assert not answer
    assert (site.place / "ran").read_text() == "secret-word\n"
    spy.stop()


def test_a_bus_that_is_away_is_told(tmp_path: Path):
    line = BusLine("amqp://guest:guest@127.0.0.1:1/")
    site = Site(tmp_path, f"memory:{uuid.uuid4().hex}")
    site.master._master._desk = replace(site.master._master._desk, line=line)
    site.master._master.service._desk = site.master._master._desk
    try:
        with pytest.raises(ServerError) as caught:
            site.person.ping(NAME)
        assert caught.value.status in (503, 504)
    finally:
        line.close()
        site.close()


class Stubborn:
    """Works until it is allowed to end, and knows how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.began, self.go_on = 0, threading.Event(), threading.Event()

    def __call__(self, _call_id: str, _sealed: bytes) -> bytes:
        self.asked += 1
        self.began.set()
        assert self.go_on.wait(60)
        return b"the answer"


class Lonely(AgentEar):
    """Loses its connection while it works."""

    def _answer(self, message: ReceivedMessage) -> object:
        answer = super()._answer(message)
        message.connection.close()
        return answer


@pytest.mark.parametrize(("kind", "cuts"), [(AgentEar, True), (Lonely, False)])
def test_a_call_under_way_when_a_connection_is_lost_is_worked_on_once_and_answered(kind, cuts):
    url = f"memory:{uuid.uuid4().hex}"
    work, line = Stubborn(), BusLine(url)
    ear = kind(url, NAME, work)
    ear.wait_ready(30)
    found: list[bytes] = []
    asking = threading.Thread(
        target=lambda: found.append(line.call(NAME, "id", b"sealed", 60.0)), daemon=True
    )
    asking.start()
    try:
        assert work.began.wait(60)
        if cuts:
            connect(url).broker.cut()
            ear.wait_ready(60)
        work.go_on.set()
        asking.join(60)
    finally:
        work.go_on.set()
        ear.stop()
        line.close()
    assert (found, work.asked) == ([b"the answer"], 1)
