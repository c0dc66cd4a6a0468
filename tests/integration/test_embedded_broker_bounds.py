"""What clients of the embedded broker may take, and that nobody harms it or the others."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pamqp import body, commands, frame, header, heartbeat

from pelagos.messaging.broker.server import Bounds, EmbeddedBroker
from support.amqp_desk import Basket, Desk, bodies, depth, eventually, put, refusal, take
from support.amqp_raw import RawLink, raw_frame

pytestmark = pytest.mark.integration

Basic, Connection, Queue = commands.Basic, commands.Connection, commands.Queue
Exchange = commands.Exchange


@pytest.fixture
def desk(embedded_broker: EmbeddedBroker) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(embedded_broker.url, stack)


def test_a_defect_inside_is_told_with_the_right_code(
    embedded_broker: EmbeddedBroker, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_broker.core(), "limit", lambda *_, **__: 1 / 0)
    link = desk.raw()
    link.send(Basic.Qos(global_=True), 1)
    assert link.closing() == ("connection", 541)
    desk.raw()


def test_too_many_connections_are_turned_away() -> None:
    with EmbeddedBroker(bounds=Bounds(connections=2)) as broker, ExitStack() as stack:
        links = [stack.enter_context(RawLink(broker.url)) for _ in range(3)]
        assert [links[0].start() is None, links[1].start() is None] == [False, False]
        assert links[2].read() is None


def test_who_does_not_log_in_is_cut_off() -> None:
    with EmbeddedBroker(bounds=Bounds(login=0.1)) as broker, RawLink(broker.url) as link:
        link.start()
        assert link.read() is None


def test_a_channel_beyond_the_bound_is_refused(desk: Desk) -> None:
    link = desk.raw(channel_max=10)
    link.send(commands.Channel.Open(), 11)
    assert link.closing() == ("connection", 504)


def test_a_body_that_is_longer_than_announced_is_refused(desk: Desk) -> None:
    link = desk.raw()
    link.send(Basic.Publish(routing_key="k"), 1)
    link.send(header.ContentHeader(0, 1, Basic.Properties()), 1)
    link.send(body.ContentBody(b"xyz"), 1)
    assert link.closing() == ("connection", 505)


def test_what_is_begun_and_not_ended_is_bounded() -> None:
    bounds = Bounds(unfinished=1_000_000, message=500_000)
    with EmbeddedBroker(bounds=bounds) as broker, RawLink(broker.url) as link:
        link.open()
        for number in range(1, 10):
            link.channel(number)
            link.send(Basic.Publish(routing_key="k"), number)
            link.send(header.ContentHeader(0, 400_000, Basic.Properties()), number)
            for _ in range(3):
                link.send(body.ContentBody(bytes(130_000)), number)
            if number >= 3:
                break
        assert link.closing() == ("connection", 506)


def _begun(broker: EmbeddedBroker) -> int:
    return sum(connection.unfinished for connection in list(broker.connections))


def test_what_all_have_begun_is_bounded() -> None:
    bounds = Bounds(unfinished=1_000_000, message=900_000, memory=2_000_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        links = [stack.enter_context(RawLink(broker.url)).open().channel() for _ in range(4)]
        for number, link in enumerate(links, 1):
            link.send(Basic.Publish(routing_key="k"), 1)
            link.send(header.ContentHeader(0, 900_000, Basic.Properties()), 1)
            for _ in range(6):
                link.send(body.ContentBody(bytes(130_000)), 1)
            eventually(lambda least=number * 700_000: _begun(broker) > least)
        assert [link.closing() for link in links[2:]] == [("connection", 506)] * 2


@pytest.mark.parametrize("what", ["queues", "bindings", "consumers"])
def test_what_is_declared_is_bounded(what: str) -> None:
    with EmbeddedBroker(bounds=Bounds(things=1000)) as broker, RawLink(broker.url) as link:
        link.open().channel()
        link.call(Queue.Declare(queue="q", exclusive=True))
        for number in range(1500):
            text = str(number)
            made = {
                "queues": Queue.Declare(queue=text, exclusive=True, nowait=True),
                "bindings": Queue.Bind(
                    queue="q", exchange="amq.topic", routing_key=text, nowait=True
                ),
                "consumers": Basic.Consume(queue="q", consumer_tag=text, nowait=True),
            }[what]
            link.send(made, 1)
        assert link.closing() == ("connection", 506)
        eventually(lambda: broker.core().size() < 20)  # all of it was its own
        RawLink(broker.url).open().channel().close()


def test_the_arguments_of_what_is_declared_are_bounded() -> None:
    some, much = ({"note": "n" * size} for size in (400, 600))
    with EmbeddedBroker(bounds=Bounds(arguments=500)) as broker, RawLink(broker.url) as link:
        link.open().channel()
        link.call(Queue.Declare(queue="q", exclusive=True, arguments=some))
        bind = Queue.Bind(queue="q", exchange="amq.headers", arguments=some)
        link.call(bind)
        for number, made in enumerate(
            (
                Queue.Declare(queue="r", exclusive=True, arguments=much),
                Queue.Bind(queue="q", exchange="amq.headers", arguments=much),
                Exchange.Declare(exchange="e", arguments=much),
                Basic.Consume(queue="q", arguments=much),
            ),
            start=2,
        ):
            link.channel(number)
            link.send(made, number)
            assert link.closing() == ("channel", 406)


def test_a_transaction_is_bounded() -> None:
    bounds = Bounds(transaction=1_000_000)
    with EmbeddedBroker(bounds=bounds) as broker, RawLink(broker.url) as link:
        link.open().channel()
        link.call(commands.Tx.Select())
        for _ in range(11):
            link.publish(bytes(100_000), "k")
        assert link.closing() == ("connection", 506)


def test_publishers_wait_while_memory_is_short() -> None:
    bounds = Bounds(memory=1_000_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        link = desk.raw()
        link.call(Queue.Declare(queue="q", durable=True))
        sender = threading.Thread(
            target=lambda: [link.publish(bytes(10_000), "q") for _ in range(500)], daemon=True
        )
        sender.start()
        assert isinstance(link.read(), Connection.Blocked)
        assert broker.meter.used < 3_000_000
        channel = desk.channel()
        count = sum(1 for _ in range(500) if take(channel, "q"))
        sender.join(30)
        assert count == 500
        eventually(lambda: broker.meter.used == 0 and broker.blocked is None)


def test_a_client_that_does_not_read_is_not_given_everything() -> None:
    bounds = Bounds(output=100_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        channel.queue_declare("q", durable=True)
        for _ in range(200):
            channel.basic_publish("", "q", bytes(100_000))
        slow = desk.raw()
        slow.send(Basic.Consume(queue="q", no_ack=True), 1)
        eventually(lambda: broker.core().depth("q") < 200)
        quick = desk.channel()
        assert depth(quick, "q") > 50  # what the sockets' buffers hold went, not the rest
        count = 0
        assert isinstance(slow.read(), Basic.ConsumeOk)
        while count < 100:
            assert len(slow.read_message()[2]) == 100_000
            count += 1
        slow.send(Basic.Qos(), 1)


def test_a_client_that_asks_and_does_not_read_is_heard_no_more() -> None:
    bounds = Bounds(output=100_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        channel.queue_declare("q", durable=True)
        channel.basic_publish("", "q", bytes(1_000_000))
        link = desk.raw()
        for _ in range(300):  # 300 MB of answers to 10 kB of questions
            link.send(Basic.Get(queue="q"), 1)
        assert isinstance(link.read(), Basic.GetOk)
        assert broker.meter.used < 5_000_000


def test_all_channels_of_one_who_does_not_read_are_held() -> None:
    bounds = Bounds(output=100_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        slow = desk.raw()
        count = 60
        for number in range(2, count + 2):
            slow.channel(number)
            slow.call(Queue.Declare(queue=f"q{number}", exclusive=True), number)
            slow.call(Queue.Bind(queue=f"q{number}", exchange="amq.fanout"), number)
            slow.call(Basic.Consume(queue=f"q{number}", no_ack=True), number)
        for _ in range(30):  # 60 MB each, if every channel got one more
            channel.basic_publish("amq.fanout", "", bytes(1_000_000))
        (connection,) = [c for c in broker.connections if len(c._channels) > count]
        assert connection.output._size < 2_000_000 + bounds.output
        seen = set()
        for _ in range(count * 30):  # nothing is lost, and nobody waits for ever
            assert len(slow.read_message()[2]) == 1_000_000
            seen.add(slow.last_channel)
        assert len(seen) == count


def test_read_headers_and_copies_count() -> None:
    with EmbeddedBroker() as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        channel = desk.confirming()
        queue = desk.queue(channel)
        put(channel, queue, "x", headers={"k": [{}] * 20_000})
        assert broker.meter.used > 1_400_000  # as much as tracemalloc sees
        take(channel, queue)
        eventually(lambda: broker.meter.used == 0)
        for _ in range(100):
            channel.queue_bind(desk.queue(channel), "amq.fanout")
        channel.basic_publish("amq.fanout", "", b"x")
        assert broker.meter.used > 100 * 100  # a message in 100 queues
        assert channel.connection.is_open


def test_a_header_that_nobody_could_write_again_is_refused(desk: Desk) -> None:
    link = desk.raw()
    name = b"\xff" * 255
    table = bytes((len(name),)) + name + b"V"
    payload = struct.pack(">HHQHI", 60, 0, 1, 1 << 13, len(table)) + table
    link.send(Basic.Publish(routing_key="q"), 1)
    link.write(raw_frame(2, 1, payload) + raw_frame(3, 1, b"x"))
    assert link.closing() == ("channel", 406)


def test_answers_to_one_who_does_not_read_are_dropped() -> None:
    bounds = Bounds(output=50_000)
    with EmbeddedBroker(bounds=bounds) as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        serving = desk.confirming()
        queue = desk.queue(serving)
        asking = desk.raw()
        asking.call(Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
        asking.publish(b"?", queue, properties=Basic.Properties(reply_to="amq.rabbitmq.reply-to"))
        name = take(serving, queue)[1].reply_to
        for _ in range(300):
            serving.basic_publish("", name, bytes(100_000))
        assert broker.meter.used < 20_000_000
        assert asking.read_message()[2] == bytes(100_000)


def test_a_header_that_is_too_large_for_its_receiver_ends_only_it(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, exclusive=False, durable=True)
    put(channel, queue, "x", headers={"large": "y" * 50_000})
    small = desk.raw(frame_max=4096)
    small.send(Basic.Consume(queue=queue), 1)
    assert (small.closing() or ("connection", 0))[0] == "connection"
    assert bodies(channel, queue, 1) == ["x"]


def test_a_heartbeat_is_awaited_only_from_who_promised_one(desk: Desk) -> None:
    link = desk.raw(heartbeat_seconds=1)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert link.read_any() is not None
        link.send(heartbeat.Heartbeat())
    assert isinstance(link.call(Basic.Qos()), Basic.QosOk)


def test_version_4_counts_a_direct_answer_as_routed() -> None:
    with EmbeddedBroker(version="4") as broker, ExitStack() as stack:
        desk = Desk(broker.url, stack)
        asking, serving = desk.channel(), desk.confirming()
        queue = desk.queue(serving)
        answers = Basket(asking, "amq.rabbitmq.reply-to", auto_ack=True)
        put(asking, queue, "ping", reply_to="amq.rabbitmq.reply-to")
        name = take(serving, queue)[1].reply_to
        serving.basic_publish("", name, "pong", mandatory=True)  # pika raises when it is returned
        assert answers.wait(1) == ["pong"]


def test_refusals_end_what_they_should(desk: Desk) -> None:
    channel = desk.channel()
    assert refusal(lambda: channel.queue_declare("no", passive=True)) == ("channel", 404)
    assert channel.connection.channel().is_open


def test_what_was_taken_before_an_error_is_confirmed_before_the_goodbye(desk: Desk) -> None:
    link = desk.raw()
    link.call(commands.Confirm.Select())
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    message = frame.marshal(Basic.Publish(routing_key=queue), 1)
    message += frame.marshal(header.ContentHeader(0, 0, Basic.Properties()), 1)
    link.write(message + frame.marshal(Queue.DeclareOk("q", 0, 0), 1))  # no word for a client
    assert isinstance(link.read(), Basic.Ack)
    assert isinstance(link.read(), Connection.Close)
