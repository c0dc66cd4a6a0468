"""What a producer builds, where it sends it, and what it does when the broker is away."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.messaging import (
    BrokerUnreachableError,
    ConnectionLostError,
    Encoder,
    EncodingError,
    Exchange,
    Fingerprint,
    GenericProducer,
    JsonEncoder,
    LoginError,
    Message,
    MessageCommand,
    MessageStatus,
    MessagingError,
    PublishManyError,
    PublishRefusedError,
    PublishTimeoutError,
    RpcCommand,
    TopologyError,
    Transport,
    UnroutableError,
)
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport

QUICK = Backoff(first=0.001, limit=0.01)


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


class Jobs(Exchange):
    name = "jobs"


class Other(Exchange):
    name = "other"


class Producer(GenericProducer):
    eks = ((Events, "plane.event"), (Jobs, "work"))

    def build_message_status(self, status: str, *, loud: bool = False) -> Message:
        return MessageStatus(status.upper() if loud else status)

    def build_rpc_status(self) -> Message:
        return MessageStatus("this is no call")


class Sink:
    """Sees everything that reaches the broker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.transport = MemoryTransport("", broker=broker)
        self.got: list[Delivery] = []
        self.listen(Events, Jobs, Other)

    def listen(self, *exchanges: type[Exchange]) -> None:
        link = self.transport.open()
        for exchange in exchanges:
            link.declare_exchange(exchange)
            name = link.declare_queue(Queue(durable=False, exclusive=True)).name
            for key in ("#", "plane.event", "work", "elsewhere", "urgent", "nokey"):
                link.bind(exchange.name, name, key)
            link.consume(name, self.got.append, lambda _problem: None, prefetch=1_000_000)

    def places(self) -> list[tuple[str, str]]:
        return [(delivery.exchange, delivery.key) for delivery in self.got]

    def bodies(self) -> list[dict[str, Any]]:
        return [JsonEncoder.decode(delivery.body) for delivery in self.got]


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker("test")


@pytest.fixture
def sink(broker: MemoryBroker) -> Sink:
    return Sink(broker)


@pytest.fixture
def producer(broker: MemoryBroker) -> Iterator[Producer]:
    with Producer(
        {"name": "tester"}, bus=MemoryTransport("", broker=broker), backoff=QUICK
    ) as made:
        yield made


# Building.


def test_a_message_without_a_builder_is_a_command(producer: Producer, sink: Sink) -> None:
    producer.message_resize({"size": 10}, _key="k.v")
    (body,) = sink.bodies()
    expected = MessageCommand("resize", {"size": 10})
    expected.fingerprint(**producer.fingerprint)
    assert body == expected.body
    assert body["fingerprint"]["name"] == "tester"


def test_a_builder_makes_the_message(producer: Producer, sink: Sink) -> None:
    producer.message_status("up", loud=True, _key="k")
    (body,) = sink.bodies()
    assert (body["type"], body["name"]) == ("status", "UP")


def test_only_the_prefix_is_taken_from_the_name(producer: Producer, sink: Sink) -> None:
    producer.message_send_message_x(parameters=[1], _key="k")
    (body,) = sink.bodies()
    assert (body["name"], body["content"]) == ("send_message_x", {"parameters": [1]})


def test_a_plain_message_carries_its_arguments(producer: Producer, sink: Sink) -> None:
    producer.message(1, 2, unit="s", _key="k")
    (body,) = sink.bodies()
    assert body["content"] == {"args": [1, 2], "kwds": {"unit": "s"}}


def test_what_is_forwarded_stays_as_it_is(producer: Producer, sink: Sink) -> None:
    producer.forward({"any": "thing"}, _key="k")
    assert sink.bodies() == [{"any": "thing"}]


