"""What a broker refuses by ending a channel, or says about something else than was asked."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.core.backoff import Backoff
from pelagos.core.clock import SystemClock
from pelagos.messaging import (
    BrokerUnreachableError,
    Exchange,
    GenericConsumer,
    JsonEncoder,
    LoginError,
    MessageStatus,
    MessagingError,
    PublishRefusedError,
    ReceivedMessage,
    codec,
    connect,
)
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.codec import methods
from pelagos.messaging.sending.sender import Sender
from pelagos.messaging.transports.amqp import stream
from pelagos.messaging.transports.amqp.outgoing import Outgoing
from pelagos.messaging.transports.amqp.posting import Posting
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue
from support.fake_broker import START, TUNE, WAIT, FakeBroker, Peer

ENGINES = ["amqp", "amqp+pika"]
FIRST = (1, "client")


class Default(Exchange):
    name = ""


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_answer_leaves_before_its_acknowledgement(
    embedded_broker: EmbeddedBroker, engine: str
) -> None:
    embedded_broker.faults.record()
    link = connect(embedded_broker.url.replace("amqp", engine, 1)).open()
    own = link.declare_queue(Queue(durable=False, exclusive=True)).name
    answered: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()

    def answer(delivery: Delivery) -> None:
        link.publish(Envelope("", "answers", b"", Properties("a")), answered.put)
        link.ack(delivery)

    asker = connect(embedded_broker.url).open()
    sent: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    asker.publish(Envelope("", own, b"", Properties("q")), sent.put)
    assert sent.get(timeout=WAIT) is None
    link.consume(own, answer, lambda _problem: None, prefetch=10)
    assert answered.get(timeout=WAIT) is None
    link.close()
    asker.close()
    said = [frame.method for frame in embedded_broker.faults.frames or () if frame[:2] == FIRST]
    assert [name for name in said if name in ("BasicPublish", "BasicAck")] == [
        "BasicPublish",
        "BasicAck",
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "bad",
    [
        Properties("bad", user_id="somebody"),
        Properties("bad", headers={"CC": 5}),
        Properties("bad", reply_to="amq.rabbitmq.reply-to"),
        Properties("bad", expiration=-1.0),
    ],
)
def test_a_bad_message_does_not_take_the_others_down_with_it(
    embedded_broker: EmbeddedBroker, engine: str, bad: Properties
) -> None:
    embedded_broker.faults.confirm_delay = 0.05  # so that all are on their way at once
    bus = connect(embedded_broker.url.replace("amqp", engine, 1))
    link = bus.open()
    link.declare_queue(Queue("q"))
    settled: queue.Queue[tuple[str, MessagingError | None]] = queue.Queue()
    sender = Sender(bus, clock=SystemClock(), backoff=Backoff(first=0.1))
    try:
        for number in range(20):
            sender.put(
                Default,
                Envelope("", "q", b"x", bad if number == 10 else Properties(f"m-{number}")),
                lambda entry, problem: settled.put(
                    (entry.envelope.properties.message_id, problem)
                ),
                time.monotonic() + WAIT,
            )
        found = dict(settled.get(timeout=WAIT) for _ in range(20))
    finally:
        sender.close()
        link.close()
    assert [name for name, problem in found.items() if problem is not None] == ["bad"]
    assert isinstance(found["bad"], PublishRefusedError)
    ids = [e.properties.message_id for e in embedded_broker.core().waiting("q")]
    assert set(ids) == set(found) - {"bad"}
    assert len(ids) < 2 * 20  # sent again once at most


@pytest.mark.parametrize("engine", ENGINES)
def test_any_prefetch_is_taken(embedded_broker: EmbeddedBroker, engine: str) -> None:
    link = connect(embedded_broker.url.replace("amqp", engine, 1)).open()
    name = link.declare_queue(Queue("", durable=False, exclusive=True)).name
    assert link.consume(name, print, print, prefetch=1_000_000)
    assert link.is_open
    link.close()


def test_the_end_of_another_channel_is_no_answer_to_a_request(broker: FakeBroker) -> None:
    link, peer = connect(broker.url()).open(WAIT), broker.peer()
    peer.silent = True
    answers: queue.Queue[object] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(link.declare_queue(Queue("mine")).name)
        except MessagingError as error:
            answers.put(error)

    threading.Thread(target=ask).start()
    peer.take(methods.QueueDeclare)
    peer.say(3, methods.ChannelClose(406, "delivery acknowledgement timed out"))
    peer.say(2, methods.QueueDeclareOk("mine"))
    assert answers.get(timeout=WAIT) == "mine"
    assert link.is_open
    link.close()


def consuming(peer: Peer) -> tuple[int, str]:
    """The channel and the name of the next consumer."""
    while True:
        frame = peer.heard.get(timeout=WAIT)
        assert frame is not None
        if isinstance(frame[1], methods.BasicConsume):
            return frame[0], frame[1].consumer_tag


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_broker_took_back_is_handled_when_it_comes_again(
    broker: FakeBroker, engine: str
) -> None:
    handled: queue.SimpleQueue[str] = queue.SimpleQueue()
    released = threading.Event()

    def handle(message: ReceivedMessage) -> None:
        handled.put(message.name)
        released.wait(WAIT)

    url = broker.url().replace("amqp", engine, 1)
    with GenericConsumer([(Default, [("q", "q")])], bus=url) as consumer:
        consumer.start(handle)
        peer = broker.peer()
        before, after = (JsonEncoder.encode(MessageStatus(name).body) for name in ("old", "new"))
        channel, name = consuming(peer)
        peer.send(peer.deliver(channel, name, 1, 3, before))
        assert handled.get(timeout=WAIT) == "old"
        text = f"delivery acknowledgement on channel {channel} timed out. Timeout value used: 1"
        peer.say(channel, methods.ChannelClose(406, f"PRECONDITION_FAILED - {text}"))
        channel, name = consuming(peer)
        peer.send(peer.deliver(channel, name, 1, 3, after))
        released.set()
        assert [handled.get(timeout=WAIT) for _ in range(3)] == ["new"] * 3


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOT_ALLOWED - vhost / not found", LoginError),
        ("NOT_ALLOWED - access to vhost '/' refused: connection limit (5) is reached", None),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_too_many_connections_are_cured_by_waiting(
    engine: str, text: str, kind: type[MessagingError] | None
) -> None:
    def script(peer: Peer) -> None:
        peer.send(START + TUNE)
        peer.say(0, methods.ConnectionClose(530, text))
        peer.released.wait(WAIT)

    with FakeBroker(script) as broker:
        with pytest.raises(kind or BrokerUnreachableError) as failed:
            connect(broker.url().replace("amqp", engine, 1)).open(5)
        assert (failed.value.retry_after is None) == (kind is not None)
        assert "NOT_ALLOWED" in str(failed.value)


def test_a_dead_address_of_a_name_leaves_time_for_the_next(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as dead, socket.socket() as first:
        dead.bind(("127.0.0.1", 0))
        dead.listen(0)
        first.connect(dead.getsockname())  # now it answers nobody any more

        def resolve(_host: str, _port: int, _timeout: float) -> list[Any]:
            places = [dead.getsockname(), ("127.0.0.1", broker.port)]
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]

        monkeypatch.setattr(stream, "_resolve", resolve)
        link = connect(broker.url()).open(2)
        assert link.is_open
        link.close()


class _Slow(stream.Stream):
    """Is closed only when nobody writes."""

    def __init__(self) -> None:
        self.writing, self.go_on = threading.Event(), threading.Event()
        self.is_written = self.closed = False

    def write(self, data: bytes | memoryview) -> int:
        self.writing.set()
        self.go_on.wait(WAIT)
        assert not self.closed
        self.is_written = True
        return len(data)

    def close(self) -> None:
        self.closed = True


def test_a_socket_is_not_closed_under_who_writes() -> None:
    slow = _Slow()
    outgoing = Outgoing(slow, lambda: None)
    with outgoing.lock:
        outgoing.add(codec.HEARTBEAT_BYTES)
    writer = threading.Thread(target=outgoing.send)
    writer.start()
    assert slow.writing.wait(WAIT)
    outgoing.close()
    assert not slow.closed
    slow.go_on.set()
    writer.join(WAIT)
    assert slow.is_written and slow.closed
    with outgoing.lock:
        outgoing.add(b"more")
    outgoing.send()  # to nobody


class _Writes(_Slow):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | memoryview) -> int:
        self.written.append(bytes(data))
        return len(data)


def test_what_is_said_while_answers_are_given_out_goes_in_one_write() -> None:
    stream = _Writes()
    outgoing = Outgoing(stream, lambda: None)
    outgoing.reader = threading.get_ident()
    for _ in range(3):
        with outgoing.lock:
            outgoing.add(codec.HEARTBEAT_BYTES)
        outgoing.send()
    assert stream.written == []
    outgoing.reader = 0
    outgoing.send_from_loop(writable=True)
    assert stream.written == [3 * codec.HEARTBEAT_BYTES]


class _Interrupted(_Slow):
    def write(self, _data: bytes | memoryview) -> int:
        raise KeyboardInterrupt

    def break_off(self) -> None:
        self.is_written = True  # as far as anybody knows


def test_who_is_interrupted_while_he_writes_keeps_nobody_from_the_end() -> None:
    stream = _Interrupted()
    outgoing = Outgoing(stream, lambda: None)
    with outgoing.lock:
        outgoing.add(codec.HEARTBEAT_BYTES)
    with pytest.raises(KeyboardInterrupt):
        outgoing.send()
    assert stream.is_written, "the connection is broken off"
    assert outgoing.is_empty
    outgoing.close()
    assert stream.closed


def test_a_few_calls_leave_while_the_next_answers_are_given_out() -> None:
    stream = _Writes()
    outgoing = Outgoing(stream, lambda: None)
    posting = Posting(outgoing, codec.FRAME_MAX)
    outgoing.reader = threading.get_ident()
    asked = [Envelope("", "work", b"%d" % number, Properties("id")) for number in range(7)]
    for envelope in asked:
        assert posting.post(envelope, at_once=False)
    assert len(stream.written) == 2  # the first has three, and opens the channel
    said = [frame for data in stream.written for frame in codec.Decoder().feed(data)]
    bodies = [content[1] for _, _, content in said if content is not None]
    assert bodies == [envelope.body for envelope in asked]


def test_a_connections_thread_looks_again_where_something_is_left_to_it() -> None:
    wakes: list[None] = []
    outgoing = Outgoing(_Writes(), lambda: wakes.append(None))
    assert not outgoing.send_from_loop(writable=False, expecting=True)
    assert outgoing.sleeping
    with outgoing.lock:
        outgoing.add(codec.HEARTBEAT_BYTES)
    outgoing.send_soon()
    assert len(wakes) == 1
    outgoing.awake(in_vain=False)
    assert outgoing.send_from_loop(writable=False)
    assert not outgoing.sleeping
    outgoing.send_soon()
    assert len(wakes) == 1, "it looks again unbidden"
    outgoing.awake(in_vain=True)
    assert outgoing.send_from_loop(writable=False, expecting=True)
    outgoing.awake(in_vain=True)
    assert not outgoing.send_from_loop(writable=False, expecting=True)
    assert outgoing.sleeping
