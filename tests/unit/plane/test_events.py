from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Sequence

import pytest

from pelagos.core.errors import PelagosError
from pelagos.messaging import BusUrlError, GenericConsumer, connect
from pelagos.plane.events import Announcer, PlaneEvents, Waker, letter_of, routing_key
from pelagos.slap.model import Cause, Event


def event(
    number: int, computer_id: str | None = "COMP-1", kind: str = "instance.requested"
) -> Event:
    return Event(number, 0.0, kind, "G1", "web", computer_id, "person:admin", Cause("ok", "fine"))


class Log:
    """The master's log of events, in memory."""

    database = "db"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.position = 0
        self.leads = True
        self.closed = False
        self.problem: PelagosError | None = None

    def lead(self) -> bool:
        return self.leads

    def read(self, limit: int) -> Sequence[Event]:
        if self.problem:
            raise self.problem
        return [one for one in self.events if one.id > self.position][:limit]

    def done(self, event_id: int) -> None:
        self.position = event_id

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def url() -> str:
    return f"memory:{uuid.uuid4().hex}"


@pytest.fixture
def log() -> Log:
    return Log()


def test_an_event_of_its_computer_wakes_the_agent(url: str, log: Log):
    woken = threading.Event()
    announcer, waker = Announcer(url), Waker(url, "COMP-1", woken.set)
    waker.wait_ready()
    announcer.begin(log)
    log.events.append(event(1))
    announcer.wake(())
    assert woken.wait(30)
    waker.stop()
    announcer.stop()
    assert log.position == 1 and log.closed
    assert not announcer.alive() and not waker.alive()


def test_another_computers_event_does_not(url: str, log: Log):
    woken = threading.Event()
    announcer, waker = Announcer(url), Waker(url, "COMP-1", woken.set)
    waker.wait_ready()
    log.events += [event(1, "COMP-11"), event(2, None, "person.created")]
    announcer.begin(log)
    announcer.stop()  # sends what waits
    waker.stop()
    assert log.position == 2
    assert not woken.is_set()


def test_the_message_carries_the_whole_event(url: str, log: Log):
    got: list[dict] = []
    heard = threading.Event()

    def keep(message) -> None:
        got.append(message.content["kwds"])
        heard.set()

    own = {"name": "", "flags": {"exclusive": True}}
    consumer = GenericConsumer([(PlaneEvents, [(own, "plane.#")])], bus=connect(url))
    consumer.start(keep)
    consumer.wait_ready()
    announcer = Announcer(url)
    log.events.append(event(7, None, "person.created"))
    announcer.begin(log)
    assert heard.wait(30)
    announcer.stop()
    consumer.stop()
    assert got[0]["kind"] == "person.created"
    assert got[0]["cause"]["code"] == "ok"


def test_an_event_that_is_announced_again_has_the_same_id():
    first, second = letter_of(event(7), "db"), letter_of(event(7), "db")
    assert first.envelope.properties.message_id == second.envelope.properties.message_id
    assert first.envelope.properties.message_id == "event-db-7"
    assert json.loads(first.envelope.body)["content"]["kwds"]["id"] == 7


def test_a_master_that_does_not_lead_announces_nothing(url: str, log: Log):
    log.leads = False
    log.events.append(event(1))
    announcer = Announcer(url)
    announcer.begin(log)
    assert not announcer.flush(0.2)
    announcer.stop()
    assert log.position == 0


def test_a_log_that_cannot_be_read_is_told_and_waited_for(url: str, log: Log):
    log.problem = PelagosError("the disk is away")
    log.events.append(event(1))
    announcer = Announcer(url)
    announcer.begin(log)
    announcer.flush(0.2)
    assert "disk" in str(announcer.problem)
    log.problem = None
    assert announcer.flush()
    announcer.stop()
    assert log.position == 1


def test_a_name_with_dots_is_one_word_of_the_key():
    assert routing_key(event(1, "a.b c")) == "computer.a_b_c.instance.requested"


def test_a_bus_that_is_none_is_refused_at_once():
    with pytest.raises(BusUrlError):
        Announcer("pigeon:post")
