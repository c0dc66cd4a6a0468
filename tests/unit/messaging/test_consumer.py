"""What a consumer hears, and what it does with the rest."""

from __future__ import annotations

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.errors import PelagosError
from pelagos.messaging import (
    BrokerUnreachableError,
    Encoder,
    Exchange,
    GenericConsumer,
    GenericProducer,
    JsonEncoder,
    MessageCommand,
    MessagingError,
    ReceivedMessage,
    RejectMessage,
    TopologyError,
)
from pelagos.messaging.binding import make_queue, read_eqk
from pelagos.messaging.transports.base import Connection, Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

QUICK = Backoff(first=0.001, limit=0.01)
WAIT = 60.0


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


class Graves(Exchange):
    name = "graves"
    exchange_type = "fanout"


class Sender(GenericProducer):
    eks = ((Events, "a.b"),)


class House:
    """A broker, a producer, and consumers that are stopped at the end."""

    def __init__(self) -> None:
        self.broker = MemoryBroker("test")
        self.bus = MemoryTransport("", broker=self.broker)
        self.producer = Sender(bus=self.bus, backoff=QUICK)
        self.consumers: list[GenericConsumer] = []
        self.got: queue.SimpleQueue[ReceivedMessage] = queue.SimpleQueue()

    def consumer(
        self, eqk: Any = None, callback: Callable[[ReceivedMessage], object] | None = None
    ) -> GenericConsumer:
        made = GenericConsumer(
            [(Events, [("inbox", "a.*")])] if eqk is None else eqk, bus=self.bus, backoff=QUICK
        )
        self.consumers.append(made)
        made.start(callback or self.got.put)
        made.wait_ready(WAIT)
        return made

    def take(self) -> Any:
        return self.got.get(timeout=WAIT).content.get("parameters")

    def raw(self, body: bytes, where: str = "", key: str = "inbox") -> None:
        link = self.bus.open()
        problems: list[object] = []
        link.publish(Envelope(where, key, body, Properties(uuid.uuid4().hex)), problems.append)
        link.close()
        assert problems == [None]

    def waiting(self, name: str = "inbox") -> int:
        """Messages in the queue, unsettled ones included, once nobody consumes."""
        return self.broker.depth(name)

    def close(self) -> None:
        for consumer in self.consumers:
            assert consumer.stop(WAIT)
        self.producer.close()


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.close()


# Queues.


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("q", Queue("q", durable=True)),
        ("", Queue("", durable=False, exclusive=True, auto_delete=True)),
        ({"name": "q"}, Queue("q", durable=True)),
        ({"name": "q", "flags": {}}, Queue("q", durable=True)),
        (
            {"name": "q", "flags": {"exclusive": True}},
            Queue("q", durable=False, exclusive=True),
        ),
        ({"name": "q", "flags": {"auto_delete": True}}, Queue("q", auto_delete=True)),
        (
            {"name": "q", "flags": {"arguments": {"x-expires": 1000}}},
            Queue("q", arguments={"x-expires": 1000}),
        ),
        (
            {"name": "q", "flags": {"passive": True, "durable": False}},
            Queue("q", durable=False, passive=True),
        ),
    ],
)
def test_a_queue_is_durable_or_ones_own(given: Any, expected: Queue) -> None:
    assert make_queue(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"name": "q", "flags": {"durable": False}},
        {"name": "q", "flags": {"durable": False, "exclusive": False, "auto_delete": True}},
        {"name": "q", "flags": {"durabel": True}},
        {"name": "q", "flag": {}},
    ],
)
def test_a_queue_that_brokers_refuse_is_refused_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(MessagingError) as refused:
        make_queue(given)
    assert refused.value.hint


def test_one_queue_is_described_in_one_way() -> None:
    same = [(Events, [("q", "a"), ("q", "b")]), (Graves, [({"name": "q"}, "")])]
    assert len(read_eqk(same)) == 3
    with pytest.raises(MessagingError, match="given twice"):
        read_eqk([(Events, [("q", "a"), ({"name": "q", "flags": {"auto_delete": True}}, "b")])])