@pytest.mark.parametrize(
    "name", ["mesage_x", "message_", "message", "rpc_", "rcp_x", "build_message_x"]
)
def test_a_misspelt_name_is_an_attribute_error(producer: Producer, name: str) -> None:
    if name == "message":
        name = "messages"
    with pytest.raises(AttributeError) as wrong:
        getattr(producer, name)
    assert name in str(wrong.value) and "Producer" in str(wrong.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda producer: producer.message_go(1, 2),
        lambda producer: producer.message_go(unknown=1),
        lambda producer: producer.message_status(),
        lambda producer: producer.forward({}, key="k"),
        lambda producer: producer.forward(["no", "body"]),
        lambda producer: producer.publish_many(["no body"]),
        lambda producer: producer.message_go(_headers=["no", "mapping"]),
        lambda producer: producer.rpc_go(_headers="no mapping"),
        lambda producer: producer.message_go(_kye="a"),
        lambda producer: producer.message(_max_retry=1),
        lambda producer: producer.rpc_go(_wait=False),
        lambda producer: producer.rpc_status(),
    ],
)
def test_wrong_arguments_are_type_errors_and_send_nothing(
    producer: Producer, sink: Sink, call: Callable[[Producer], None]
) -> None:
    with pytest.raises(TypeError):
        call(producer)
    assert sink.got == []


def test_a_call_among_many_messages_is_refused(producer: Producer, sink: Sink) -> None:
    with pytest.raises(PublishManyError, match=r"give it to call\(\)"):
        producer.publish_many([RpcCommand("go")])
    assert sink.got == []


@pytest.mark.parametrize(
    ("option", "value", "error", "said"),
    [
        ("_timeout", "x", TypeError, "a number of seconds"),
        ("_timeout", float("nan"), ValueError, "a number of seconds"),
        ("_priority", 256, ValueError, "from 0 to 255"),
        ("_priority", -1, ValueError, "from 0 to 255"),
        ("_priority", "high", TypeError, "from 0 to 255"),
        ("_expiration", -1, ValueError, "0 or more"),
        ("_expiration", float("inf"), ValueError, "0 or more"),
        ("_expiration", "soon", TypeError, "0 or more"),
        ("_max_retry", "x", TypeError, "a whole number"),
    ],
)
def test_an_option_of_a_wrong_value_is_named_and_sends_nothing(
    producer: Producer, sink: Sink, option: str, value: object, error: type[Exception], said: str
) -> None:
    send = producer.rpc_x if option == "_max_retry" else producer.message_x
    with pytest.raises(error, match=f"{option} is .*{said}"):
        send(**{option: value})
    assert sink.bodies() == []


def test_what_an_option_may_just_be_is_sent(producer: Producer, sink: Sink) -> None:
    for priority in (0, 255):
        producer.message_x(_priority=priority, _expiration=600)
    assert [delivery.properties.priority for delivery in sink.got[::2]] == [0, 255]


@pytest.mark.parametrize(
    "made", [MessageCommand("go"), MessageStatus("ready"), {"category": "rpc"}, None]
)
def test_what_a_builder_makes_wrongly_is_named_and_not_sent(
    producer: Producer, sink: Sink, made: object
) -> None:
    producer.__dict__["build_rpc_go"] = lambda: made
    with pytest.raises(TypeError, match="build_rpc_go of Producer returned"):
        producer.rpc_go()
    assert sink.got == []


def test_a_call_goes_to_the_first_exchange_and_somewhere(producer: Producer) -> None:
    assert not producer.rpc_go(_timeout=0, _max_retry=0)
    with pytest.raises(MessagingError, match="somewhere to go"):
        producer.rpc_go(_eks=[])
    queue = producer.rpc_go(_queue_only=True)
    (asked,) = producer._caller._client("shared").scatter._gathers.values()
    assert [request.exchange for request in asked.requests] == [Events]
    producer.rpc_timeout = 600
    assert producer.consume_rpc(queue, timeout=0) == []


