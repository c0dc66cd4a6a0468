"""The embedded broker and RabbitMQ give the same answers: what exists, and where messages go."""

from __future__ import annotations

from typing import Any

import pika
import pika.exceptions
import pytest

from support.amqp_desk import (
    Basket,
    Desk,
    bodies,
    depth,
    eventually,
    messages,
    put,
    refusal,
    take,
)

pytestmark = pytest.mark.interop


# Queues.


def test_declaring_a_queue_answers_its_name_and_counts(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b")
    eventually(lambda: depth(channel, queue) == 2)
    again = channel.queue_declare(queue, exclusive=True).method
    assert (again.queue, again.message_count, again.consumer_count) == (queue, 2, 0)


def test_the_broker_names_a_queue_without_a_name(desk: Desk) -> None:
    channel = desk.channel()
    names = {channel.queue_declare("", exclusive=True).method.queue for _ in range(2)}
    assert len(names) == 2 and all(name.startswith("amq.gen-") for name in names)


def test_the_names_of_the_broker_are_refused_for_queues(desk: Desk) -> None:
    assert refusal(lambda: desk.channel().queue_declare("amq.mine")) == ("channel", 403)


def test_a_name_of_the_broker_is_refused_for_its_own_queue_too(desk: Desk) -> None:
    channel = desk.channel()
    name = channel.queue_declare("", exclusive=True).method.queue
    assert channel.queue_declare(name, passive=True).method.queue == name
    again = lambda: channel.queue_declare(name, exclusive=True)  # noqa: E731
    assert refusal(again) == ("channel", 403)


def test_a_passive_declaration_of_a_missing_queue_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    assert refusal(lambda: channel.queue_declare(desk.name(), passive=True)) == ("channel", 404)


@pytest.mark.parametrize(
    "other",
    [{"durable": False}, {"auto_delete": True}, {"arguments": {"x-max-length": 5}}],
    ids=str,
)
def test_another_declaration_of_a_queue_is_compared(desk: Desk, other: dict[str, Any]) -> None:
    channel = desk.channel()
    queue = desk.queue(channel, exclusive=False, durable=True)
    made = lambda: channel.queue_declare(queue, **{"durable": True, **other})  # noqa: E731
    assert refusal(made) == ("channel", 406)
    desk.channel().queue_delete(queue)


@pytest.mark.parametrize("other", [{"durable": True}, {"arguments": {"x-unknown": 1}}], ids=str)
def test_what_makes_no_difference_is_not_compared(desk: Desk, other: dict[str, Any]) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    assert channel.queue_declare(queue, **{"exclusive": True, **other}).method.queue == queue


def test_an_exclusive_declaration_of_a_shared_queue_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel, exclusive=False, durable=True)
    again = lambda: channel.queue_declare(queue, exclusive=True, durable=True)  # noqa: E731
    assert refusal(again) == ("channel", 405)
    desk.channel().queue_delete(queue)


def test_a_shared_declaration_of_an_exclusive_queue_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    assert refusal(lambda: channel.queue_declare(queue)) == ("channel", 405)


def test_no_queue_type_means_classic(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    again = channel.queue_declare(queue, exclusive=True, arguments={"x-queue-type": "classic"})
    assert again.method.queue == queue


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-message-ttl": "soon"},
        {"x-message-ttl": -1},
        {"x-expires": 0},
        {"x-max-length": -1},
        {"x-max-priority": 256},
        {"x-max-priority": -1},
        {"x-overflow": "explode"},
        {"x-dead-letter-exchange": 5},
        {"x-dead-letter-routing-key": "k"},
        {"x-queue-type": "unheard"},
        {"x-queue-version": True},
        {"x-max-age": "1D"},
        {"x-stream-max-segment-size-bytes": 1_000_000},
        {"x-single-active-consumer": "yes"},
    ],
    ids=str,
)
def test_unusable_arguments_are_refused(desk: Desk, arguments: dict[str, Any]) -> None:
    channel = desk.channel()
    made = lambda: channel.queue_declare(  # noqa: E731
        desk.name(), exclusive=True, arguments=arguments
    )
    assert refusal(made) == ("channel", 406)


