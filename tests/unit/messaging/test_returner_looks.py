"""Where a returner looks and when, and what is where after it looked: step by step."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging.dead.again import note, register_queue, to_wait, waiting_queue
from pelagos.messaging.dead.mover import Mover
from pelagos.messaging.errors import TopologyError
from pelagos.messaging.processor import returner as module
from pelagos.messaging.processor.returner import Place, Returner, read_notes
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

_names = itertools.count()

WAIT = 60.0


class Site:
    """A returner whose thread does not run, and the queues around it."""

    def __init__(self) -> None:
        self.broker = MemoryBroker(f"looks-{next(_names)}")
        self.link: Any = MemoryTransport("", broker=self.broker).open()
        self.read = [Queue("q")]
        self.clock = ManualClock()
        self.link.declare_queue(Queue("q"))
        self.asked: list[str] = []
        self.get = self.link.get
        self.link.get = self._get
        self.returner: Any = Returner(self.link, lambda: self.read, clock=self.clock)
        self.mover = Mover(self.link)

    def _get(self, queue: str) -> Delivery | None:
        self.asked.append(queue)
        found: Delivery | None = self.get(queue)
        return found

    def wait(self, *bodies: bytes, delay_ms: int = 1000, **headers: Any) -> Place:
        """Let messages wait, as a processor does."""
        place: Place = self.returner.place(self.mover, "q", delay_ms)
        due = int(self.clock.time() * 1000) + delay_ms
        for body in bodies:
            came = Delivery("q", "", "q", body, Properties("m", headers=headers), False, 1)
            self.mover.move(place.waiting, to_wait(came, place.waiting.name, 2, due=due))
        self.returner.expect(place)
        return place

    def look(self) -> float:
        """Seconds until the next look."""
        self.asked.clear()
        pause: float = self.returner._look()
        return pause

    def count(self, queue: str, *, held: int = 0) -> int:
        """Messages that wait in a queue, of which nobody holds more than told."""
        assert self.broker.queues()[queue].unsettled == held
        found: int = self.link.declare_queue(Queue(queue, passive=True)).messages
        return found


@pytest.fixture
def site() -> Site:
    return Site()


def test_what_is_due_is_in_its_queue_and_nowhere_else(site: Site) -> None:
    place = site.wait(b"1", b"2")
    assert site.look() == 1.0
    assert (site.count("q"), site.count(place.waiting.name)) == (0, 2)
    site.clock.advance(0.5)
    assert site.look() == 0.5 and site.asked == []
    site.clock.advance(0.5)
    assert site.look() == 1.0
    assert (site.count("q"), site.count(place.waiting.name)) == (2, 0)


def test_only_the_first_that_is_due_is_looked_at(site: Site) -> None:
    soon, late = site.wait(b"1"), site.wait(b"2", delay_ms=5000)
    assert site.look() == 1.0
    site.clock.advance(1.0)
    assert site.look() == 1.0
    assert site.asked == [soon.waiting.name] * 2
    assert (site.count("q"), site.count(late.waiting.name)) == (1, 1)


def test_what_comes_while_nothing_waits_is_looked_at_when_it_is_due(site: Site) -> None:
    site.wait(delay_ms=3000)
    assert site.look() == 3.0
    site.clock.advance(2.5)
    site.wait(b"1", delay_ms=3000)  # another one's first look was to be earlier
    assert site.look() == 0.5
    site.clock.advance(0.5)
    assert site.look() == 2.5
    site.clock.advance(2.5)
    site.look()
    assert site.count("q") == 1


@pytest.mark.parametrize(("delay_ms", "pause"), [(10, 1.0), (4000, 4.0), (3_600_000, 15.0)])
def test_what_others_left_is_looked_for_now_and_then(
    site: Site, delay_ms: int, pause: float
) -> None:
    site.wait(delay_ms=delay_ms)
    assert site.look() == pause


def test_much_is_brought_back_in_batches(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    place = site.wait(b"1", b"2", b"3")
    site.clock.advance(1.0)
    assert (site.look(), site.count("q")) == (0.0, 2)
    site.look()
    assert (site.count("q"), site.count(place.waiting.name)) == (3, 0)


def test_what_is_refused_waits_on_and_is_told_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    place = site.wait(b"1", b"2")
    site.clock.advance(1.0)
    site.broker.faults.refuse(3)
    with caplog.at_level(logging.ERROR, "pelagos.messaging"):
        for left in (2, 1):  # both are refused, then the first is, and the second is taken
            assert site.look() == 2.0
            assert site.count(place.waiting.name) == left
            site.clock.advance(2.0)
        assert len(caplog.records) == 1
        assert site.look() == 1.0
        assert (site.count("q"), site.count(place.waiting.name)) == (2, 0)
        site.wait(b"3")
        site.clock.advance(1.0)
        site.broker.faults.refuse(1)
        assert site.look() == 2.0
    assert len(caplog.records) == 2


def test_headers_that_cannot_be_sent_back_stay_behind(site: Site) -> None:
    publish: Callable[..., None] = site.link.publish

    def strict(envelope: Envelope, done: Any) -> None:
        if "odd" in envelope.properties.headers and envelope.key == "q":
            raise ValueError("odd")
        publish(envelope, done)

    site.link.publish = strict
    site.wait(b"1", odd=1)
    site.clock.advance(1.0)
    site.look()
    assert site.count("q") == 1


def test_the_pause_of_one_is_not_the_pause_of_all(site: Site) -> None:
    site.wait(b"1", delay_ms=2000)
    site.wait(b"2", delay_ms=7000)
    site.look()
    assert site.look() == 2.0


# Queues.


def test_each_queue_has_its_own_place_for_what_waits(site: Site) -> None:
    """What waits for a lasting queue must not be in one that goes with a connection."""
    own = Queue("", durable=False, exclusive=True)
    other = site.returner.place(site.mover, "other", 1000).waiting
    assert other == waiting_queue(Queue("other"), 1000)
    site.read = [own, Queue("q")]
    assert site.returner.place(site.mover, "q", 1000).waiting == waiting_queue(Queue("q"), 1000)
    mine = site.returner.place(site.mover, "amq.gen-1", 1000).waiting
    assert mine.exclusive and "amq.gen-1" in mine.name


@pytest.mark.parametrize("seen", ["a message", "a look"])
def test_a_queue_that_was_forgotten_is_as_lasting_as_it_was(site: Site, seen: str) -> None:
    kind = Queue("q", arguments={"x-queue-type": "quorum"})
    site.read = [kind]
    if seen == "a message":
        site.returner.place(site.mover, "q", 1000)
    else:
        site.returner._read_registers()
    site.read = []
    assert site.returner.place(site.mover, "q", 2000).waiting == waiting_queue(kind, 2000)


def test_a_place_that_was_noted_and_is_gone_is_made_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    register = register_queue(Queue("q"))
    site.link.declare_queue(register)
    site.mover.publish(note(7000, register.name))
    site.returner._read_registers()
    assert site.look() == 7.0
    assert site.count(waiting_queue(Queue("q"), 7000).name) == 0
    assert not caplog.records


def test_registers_are_read_once_a_minute(site: Site) -> None:
    own = Queue("mine", durable=False, exclusive=True)
    site.read = [Queue("q"), Queue(""), own]
    site.link.declare_queue(own)
    register = register_queue(Queue("q")).name
    for seconds, asked in [(0, 1), (59, 0), (1, 1), (59, 0), (1, 1)]:
        site.clock.advance(seconds)
        site.asked.clear()
        site.returner._read_registers()
        assert site.asked == [register] * asked


def test_a_register_that_was_deleted_is_made_again(site: Site) -> None:
    register = register_queue(Queue("q")).name
    site.returner._read_registers()
    site.link.delete_queue(register)
    for _ in range(2):
        site.clock.advance(60)
        site.returner._read_registers()
    assert site.count(register) == 0


def test_a_register_that_cannot_be_read_keeps_nobody_waiting(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    get = site.link.get

    def locked(queue: str) -> Delivery | None:
        if queue.endswith(".delays"):
            raise TopologyError("locked", code=405, name=queue)
        found: Delivery | None = get(queue)
        return found

    site.link.get = locked
    site.wait(b"1")
    site.returner._read_registers()
    site.clock.advance(1.0)
    site.look()
    assert site.count("q") == 1
    assert "cannot see how long messages of q wait: locked" in caplog.text


def test_equal_notes_become_one_and_all_others_stay(site: Site) -> None:
    register = register_queue(Queue("q"))
    site.link.declare_queue(register)
    for body in (b"5", b"stranger", b"5", b"70", b"stranger", b"5"):
        site.mover.publish(Envelope("", register.name, body, Properties(""), mandatory=True))
    settled: list[int] = []
    for act in ("ack", "reject"):
        do = getattr(site.link, act)
        told = lambda one, do=do, **how: (settled.append(one.receipt), do(one, **how))  # noqa: E731
        setattr(site.link, act, told)
    assert read_notes(site.link, register.name) == {5, 70}
    assert len(settled) == len(set(settled)) == 6  # a broker ends who settles one twice
    assert site.count(register.name) == 4
    kept = [site.get(register.name).body for _ in range(4)]
    assert kept == [b"5", b"stranger", b"70", b"stranger"]


# The thread.


class Woken(threading.Event):
    """Lets nobody wait, and ends the returner after some waits."""

    def __init__(self, owner: Any, count: int) -> None:
        super().__init__()
        self._owner = owner
        self._left = count
        self.waits: list[float] = []
        self.set()

    def wait(self, timeout: float | None = None) -> bool:
        assert not self.is_set(), "it never rests"
        self.waits.append(timeout or 0.0)
        self._left -= 1
        self._owner._ended = self._left <= 0
        return True


def test_while_the_broker_is_short_of_memory_nothing_is_looked_at(site: Site) -> None:
    site.wait(b"1")
    site.clock.advance(1.0)
    site.broker.faults.block()
    woken = site.returner._woken = Woken(site.returner, 3)
    site.asked.clear()
    site.returner._run()
    assert (woken.waits, site.asked) == ([1.0] * 3, [])


def test_it_rests_until_something_is_due_but_a_second_at_the_most(site: Site) -> None:
    site.wait(b"1", delay_ms=500)
    woken = site.returner._woken = Woken(site.returner, 1)
    site.returner._run()
    assert woken.waits == [0.5]
    site.clock.advance(0.5)
    woken = site.returner._woken = Woken(site.returner, 1)
    site.returner._ended = False
    site.returner._run()
    assert (woken.waits, site.count("q")) == ([1.0], 1)


def test_it_ends_when_what_is_on_its_way_has_arrived(site: Site) -> None:
    place = site.wait(b"1")
    site.clock.advance(1.0)
    site.broker.faults.hold_confirms()
    sent = threading.Event()
    publish = site.link.publish

    def tell(envelope: Envelope, done: Any) -> None:
        publish(envelope, done)
        sent.set()

    site.link.publish = tell
    site.returner.start()
    assert sent.wait(WAIT)
    ending = threading.Thread(target=site.returner.close)
    ending.start()
    ending.join(0.05)
    assert ending.is_alive()
    site.broker.faults.release_confirms()
    ending.join(WAIT)
    assert (site.count("q"), site.count(place.waiting.name)) == (1, 0)