def test_a_text_file_is_content_for_a_message(producer: Producer, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("one\nzwölf", encoding="utf-8")
    given = producer.serialize_text_file(tmp_path / "notes.txt")
    assert given == {"name": "notes.txt", "content": ["one\n", "zwölf"]}


def test_a_block_that_fails_ends_its_producer_and_waits_for_nothing(broker: MemoryBroker) -> None:
    broker.stop()
    producer = Producer(bus=MemoryTransport("", broker=broker), backoff=QUICK)

    def block() -> None:
        with producer:
            producer.message_go(_wait=False)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    with pytest.raises(MessagingError, match="closed"):
        producer.message_go()


def test_what_is_no_bus_is_named() -> None:
    with pytest.raises(TypeError, match="bus is what connect"):
        Producer(bus=5)  # type: ignore[arg-type]


def test_the_fingerprint_is_that_of_the_process_unless_given(broker: MemoryBroker) -> None:
    bus = MemoryTransport("", broker=broker)
    assert Producer(bus=bus).fingerprint["pid"] == str(os.getpid())
    assert Producer({"pid": 5}, bus=bus).fingerprint["pid"] == "5"
    given = Producer(Fingerprint("a", "b", vhost="/x"), bus=bus).fingerprint
    assert (given["name"], given["type"], given["vhost"]) == ("a", "b", "/x")
    assert list(given) == ["name", "type", "pid", "host", "user", "vhost"]


# Destinations.


def test_a_message_goes_to_all_exchanges_of_its_producer(producer: Producer, sink: Sink) -> None:
    producer.message_go()
    assert sink.places() == [("events", "plane.event"), ("jobs", "work")]
    assert len({delivery.properties.message_id for delivery in sink.got}) == 2


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ({"_key": "urgent"}, [("events", "urgent")]),
        ({"_eks": [(Jobs, "urgent")]}, [("jobs", "urgent")]),
        ({"_eks": [(Other, "work"), (Jobs, "work")]}, [("other", "work"), ("jobs", "work")]),
        ({"_eks": {"jobs": "elsewhere"}}, [("jobs", "elsewhere")]),
        ({"_key": "urgent", "_eks": [(Jobs, "work")]}, [("jobs", "work")]),
        ({"_eks": [Jobs, (Other, None)]}, [("jobs", "nokey"), ("other", "nokey")]),
        ({"_eks": {"jobs": None}}, [("jobs", "nokey")]),
        ({"_eks": []}, []),
    ],
)
def test_a_call_can_say_where_its_message_goes(
    producer: Producer, sink: Sink, options: dict[str, Any], places: list[tuple[str, str]]
) -> None:
    producer.message_go(**options)
    producer.message(**options)
    producer.forward({}, **options)
    assert sink.places() == places * 3


def test_an_unknown_exchange_name_is_refused_with_the_known_ones(producer: Producer) -> None:
    with pytest.raises(MessagingError) as refused:
        producer.message_go(_eks={"evnts": "k"})
    assert "evnts" in str(refused.value) and "events, jobs" in str(refused.value.hint)


@pytest.mark.parametrize("wrong", [("jobs", "k"), (Jobs, "k", "z"), 5])
def test_what_is_no_pair_of_an_exchange_and_a_key_is_named(
    producer: Producer, sink: Sink, wrong: Any
) -> None:
    with pytest.raises(TypeError, match="is no pair of an exchange class and a key"):
        producer.message_go(_eks=[(Jobs, "k"), wrong])
    assert sink.got == []


def test_a_producer_without_exchanges_says_so(broker: MemoryBroker) -> None:
    with (
        GenericProducer(bus=MemoryTransport("", broker=broker)) as bare,
        pytest.raises(MessagingError) as refused,
    ):
        bare.message_go()
    assert "names no exchange" in str(refused.value)
    bare.message_go  # noqa: B018 - the name itself is right