# Receiving.


def test_what_is_sent_is_received(house: House) -> None:
    house.consumer()
    house.producer.message_go({"x": 1})
    message = house.got.get(timeout=WAIT)
    assert (message.type, message.name, message.key) == ("command", "go", "a.b")
    assert message.content == {"parameters": {"x": 1}}
    assert message.body["fingerprint"]["pid"]
    assert message.message_id
    assert repr(message).endswith(f"go id {message.message_id} in queue {message.delivery.queue}>")


def test_a_message_is_acknowledged_when_its_handler_returns(house: House) -> None:
    consumer = house.consumer()
    house.producer.message_go()
    house.take()
    consumer.stop(WAIT)
    assert house.waiting() == 0


def test_a_queue_with_two_keys_is_read_once(house: House) -> None:
    house.consumer([(Events, [("inbox", "a.*"), ("inbox", "#")])])
    link = house.bus.open()
    assert link.declare_queue(Queue("inbox", passive=True)).consumers == 1
    house.producer.message_go(1)
    house.producer.message_go(2)
    assert [house.take(), house.take()] == [1, 2]


def test_consumers_with_queues_of_their_own_all_hear(house: House) -> None:
    for _ in range(3):
        house.consumer([(Events, [("", "a.b")])])
    house.producer.message_go("all")
    assert [house.take() for _ in range(3)] == ["all"] * 3


def test_the_class_says_what_is_read(house: House) -> None:
    class Reader(GenericConsumer):
        eqk = ((Events, (("inbox", "a.b"),)),)
        prefetch = 1

    reader = Reader(bus=house.bus)
    house.consumers.append(reader)
    reader.start(house.got.put)
    reader.wait_ready(WAIT)
    house.producer.message_go("x")
    assert house.take() == "x"
    assert [binding.queue.name for binding in reader.bindings] == ["inbox"]


def test_more_can_be_bound_and_unbound_while_consuming(house: House) -> None:
    consumer = house.consumer([(Events, [("inbox", "a.b")])])
    consumer.queue_bind(Events, "inbox", "c")
    consumer.queue_bind(Events, "second", "d", arguments={"x-max-length": 9})
    consumer.queue_bind(Events, "second", "d", arguments={"x-max-length": 9})
    for key in ("c", "d"):
        house.producer.message_go(key, _key=key, _mandatory=True)
    assert {house.take(), house.take()} == {"c", "d"}
    consumer.queue_unbind(Events, "inbox", "c")
    house.producer.message_go("c", _key="c")
    house.producer.message_go("end")
    assert house.take() == "end"
    house.broker.cut()
    house.producer.message_go("again", _key="d")
    assert house.take() == "again"
    assert len(consumer.bindings) == 2


def test_a_binding_that_the_broker_refuses_is_not_kept(house: House) -> None:
    consumer = house.consumer()
    different = type("Different", (Exchange,), {"name": "events", "exchange_type": "fanout"})
    with pytest.raises(TopologyError):
        consumer.queue_bind(different, "inbox", "")
    assert len(consumer.bindings) == 1
    house.producer.message_go("still")
    assert house.take() == "still"


# Refusing.


def graves(house: House) -> dict[str, Any]:
    """A queue's flags, with a place for its dead letters."""
    link = house.bus.open()
    link.declare_exchange(Graves)
    link.declare_queue(Queue("graves"))
    link.bind("graves", "graves", "")
    link.close()
    return {"name": "inbox", "flags": {"arguments": {"x-dead-letter-exchange": "graves"}}}


def test_a_refused_message_goes_to_the_dead_letters(house: House) -> None:
    def refuse(message: ReceivedMessage) -> None:
        house.got.put(message)
        raise RejectMessage("not mine")

    consumer = house.consumer([(Events, [(graves(house), "a.b")])], refuse)
    house.producer.message_go("bad")
    assert house.take() == "bad"
    consumer.stop(WAIT)
    assert (house.waiting(), house.waiting("graves")) == (0, 1)