@pytest.mark.parametrize("verb", ["declare", "consume", "get", "purge", "delete", "bind"])
def test_an_exclusive_queue_is_locked_for_others(desk: Desk, verb: str) -> None:
    owner, other = desk.channel(), desk.channel()
    queue = desk.queue(owner)
    action = {
        "declare": lambda: other.queue_declare(queue, passive=True),
        "consume": lambda: other.basic_consume(queue, print),
        "get": lambda: other.basic_get(queue),
        "purge": lambda: other.queue_purge(queue),
        "delete": lambda: other.queue_delete(queue),
        "bind": lambda: other.queue_bind(queue, "amq.direct", "k"),
    }[verb]
    assert refusal(action) == ("channel", 405)


def test_an_exclusive_queue_goes_with_its_connection(desk: Desk) -> None:
    connection, other = desk.connect(), desk.channel()
    queue = desk.queue(connection.channel())
    connection.close()
    assert other.queue_declare(queue, exclusive=True).method.queue == queue


def test_a_queue_in_use_is_not_deleted_if_unused(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    channel.basic_consume(queue, print)
    assert refusal(lambda: channel.queue_delete(queue, if_unused=True)) == ("channel", 406)


def test_a_full_queue_is_not_deleted_if_empty(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a")
    assert refusal(lambda: channel.queue_delete(queue, if_empty=True)) == ("channel", 406)


def test_deleting_and_purging_tell_how_many_messages_went(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b", "c")
    assert channel.queue_purge(queue).method.message_count == 3
    put(channel, queue, "d")
    assert channel.queue_delete(queue).method.message_count == 1


def test_deleting_a_missing_queue_is_no_error_purging_is(desk: Desk) -> None:
    channel = desk.channel()
    assert channel.queue_delete(desk.name()).method.message_count == 0
    assert refusal(lambda: channel.queue_purge(desk.name())) == ("channel", 404)


def test_an_auto_delete_queue_goes_with_its_last_consumer(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel, exclusive=False, auto_delete=True, durable=True)
    tags = [channel.basic_consume(queue, print) for _ in range(2)]
    channel.basic_cancel(tags[0])
    assert depth(channel, queue) == 0
    channel.basic_cancel(tags[1])
    gone = lambda: channel.queue_declare(queue, passive=True)  # noqa: E731
    assert refusal(gone) == ("channel", 404)


def test_an_unused_queue_expires(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel, arguments={"x-expires": 100})

    def gone() -> bool:
        probe = desk.connect()
        try:
            probe.channel().basic_get(queue)
        except pika.exceptions.ChannelClosedByBroker as error:
            return error.reply_code == 404
        finally:
            if probe.is_open:
                probe.close()
        return False

    assert eventually(gone)


# Exchanges and bindings.


def test_a_passive_declaration_of_a_missing_exchange_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    missing = lambda: channel.exchange_declare(desk.name(), passive=True)  # noqa: E731
    assert refusal(missing) == ("channel", 404)


def test_another_declaration_of_an_exchange_is_compared(desk: Desk) -> None:
    channel = desk.channel()
    exchange = desk.exchange(channel, "direct")
    channel.exchange_declare(exchange, "direct", auto_delete=True)
    again = lambda: channel.exchange_declare(exchange, "fanout", auto_delete=True)  # noqa: E731
    assert refusal(again) == ("channel", 406)
    desk.channel().exchange_delete(exchange)


def test_the_names_of_the_broker_are_refused_for_exchanges(desk: Desk) -> None:
    made = lambda: desk.channel().exchange_declare("amq.mine")  # noqa: E731
    assert refusal(made) == ("channel", 403)


@pytest.mark.parametrize("passive", [False, True])
def test_the_exchange_without_a_name_cannot_be_declared(desk: Desk, passive: bool) -> None:
    made = lambda: desk.channel().exchange_declare("", passive=passive)  # noqa: E731
    assert refusal(made) == ("channel", 403)


def test_an_unknown_kind_of_exchange_ends_the_connection(desk: Desk) -> None:
    made = lambda: desk.channel().exchange_declare(desk.name(), "unheard")  # noqa: E731
    assert refusal(made) == ("connection", 503)


@pytest.mark.parametrize("name", ["", "amq.direct"])
def test_the_exchanges_of_the_broker_cannot_be_deleted(desk: Desk, name: str) -> None:
    assert refusal(lambda: desk.channel().exchange_delete(name)) == ("channel", 403)


def test_a_missing_exchange_can_be_deleted(desk: Desk) -> None:
    deleted = desk.channel().exchange_delete(desk.name())
    assert isinstance(deleted.method, pika.spec.Exchange.DeleteOk)


def test_an_exchange_in_use_is_not_deleted_if_unused(desk: Desk) -> None:
    channel = desk.channel()
    exchange = desk.exchange(channel, "direct")
    channel.queue_bind(desk.queue(channel), exchange, "k")
    action = lambda: channel.exchange_delete(exchange, if_unused=True)  # noqa: E731
    assert refusal(action) == ("channel", 406)


def test_an_auto_delete_exchange_goes_with_its_last_binding(desk: Desk) -> None:
    channel = desk.channel()
    exchange = desk.exchange(channel, "direct")
    queue = desk.queue(channel)
    channel.queue_bind(queue, exchange, "k")
    channel.queue_unbind(queue, exchange, "k")
    gone = lambda: channel.exchange_declare(exchange, passive=True)  # noqa: E731
    assert refusal(gone) == ("channel", 404)


@pytest.mark.parametrize("what", ["queue", "exchange"])
def test_what_is_missing_cannot_be_bound(desk: Desk, what: str) -> None:
    channel = desk.channel()
    queue = desk.name() if what == "queue" else desk.queue(channel)
    exchange = desk.name() if what == "exchange" else "amq.direct"
    assert refusal(lambda: channel.queue_bind(queue, exchange, "k")) == ("channel", 404)


def test_the_default_exchange_cannot_be_bound(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    assert refusal(lambda: channel.queue_bind(queue, "", "k")) == ("channel", 403)


def test_a_missing_binding_can_be_taken_away(desk: Desk) -> None:
    channel = desk.channel()
    unbound = channel.queue_unbind(desk.queue(channel), "amq.direct", "k")
    assert isinstance(unbound.method, pika.spec.Queue.UnbindOk)


# Where messages go.


def test_a_queue_gets_one_copy_whatever_number_of_bindings_match(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    exchange = desk.exchange(channel, "topic")
    for key in ("a.#", "*.b", "a.b"):
        channel.queue_bind(queue, exchange, key)
    channel.basic_publish(exchange, "a.b", "x")
    assert depth(channel, queue) == 1


def test_a_direct_exchange_compares_keys(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    exchange = desk.exchange(channel, "direct")
    channel.queue_bind(queue, exchange, "a")
    for key in ("a", "b", "a.b", "*", "A"):
        channel.basic_publish(exchange, key, key)
    assert [found[2] for found in messages(channel, queue)] == [b"a"]


def test_a_fanout_exchange_gives_to_all(desk: Desk) -> None:
    channel = desk.confirming()
    exchange = desk.exchange(channel, "fanout")
    queues = [desk.queue(channel) for _ in range(3)]
    for queue in queues:
        channel.queue_bind(queue, exchange, "ignored")
    channel.basic_publish(exchange, "other", "x")
    assert [depth(channel, queue) for queue in queues] == [1, 1, 1]


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("#", ["", "a", "a.b", "a..b", ".", "a.b.c"]),
        ("*", ["a"]),
        ("a.*", ["a.b"]),
        ("a.#", ["a", "a.b", "a..b", "a.b.c"]),
        ("#.b", ["a.b", "a..b"]),
        ("*.*", ["a.b", "."]),
        ("a.*.b", ["a..b"]),
        ("a.#.b", ["a.b", "a..b"]),
        ("", [""]),
        ("#.#", ["", "a", "a.b", "a..b", ".", "a.b.c"]),
    ],
)
def test_a_topic_exchange_compares_words(desk: Desk, pattern: str, taken: list[str]) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    exchange = desk.exchange(channel, "topic")
    channel.queue_bind(queue, exchange, pattern)
    for key in ("", "a", "a.b", "a..b", ".", "a.b.c"):
        channel.basic_publish(exchange, key, key or " ")
    assert [found[0].routing_key for found in messages(channel, queue)] == taken


@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ({"x-match": "all", "a": 1, "b": "x"}, ["both"]),
        ({"x-match": "any", "a": 1, "b": "x"}, ["both", "one"]),
        ({"a": 1, "b": "x"}, ["both"]),
        ({"x-match": "all", "a": None}, ["both", "one"]),
        ({"x-match": "all", "x-ignored": 1, "a": 1}, ["both", "one"]),
        ({"x-match": "any"}, []),
        ({"x-match": "all"}, ["both", "one", "none"]),
    ],
    ids=str,
)
def test_a_headers_exchange_compares_headers(
    desk: Desk, arguments: dict[str, Any], taken: list[str]
) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    exchange = desk.exchange(channel, "headers")
    channel.queue_bind(queue, exchange, "", arguments=arguments)
    headers = {"both": {"a": 1, "b": "x"}, "one": {"a": 1, "b": "y"}, "none": {}}
    for name, values in headers.items():
        channel.basic_publish(exchange, "", name, pika.BasicProperties(headers=values))
    assert [found[2].decode() for found in messages(channel, queue)] == taken


def test_a_wrong_kind_of_match_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    queue, exchange = desk.queue(channel), desk.exchange(channel, "headers")
    bound = lambda: channel.queue_bind(  # noqa: E731
        queue, exchange, "", arguments={"x-match": "some"}
    )
    assert refusal(bound) == ("channel", 406)


def test_exchanges_pass_messages_on_to_exchanges(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    first, second = desk.exchange(channel, "topic"), desk.exchange(channel, "direct")
    channel.exchange_bind(second, first, "a.#")
    channel.exchange_bind(first, second, "a.b")  # a ring does not go round for ever
    channel.queue_bind(queue, second, "a.b")
    channel.queue_bind(queue, first, "#")
    for key in ("a.b", "c"):
        channel.basic_publish(first, key, key)
    assert [found[2] for found in messages(channel, queue)] == [b"a.b", b"c"]
    channel.exchange_unbind(second, first, "a.#")
    channel.exchange_unbind(first, second, "a.b")


def test_a_binding_between_exchanges_goes_by_its_arguments(desk: Desk) -> None:
    channel, wanted = desk.confirming(), {"x-match": "all", "a": 1}
    first = desk.exchange(channel, "headers", auto_delete=False)
    second, queue = desk.exchange(channel, "fanout"), desk.queue(channel)
    channel.queue_bind(queue, second, "")
    channel.exchange_bind(second, first, "", wanted)
    given = pika.BasicProperties(headers={"a": 1})
    channel.exchange_unbind(second, first, "", {"x-match": "all", "a": 2})
    channel.basic_publish(first, "", "1", given)
    channel.exchange_unbind(second, first, "", wanted)
    channel.basic_publish(first, "", "2", given)
    assert bodies(channel, queue, 1) == ["1"] and depth(channel, queue) == 0
    channel.exchange_delete(first)


def test_an_alternate_exchange_is_text(desk: Desk) -> None:
    declare = lambda: desk.channel().exchange_declare(  # noqa: E731
        desk.name("x"), arguments={"alternate-exchange": 5}
    )
    assert refusal(declare) == ("channel", 406)


def test_the_lowest_of_the_highest_priorities_is_nothing(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-max-priority": 0})
    for text, priority in (("a", 1), ("b", 9)):
        put(channel, queue, text, priority=priority)
    assert bodies(channel, queue, 2) == ["a", "b"]


def test_what_no_binding_takes_goes_to_the_alternate_exchange(desk: Desk) -> None:
    channel = desk.confirming()
    spare, queue = desk.exchange(channel, "fanout"), desk.queue(channel)
    exchange = desk.exchange(channel, "direct", arguments={"alternate-exchange": spare})
    channel.queue_bind(queue, spare, "")
    channel.basic_publish(exchange, "nobody", "x", mandatory=True)  # else pika raises
    assert bodies(channel, queue, 1) == ["x"]
    channel.exchange_delete(exchange)


def test_further_keys_in_cc_and_bcc_are_routed_and_bcc_is_hidden(desk: Desk) -> None:
    channel = desk.confirming()
    queues = [desk.queue(channel) for _ in range(3)]
    put(channel, queues[0], "x", headers={"CC": [queues[1]], "BCC": [queues[2], queues[0]]})
    for queue in queues:
        found = list(messages(channel, queue))
        assert [item[2] for item in found] == [b"x"]
        assert found[0][1].headers == {"CC": [queues[1]]}
        assert found[0][0].routing_key == queues[0]


def test_a_cc_that_is_no_list_is_refused(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    assert refusal(lambda: put(channel, queue, "x", headers={"CC": queue})) == ("channel", 406)


def test_publishing_to_a_missing_exchange_is_refused(desk: Desk) -> None:
    channel = desk.confirming()
    publish = lambda: channel.basic_publish(desk.name(), "k", "x")  # noqa: E731
    assert refusal(publish) == ("channel", 404)


def test_publishing_to_an_internal_exchange_is_refused(desk: Desk) -> None:
    channel = desk.confirming()
    exchange = desk.exchange(channel, "direct", internal=True)
    publish = lambda: channel.basic_publish(exchange, "k", "x")  # noqa: E731
    assert refusal(publish) == ("channel", 403)
    desk.channel().exchange_delete(exchange)


def test_the_user_of_a_message_must_be_that_of_the_connection(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "mine", user_id="guest")
    assert refusal(lambda: put(channel, queue, "x", user_id="mallory")) == ("channel", 406)


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", ""])
def test_an_expiration_that_is_no_number_is_refused(desk: Desk, value: str) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    assert refusal(lambda: put(channel, queue, "x", expiration=value)) == ("channel", 406)


def test_all_properties_and_kinds_of_header_arrive_as_sent(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    headers = {
        "text": "ä",
        "whole": -5,
        "large": 2**40,
        "yes": True,
        "nothing": None,
        "list": [1, "two", {"three": [3]}],
        "table": {"a": {"b": 1}},
        "bytes": b"\xff\x00",
    }
    sent = {
        "content_type": "text/plain",
        "content_encoding": "utf-8",
        "headers": headers,
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c",
        "reply_to": "r",
        "expiration": "60000",
        "message_id": "m",
        "timestamp": 1_700_000_000,
        "type": "t",
        "user_id": "guest",
        "app_id": "a",
        "cluster_id": "k",
    }
    put(channel, queue, "body", **sent)
    method, properties, _ = take(channel, queue)
    assert {name: getattr(properties, name) for name in sent} == sent
    assert (method.exchange, method.routing_key, method.redelivered) == ("", queue, False)


def test_an_empty_body_and_an_empty_key_arrive(desk: Desk) -> None:
    channel = desk.confirming()
    exchange, queue = desk.exchange(channel, "direct"), desk.queue(channel)
    channel.queue_bind(queue, exchange, "")
    channel.basic_publish(exchange, "", "")
    method, properties, body = take(channel, queue)
    assert (method.routing_key, body, properties.headers) == ("", b"", None)


# What nobody takes.


def test_what_nobody_takes_is_dropped_unless_it_is_mandatory(desk: Desk) -> None:
    channel = desk.confirming()
    channel.basic_publish("", desk.name(), "x")
    with pytest.raises(pika.exceptions.UnroutableError) as caught:
        channel.basic_publish("", desk.name(), "back", mandatory=True)
    (returned,) = caught.value.messages
    assert (returned.method.reply_code, returned.method.reply_text) == (312, "NO_ROUTE")
    assert returned.body == b"back"


def test_a_basket_sees_what_waits(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b")
    assert Basket(channel, queue).wait(2) == ["a", "b"]
