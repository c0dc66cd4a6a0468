import threading
import uuid
from dataclasses import replace

import pytest

from pelagos.messaging import BusUrlError, GenericConsumer, connect
from pelagos.plane.events import Announcer, PlaneEvents, Waker, routing_key
from pelagos.slap.model import Cause, Event


def event(computer_id: str | None = "COMP-1", kind: str = "instance.requested") -> Event:
    return Event(1, 0.0, kind, "G1", "web", computer_id, "person:admin", Cause("ok", "fine"))


@pytest.fixture
def url() -> str:
    return f"memory:{uuid.uuid4().hex}"


def test_an_event_of_its_computer_wakes_the_agent(url: str):
    woken = threading.Event()
    announcer, waker = Announcer(url), Waker(url, "COMP-1", woken.set)
    waker.wait_ready()
    announcer.announce((event(),))
    assert woken.wait(5)
    waker.stop()
    announcer.stop()


def test_another_computers_event_does_not(url: str):
    woken = threading.Event()
    announcer, waker = Announcer(url), Waker(url, "COMP-1", woken.set)
    waker.wait_ready()
    announcer.announce((event("COMP-11"), event(None, "person.created")))
    announcer.stop()  # sends what waits
    waker.stop()
    assert not woken.is_set()


def test_the_message_carries_the_whole_event(url: str):
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
    announcer.announce((event(None, "person.created"),))
    assert heard.wait(5)
    announcer.stop()
    consumer.stop()
    assert got[0]["kind"] == "person.created"
    assert got[0]["cause"]["code"] == "ok"


def test_a_name_with_dots_is_one_word_of_the_key():
    assert routing_key(event("a.b c")) == "computer.a_b_c.instance.requested"


def test_a_bus_that_is_none_is_refused_at_once():
    with pytest.raises(BusUrlError):
        Announcer("pigeon:post")


def test_an_event_that_cannot_be_written_does_not_end_the_announcer(
    url: str, caplog: pytest.LogCaptureFixture
):
    woken = threading.Event()
    announcer, waker = Announcer(url), Waker(url, "COMP-1", woken.set)
    waker.wait_ready()
    odd = Cause("ok", object())  # type: ignore[arg-type]  # what no event should hold
    announcer.announce((replace(event(), cause=odd), event()))
    assert woken.wait(5)
    assert announcer.alive() and waker.alive()
    waker.stop()
    announcer.stop()
    assert not announcer.alive() and not waker.alive()
    assert "events are not announced" in caplog.text