def test_a_handler_that_fails_is_logged_once_and_the_next_message_is_handled(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_once(message: ReceivedMessage) -> None:
        house.got.put(message)
        if message.content["parameters"] == 1:
            raise ZeroDivisionError("handler")

    house.consumer([(Events, [(graves(house), "a.b")])], fail_once)
    with caplog.at_level(logging.INFO, "pelagos.messaging"):
        house.producer.message_go(1)
        house.producer.message_go(2)
        assert [house.take(), house.take()] == [1, 2]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1 and errors[0].exc_info
    assert house.waiting("graves") == 1


POISON: list[tuple[bytes, str]] = [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[" * 5000, "not JSON"),
    (b"[]", "not a mapping"),
    (b'"text"', "not a mapping"),
    (b"{}", "'type' is missing"),
    (JsonEncoder.encode(MessageCommand("x").body | {"version": 9}), "'version' is not 2"),
]


def test_poison_is_rejected_with_its_cause_and_harms_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = house.consumer([(Events, [(graves(house), "a.b")])])
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        for body, _ in POISON:
            house.raw(body)
        house.producer.message_go("well")
        assert house.take() == "well"
    consumer.stop(WAIT)
    assert (house.waiting(), house.waiting("graves")) == (0, len(POISON))
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == len(POISON)
    for warning, (_, cause) in zip(warnings, POISON, strict=True):
        assert cause in warning and "inbox" in warning


def test_an_encoder_that_fails_in_its_own_way_does_not_end_the_consumer(house: House) -> None:
    class Odd(Encoder):
        @classmethod
        def decode(cls, data: Any) -> Any:
            if data == b"odd":
                raise KeyError(data)
            return JsonEncoder.decode(data)

    class Reader(GenericConsumer):
        encoder_class = Odd

    reader = Reader([(Events, [("inbox", "a.b")])], bus=house.bus)
    house.consumers.append(reader)
    reader.start(house.got.put)
    reader.wait_ready(WAIT)
    house.raw(b"odd")
    house.producer.message_go("well")
    assert house.take() == "well"


def test_a_message_given_back_comes_again(house: House) -> None:
    def give_back_once(message: ReceivedMessage) -> None:
        house.got.put(message)
        if not message.delivery.redelivered:
            message.reject(requeue=True)
            message.ack()  # settled already: the first word counts

    consumer = house.consumer(None, give_back_once)
    house.producer.message_go("twice")
    assert [house.take(), house.take()] == ["twice", "twice"]
    consumer.stop(WAIT)
    assert house.waiting() == 0


def test_a_handler_may_settle_through_its_consumer(house: House) -> None:
    consumers: list[GenericConsumer] = []

    def settle(message: ReceivedMessage) -> None:
        if message.content["parameters"] == "bad":
            consumers[0].reject(message)
        else:
            consumers[0].ack(message)
        house.got.put(message)

    consumers.append(house.consumer([(Events, [(graves(house), "a.b")])], settle))
    house.producer.message_go("bad")
    house.producer.message_go("good")
    assert [house.take(), house.take()] == ["bad", "good"]
    consumers[0].stop(WAIT)
    assert (house.waiting(), house.waiting("graves")) == (0, 1)


# Outages.


def test_a_consumer_survives_cuts_and_restarts(house: House) -> None:
    consumer = house.consumer()
    for number in range(5):
        house.producer.message_go(number)
        assert house.take() == number
        if number % 2:
            house.broker.cut()
        else:
            house.broker.stop()
            house.broker.start()
    house.producer.message_go(5)
    assert house.take() == 5  # so it has noticed the last one
    consumer.wait_ready(WAIT)
    assert consumer.problem is None


def test_what_was_in_hand_when_the_connection_was_lost_comes_again(house: House) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        house.got.put(message)
        entered.set()
        assert leave.wait(WAIT)

    house.consumer(None, slow)
    house.producer.message_go("x")
    assert entered.wait(WAIT)
    house.broker.cut()
    leave.set()
    assert [house.take(), house.take()] == ["x", "x"]


def test_a_queue_that_is_deleted_is_declared_again(house: House) -> None:
    consumer = house.consumer()
    link = house.bus.open()
    link.delete_queue("inbox")
    link.close()
    consumer.wait_ready(WAIT)
    deadline = threading.Event()
    for _ in range(1000):  # until the new queue is bound
        try:
            house.producer.message_go("back", _mandatory=True)
            break
        except MessagingError:
            deadline.wait(0.005)
    assert house.take() == "back"


def test_a_consumer_that_cannot_begin_says_why(house: House) -> None:
    house.broker.stop()
    consumer = GenericConsumer([(Events, [("inbox", "a.b")])], bus=house.bus, backoff=QUICK)
    house.consumers.append(consumer)
    consumer.start(house.got.put)
    with pytest.raises(BrokerUnreachableError, match="stopped"):
        consumer.wait_ready(0.05)
    assert isinstance(consumer.problem, BrokerUnreachableError)
    house.broker.start()
    consumer.wait_ready(WAIT)
    assert consumer.problem is None


def test_one_trouble_is_logged_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        consumer = house.consumer()
        house.broker.stop()
        for _ in range(1000):
            if isinstance(consumer.problem, BrokerUnreachableError):
                break
            threading.Event().wait(0.005)
        threading.Event().wait(0.05)
        house.broker.start()
        consumer.wait_ready(WAIT)
    texts = [record.getMessage() for record in caplog.records]
    assert [text for text in texts if "is stopped" in text] == [
        "not consuming from memory:test: the broker memory:test is stopped"
    ]
    assert texts[-1] == "consuming from memory:test again"


# Stopping.


def test_a_stopped_consumer_finishes_the_message_in_hand_and_gives_back_the_rest(
    house: House,
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(message: ReceivedMessage) -> None:
        house.got.put(message)
        entered.set()
        assert leave.wait(WAIT)

    consumer = house.consumer(None, slow)
    for number in range(5):
        house.producer.message_go(number)
    assert entered.wait(WAIT)
    assert consumer.stop(0.01) is False
    leave.set()
    assert consumer.stop(WAIT) is True
    assert house.take() == 0
    assert house.got.empty()
    assert house.waiting() == 4


def test_a_handler_may_stop_its_consumer(house: House) -> None:
    consumer = GenericConsumer([(Events, [("inbox", "a.b")])], bus=house.bus)

    def last(message: ReceivedMessage) -> None:
        house.got.put(message)
        assert consumer.stop()

    house.consumers.append(consumer)
    thread = threading.Thread(target=consumer.start_consuming, args=(last,))
    thread.start()
    consumer.wait_ready(WAIT)
    house.producer.message_go("only")
    thread.join(WAIT)
    assert not thread.is_alive()
    assert house.take() == "only" and house.waiting() == 0


def test_a_consumer_can_be_stopped_while_its_broker_is_away(house: House) -> None:
    consumer = house.consumer()
    house.broker.stop()
    assert consumer.stop(WAIT)


def test_a_consumer_is_started_once(house: House) -> None:
    with house.consumer() as consumer, pytest.raises(MessagingError, match="already"):
        consumer.start(house.got.put)
    assert consumer.stop()


def test_an_error_that_is_not_of_messaging_does_not_end_the_thread(house: House) -> None:
    class Odd(MemoryTransport):
        attempts = 0

        def open(self) -> Connection:
            self.attempts += 1
            if self.attempts < 3:
                raise PelagosError("the vault is closed", hint="open it")
            return super().open()

    bus = Odd("", broker=house.broker)
    consumer = GenericConsumer([(Events, [("odd", "#")])], bus=bus, backoff=QUICK)
    consumer.start(house.got.put)
    consumer.wait_ready(WAIT)
    assert consumer.is_running and bus.attempts == 3
    assert consumer.stop(WAIT)
    assert not consumer.is_running
