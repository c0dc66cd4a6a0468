"""The embedded broker and RabbitMQ give the same answers: what counts first, and when."""

from __future__ import annotations

from typing import Any

import pika
import pytest
from pamqp.commands import Basic, Queue

from support.amqp_desk import Desk, bodies, depth, eventually, put, refusal

pytestmark = pytest.mark.interop


# What is refused first.


@pytest.mark.parametrize(
    "properties",
    [{"expiration": "soon"}, {"headers": {"CC": "a"}}, {"user_id": "another"}],
    ids=str,
)
def test_a_missing_exchange_is_said_before_what_is_wrong_with_a_message(
    desk: Desk, properties: dict[str, Any]
) -> None:
    channel = desk.confirming()
    given = pika.BasicProperties(**properties)
    publish = lambda: channel.basic_publish(desk.name(), "k", "x", given)  # noqa: E731
    assert refusal(publish) == ("channel", 404)


def test_a_missing_queue_is_said_before_what_is_wrong_with_a_consumer(desk: Desk) -> None:
    channel = desk.channel()
    consume = lambda: channel.basic_consume(  # noqa: E731
        desk.name(), print, arguments={"x-priority": "high"}
    )
    assert refusal(consume) == ("channel", 404)


def test_what_is_wrong_with_a_consumer_is_said(desk: Desk) -> None:
    channel = desk.channel()
    queue, wrong = desk.queue(channel), {"x-priority": "high"}
    consume = lambda: channel.basic_consume(queue, print, arguments=wrong)  # noqa: E731
    assert refusal(consume) == ("channel", 406)


def test_nobody_counts_a_prefetch_in_bytes(desk: Desk) -> None:
    qos = lambda: desk.channel().basic_qos(prefetch_size=1)  # noqa: E731
    assert refusal(qos) == ("connection", 540)


def test_a_consumer_tag_is_used_once(desk: Desk) -> None:
    link = desk.raw()
    queue = link.call(Queue.Declare(exclusive=True)).queue
    assert isinstance(link.call(Basic.Consume(queue=queue, consumer_tag="t")), Basic.ConsumeOk)
    link.send(Basic.Consume(queue=queue, consumer_tag="t"), 1)
    assert link.closing() == ("connection", 530)


def test_a_consumer_tag_is_free_when_its_queue_is_gone(desk: Desk) -> None:
    link = desk.raw()
    queues = [link.call(Queue.Declare(exclusive=True)).queue for _ in range(2)]
    link.call(Basic.Consume(queue=queues[0], consumer_tag="t"))
    link.send(Queue.Delete(queue=queues[0]), 1)
    told = {type(answer): answer for answer in (link.read(), link.read())}
    assert set(told) == {Basic.Cancel, Queue.DeleteOk} and told[Basic.Cancel].nowait
    again = link.call(Basic.Consume(queue=queues[1], consumer_tag="t"))
    assert isinstance(again, Basic.ConsumeOk)


def test_the_default_exchange_is_said_before_a_missing_one(desk: Desk) -> None:
    bind = lambda: desk.channel().exchange_bind("", desk.name())  # noqa: E731
    assert refusal(bind) == ("channel", 403)


def test_the_default_exchange_is_said_before_an_unusable_argument(desk: Desk) -> None:
    declare = lambda: desk.channel().exchange_declare(  # noqa: E731
        "", arguments={"alternate-exchange": 5}
    )
    assert refusal(declare) == ("channel", 403)


def test_nothing_is_unbound_from_the_default_exchange(desk: Desk) -> None:
    unbind = lambda: desk.channel().exchange_unbind("", "amq.direct")  # noqa: E731
    assert refusal(unbind) == ("channel", 403)


def test_only_a_binding_that_there_is_can_be_another_ones(desk: Desk) -> None:
    owner, other = desk.channel(), desk.channel()
    exchange, queue = desk.exchange(owner, "direct"), desk.queue(owner)
    owner.queue_bind(queue, exchange, "k")
    other.queue_unbind(queue, exchange, "another")
    other.queue_unbind(queue, desk.name("x"), "k")
    assert refusal(lambda: other.queue_unbind(queue, exchange, "k")) == ("channel", 405)


# Keys.


def test_what_is_no_text_in_a_cc_is_no_key(desk: Desk) -> None:
    channel = desk.confirming()
    first, second = desk.queue(channel), desk.queue(channel)
    put(channel, first, "x", headers={"CC": [5, second]})
    assert [bodies(channel, queue, 1) for queue in (first, second)] == [["x"], ["x"]]