@pytest.mark.parametrize("key", ["k" * 256, 5, "\ud800"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(
    producer: Producer, sink: Sink, key: object
) -> None:
    with pytest.raises(MessagingError, match="a routing key"):
        producer.message_go(_key=key)
    assert sink.got == []


def test_messages_are_persistent_and_say_what_they_are(producer: Producer, sink: Sink) -> None:
    producer.message_go(_key="k")
    properties = sink.got[0].properties
    assert properties.persistent and properties.content_type == "application/json"
    assert properties.timestamp and len(properties.message_id) == 32


# Trouble.


@pytest.mark.parametrize("made", [5, None, [1, 2], {"a": 1}, "\ud800"])
def test_what_an_encoder_makes_is_bytes_or_text_or_an_error(
    producer: Producer, sink: Sink, made: object
) -> None:
    class Odd(Encoder):
        @classmethod
        def encode(cls, data: Any) -> Any:
            return data["content"]["parameters"]

    producer.encoder_class = Odd
    with pytest.raises(EncodingError, match="Odd made no bytes"):
        producer.message_go(made)
    for data in (b"text", bytearray(b"text"), memoryview(b"text"), "text"):
        producer.message_go(data)
    assert [delivery.body for delivery in sink.got] == [b"text"] * len(sink.got) != []


def test_an_unroutable_message_is_an_error_only_when_asked_for(broker: MemoryBroker) -> None:
    with Producer(bus=MemoryTransport("", broker=broker)) as producer:
        producer.message_go(_key="nobody")
        with pytest.raises(UnroutableError):
            producer.message_go(_key="nobody", _mandatory=True)


def test_a_full_queue_is_a_refusal(broker: MemoryBroker) -> None:
    bus = MemoryTransport("", broker=broker)
    link = bus.open()
    link.declare_exchange(Jobs)
    link.declare_queue(
        Queue("small", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    )
    link.bind("jobs", "small", "work")
    with Producer(bus=bus) as producer:
        producer.message_go(_eks=[(Jobs, "work")])
        with pytest.raises(PublishRefusedError):
            producer.message_go(_eks=[(Jobs, "work")])


def test_an_exchange_that_is_declared_differently_is_named(producer: Producer, sink: Sink) -> None:
    different = type("Different", (Exchange,), {"name": "jobs", "exchange_type": "fanout"})
    with pytest.raises(TopologyError) as refused:
        producer.message_go(_eks=[(different, "work")])
    assert refused.value.name == "jobs"
    producer.message_go(_eks=[(Jobs, "work")])
    assert sink.places() == [("jobs", "work")]


def test_a_cut_connection_is_opened_again(
    broker: MemoryBroker, producer: Producer, sink: Sink
) -> None:
    producer.message_go(_key="one")
    broker.cut()
    sink.listen(Events)
    producer.message_go(_key="two")
    assert sink.places() == [("events", "one"), ("events", "two")]


def test_an_exchange_that_was_deleted_is_declared_again(broker: MemoryBroker) -> None:
    class Passing(Exchange):
        name = "passing"
        durable = False

    with Producer(bus=MemoryTransport("", broker=broker), backoff=QUICK) as producer:
        producer.message_go(_eks=[(Passing, "k")])
        broker.stop()
        broker.start()
        sink = Sink(broker)
        sink.listen(Passing)
        producer.message_go(_eks=[(Passing, "work")])
        assert sink.places() == [("passing", "work")]


def test_a_producer_waits_for_its_broker(broker: MemoryBroker, producer: Producer) -> None:
    broker.stop()
    threading.Timer(0.02, broker.start).start()
    producer.message_go(_timeout=10)
    assert broker.depth("nothing") == 0


def test_a_broker_that_stays_away_is_a_clear_error(
    broker: MemoryBroker, producer: Producer
) -> None:
    broker.stop()
    with pytest.raises(PublishTimeoutError) as late:
        producer.message_go(_timeout=0.02)
    assert "memory:test is stopped" in str(late.value) and "was not sent" in str(late.value)
    assert late.value.message_id in str(late.value) and late.value.hint


def test_a_closed_producer_says_so(producer: Producer) -> None:
    producer.message_go(_key="k")
    producer.close()
    producer.close()
    with pytest.raises(MessagingError, match="closed"):
        producer.message_go(_key="k")


def test_closing_ends_the_wait_of_others(broker: MemoryBroker, producer: Producer) -> None:
    broker.stop()
    errors: list[MessagingError] = []

    def work() -> None:
        try:
            producer.message_go(_timeout=60)
        except MessagingError as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    producer.close()
    for thread in threads:
        thread.join(60)
    assert len(errors) == 3
    assert all("closed" in str(error) for error in errors)


def test_many_threads_share_a_producer_through_cuts(
    broker: MemoryBroker, producer: Producer
) -> None:
    bus = MemoryTransport("", broker=broker)
    link = bus.open()
    link.declare_exchange(Events)
    link.declare_queue(Queue("all"))
    link.bind("events", "all", "#")
    failures: list[MessagingError] = []

    def work(worker: int) -> None:
        for number in range(50):
            try:
                producer.message_go(f"{worker}-{number}", _key="k", _timeout=20)
            except MessagingError as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        broker.cut()
        threads[0].join(0.002)
    got: list[Delivery] = []
    bus.open().consume("all", got.append, lambda _problem: None, prefetch=1_000_000)
    sent = [JsonEncoder.decode(delivery.body)["content"]["parameters"] for delivery in got]
    assert failures == []
    assert sorted(set(sent)) == sorted(f"{w}-{n}" for w in range(4) for n in range(50))
    for worker in range(4):
        own = [text for text in dict.fromkeys(sent) if text.startswith(f"{worker}-")]
        assert own == [f"{worker}-{number}" for number in range(50)]


class Scripted:
    """A transport that answers each attempt as it was told to."""

    url = "scripted:"
    capabilities = MemoryTransport("scripted").capabilities

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.inner = MemoryTransport("", broker=MemoryBroker("scripted"))
        self.opened = 0

    def open(self, timeout: float = 10.0) -> Connection:
        self.opened += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return self.inner.open(timeout)


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    bus: Transport = Scripted(LoginError("refused"))
    with Producer(bus=bus, backoff=QUICK) as producer, pytest.raises(LoginError):
        producer.message_go(_timeout=10)
    assert isinstance(bus, Scripted) and bus.opened == 1


def test_a_broker_that_cannot_be_reached_is_tried_again() -> None:
    bus = Scripted(*[BrokerUnreachableError("away")] * 3)
    with Producer(bus=bus, backoff=QUICK) as producer:
        producer.message_go(_timeout=10)
    assert bus.opened == 4


class Silent:
    """A connection whose broker never confirms, or loses every message."""

    is_open = True
    blocked: str | None = None

    def __init__(self, answer: MessagingError | None) -> None:
        self.answer = answer
        self.sent: list[Envelope] = []

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        self.declared = exchange

    def publish(self, envelope: Envelope, done: Callable[[MessagingError | None], None]) -> None:
        self.sent.append(envelope)
        if self.answer is not None:
            self.is_open = False
            done(self.answer)

    def close(self) -> None:
        self.is_open = False


class SilentTransport(Scripted):
    def __init__(self, answer: MessagingError | None) -> None:
        super().__init__()
        self.answer = answer
        self.links: list[Silent] = []

    def open(self, timeout: float = 10.0) -> Connection:
        assert timeout > 0
        self.links.append(Silent(self.answer))
        return self.links[-1]  # type: ignore[return-value]  # as much of it as is used


def test_a_confirmation_that_never_comes_is_an_error_in_time() -> None:
    bus = SilentTransport(None)
    with Producer(bus=bus) as producer, pytest.raises(PublishTimeoutError) as late:
        producer.message_go(_key="k", _timeout=0.02)
    assert "may still arrive" in str(late.value)


def test_a_broker_that_loses_every_message_is_not_besieged() -> None:
    bus = SilentTransport(ConnectionLostError("gone"))
    backoff = Backoff(first=0.01, factor=2, limit=1)
    with (
        Producer(bus=bus, backoff=backoff) as producer,
        pytest.raises(PublishTimeoutError) as late,
    ):
        producer.message_go(_key="k", _timeout=0.1)
    assert "gone" in str(late.value)
    assert 2 <= len(bus.links) <= 6
    assert len({link.sent[0].properties.message_id for link in bus.links}) == 1


class Brittle(Silent):
    """Fails in an unknown way on what is large, and loses its connection when it is told."""

    def publish(self, envelope: Envelope, done: Callable[[MessagingError | None], None]) -> None:
        if len(envelope.body) > 1000:
            raise ZeroDivisionError
        self.sent.append(envelope)
        done(None if self.is_open else ConnectionLostError("gone"))


class BrittleTransport(SilentTransport):
    def open(self, timeout: float = 10.0) -> Connection:
        assert timeout > 0
        self.links.append(Brittle(None))
        if len(self.links) == 2:
            raise ZeroDivisionError
        return self.links[-1]  # type: ignore[return-value]  # as much of it as is used


def test_a_message_or_a_connection_that_fails_in_an_unknown_way_ends_no_producer() -> None:
    bus = BrittleTransport(None)
    with Producer(bus=bus, backoff=QUICK) as producer:
        producer.message_go(_key="k")
        with pytest.raises(MessagingError, match="ZeroDivisionError"):
            producer.message_go("x" * 2000, _key="k")
        bus.links[0].is_open = False
        producer.message_go(_key="k", _timeout=30)
        with pytest.raises(MessagingError, match="ZeroDivisionError"):
            producer.message_go("x" * 2000, _key="k")
    assert [len(link.sent) for link in bus.links] == [2, 0, 1]
