"""What a consumer keeps through outages, at run time, and when it ends."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import Exchange, GenericConsumer, MessagingError, ReceivedMessage
from pelagos.messaging.encoder import JsonEncoder
from pelagos.messaging.errors import AckAndRestart, ExitScheduler
from pelagos.messaging.message import MessageCommand, MessageResultError
from pelagos.messaging.transports.base import Connection, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

QUICK = Backoff(first=0.001, limit=0.01)
WAIT = 60.0


class Town(Exchange):
    name = "town"
    exchange_type = "topic"


class Heads(Exchange):
    name = "heads"
    exchange_type = "headers"


class Place:
    def __init__(self) -> None:
        self.broker = MemoryBroker("consuming")
        self.bus = MemoryTransport("", broker=self.broker)
        self.link: Connection = self.bus.open()
        self.got: queue.Queue[ReceivedMessage] = queue.Queue()
        self.consumers: list[GenericConsumer] = []

    def consumer(self, eqk: Any = None, callback: Any = None, **options: Any) -> GenericConsumer:
        made = GenericConsumer(
            [(Town, [("inbox", "a")])] if eqk is None else eqk,
            bus=self.bus,
            backoff=QUICK,
            **options,
        )
        self.consumers.append(made)
        made.start(callback or self.got.put)
        made.wait_ready(WAIT)
        return made

    def send(
        self, given: Any, key: str = "a", exchange: str = "town", name: str = "go", **more: Any
    ) -> None:
        if not self.link.is_open:
            self.link = self.bus.open()
        body = JsonEncoder.encode(MessageCommand(name, given).body)
        problems: list[object] = []
        properties = Properties("m", **more)
        self.link.publish(Envelope(exchange, key, body, properties), problems.append)
        assert problems == [None]

    def take(self) -> Any:
        return self.got.get(timeout=WAIT).content["parameters"]

    def until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT
        while not true():
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def info(self, name: str) -> tuple[int, int]:
        """Waiting messages and consumers of a queue."""
        link = self.bus.open()
        try:
            found = link.declare_queue(Queue(name, passive=True))
        finally:
            link.close()
        return found.messages, found.consumers

    def close(self) -> None:
        for consumer in self.consumers:
            assert consumer.stop(WAIT)
        self.link.close()


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


# At run time.


def test_what_was_bound_at_run_time_is_there_after_a_restart_of_the_broker(place: Place) -> None:
    consumer = place.consumer()
    consumer.queue_bind(Town, "late", "b", arguments={"x-max-length": 100})
    consumer.queue_bind(Heads, "late", "", binding_arguments={"x-match": "all", "to": 1},
                        arguments={"x-max-length": 100})  # fmt: skip
    consumer.queue_unbind(Town, "inbox", "a")
    consumer.queue_bind(Town, "inbox", "c")
    place.broker.stop()
    place.broker.start()
    consumer.wait_ready(WAIT)
    place.until(lambda: place.info("late")[1] == 1)
    place.send("nobody", "a")
    place.send("late", "b")
    place.send("heads", "", "heads", headers={"to": 1})
    place.send("nobody", "", "heads", headers={"to": 2})
    place.send("inbox", "c")
    assert [place.take() for _ in range(3)] == ["late", "heads", "inbox"]
    assert place.got.empty()


def test_bindings_made_while_the_broker_is_away_are_made_later(place: Place) -> None:
    consumer = place.consumer()
    place.broker.stop()
    place.until(lambda: consumer.problem is not None)
    consumer.queue_bind(Town, "late", "b")
    place.broker.start()
    consumer.wait_ready(WAIT)
    place.send("late", "b")
    assert place.take() == "late"


def test_a_queue_that_is_read_is_not_bound_with_other_flags(place: Place) -> None:
    consumer = place.consumer()
    before = consumer.bindings
    for more in ({"arguments": {"x-max-length": 1}}, {"durable": False, "exclusive": True}):
        with pytest.raises(MessagingError, match="given twice with different flags"):
            consumer.queue_bind(Town, "inbox", "b", **more)
    assert consumer.bindings == before
    place.send("nobody", "b")
    place.send("inbox")
    assert place.take() == "inbox" and place.got.empty()


def test_a_queue_can_be_left_to_others(place: Place) -> None:
    first = place.consumer([(Town, [("inbox", "a"), ("shared", "b")])])
    place.consumer([(Town, [("shared", "b")])])
    assert place.info("shared")[1] == 2
    first.queue_forget("shared")
    assert place.info("shared")[1] == 1
    assert [binding.queue.name for binding in first.bindings] == ["inbox"]
    place.send("still", "b")
    assert place.take() == "still"
    first.queue_bind(Town, "shared", "b")
    assert place.info("shared")[1] == 2


def test_a_queue_that_was_left_is_declared_anew_when_it_is_read_again(place: Place) -> None:
    consumer = place.consumer([(Town, [("inbox", "a"), ("second", "b")])])
    consumer.queue_forget("second")
    place.link.delete_queue("second")
    consumer.queue_bind(Town, "second", "b")
    place.send("there", "b")
    assert place.take() == "there"


def test_a_queue_is_read_once_however_many_keys_it_is_bound_with(place: Place) -> None:
    consumer = place.consumer()
    consumer.queue_bind(Town, "inbox", "b")
    consumer.queue_bind(Town, "inbox", "b")
    assert place.info("inbox")[1] == 1
    assert [binding.key for binding in consumer.bindings] == ["a", "b"]


def test_a_queue_can_be_left_while_the_connection_goes(place: Place) -> None:
    consumer = place.consumer([(Town, [("inbox", "a"), ("second", "b")])])
    lost: Any = place.bus.open()
    lost.close()
    lane = consumer._intake.lane
    before, lane.connection = lane.connection, lost
    consumer.queue_forget("second")
    lane.connection = before
    assert [binding.queue.name for binding in consumer.bindings] == ["inbox"]


def test_who_is_forked_begins_with_a_connection_of_its_own(place: Place) -> None:
    """Threads do not come along, but all that they knew."""
    consumer = place.consumer()
    of_parent = consumer._intake
    ended = threading.Thread(target=lambda: None)
    ended.start()
    ended.join(WAIT)
    alive, of_parent._thread = of_parent._thread, ended
    consumer.begin()
    try:
        assert consumer._intake is not of_parent
        place.until(lambda: consumer._intake.lane.connection)
        assert consumer._intake.lane.connection is not of_parent.lane.connection
    finally:
        consumer._intake.close(WAIT)
        consumer._intake, of_parent._thread = of_parent, alive


def test_unbinding_can_end_the_reading_of_a_queue(place: Place) -> None:
    consumer = place.consumer([(Town, [("inbox", "a"), ("second", "b"), ("second", "c")])])
    consumer.queue_unbind(Town, "second", "b", forget=True)
    assert place.info("second")[1] == 1
    consumer.queue_unbind(Town, "second", "c", forget=True)
    assert place.info("second")[1] == 0


@pytest.mark.parametrize(
    "eqk",
    [
        [(Town, ["inbox"])],
        [Town],
        [(Town, [(5, "a")])],
        [(Town, [("inbox", "a", "b", "c")])],
        [(Town, [("inbox", "a", 5)])],
    ],
)
def test_an_eqk_of_another_form_is_refused_with_the_form(eqk: Any) -> None:
    with pytest.raises(MessagingError) as refused:
        GenericConsumer(eqk, bus="memory:forms")
    assert refused.value.hint


def test_a_queue_may_be_given_as_it_is_declared(place: Place) -> None:
    consumer = place.consumer([(Town, [(Queue("made", auto_delete=True), "a")])])
    assert consumer.bindings[0].queue == Queue("made", auto_delete=True)


# Loss.


def test_the_loss_of_one_queue_does_not_disturb_the_others(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        place.got.put(message)
        if message.content["parameters"] == "long":
            entered.set()
            assert leave.wait(WAIT)

    consumer = place.consumer([(Town, [("inbox", "a"), ("second", "b")])], slow)
    place.send("long")
    assert entered.wait(WAIT)
    place.link.delete_queue("second")

    def is_back() -> bool:
        try:
            return place.info("second")[1] == 1
        except MessagingError:
            return False

    place.until(is_back)
    place.until(lambda: consumer.problem is None)
    leave.set()
    place.send("second", "b")
    assert [place.take(), place.take()] == ["long", "second"]
    place.until(lambda: place.info("inbox") == (0, 1))
    assert place.got.empty()  # the long one was acknowledged over the connection that it came on


def test_an_own_queue_that_was_lost_is_another_one(place: Place) -> None:
    consumer = place.consumer([(Town, [("", "a")])])
    place.broker.cut()

    def is_heard() -> bool:
        place.send("x")
        return not place.got.empty()

    place.until(is_heard)
    assert place.take() == "x" and consumer.problem is None


def test_the_connection_comes_back_while_a_handler_works(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        place.got.put(message)
        entered.set()
        assert leave.wait(WAIT)

    consumer = place.consumer(None, slow)
    place.send("x")
    assert entered.wait(WAIT)
    place.broker.cut()
    place.until(lambda: place.info("inbox")[1] == 1)
    assert consumer.problem is None
    message = place.got.get(timeout=WAIT)
    message.ack()  # over the old connection: it has no effect, on no other message either
    assert message.outcome == "ack"
    leave.set()
    again = place.got.get(timeout=WAIT)
    assert again.redelivered and again.content == message.content
    place.until(lambda: place.info("inbox") == (0, 1))


def test_a_broker_that_drops_everybody_at_once_is_not_besieged(place: Place) -> None:
    opened = 0
    slow = Backoff(first=0.05, limit=0.2)

    class Mean(MemoryTransport):
        def open(self, timeout: float = 10.0) -> Connection:
            nonlocal opened
            opened += 1
            connection = super().open(timeout)
            self.broker.cut()
            return connection

    bus = Mean("", broker=place.broker)
    consumer = GenericConsumer([(Town, [("inbox", "a")])], bus=bus, backoff=slow)
    consumer.start(place.got.put)
    time.sleep(0.6)
    assert consumer.stop(WAIT)
    assert opened < 10


# What is done with messages.


def test_all_messages_can_be_discarded_for_a_while(place: Place) -> None:
    consumer = place.consumer()
    consumer.discard_all_messages = True
    for number in range(5):
        place.send(number)
    place.until(lambda: place.broker.depth("inbox") == 0)
    place.bus.drain("inbox")
    consumer.discard_all_messages = False
    place.send("kept")
    assert place.take() == "kept" and place.got.empty()


def test_the_prefetch_limits_what_waits_here(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_message: ReceivedMessage) -> None:
        entered.set()
        assert leave.wait(WAIT)

    place.consumer(None, slow, prefetch=2)
    for number in range(10):
        place.send(number)
    assert entered.wait(WAIT)
    assert place.broker.depth("inbox") == 8
    leave.set()
    with pytest.raises(MessagingError, match="prefetch"):
        GenericConsumer([], bus=place.bus, prefetch=0)


def test_whoever_asks_is_answered(place: Place) -> None:
    answers: queue.Queue[Any] = queue.Queue()
    consumer: GenericConsumer

    def answer(message: ReceivedMessage) -> None:
        given = message.content["parameters"]
        consumer.rpc_reply(message, MessageResultError("no") if given == "bad" else [given])

    consumer = place.consumer(None, answer)
    reply_to = place.link.declare_queue(Queue(durable=False, exclusive=True)).name
    place.link.consume(reply_to, answers.put, answers.put, prefetch=10)
    place.send("good", reply_to=reply_to, correlation_id="c-1")
    place.send("bad", reply_to=reply_to, correlation_id="c-2")
    first, second = (answers.get(timeout=WAIT) for _ in range(2))
    body = JsonEncoder.decode(first.body)
    assert (body["content"]["type"], body["content"]["value"]) == ("success", ["good"])
    assert body["fingerprint"]["pid"] and first.properties.content_type == "application/json"
    assert not first.properties.persistent
    assert (first.properties.correlation_id, second.properties.correlation_id) == ("c-1", "c-2")
    assert JsonEncoder.decode(second.body)["content"]["type"] == "error"


def test_an_answer_that_nobody_wants_is_an_error_of_the_handler(place: Place) -> None:
    refused: queue.Queue[MessagingError] = queue.Queue()

    def answer(message: ReceivedMessage) -> None:
        try:
            message.reply(1)
        except MessagingError as error:
            refused.put(error)

    place.consumer(None, answer)
    place.send("x")
    assert "asks for no answer" in str(refused.get(timeout=WAIT))


@pytest.mark.parametrize(
    ("header", "expected"), [(None, 1), (3, 3), (0, 1), (-2, 1), ("5", 1), (True, 1), ([], 1)]
)
def test_the_attempt_is_read_from_its_header_whatever_that_holds(
    place: Place, header: Any, expected: int
) -> None:
    place.consumer()
    place.send("x", headers={} if header is None else {"x-pelagos-attempt": header})
    assert place.got.get(timeout=WAIT).attempt == expected


def test_a_hook_that_failed_is_asked_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pelagos.messaging.consumer.handling._PAUSE", 0.001)
    consumer = place.consumer()
    failures: queue.Queue[str] = queue.Queue()
    faults = [ZeroDivisionError(), ZeroDivisionError()]

    def fail(message: ReceivedMessage, cause: Any) -> None:
        failures.put(str(cause))
        if faults:
            raise faults.pop()
        message.ack()

    consumer.on_poison = fail
    place.link.publish(Envelope("town", "a", b"no", Properties("p")), lambda _problem: None)
    assert ["not JSON" in failures.get(timeout=WAIT) for _ in range(3)] == [True] * 3
    place.bus.drain("inbox", timeout=WAIT)


@pytest.mark.parametrize("hook", ["on_poison", "on_failure"])
def test_a_hook_that_fails_does_not_turn_in_a_circle(place: Place, hook: str) -> None:
    asked: queue.Queue[str] = queue.Queue()

    def fail(*_: Any) -> None:
        asked.put(hook)
        raise ZeroDivisionError

    consumer = place.consumer(callback=fail)
    setattr(consumer, hook, fail)
    body = b"no" if hook == "on_poison" else JsonEncoder.encode(MessageCommand("go", 1).body)
    place.link.publish(Envelope("town", "a", body, Properties("p")), lambda _problem: None)
    asked.get(timeout=WAIT)
    place.link.publish(Envelope("town", "a", body, Properties("q")), lambda _problem: None)
    asked.get(timeout=WAIT)  # the second, as the first one waits
    assert consumer.stop(WAIT)
    assert place.info("inbox")[0] == 2
    assert asked.qsize() <= 2  # of the callback, where it is the one that fails


# Ending.


@pytest.mark.parametrize("ending", [ExitScheduler, AckAndRestart, StopIteration])
def test_what_ends_the_consuming_is_told_and_its_message_is_done(
    place: Place, ending: type[Exception]
) -> None:
    def end(_message: ReceivedMessage) -> None:
        raise ending

    consumer = place.consumer(None, end)
    place.send("end")
    place.until(lambda: not consumer.is_running)
    assert isinstance(consumer.ending, ending)
    second = GenericConsumer([(Town, [("inbox", "a")])], bus=place.bus)
    place.send("end")
    with pytest.raises(ending):
        second.start_consuming(end)
    assert place.info("inbox") == (0, 0)


def test_what_was_fetched_goes_to_others_at_once_when_it_stops(place: Place) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_message: ReceivedMessage) -> None:
        entered.set()
        assert leave.wait(WAIT)

    consumer = place.consumer(None, slow)
    for number in range(5):
        place.send(number)
    assert entered.wait(WAIT)
    consumer.stop_consuming()
    place.consumer()  # others get them while the first one is still in hand
    assert [place.take() for _ in range(4)] == [1, 2, 3, 4]
    leave.set()
    assert consumer.stop(WAIT)
    assert place.got.empty()


def test_a_stopped_consumer_can_be_started_again(place: Place) -> None:
    consumer = place.consumer()
    consumer.queue_bind(Town, "late", "b")
    for number in range(3):
        assert consumer.stop(WAIT)
        place.send(number, "b")
        consumer.start(place.got.put)
        consumer.wait_ready(WAIT)
        assert place.take() == number


def test_many_threads_bind_and_unbind_while_it_consumes(place: Place) -> None:
    consumer = place.consumer()
    stop = threading.Event()

    def rebind(number: int) -> None:
        while not stop.is_set():
            consumer.queue_bind(Town, f"q{number}", f"k{number}")
            consumer.queue_unbind(Town, f"q{number}", f"k{number}", forget=True)

    pool = ThreadPoolExecutor(4)
    rebinding = [pool.submit(rebind, number) for number in range(4)]
    for number in range(50):
        place.send(number)
        if number % 10 == 9:
            place.broker.cut()
    seen: dict[int, None] = {}
    while len(seen) < 50:
        seen[place.take()] = None
    stop.set()
    pool.shutdown()
    assert [done.exception() for done in rebinding] == [None] * 4
    assert list(seen) == list(range(50))


def test_whatever_fails_while_it_connects_it_tries_again_and_says_why(place: Place) -> None:
    """A hook of others, or a defect: nothing may leave a consumer that only seems to run."""
    failing = [True]

    def hook(_connection: Connection) -> None:
        if failing[0]:
            raise ZeroDivisionError

    consumer = GenericConsumer([(Town, [("inbox", "a")])], bus=place.bus, backoff=QUICK)
    place.consumers.append(consumer)
    consumer.on_open = hook
    consumer.start(place.got.put)
    place.until(lambda: "ZeroDivisionError" in str(consumer.problem))
    failing[0] = False
    consumer.wait_ready(WAIT)
    place.send(1)
    assert place.take() == 1