def test_what_is_returned_hides_its_bcc(desk: Desk) -> None:
    channel = desk.confirming()
    given = pika.BasicProperties(headers={"BCC": ["a"], "kept": 1})
    with pytest.raises(pika.exceptions.UnroutableError) as caught:
        channel.basic_publish("", desk.name(), "x", given, mandatory=True)
    assert caught.value.messages[0].properties.headers == {"kept": 1}


def test_recovering_is_answered_before_it_delivers_again(desk: Desk) -> None:
    link, channel = desk.raw(), desk.confirming()
    queue = desk.queue(channel, exclusive=False, durable=True)
    put(channel, queue, "x")
    link.call(Basic.Consume(queue=queue))
    assert link.read_message()[2] == b"x"
    assert isinstance(link.call(Basic.Recover(requeue=True)), Basic.RecoverOk)
    assert link.read_message()[2] == b"x"
    channel.queue_delete(queue)


# What goes with what, also when messages went there before.


def test_what_is_unbound_gets_nothing_more(desk: Desk) -> None:
    channel = desk.confirming()
    exchange = desk.exchange(channel, "direct")
    first, second = desk.queue(channel), desk.queue(channel)
    for queue in (first, second):
        channel.queue_bind(queue, exchange, "k")
    channel.basic_publish(exchange, "k", "1")
    channel.queue_unbind(first, exchange, "k")
    channel.basic_publish(exchange, "k", "2")
    assert [bodies(channel, first, 1), bodies(channel, second, 2)] == [["1"], ["1", "2"]]
    assert depth(channel, first) == 0


def test_a_deleted_exchange_takes_nothing_more(desk: Desk) -> None:
    channel = desk.confirming()
    exchange, queue = desk.exchange(channel, "direct"), desk.queue(channel)
    channel.queue_bind(queue, exchange, "k")
    channel.basic_publish(exchange, "k", "1")
    channel.exchange_delete(exchange)
    again = lambda: channel.basic_publish(exchange, "k", "2")  # noqa: E731
    assert refusal(again) == ("channel", 404)


def test_an_internal_exchange_may_come_back_as_another(desk: Desk) -> None:
    channel = desk.confirming()
    exchange, queue = desk.exchange(channel, "fanout", internal=True), desk.queue(channel)
    channel.exchange_delete(exchange)
    channel.exchange_declare(exchange, "fanout", auto_delete=True)
    channel.queue_bind(queue, exchange, "")
    channel.basic_publish(exchange, "", "x")
    assert bodies(channel, queue, 1) == ["x"]


@pytest.mark.parametrize("how", ["queue_unbind", "exchange_delete"])
def test_a_binding_that_is_gone_takes_no_later_exchange_with_it(desk: Desk, how: str) -> None:
    channel = desk.channel()
    exchange, queue = desk.exchange(channel, "direct"), desk.queue(channel)
    channel.queue_bind(queue, exchange, "k")
    if how == "queue_unbind":
        channel.queue_unbind(queue, exchange, "k")
    else:
        channel.exchange_delete(exchange)
    channel.exchange_declare(exchange, "direct", auto_delete=True)
    channel.queue_delete(queue)
    channel.exchange_declare(exchange, passive=True)
    channel.exchange_delete(exchange)
    assert channel.is_open  # the exchange was there


def test_an_exchange_goes_with_the_last_one_it_leads_to(desk: Desk) -> None:
    channel = desk.channel()
    first, second = desk.exchange(channel, "fanout"), desk.exchange(channel, "fanout")
    channel.exchange_bind(second, first)
    channel.exchange_delete(second)
    assert refusal(lambda: channel.exchange_declare(first, passive=True)) == ("channel", 404)


def test_a_ring_of_exchanges_passes_a_message_on_once(desk: Desk) -> None:
    channel = desk.confirming()
    outside, one, two = (desk.exchange(channel, "fanout", auto_delete=False) for _ in range(3))
    queue = desk.queue(channel)
    for source, destination in ((outside, one), (one, two), (two, one)):
        channel.exchange_bind(destination, source)
    channel.queue_bind(queue, two, "")
    channel.basic_publish(outside, "", "x")
    assert bodies(channel, queue, 1) == ["x"] and depth(channel, queue) == 0
    for exchange in (outside, one, two):
        channel.exchange_delete(exchange)


