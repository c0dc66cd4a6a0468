"""Our connection to a broker, against a peer that is slow, dead, full, mad or hostile."""

from __future__ import annotations

import functools
import queue
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging import (
    BrokerUnreachableError,
    ConnectionLostError,
    MessagingError,
    codec,
    connect,
)
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.amqp.consuming import Ledger
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties, Queue
from support.fake_broker import OPEN_OK, START, TUNE, WAIT, FakeBroker, Peer


@pytest.fixture
def broker() -> Iterator[FakeBroker]:
    with FakeBroker() as broker:
        yield broker


def opened(broker: FakeBroker, options: str = "", timeout: float = WAIT) -> tuple[Any, Peer]:
    return connect(broker.url(options)).open(timeout), broker.peer()


def letter(number: int = 1, body: bytes = b"x") -> Envelope:
    return Envelope("", "q", body, Properties(f"m-{number}"))


class Ears:
    def __init__(self) -> None:
        self.items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()

    def consume(self, link: Connection, prefetch: int = 500) -> str:
        return link.consume("q", self.items.put, self.ended.put, prefetch=prefetch)


def amqp_threads() -> int:
    return sum(thread.name == "amqp" for thread in threading.enumerate())


def gone(link: Connection) -> bool:
    deadline = time.monotonic() + WAIT
    while link.is_open and time.monotonic() < deadline:
        time.sleep(0.01)
    return not link.is_open


# Opening.


def test_a_handshake_cut_at_any_byte_is_an_error_in_time() -> None:
    words = START + TUNE + OPEN_OK
    where = iter(range(len(words)))

    def script(peer: Peer) -> None:
        assert peer.link.recv(8) == codec.PROTOCOL_HEADER
        peer.send(words[: next(where)])
        peer.cut()

    before = amqp_threads()
    with FakeBroker(script) as broker:
        bus = connect(broker.url())
        for _ in words:
            with pytest.raises(BrokerUnreachableError):
                bus.open(WAIT)
    assert amqp_threads() <= before


