"""What a sender does with what is not confirmed: loss by loss, and nothing twice over one way."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.clock import SystemClock
from pelagos.messaging import (
    BufferFullError,
    ConnectionLostError,
    Exchange,
    LoginError,
    MessagingError,
    PublishRefusedError,
    TopologyError,
)
from pelagos.messaging.sending.guest import Guest
from pelagos.messaging.sending.pending import Entry
from pelagos.messaging.sending.sender import Sender
from pelagos.messaging.transports.base import Done, Envelope, Properties

WAIT = 60.0
LOST = ConnectionLostError("gone")


class Jobs(Exchange):
    name = "jobs"


class Other(Exchange):
    name = "other"


class Wire:
    """A connection on which a test sees everything, and answers as it likes."""

    blocked: str | None = None

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.is_open = True
        self.closed = False
        self.seen: list[str] = []  # exchanges that are declared, and bodies
        self.waiting: queue.SimpleQueue[Done] = queue.SimpleQueue()

    @property
    def is_open(self) -> bool:
        self.bus.meanwhile(f"look {len(self.seen)}")
        return self._is_open

    @is_open.setter
    def is_open(self, value: bool) -> None:
        self._is_open = value

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self.seen.append(exchange.name)
        self.bus.meanwhile(f"declare {exchange.name}")
        if exchange.name in self.bus.refused:
            raise TopologyError("no", code=406, name=exchange.name)

    def publish(self, envelope: Envelope, done: Done) -> None:
        self.seen.append(envelope.body.decode())
        self.bus.meanwhile(f"publish {envelope.body.decode()}")
        if (problem := self.bus.problems.pop(envelope.body.decode(), None)) is not None:
            raise problem
        self.waiting.put(done)

    def close(self) -> None:
        self.is_open, self.closed = False, True

    def done(self) -> Done:
        return self.waiting.get(timeout=WAIT)

    def lose(self) -> None:
        self.done()(LOST)
        self.is_open = False


class Bus:
    """Opens wires, each when `gate` is open; `answers`: what attempts end with."""

    url = "wires:"

    def __init__(self) -> None:
        self.wires: queue.SimpleQueue[Wire] = queue.SimpleQueue()
        self.opened: list[Wire] = []
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Semaphore(0)
        self.answers: list[MessagingError | None] = []
        self.refused: set[str] = set()
        self.problems: dict[str, MessagingError] = {}
        self.hooks: dict[str, Callable[[], object]] = {}

    def meanwhile(self, step: str) -> None:
        """Do once what comes between."""
        self.hooks.pop(step, lambda: None)()

    def open(self, _timeout: float = 10.0) -> Wire:
        self.asked.release()
        assert self.gate.wait(WAIT)
        if self.answers and (answer := self.answers.pop(0)) is not None:
            raise answer
        wire = Wire(self)
        self.opened.append(wire)
        self.wires.put(wire)
        return wire

    def wire(self) -> Wire:
        return self.wires.get(timeout=WAIT)


class Delays(Backoff):
    """Writes down which attempts wait."""

    asked: list[int] = []  # noqa: RUF012 - of the one that a test makes

    def delay(self, attempt: int, *_options: Any) -> float:
        self.asked.append(attempt)
        return 0.0


class Paused(Sender):
    """Lets a test do something while the thread that puts reads an attribute."""

    hooks: dict[str, Callable[[], object]] = {}  # noqa: RUF012 - of the one that a test makes

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if threading.current_thread() is threading.main_thread():
            Paused.hooks.pop(name, lambda: None)()
        return value


class Visitor(Guest):
    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.wants = False
        self.problems: list[MessagingError] = []  # that `prepare` raises
        self.news: list[str] = []

    def needs_connection(self) -> bool:
        self.bus.meanwhile("need")
        return self.wants

    def prepare(self, _connection: Any) -> None:
        self.news.append("prepare")
        if self.problems:
            raise self.problems.pop(0)

    def give_up(self, error: MessagingError) -> None:
        self.news.append(f"give up: {error}")

    def connected(self) -> None:
        self.news.append("connected")

    def disconnected(self, error: MessagingError | None) -> None:
        self.news.append(f"disconnected: {error}")


class Case:
    def __init__(self, *, limit: int = 4, limit_bytes: int = 1_000_000) -> None:
        self.bus = Bus()
        self.guest = Visitor(self.bus)
        self.delays: list[int] = []
        delays = Delays()
        object.__setattr__(delays, "asked", self.delays)
        self.sender = Sender(
            self.bus,  # type: ignore[arg-type]  # as much of it as is used
            clock=SystemClock(),
            backoff=delays,
            guest=self.guest,
            limit=limit,
            limit_bytes=limit_bytes,
        )
        self.told: queue.SimpleQueue[tuple[str, MessagingError | None]] = queue.SimpleQueue()

    def put(self, body: str, exchange: type[Exchange] = Jobs, **options: Any) -> Entry:
        envelope = Envelope(exchange.name, "k", body.encode(), Properties(f"id of {body[:9]}"))
        wait = options.pop("wait", 0.0)
        deadline = SystemClock.monotonic() + wait
        return self.sender.put(exchange, envelope, self._settled, deadline, **options)

    def _settled(self, entry: Entry, problem: MessagingError | None) -> None:
        self.told.put((entry.envelope.body.decode(), problem))

    def mended(self) -> None:
        """Wait for the thread that connects and sends."""
        if (keeper := self.sender._keeper) is not None:
            keeper.join(WAIT)

    def settled(self) -> tuple[str, MessagingError | None]:
        return self.told.get(timeout=WAIT)

    def put_in_a_thread(self, body: str, **options: Any) -> queue.SimpleQueue[Any]:
        """What becomes of a message for which there is no room yet."""
        found: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def put() -> None:
            try:
                found.put(self.put(body, wait=WAIT, **options))
            except MessagingError as error:
                found.put(error)

        threading.Thread(target=put, daemon=True).start()
        while not self.sender._pending._wanted:
            assert found.empty()
        return found


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.bus.gate.set()
    made.sender.close()


def test_what_was_not_confirmed_goes_again_before_what_came_later(case: Case) -> None:
    case.put("1")
    case.put("2", Other)
    first = case.bus.wire()
    first.done()(None)
    assert case.settled() == ("1", None)
    case.put("3")
    case.bus.gate.clear()
    first.lose()
    case.put("4")
    case.bus.gate.set()
    second = case.bus.wire()
    for body in "234":
        second.done()(None)
        assert case.settled() == (body, None)
    assert [body for body in first.seen if body.isdigit()] == ["1", "2", "3"]
    assert second.seen == ["other", "jobs", "2", "3", "4"]
    assert first.closed and not second.closed


def test_a_late_word_of_a_lost_connection_harms_no_other(case: Case) -> None:
    case.put("1")
    case.put("2")
    first = case.bus.wire()
    late, later = first.done(), first.done()
    late(LOST)
    second = case.bus.wire()
    again = second.done()
    second.done()
    late(LOST)
    later(LOST)
    case.put("3")
    assert second.is_open
    late(None)  # it had arrived after all
    assert case.settled() == ("1", None)
    again(None)
    second.done()(None)
    assert case.settled() == ("3", None)
    assert second.seen == ["jobs", "1", "2", "3"]
    assert case.guest.news == [
        "prepare",
        "connected",
        "disconnected: gone",
        "prepare",
        "connected",
    ]
    assert case.bus.wires.empty()


def test_who_is_confirmed_connects_again_at_once_and_who_is_not_ever_later(case: Case) -> None:
    entry = case.put("1")
    wire = case.bus.wire()
    for _ in range(3):
        wire.lose()
        wire = case.bus.wire()
    assert case.delays == [1, 2, 3]
    assert "gone" in str(case.sender.too_late(entry, 1.0))
    wire.done()(None)
    assert case.settled() == ("1", None)
    assert "gone" not in str(case.sender.too_late(entry, 1.0))
    case.put("2")
    wire.lose()
    case.bus.wire()
    assert case.delays == [1, 2, 3]


def test_a_connection_that_refuses_a_message_is_kept_and_one_that_ends_is_not(case: Case) -> None:
    refused = PublishRefusedError("full", message_id="id")
    case.bus.problems = {"1": refused, "3": LOST}
    case.put("1")
    assert case.settled() == ("1", refused)
    first = case.bus.wire()
    for body in "23":
        case.put(body)
    second = case.bus.wire()
    for body in "23":
        second.done()(None)
        assert case.settled() == (body, None)
    assert first.seen == ["jobs", "1", "2", "3"]
    assert second.seen == ["jobs", "2", "3"]


def test_an_exchange_that_is_refused_concerns_its_own_messages(case: Case) -> None:
    case.bus.refused = {"other"}
    case.bus.gate.clear()
    for body, exchange in (("1", Jobs), ("2", Other), ("3", Jobs), ("4", Other)):
        case.put(body, exchange)
    case.bus.gate.set()
    for body in "24":
        told, problem = case.settled()
        assert told == body and isinstance(problem, TopologyError)
    wire = case.bus.wire()
    for body in "13":
        wire.done()(None)
        assert case.settled() == (body, None)
    assert wire.seen == ["jobs", "other", "1", "3"]


def test_nobody_connects_for_nothing(case: Case) -> None:
    entry = case.put("1")
    wire = case.bus.wire()
    wire.done()
    assert case.sender.withdraw(entry)
    assert not case.sender.withdraw(entry)
    case.sender.lose(wire, LOST)  # type: ignore[arg-type]
    case.mended()
    assert case.bus.wires.empty() and wire.closed
    case.put("2")
    other = case.bus.wire()
    other.done()
    case.guest.wants = True
    case.sender.lose(other, LOST)  # type: ignore[arg-type]
    case.bus.wire()


def test_late_words_of_a_lost_connection_do_not_cost_the_next_one(case: Case) -> None:
    case.put("1")
    first = case.bus.wire()
    first.lose()
    second = case.bus.wire()
    case.sender.lose(first, LOST)  # type: ignore[arg-type]
    second.done()(None)
    assert case.settled() == ("1", None)
    case.put("2")
    second.done()(None)
    assert case.settled() == ("2", None)
    assert case.bus.wires.empty() and second.seen == ["jobs", "1", "2"]


def test_a_connection_that_ended_unnoticed_is_replaced_and_told(case: Case) -> None:
    case.put("1")
    first = case.bus.wire()
    first.done()(None)
    first.is_open = False
    case.put("2", Other)
    second = case.bus.wire()
    second.done()(None)
    assert first.closed
    assert case.guest.news == [
        "prepare",
        "connected",
        "disconnected: None",
        "prepare",
        "connected",
    ]


def test_a_guest_that_cannot_be_prepared_costs_the_connection(case: Case) -> None:
    case.guest.problems = [LOST]
    case.put("1")
    first, second = case.bus.wire(), case.bus.wire()
    second.done()(None)
    assert first.closed and first.seen == []
    assert case.guest.news == ["prepare", "disconnected: gone", "prepare", "connected"]


# What comes up while a connection is being mended.


def test_a_message_for_another_exchange_meanwhile_waits_until_that_is_declared(case: Case) -> None:
    case.bus.hooks["declare jobs"] = lambda: case.put("2", Other)
    case.put("1")
    wire = case.bus.wire()
    for body in "12":
        wire.done()(None)
        assert case.settled() == (body, None)
    case.put("3", Other)
    wire.done()(None)
    assert wire.seen == ["jobs", "1", "other", "2", "3"]
    assert case.bus.wires.empty()


@pytest.mark.parametrize("step", ["publish 1", "look 3"])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_connection_that_ends_meanwhile_is_replaced(
    case: Case, step: str, is_told: bool
) -> None:
    case.bus.gate.clear()
    case.put("1")
    case.put("2")

    def end() -> None:
        if is_told:
            case.sender.lose(case.bus.opened[0], LOST)  # type: ignore[arg-type]
        else:
            case.bus.opened[0].is_open = False

    case.bus.hooks[step] = end
    case.bus.gate.set()
    first, second = case.bus.wire(), case.bus.wire()
    for body in "12":
        second.done()(None)
        assert case.settled() == (body, None)
    assert second.seen == ["jobs", "1", "2"]
    at_once = is_told and step == "publish 1"
    assert first.seen == ["jobs", "1"] + ["2"] * (not at_once) and first.closed


def test_a_message_that_comes_when_nothing_was_left_to_do_is_sent(case: Case) -> None:
    entry = case.put("1")
    wire = case.bus.wire()
    wire.done()
    case.sender.withdraw(entry)
    case.bus.hooks["need"] = lambda: case.put("2")
    case.sender.lose(wire, LOST)  # type: ignore[arg-type]
    case.bus.wire().done()(None)
    assert case.settled() == ("2", None)


def test_a_refusal_ends_what_waits_and_the_next_message_asks_again(case: Case) -> None:
    refusal = LoginError("no")
    case.bus.answers = [refusal]
    case.put("1")
    assert case.settled() == ("1", refusal)
    case.put("2")
    case.bus.wire().done()(None)
    assert case.settled() == ("2", None)
    assert case.guest.news[0] == "give up: no"


def test_a_sender_says_why_it_sends_nothing(case: Case) -> None:
    assert case.sender.absence() == "wires: is not connected"
    case.put("1")
    wire = case.bus.wire()
    wire.done()(None)
    assert case.sender.absence() == ""
    case.put("2")
    case.bus.gate.clear()
    wire.lose()
    assert case.sender.absence() == "gone"
    case.sender.close()
    assert case.sender.absence() == "the producer is closed"


def test_closing_settles_all_and_uses_no_connection_that_comes_later(case: Case) -> None:
    case.bus.gate.clear()
    case.put("1")
    assert case.bus.asked.acquire(timeout=WAIT)
    keeper = case.sender._keeper
    case.sender.close()
    told, problem = case.settled()
    assert told == "1" and "closed" in str(problem)
    case.bus.gate.set()
    wire = case.bus.wire()
    assert keeper is not None
    keeper.join(WAIT)
    assert not keeper.is_alive()
    assert wire.closed and wire.seen == []
    case.sender.close()
    assert case.guest.news == ["disconnected: None"]
    with pytest.raises(MessagingError, match="closed"):
        case.put("2")


def test_closing_closes_the_connection(case: Case) -> None:
    case.put("1")
    wire = case.bus.wire()
    done = wire.done()
    case.sender.close()
    assert wire.closed
    done(None)
    told, problem = case.settled()
    assert told == "1" and "closed" in str(problem) and case.told.empty()


def test_what_comes_while_a_connection_is_replaced_is_sent_over_the_next_one(case: Case) -> None:
    case.put("1")
    first = case.bus.wire()
    case.mended()
    case.bus.asked.acquire()
    case.bus.gate.clear()
    connected = threading.Event()
    case.guest.connected = connected.set  # type: ignore[method-assign]

    def lose() -> None:
        first.lose()
        assert case.bus.asked.acquire(timeout=WAIT)
        Paused.hooks["_connection"] = open_again

    def open_again() -> None:
        case.bus.gate.set()
        assert connected.wait(WAIT)

    case.sender.__class__ = Paused
    Paused.hooks["_flowing"] = lose
    case.put("2")
    Paused.hooks.clear()
    case.bus.gate.set()
    second = case.bus.wire()
    case.mended()
    assert second.seen == ["jobs", "1", "2"]


def test_a_system_without_threads_is_a_trouble_that_passes(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        case.put("1")
    assert "can't start new thread" in case.sender.absence()
    case.put("2")
    case.mended()
    assert case.bus.wire().seen == ["jobs", "1", "2"]


def test_who_exits_when_he_is_told_keeps_nobody_from_connecting(case: Case) -> None:
    case.bus.answers.append(LoginError("no"))
    told = threading.Event()

    def leave(_entry: Entry, _problem: MessagingError | None) -> None:
        told.set()
        sys.exit(1)

    envelope = Envelope("jobs", "k", b"0", Properties("0"))
    case.sender.put(Jobs, envelope, leave, SystemClock.monotonic())
    assert told.wait(WAIT)
    case.mended()
    case.put("1")
    wire = case.bus.wire()
    case.mended()
    assert wire.seen == ["jobs", "1"]


# Room.


def full(limit: int = 4) -> tuple[Case, Wire]:
    """All is on its way, and no room is left."""
    case = Case(limit=limit)
    for number in range(limit):
        case.put(str(number))
    wire = case.bus.wire()
    case.mended()
    return case, wire


def test_who_waits_for_room_goes_on_when_enough_was_confirmed() -> None:
    case, wire = full(8)
    found = case.put_in_a_thread("more")
    wire.done()(None)
    assert found.empty(), "not for one alone"
    wire.done()(None)
    assert isinstance(found.get(timeout=WAIT), Entry)
    case.sender.close()


@pytest.mark.parametrize("patient", [False, True])
def test_who_waits_for_room_hears_at_once_that_the_broker_is_away(patient: bool) -> None:
    case, wire = full()
    case.bus.gate.clear()
    found = case.put_in_a_thread("more", patient=patient)
    wire.lose()
    if patient:
        case.bus.gate.set()
        wire = case.bus.wire()
        for _ in range(4):
            wire.done()(None)
        assert isinstance(found.get(timeout=WAIT), Entry)
    else:
        problem = found.get(timeout=WAIT)
        assert isinstance(problem, BufferFullError) and "gone" in str(problem)
        case.bus.gate.set()
    case.sender.close()


def test_who_waits_for_room_hears_of_a_connection_that_ended_unnoticed() -> None:
    case, wire = full()
    case.bus.gate.clear()
    found = case.put_in_a_thread("more")
    wire.is_open = False
    case.sender._call_keeper()  # as who has an exchange to declare
    assert isinstance(found.get(timeout=WAIT), BufferFullError)
    case.bus.gate.set()
    case.sender.close()


@pytest.mark.parametrize("patient", [False, True])
def test_closing_ends_the_wait_for_room(patient: bool) -> None:
    case, _ = full()
    found = case.put_in_a_thread("more", patient=patient)
    case.sender.close()
    assert isinstance(found.get(timeout=WAIT), MessagingError)


def test_there_is_room_for_so_many_bytes_and_for_any_single_message() -> None:
    case = Case(limit_bytes=2 * (1024 + 10))
    case.put("x" * 5000)
    wire = case.bus.wire()
    with pytest.raises(BufferFullError, match="6,024 bytes"):
        case.put("")
    wire.done()(None)
    case.put("x" * 10)
    case.put("x" * 10)
    with pytest.raises(BufferFullError, match=r"2 messages \(2,068 bytes\)"):
        case.put("")
    case.sender.close()
