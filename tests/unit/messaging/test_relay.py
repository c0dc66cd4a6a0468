"""A relay marks what is confirmed and nothing else, in order, whatever fails between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange
from pelagos.messaging.errors import (
    ConnectionLostError,
    MessagingError,
    PublishRefusedError,
    PublishTimeoutError,
)
from pelagos.messaging.relay import BATCH, Letter, Relay
from pelagos.messaging.transports.base import Envelope, Properties, Transport

WAIT = 60.0
SILENT = "silent"
LOST = ConnectionLostError("lost")
REFUSED = PublishRefusedError("full", message_id="")


class Invoices(Exchange):
    name = "invoices"


class Default(Exchange):
    name = ""


class Place:
    """Letters that wait, and what was said about them."""

    def __init__(self, count: int = 0, exchange: type[Exchange] = Invoices) -> None:
        self.waiting = [letter(number, exchange) for number in range(count)]
        self.marked: list[list[int]] = []
        self.limits: list[int] = []
        self.leads: bool | Callable[[], bool] = True
        self.closed = 0

    def lead(self) -> bool:
        return self.leads() if callable(self.leads) else self.leads

    def read(self, limit: int) -> Sequence[Letter]:
        self.limits.append(limit)
        return self.waiting[:limit]

    def done(self, letters: Sequence[Letter]) -> None:
        self.marked.append([one.position for one in letters])
        self.waiting = [one for one in self.waiting if one not in letters]

    def close(self) -> None:
        self.closed += 1


def letter(number: int, exchange: type[Exchange] = Invoices) -> Letter:
    return Letter(number, exchange, Envelope(exchange.name, "k", b"", Properties(f"m{number}")))


class Bus:
    """Answers each message by its place among all that were sent; None is a confirmation."""

    url = "scripted:"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.sent: list[str] = []
        self.links: list[Link] = []
        self.waiting: list[Callable[[MessagingError | None], None]] = []
        self.held = threading.Event()

    def open(self, timeout: float) -> Link:
        assert timeout > 0
        self.links.append(Link(self))
        return self.links[-1]


class Link:
    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.is_open = True
        self.closed = 0
        self.declared: list[str] = []

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self.declared.append(exchange.name)

    def publish(self, envelope: Envelope, done: Any) -> None:
        name = envelope.properties.message_id
        self.bus.sent.append(name)
        answer = self.bus.answers.pop(name, None)
        if answer is SILENT:
            self.bus.waiting.append(done)
            self.bus.held.set()
        elif answer is LOST:
            self.is_open = False
            raise answer
        else:
            done(answer)

    def close(self) -> None:
        self.is_open = False
        self.closed += 1
        for done in self.bus.waiting:
            done(LOST)


def relay(bus: Bus, place: Place, **options: Any) -> Any:
    options.setdefault("backoff", Backoff(first=0.001, limit=0.001))
    options.setdefault("confirm_timeout", WAIT)
    options.setdefault("poll", WAIT)
    return Relay(cast("Transport", bus), place, **options)


# One batch.


def test_all_that_is_confirmed_is_marked_at_once() -> None:
    bus, place = Bus(), Place(3)
    one = relay(bus, place)
    assert one._round() is True
    assert (bus.sent, place.marked, place.limits) == (["m0", "m1", "m2"], [[0, 1, 2]], [BATCH])
    assert one._round() is False
    assert (len(bus.links), place.marked) == (1, [[0, 1, 2]])


def test_what_stands_behind_a_refusal_is_not_marked() -> None:
    """Also when it is confirmed: it is sent again, behind what was refused."""
    bus, place = Bus(m1=REFUSED, m2=PublishRefusedError("later", message_id="")), Place(4)
    with pytest.raises(PublishRefusedError, match="full"):
        relay(bus, place)._round()
    assert place.marked == [[0]]


def test_a_refusal_of_the_first_marks_nothing() -> None:
    bus, place = Bus(m0=REFUSED), Place(2)
    with pytest.raises(PublishRefusedError):
        relay(bus, place)._round()
    assert place.marked == []


def test_what_was_confirmed_before_the_connection_was_lost_is_marked() -> None:
    bus, place = Bus(m2=LOST), Place(4)
    with pytest.raises(ConnectionLostError):
        relay(bus, place)._round()
    assert (bus.sent, place.marked) == (["m0", "m1", "m2"], [[0, 1]])


def test_what_is_not_confirmed_in_time_is_named() -> None:
    bus, place = Bus(m1=SILENT), Place(3)
    with pytest.raises(PublishTimeoutError, match=r"scripted: did not .* 0\.01 s") as late:
        relay(bus, place, confirm_timeout=0.01)._round()
    assert (late.value.message_id, place.marked) == ("m1", [[0]])


def test_a_confirmation_that_comes_late_is_not_of_the_next_batch() -> None:
    bus, place = Bus(m0=SILENT), Place(1)
    one = relay(bus, place, confirm_timeout=0.01)
    with pytest.raises(PublishTimeoutError):
        one._round()
    bus.answers["m0"] = SILENT
    late = bus.waiting.pop()
    late(None)
    with pytest.raises(PublishTimeoutError):
        one._round()
    assert place.marked == []


def test_who_does_not_lead_reads_nothing() -> None:
    bus, place = Bus(), Place(1)
    place.leads = False
    assert relay(bus, place)._round() is False
    assert (bus.links, place.limits) == ([], [])


def test_exchanges_are_declared_once_for_each_connection() -> None:
    bus, place = Bus(m1=LOST), Place(2)
    place.waiting.append(letter(2, Default))
    with relay(bus, place) as one:
        assert one.flush(WAIT)
    assert [link.declared for link in bus.links] == [["invoices"], ["invoices"]]
    assert [link.closed for link in bus.links] == [1, 1]


# The thread.


def test_in_trouble_they_go_one_by_one_and_then_together_again() -> None:
    bus, place = Bus(m1=REFUSED), Place(4)
    with relay(bus, place) as one:
        assert one.flush(WAIT)
        assert one.problem is None
    assert place.limits[:4] == [BATCH, 1, BATCH, BATCH]
    assert place.marked == [[0], [1], [2, 3]]
    assert bus.sent == ["m0", "m1", "m2", "m3", "m1", "m2", "m3"]


def test_after_a_failure_it_waits_longer_each_time_and_from_the_beginning_after_a_success() -> (
    None
):
    bus, place = Bus(), Place(3)
    left = {"m0": 3, "m2": 2}

    def publish(_link: Link, envelope: Envelope, done: Any) -> None:
        name = envelope.properties.message_id
        left[name] = left.get(name, 0) - 1
        done(REFUSED if left[name] >= 0 else None)

    asked: list[int] = []

    class Counting(Backoff):
        def delay(self, failures: int) -> float:
            asked.append(failures)
            return 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Link, "publish", publish)
        with relay(bus, place, backoff=Counting()) as one:
            assert one.flush(WAIT)
    assert asked == [1, 2, 3, 1]


def test_a_problem_is_told_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    bus, place = Bus(), Place(1)
    left = [REFUSED, REFUSED, PublishRefusedError("other", message_id=""), ZeroDivisionError("x")]

    def lead() -> bool:
        if left:
            raise left.pop(0)
        return True

    place.leads = lead
    with caplog.at_level(logging.INFO, "pelagos.messaging"), relay(bus, place, name="r") as one:
        assert one.flush(WAIT)
    told = [record.getMessage() for record in caplog.records]
    nothing = "r: messages wait, nothing is lost: "
    assert told == [
        f"{nothing}full",
        f"{nothing}other",
        f"{nothing}ZeroDivisionError: x",
        "r: messages are sent again",
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [False, False, True, False]


def test_a_flush_waits_for_a_look_that_began_after_it() -> None:
    bus, place = Bus(), Place()
    looking, go = threading.Event(), threading.Event()

    def lead() -> bool:
        looking.set()
        assert go.wait(WAIT)
        return True

    place.leads = lead
    results: list[bool] = []
    with relay(bus, place) as one:
        assert looking.wait(WAIT)
        flushing = threading.Thread(target=lambda: results.append(one.flush(WAIT)))
        flushing.start()
        while not one._flushing:
            pass
        place.waiting.append(letter(1))
        go.set()
        flushing.join(WAIT)
    assert (results, bus.sent) == ([True], ["m1"])


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("new", "it does not run: start() it"),
        ("stopped", "it was stopped"),
        ("second", "another relay works on it"),
        ("refused", "full"),
        ("slow", "the broker is slow, or much waits"),
    ],
)
def test_a_flush_that_did_not_send_all_says_why(
    state: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    bus, place = Bus(), Place(1)
    place.leads = state != "second"
    if state == "refused":
        place.read = lambda _limit: (_ for _ in ()).throw(REFUSED)  # type: ignore[method-assign]
    if state == "slow":
        bus.answers["m0"] = SILENT
    one = relay(bus, place)
    if state != "new":
        one.start()
    if state == "stopped":
        one.stop()
    if state == "slow":
        assert bus.held.wait(WAIT)
    assert one.flush(0.05) is False
    told = caplog.records[-1].getMessage()
    one.stop(0.01)
    assert told == f"relay: not all is sent after 0.05 s: {said}"


def test_it_sends_what_is_there_before_it_ends_and_gives_the_place_back() -> None:
    bus, place = Bus(), Place(2 * BATCH + 1)
    one = relay(bus, place)
    one.stop()
    one.run()
    assert [len(marked) for marked in place.marked] == [BATCH, BATCH, 1]
    assert (place.closed, bus.links[0].closed, one.is_running) == (1, 1, False)


def test_it_ends_though_the_broker_refuses() -> None:
    bus, place = Bus(m0=REFUSED), Place(1)
    one = relay(bus, place)
    one.stop()
    one.run()
    assert (bus.sent, place.closed) == (["m0"], 1)


def test_it_ends_though_the_broker_is_silent() -> None:
    bus, place = Bus(m0=SILENT), Place(1)
    one = relay(bus, place).start()
    assert bus.held.wait(WAIT)
    one.stop(0.05)
    assert not one.is_running
    assert (place.marked, place.closed, bus.links[0].closed) == ([], 1, 2)


def test_it_goes_on_as_soon_as_the_last_confirmation_has_come() -> None:
    bus, place = Bus(m0=SILENT, m1=SILENT), Place(2)
    one = relay(bus, place).start()
    while len(bus.waiting) < 2:
        assert one.is_running
    bus.waiting.pop()(None)
    bus.waiting.pop()(None)
    assert one.flush(5)
    assert place.marked == [[0, 1]]
    one.stop()


class News(threading.Event):
    """Tells that the relay rests."""

    def __init__(self) -> None:
        super().__init__()
        self.resting = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.resting.set()
        return super().wait(timeout)


def test_it_rests_until_it_is_woken_and_can_be_started_once() -> None:
    bus, place = Bus(), Place()
    one = relay(bus, place)
    news = one._news = News()
    one.start()
    assert news.resting.wait(5)
    place.waiting.append(letter(1))
    news.resting.clear()
    one.wake()
    assert news.resting.wait(5)
    assert place.marked == [[1]]
    assert not news.is_set()
    news.resting.clear()
    assert one.flush(WAIT)
    assert news.resting.wait(5)  # and does not go on looking for who has gone
    with pytest.raises(MessagingError, match="started already"):
        one.start()
    one.stop()
    assert not one.is_running


def test_a_connection_that_was_lost_meanwhile_is_replaced() -> None:
    bus, place = Bus(), Place(1)
    one = relay(bus, place)
    one._round()
    bus.links[0].is_open = False
    place.waiting.append(letter(1))
    one._round()
    assert [(link.closed, link.declared) for link in bus.links] == [
        (1, ["invoices"]),
        (0, ["invoices"]),
    ]
