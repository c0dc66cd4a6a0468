"""The embedded broker and RabbitMQ give the same answers: what a polite client never shows."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from pamqp import body, commands, frame, header, heartbeat

from support.amqp_desk import Desk, depth, eventually, put
from support.amqp_raw import HEADER, RawLink, raw_frame

pytestmark = pytest.mark.interop

Basic, Channel, Confirm = commands.Basic, commands.Channel, commands.Confirm
Connection, Exchange, Queue, Tx = (
    commands.Connection,
    commands.Exchange,
    commands.Queue,
    commands.Tx,
)


# Opening.


@pytest.mark.parametrize("header_", [b"AMQP\x00\x00\x09\x02", b"HTTP/1.1", b"\0" * 8])
def test_another_protocol_is_answered_with_the_right_header(desk: Desk, header_: bytes) -> None:
    link = desk.stranger()
    link.write(header_)
    assert (link.read(), link.read()) == (HEADER, None)


def test_the_broker_introduces_itself(desk: Desk) -> None:
    start = desk.stranger().start()
    assert (start.version_major, start.version_minor) == (0, 9)
    assert {"PLAIN", "AMQPLAIN"} <= set(start.mechanisms.split())
    assert "en_US" in start.locales.split()
    capabilities = start.server_properties["capabilities"]
    assert all(
        capabilities[name] is True
        for name in (
            "authentication_failure_close",
            "basic.nack",
            "connection.blocked",
            "consumer_cancel_notify",
            "consumer_priorities",
            "direct_reply_to",
            "exchange_exchange_bindings",
            "per_consumer_qos",
            "publisher_confirms",
        )
    )


def test_the_broker_proposes_bounds(desk: Desk) -> None:
    link = desk.stranger()
    link.start()
    tune = link.call(link.start_ok(), 0)
    assert tune.frame_max == 131072 and tune.channel_max == 2047 and tune.heartbeat == 60


@pytest.mark.parametrize("response", ["\0guest\0wrong", "\0nobody\0guest"])
def test_a_wrong_password_is_told_to_who_can_hear_it(desk: Desk, response: str) -> None:
    link = desk.stranger()
    link.start()
    link.send(link.start_ok(response=response))
    assert link.closing() == ("connection", 403)


def test_a_wrong_password_ends_the_socket_of_others(desk: Desk) -> None:
    link = desk.stranger()
    link.start()
    link.send(link.start_ok(response="\0guest\0wrong", capabilities={}))
    assert link.closing() is None


def test_the_older_mechanism_works_too(desk: Desk) -> None:
    link = desk.stranger()
    link.start()

    def text(name: bytes, value: str) -> bytes:
        return bytes([len(name)]) + name + b"S" + struct.pack(">I", len(value)) + value.encode()

    response = (text(b"LOGIN", link.user) + text(b"PASSWORD", link.password)).decode()
    tune = link.call(link.start_ok("AMQPLAIN", response), 0)
    assert isinstance(tune, Connection.Tune)


def test_an_unknown_mechanism_is_refused(desk: Desk) -> None:
    link = desk.stranger()
    link.start()
    link.send(link.start_ok("UNHEARD"))
    assert link.closing() in (None, ("connection", 403), ("connection", 530))


def test_an_unknown_virtual_host_is_refused(desk: Desk) -> None:
    link = desk.stranger()
    link.start()
    link.call(link.start_ok(), 0)
    link.send(Connection.TuneOk(2047, 131072, 0))
    link.send(Connection.Open("nowhere"))
    assert link.closing() == ("connection", 530)


@pytest.mark.parametrize(("channels", "size"), [(2047, 100), (2047, 200_000), (60_000, 131072)])
def test_bounds_outside_of_what_was_proposed_are_refused(
    desk: Desk, channels: int, size: int
) -> None:
    link = desk.stranger()
    link.start()
    link.call(link.start_ok(), 0)
    link.send(Connection.TuneOk(channels, size, 0))
    link.send(Connection.Open("/"))
    assert link.closing() in (None, ("connection", 530))


def test_closing_a_connection_is_answered(desk: Desk) -> None:
    link = desk.raw()
    answer = link.call(Connection.Close(200, "bye", 0, 0), 0)
    assert isinstance(answer, Connection.CloseOk)


# Errors: their codes, and what they end.


_HARD: dict[str, tuple[Callable[[RawLink], None], int]] = {
    "a frame without its end": (lambda link: link.write(raw_frame(1, 1, b"\0\0\0\0", b"\0")), 501),
    "a frame that is too long": (
        lambda link: link.write(struct.pack(">BHI", 3, 1, 4_000_000) + b"x" * 200_000),
        501,
    ),
    "an unknown kind of frame": (lambda link: link.write(raw_frame(7, 1, b"x")), 501),
    "a body without a header": (lambda link: link.send(body.ContentBody(b"x"), 1), 505),
    "a header without a method": (
        lambda link: link.send(header.ContentHeader(0, 1, Basic.Properties()), 1),
        505,
    ),
    "a method instead of a header": (
        lambda link: (
            link.send(Basic.Publish(routing_key="k"), 1),
            link.send(Basic.Qos(), 1),
        )[0],
        505,
    ),
    "a channel that is not open": (lambda link: link.send(Basic.Qos(), 2), 504),
    "a channel that is open already": (lambda link: link.send(Channel.Open(), 1), 504),
    "a method of the connection on a channel": (
        lambda link: link.send(Connection.Open("/"), 1),
        503,
    ),
    "a method of a channel on the connection": (lambda link: link.send(Basic.Qos(), 0), 504),
    "a method that is cut short": (lambda link: link.write(raw_frame(1, 1, b"\0\x3c\0\x14")), 501),
    "a method of the broker": (lambda link: link.send(Basic.GetEmpty(), 1), 503),
    "a heartbeat on a channel": (lambda link: link.write(raw_frame(8, 1, b"")), 505),
    "to be delivered at once": (
        lambda link: link.publish(b"x", "k", immediate=True),
        540,
    ),
    "recovering without requeue": (lambda link: link.send(Basic.Recover(False), 1), 540),
    "an unknown kind of exchange": (
        lambda link: link.send(Exchange.Declare(exchange="conf-x", exchange_type="unheard"), 1),
        503,
    ),
    "pausing deliveries": (lambda link: link.send(Channel.Flow(False), 1), 540),
    "a consumer's name twice": (
        lambda link: (
            link.call(Queue.Declare(queue="", exclusive=True)),
            link.call(Basic.Consume(queue="", consumer_tag="same")),
            link.send(Basic.Consume(queue="", consumer_tag="same"), 1),
        )[0],
        530,
    ),
    "opening a second time": (lambda link: link.send(Connection.Open("/"), 0), 504),
}


@pytest.mark.parametrize("case", _HARD)
def test_what_breaks_the_protocol_ends_the_connection(desk: Desk, case: str) -> None:
    action, code = _HARD[case]
    link = desk.raw()
    action(link)
    assert link.closing() == ("connection", code)
    link.send(Connection.CloseOk())
    desk.channel()  # and of nobody else


@pytest.mark.parametrize("number", [b"\0\xc8\0\x0a", b"\0\x3c\0\xfa"], ids=["class", "method"])
def test_an_unknown_method_ends_the_connection(desk: Desk, number: bytes) -> None:
    link = desk.raw()
    link.write(raw_frame(1, 1, number))
    assert (link.closing() or ("connection", 0))[0] == "connection"


def test_a_refused_channel_hears_nothing_until_it_has_agreed(desk: Desk) -> None:
    link = desk.raw()
    link.send(Queue.Declare(queue="conf-missing", passive=True), 1)
    link.send(Queue.Declare(queue="", exclusive=True), 1)
    link.publish(b"x" * 300_000, "k", mandatory=True)
    assert link.closing() == ("channel", 404)
    link.send(Channel.CloseOk(), 1)
    link.channel(1)
    assert isinstance(link.call(Queue.Declare(queue="", exclusive=True)), Queue.DeclareOk)


def test_other_channels_live_on(desk: Desk) -> None:
    link = desk.raw().channel(2)
    link.send(Queue.Declare(queue="conf-missing", passive=True), 1)
    assert link.closing() == ("channel", 404)
    assert isinstance(link.call(Queue.Declare(queue="", exclusive=True), 2), Queue.DeclareOk)


def test_the_reason_names_class_and_method(desk: Desk) -> None:
    link = desk.raw()
    answer = link.call(Queue.Declare(queue="conf-missing", passive=True))
    assert (answer.class_id, answer.method_id) == (50, 10)
    assert answer.reply_text.startswith("NOT_FOUND - ") and "conf-missing" in answer.reply_text


def test_a_message_that_is_too_large_is_refused(desk: Desk) -> None:
    link = desk.raw()
    link.publish(bytes(5_000_000), "k")
    assert link.closing() == ("channel", 406)


# Frames.


def test_a_large_body_comes_in_frames_of_the_agreed_size(desk: Desk) -> None:
    link = desk.raw(frame_max=4096)
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    content = bytes(range(256)) * 400
    link.publish(content, queue)
    link.send(Basic.Get(queue=queue, no_ack=True), 1)
    sizes = []
    assert isinstance(link.read(), Basic.GetOk) and isinstance(link.read(), header.ContentHeader)
    got = b""
    while len(got) < len(content):
        part = link.read()
        sizes.append(len(part.value))
        got += part.value
    assert got == content and max(sizes) <= 4096 - 8


def test_frames_may_come_in_any_pieces(desk: Desk) -> None:
    link = desk.raw()
    for byte in frame.marshal(Queue.Declare(queue="", exclusive=True), 1):
        link.write(bytes([byte]))
    assert isinstance(link.read(), Queue.DeclareOk)


def test_heartbeats_come_and_are_expected(desk: Desk) -> None:
    link = desk.raw(heartbeat_seconds=1)
    assert isinstance(link.read_any(), heartbeat.Heartbeat)
    while link.read_any() is not None:  # we send none, so the broker gives us up
        pass


def test_no_answer_comes_to_who_wants_none(desk: Desk) -> None:
    link = desk.raw()
    queue, exchange = desk.name(), desk.name("x")
    for method in (
        Exchange.Declare(exchange=exchange, exchange_type="direct", nowait=True),
        Queue.Declare(queue=queue, exclusive=True, nowait=True),
        Queue.Bind(queue=queue, exchange=exchange, routing_key="k", nowait=True),
        Exchange.Bind(destination=exchange, source="amq.topic", routing_key="#", nowait=True),
        Exchange.Unbind(destination=exchange, source="amq.topic", routing_key="#", nowait=True),
        Basic.Consume(queue=queue, consumer_tag="c", nowait=True),
        Basic.Cancel("c", nowait=True),
        Queue.Purge(queue=queue, nowait=True),
        Queue.Delete(queue=queue, nowait=True),
        Exchange.Delete(exchange=exchange, nowait=True),
        Confirm.Select(nowait=True),
    ):
        link.send(method, 1)
    assert isinstance(link.call(Basic.Qos()), Basic.QosOk)


def test_an_empty_name_means_the_queue_declared_last(desk: Desk) -> None:
    link = desk.raw()
    name = link.call(Queue.Declare(queue="", exclusive=True)).queue
    assert isinstance(link.call(Queue.Bind(exchange="amq.direct", routing_key="")), Queue.BindOk)
    assert isinstance(link.call(Basic.Consume()), Basic.ConsumeOk)
    link.publish(b"x", name, exchange="amq.direct")  # the empty key became the queue's name
    assert link.read_message()[2] == b"x"


def test_no_queue_without_a_name_is_there(desk: Desk) -> None:
    link = desk.raw()
    link.call(Queue.Declare(queue="", exclusive=True))
    link.send(Queue.Declare(queue="", passive=True), 1)
    assert link.closing() == ("channel", 404)


def test_an_empty_name_without_a_queue_is_refused(desk: Desk) -> None:
    link = desk.raw()
    link.send(Basic.Consume(), 1)
    assert link.closing() == ("channel", 404)


def test_the_broker_names_consumers(desk: Desk) -> None:
    link = desk.raw()
    link.call(Queue.Declare(queue="", exclusive=True))
    assert link.call(Basic.Consume()).consumer_tag.startswith("amq.ctag-")


def test_cancelling_an_unknown_consumer_is_no_error(desk: Desk) -> None:
    assert isinstance(desk.raw().call(Basic.Cancel("nobody")), Basic.CancelOk)


def test_who_cannot_hear_of_a_cancel_is_not_told(desk: Desk) -> None:
    link = desk.raw(capabilities={})
    link.call(Queue.Declare(queue="", exclusive=True))
    link.call(Basic.Consume())
    assert isinstance(link.call(Queue.Delete()), Queue.DeleteOk)
    assert isinstance(link.call(Basic.Qos()), Basic.QosOk)


def test_flow_is_answered(desk: Desk) -> None:
    answer = desk.raw().call(Channel.Flow(True))
    assert isinstance(answer, Channel.FlowOk) and answer.active is True


# Confirms.


def _confirmed(link: RawLink, count: int) -> list[int]:
    """The numbers that the broker has confirmed, once they are so many."""
    numbers: list[int] = []
    while len(numbers) < count:
        answer = link.read()
        assert isinstance(answer, Basic.Ack), answer
        first = (max(numbers) if numbers else 0) + 1 if answer.multiple else answer.delivery_tag
        numbers += range(first, answer.delivery_tag + 1)
    return numbers


def test_confirms_count_from_the_moment_they_are_asked_for(desk: Desk) -> None:
    link = desk.raw()
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    link.publish(b"before", queue)
    link.call(Confirm.Select())
    for _ in range(5):
        link.publish(b"after", queue)
    assert sorted(_confirmed(link, 5)) == [1, 2, 3, 4, 5]
    assert link.call(Queue.Declare(queue=queue, passive=True)).message_count == 6
    assert isinstance(link.call(Confirm.Select()), Confirm.SelectOk)  # again is harmless
    link.publish(b"six", queue)
    assert _confirmed(link, 1)[-1] == 6


def test_what_nobody_takes_is_returned_before_it_is_confirmed(desk: Desk) -> None:
    link = desk.raw()
    link.call(Confirm.Select())
    link.publish(b"x" * 10, desk.name(), mandatory=True)
    method, _, content = link.read_message()
    assert isinstance(method, Basic.Return) and method.reply_code == 312
    assert content == b"x" * 10
    assert isinstance(link.read(), Basic.Ack)


def test_unroutable_messages_are_confirmed(desk: Desk) -> None:
    link = desk.raw()
    link.call(Confirm.Select())
    link.publish(b"", desk.name())
    assert _confirmed(link, 1) == [1]


def test_what_is_given_in_a_transaction_is_returned_at_its_end(desk: Desk) -> None:
    link = desk.raw()
    link.call(Tx.Select())
    link.publish(b"x", desk.name(), mandatory=True)
    link.send(Tx.Commit(), 1)
    found = [link.read() for _ in range(4)]
    assert {type(item) for item in found if isinstance(item, (Basic.Return, Tx.CommitOk))} == {
        Basic.Return,
        Tx.CommitOk,
    }


def test_an_answer_straight_back_is_also_returned_when_it_is_mandatory(desk: Desk) -> None:
    """As RabbitMQ 3.10 does it; from 4.0 on it counts as routed."""
    link, channel = desk.raw(), desk.channel()
    queue = desk.queue(channel)
    link.call(Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))
    link.publish(b"ask", queue, properties=Basic.Properties(reply_to="amq.rabbitmq.reply-to"))
    properties = eventually(lambda: channel.basic_get(queue, auto_ack=True)[1])
    serving = desk.raw()
    serving.publish(b"answer", properties.reply_to, mandatory=True)
    assert isinstance(serving.read_message()[0], Basic.Return)
    assert link.read_message()[2] == b"answer"


def test_a_cut_connection_gives_back_what_it_held(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, exclusive=False, durable=True)
    put(channel, queue, "a", "b")
    with RawLink(desk.url) as link:
        link.open().channel()
        link.call(Basic.Consume(queue=queue))
        link.read_message()
        assert depth(channel, queue) == 0
    eventually(lambda: depth(channel, queue) == 2)
    channel.queue_delete(queue)


def test_a_channel_can_be_opened_again_with_fresh_tags(desk: Desk) -> None:
    link = desk.raw()
    queue = link.call(Queue.Declare(queue="", exclusive=True)).queue
    link.publish(b"x", queue)
    link.send(Basic.Get(queue=queue), 1)
    assert link.read_message()[0].delivery_tag == 1
    assert isinstance(link.call(Channel.Close(200, "", 0, 0)), Channel.CloseOk)
    link.channel()
    link.send(Basic.Get(queue=queue), 1)
    method, _, _ = link.read_message()
    assert (method.delivery_tag, method.redelivered) == (1, True)


def test_when_both_ends_close_a_channel_the_connection_goes_on(desk: Desk) -> None:
    link = desk.raw()
    link.publish(b"x", "k", exchange=desk.name())  # there is none of this name
    link.send(Channel.Close(200, "bye", 0, 0), 1)
    assert {type(link.read()), type(link.read())} == {Channel.Close, Channel.CloseOk}
    link.send(Channel.CloseOk(), 1)
    link.channel(1)


@pytest.mark.parametrize(("milliseconds", "fits"), [(315_360_000_000, True), (2**40, False)])
def test_nothing_lives_longer_than_ten_years(desk: Desk, milliseconds: int, fits: bool) -> None:
    for name in ("x-expires", "x-message-ttl"):
        link = desk.raw()
        declare = Queue.Declare(queue="", exclusive=True, arguments={name: milliseconds})
        answer = link.call(declare)
        assert isinstance(answer, Queue.DeclareOk if fits else Channel.Close)
    link = desk.raw()
    link.call(Confirm.Select())
    link.publish(b"", "k", properties=Basic.Properties(expiration=str(milliseconds)))
    assert isinstance(link.read(), Basic.Ack if fits else Channel.Close)