def test_an_alternate_exchange_may_come_later(desk: Desk) -> None:
    channel, later = desk.confirming(), desk.name("x")
    last, queue = desk.exchange(channel, "fanout"), desk.queue(channel)
    channel.queue_bind(queue, last, "")
    first = desk.exchange(channel, "direct", arguments={"alternate-exchange": later})
    channel.basic_publish(first, "k", "1")
    channel.exchange_declare(later, "direct", arguments={"alternate-exchange": last})
    channel.basic_publish(first, "k", "2")
    assert bodies(channel, queue, 1) == ["2"] and depth(channel, queue) == 0
    for exchange in (first, later):
        channel.exchange_delete(exchange)


# Transactions.


def test_a_transaction_refuses_at_once_what_cannot_be_routed(desk: Desk) -> None:
    channel = desk.channel()
    channel.tx_select()
    channel.basic_publish(desk.name("x"), "k", "x")
    assert refusal(lambda: eventually(channel.basic_qos)) == ("channel", 404)


@pytest.mark.parametrize("again", ["basic_ack", "basic_nack", "basic_reject"])
def test_a_transaction_refuses_at_once_to_settle_twice(desk: Desk, again: str) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    put(channel, queue, "x")
    eventually(lambda: depth(channel, queue) == 1)
    channel.tx_select()
    tag = channel.basic_get(queue)[0].delivery_tag
    channel.basic_ack(tag)
    getattr(channel, again)(tag)
    assert refusal(channel.basic_qos) == ("channel", 406)
    assert depth(channel.connection.channel(), queue) == 1


def test_up_to_an_unknown_delivery_is_refused_up_to_nothing_is_not(desk: Desk) -> None:
    channel = desk.channel()
    channel.tx_select()
    channel.basic_ack(0, multiple=True)
    channel.basic_qos()
    channel.basic_ack(7, multiple=True)
    assert refusal(channel.basic_qos) == ("channel", 406)


def test_all_up_to_a_delivery_leaves_out_what_a_transaction_has(desk: Desk) -> None:
    channel, other = desk.channel(), desk.confirming()
    queue = desk.queue(other, exclusive=False, durable=True)
    put(other, queue, "a", "b", "c", "d")
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in "abc"]
    channel.tx_select()
    channel.basic_reject(tags[1], requeue=False)
    channel.basic_nack(tags[2], multiple=True, requeue=True)
    assert depth(other, queue) == 1
    channel.tx_commit()
    assert bodies(other, queue, 3) == ["a", "c", "d"]
    other.queue_delete(queue)


def test_what_a_transaction_has_is_not_recovered(desk: Desk) -> None:
    channel, other = desk.channel(), desk.confirming()
    queue = desk.queue(other, exclusive=False, durable=True)
    put(other, queue, "a", "b")
    channel.tx_select()
    channel.basic_ack(channel.basic_get(queue)[0].delivery_tag)
    channel.basic_get(queue)
    channel.basic_recover(requeue=True)
    assert depth(other, queue) == 1
    channel.connection.close()
    eventually(lambda: depth(other, queue) == 2)
    assert bodies(other, queue, 2) == ["a", "b"]
    other.queue_delete(queue)


def test_a_queue_may_come_before_its_transaction_ends(desk: Desk) -> None:
    channel, queue = desk.channel(), desk.name()
    channel.tx_select()
    put(channel, queue, "x")
    channel.queue_declare(queue, exclusive=True)
    channel.tx_commit()
    assert bodies(channel, queue, 1) == ["x"]


def test_a_transaction_that_a_full_queue_does_not_take_is_partly_done(desk: Desk) -> None:
    channel, other = desk.channel(), desk.confirming()
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = desk.queue(other, exclusive=False, durable=True)
    small = desk.queue(other, exclusive=False, durable=True, arguments=full)
    put(other, queue, "old")
    channel.tx_select()
    channel.basic_ack(channel.basic_get(queue)[0].delivery_tag)
    put(channel, small, "first", "second")
    put(channel, queue, "new")
    assert refusal(channel.tx_commit) == ("channel", 406)
    assert bodies(other, queue, 1) + bodies(other, small, 1) == ["new", "first"]
    for name in (queue, small):
        assert depth(other, name) == 0
        other.queue_delete(name)


def test_a_transaction_routes_when_it_is_told_and_puts_when_it_ends(desk: Desk) -> None:
    channel = desk.channel()
    exchange, queue = desk.exchange(channel, "direct", auto_delete=False), desk.queue(channel)
    gone = desk.queue(channel)
    for name in (queue, gone):
        channel.queue_bind(name, exchange, "k")
    channel.tx_select()
    channel.basic_publish(exchange, "k", "x")
    channel.exchange_delete(exchange)
    channel.queue_delete(gone)
    assert depth(channel, queue) == 0
    channel.tx_commit()
    assert bodies(channel, queue, 1) == ["x"]