@pytest.mark.parametrize("words", [b"", START[:9], START, START + TUNE])
def test_a_handshake_that_stops_is_an_error_in_time(words: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.send(words)
        peer.released.wait(WAIT)

    with FakeBroker(script) as broker:
        began = time.monotonic()
        with pytest.raises(BrokerUnreachableError, match="in time"):
            connect(broker.url()).open(0.3)
        assert time.monotonic() - began < WAIT


@pytest.mark.parametrize(
    "words",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"AMQP\x00\x01\x00\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        TUNE,
        codec.encode_method(0, methods.ConnectionStart()),  # it cannot confirm
        START + codec.encode_method(0, methods.ConnectionTune(0, 100, 0)),
        START + codec.encode_method(0, methods.ConnectionClose(320, "going down")),
        START + TUNE + OPEN_OK + OPEN_OK,
        b"\x01\x00\x00\xff\xff\xff\xff",
    ],
)
def test_a_peer_that_is_no_broker_is_an_error(words: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.send(words)
        peer.released.wait(WAIT)

    with FakeBroker(script) as broker, pytest.raises(BrokerUnreachableError):
        connect(broker.url()).open(5)


def test_the_next_host_is_tried_when_one_is_dead_or_silent(broker: FakeBroker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ports = [unused.getsockname()[1], silent.getsockname()[1], broker.port]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        link = connect(f"amqp://{hosts}/").open(3)
        assert link.is_open
        link.close()
        with pytest.raises(BrokerUnreachableError) as failed:
            connect(f"amqp://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}").open(1)
    assert "refused" in str(failed.value) and "in time" in str(failed.value)


# Hostile and broken bytes.


def test_hostile_frames_end_the_connection_and_everybody_is_told() -> None:
    generator = random.Random(3)
    good = Peer.deliver(None, 5, "pelagos.1", 1, 3)  # type: ignore[arg-type]  # uses no self
    hostile = [
        b"\xff" * 40,
        b"\x01\x00\x04\x00\x00\x00\x04\x00\x63\x00\x63\xce",
        b"\x02\x00\x04\x00\x00\x00\x00\xce",
        b"\x03\x00\x04\x00\x00\x00\x01x\xce",
        codec.encode_method(0, methods.ConnectionClose(320, "CONNECTION_FORCED")),
    ]
    while len(hostile) < 60:
        data = bytearray(good)
        data[generator.randrange(11)] ^= 1 << generator.randrange(8)
        hostile.append(bytes(data) + b"\xff" * 9)
    with FakeBroker() as broker:
        for number, data in enumerate(hostile):
            link, peer = opened(broker)
            ears = Ears()
            ears.consume(link)
            peer.silent = True
            answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
            link.publish(letter(), answers.put)
            peer.send(data)
            if number > 4:
                peer.cut()  # it may be the begin of something long
            assert isinstance(answers.get(timeout=WAIT), ConnectionLostError)
            assert isinstance(ears.ended.get(timeout=WAIT), ConnectionLostError)
            assert not link.is_open
            for attempt in (
                lambda link=link: link.declare_queue(Queue("q")),
                lambda link=link: Ears().consume(link),
                lambda link=link: link.get("q"),
            ):
                with pytest.raises(ConnectionLostError):
                    attempt()
            link.close()
            assert ears.ended.empty() and answers.empty()


def test_frames_that_nobody_asked_for_harm_nothing(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    for channel in (0, 1, 2, 3, 9, 65_535):
        for method in (
            methods.BasicAck(2**64 - 1, multiple=True),
            methods.BasicNack(5),
            methods.BasicCancel("nobody"),
            methods.BasicConsumeOk("nobody"),
            methods.ChannelOpenOk(),
            methods.ChannelCloseOk(),
            methods.ChannelFlow(False),
        ):
            peer.say(channel, method)
        if channel:
            peer.send(peer.deliver(channel, "nobody", 1, 1))
    assert link.declare_queue(Queue("mine")).name == "mine"
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    link.publish(letter(), answers.put)
    assert answers.get(timeout=WAIT) is None
    link.close()


def test_a_wrong_answer_loses_the_connection(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    peer.silent = True
    outcome: queue.SimpleQueue[object] = queue.SimpleQueue()

    def ask() -> None:
        try:
            outcome.put(link.declare_queue(Queue("q")))
        except ConnectionLostError as error:
            outcome.put(error)

    threading.Thread(target=ask).start()
    peer.take(methods.QueueDeclare)
    peer.say(2, methods.QueueBindOk())
    assert isinstance(outcome.get(timeout=WAIT), ConnectionLostError)
    assert gone(link)
    link.close()


def test_deliveries_cut_at_any_byte_arrive_as_far_as_they_were_whole() -> None:
    data = Peer.deliver(None, 5, "pelagos.1", 1, 3)  # type: ignore[arg-type]  # uses no self
    with FakeBroker() as broker:
        for end in range(len(data)):
            link, peer = opened(broker)
            ears = Ears()
            ears.consume(link)
            peer.send(data[:end])
            peer.cut()
            ears.ended.get(timeout=WAIT)
            assert ears.items.qsize() == end * 3 // len(data)
            link.close()


def test_a_slow_peer_is_understood(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    ears = Ears()
    ears.consume(link)
    data = peer.deliver(5, "pelagos.1", 1, 30, b"slow")
    for at in range(len(data)):
        peer.send(data[at : at + 1])
    assert [ears.items.get(timeout=WAIT).body for _ in range(30)] == [b"slow"] * 30
    link.close()


# A peer that does not read, does not speak, or does not answer.


def test_publishing_to_a_full_socket_never_waits_and_loses_nothing(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    peer.held.set()
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    began = time.monotonic()
    for number in range(400):
        link.publish(letter(number, bytes(100_000)), answers.put)
    assert time.monotonic() - began < 60
    peer.held.clear()
    peer.released.set()
    assert [answers.get(timeout=WAIT) for _ in range(400)] == [None] * 400
    link.close()


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_frozen_peer_is_noticed_while_only_publishing(broker: FakeBroker, size: int) -> None:
    link, peer = opened(broker, "?heartbeat=1")
    peer.held.set()
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    began = time.monotonic()
    sent = 0
    while link.is_open and time.monotonic() - began < 60:
        link.publish(letter(sent, bytes(size)), answers.put)
        sent += 1
        time.sleep(0.02)
    assert 1.9 < time.monotonic() - began < 60
    problems = [answers.get(timeout=WAIT) for _ in range(sent)]
    late = [problem for problem in problems if problem is not None]
    assert len(late) > sent - 5  # the peer may have been reading when it froze
    assert all("silent" in str(problem) for problem in late)
    link.close()


def test_heartbeats_are_sent_while_nothing_else_is(broker: FakeBroker) -> None:
    link, peer = opened(broker, "?heartbeat=1")
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(0.3):
            peer.send(codec.HEARTBEAT_BYTES)

    thread = threading.Thread(target=beat)
    thread.start()
    began = time.monotonic()
    for _ in range(6):
        peer.take(codec.Heartbeat)
    assert time.monotonic() - began < 60
    assert link.is_open
    stop.set()
    thread.join()
    link.close()


def test_a_request_without_an_answer_ends_in_time(broker: FakeBroker) -> None:
    link, peer = opened(broker, timeout=0.3)
    peer.silent = True
    with pytest.raises(ConnectionLostError, match="did not answer within"):
        link.declare_queue(Queue("q"))
    assert gone(link)
    link.close()


def test_a_goodbye_without_an_answer_ends_in_time(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    peer.silent = True
    began = time.monotonic()
    link.close()
    assert time.monotonic() - began < 60
    assert not link.is_open


# What a broker says by itself.


def test_a_blocked_connection_says_why(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    assert link.blocked is None
    peer.say(0, methods.ConnectionBlocked("low on memory"))
    link.declare_queue(Queue("q"))  # its answer comes after that
    assert link.blocked == "low on memory"
    peer.say(0, methods.ConnectionUnblocked())
    link.declare_queue(Queue("q"))
    assert link.blocked is None
    link.close()


def test_a_cancelled_consumer_is_told_once_and_may_still_settle(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    ears = Ears()
    name = ears.consume(link)
    peer.send(peer.deliver(5, name, 1, 2))
    found = [ears.items.get(timeout=WAIT) for _ in range(2)]
    peer.say(5, methods.BasicCancel(name, nowait=True))
    assert "cancelled the consumer of queue 'q'" in str(ears.ended.get(timeout=WAIT))
    link.ack(found[1])
    link.ack(found[0])
    peer.take(methods.ChannelClose)
    assert link.is_open
    link.cancel(name)  # it is none any more
    link.close()
    assert ears.ended.empty()


def test_what_a_cancelled_consumer_held_is_never_settled_on_the_next_ones_channel(
    broker: FakeBroker,
) -> None:
    link, peer = opened(broker)
    before, after = Ears(), Ears()
    name = before.consume(link)
    peer.send(peer.deliver(5, name, 1, 2))
    found = [before.items.get(timeout=WAIT) for _ in range(2)]
    peer.say(5, methods.BasicCancel(name, nowait=True))
    before.ended.get(timeout=WAIT)
    peer.say(5, methods.ChannelClose(406, "delivery acknowledgement timed out"))
    peer.take(methods.ChannelCloseOk)
    name = after.consume(link)
    peer.send(peer.deliver(5, name, 1, 2))  # the same channel, the same numbers
    after.items.get(timeout=WAIT)
    for delivery in found:
        link.ack(delivery)
    link.close()
    heard = iter(peer.heard.get, None)
    assert not [frame for frame in heard if isinstance(frame[1], methods.BasicAck)]


def test_a_channel_that_both_ends_close_is_used_again_once(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    ears = Ears()
    name = ears.consume(link)
    peer.send(peer.deliver(5, name, 1, 1))
    delivery = ears.items.get(timeout=WAIT)
    peer.say(5, methods.BasicCancel(name, nowait=True))
    ears.ended.get(timeout=WAIT)
    peer.silent = True
    link.ack(delivery)  # the last one: we close the channel
    peer.take(methods.ChannelClose)
    peer.say(5, methods.ChannelClose(406, "delivery acknowledgement timed out"))
    peer.take(methods.ChannelCloseOk)
    peer.silent = False
    Ears().consume(link)
    peer.say(5, methods.ChannelCloseOk())
    link.declare_queue(Queue("q"))
    Ears().consume(link)
    channels = []
    while not peer.heard.empty():
        frame = peer.heard.get()
        if frame is not None and isinstance(frame[1], methods.ChannelOpen):
            channels.append(frame[0])
    assert len(channels) == len(set(channels))
    link.close()


def test_many_consumers_come_and_go_on_few_channels(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    channels = set()
    for _ in range(50):
        link.cancel(Ears().consume(link))
        peer.take(methods.ChannelClose)
        link.declare_queue(Queue("q"))  # the answer to the closing came before this one's
    while not peer.heard.empty():
        frame = peer.heard.get()
        if frame is not None:
            channels.add(frame[0])
    assert max(channels) < 10
    link.close()


def test_confirmations_in_any_form_reach_their_messages(broker: FakeBroker) -> None:
    link, peer = opened(broker)
    peer.silent = True
    outcome: dict[int, MessagingError | None] = {}
    for number in range(1, 11):
        link.publish(letter(number), functools.partial(outcome.__setitem__, number))
    for _ in range(10):
        peer.take(methods.BasicPublish)
    peer.say(1, methods.BasicAck(7))
    peer.say(1, methods.BasicAck(3, multiple=True))
    peer.say(1, methods.BasicNack(5, multiple=True))
    peer.say(1, methods.BasicAck(3, multiple=True))
    peer.say(1, methods.BasicAck(0, multiple=True))  # all that there are
    deadline = time.monotonic() + WAIT
    while len(outcome) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {number for number, problem in outcome.items() if problem} == {4, 5}
    link.close()


# Acknowledgements.


@given(st.data())
def test_held_back_acknowledgements_mean_what_was_settled(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 40))
    order = data.draw(st.permutations(range(1, count + 1)))
    ledger = Ledger(4, 10)
    waiting: set[int] = set()  # as the broker sees it
    accepted: set[int] = set()

    def flush() -> None:
        for _, method, _ in codec.Decoder().feed(ledger.late()):
            assert isinstance(method, methods.BasicAck)
            assert method.delivery_tag in waiting  # else a broker complains, or worse
            meant = {method.delivery_tag}
            if method.multiple:
                meant = {tag for tag in waiting if tag <= method.delivery_tag}
            assert meant <= accepted
            waiting.difference_update(meant)

    for tag in range(1, count + 1):
        ledger.took(tag)
        waiting.add(tag)
    refused = set()
    for tag in order:
        if data.draw(st.integers(0, 4)) == 0:
            assert ledger.refuse(tag, requeue=bool(tag % 2))
            waiting.discard(tag)
            refused.add(tag)
        else:
            accepted.add(tag)
            ledger.accept(tag)
        if data.draw(st.booleans()):
            flush()
        assert ledger.refuse(tag, requeue=False) == b""  # it was settled
    flush()
    assert waiting == set()
    assert ledger.is_settled
