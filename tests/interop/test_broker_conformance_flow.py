"""The embedded broker and RabbitMQ give the same answers: delivering and settling."""

from __future__ import annotations

from typing import Any

import pika
import pika.exceptions
import pytest

from support.amqp_desk import Basket, Desk, bodies, depth, eventually, put, refusal, take

pytestmark = pytest.mark.interop

_TEXTS = [str(number) for number in range(6)]


# Consumers.


def test_prefetch_holds_for_each_consumer(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS)
    channel.basic_qos(prefetch_count=2)
    first, second = Basket(channel, queue), Basket(channel, queue)
    first.wait(2), second.wait(2)
    assert depth(channel, queue) == 2
    channel.basic_ack(first.tags[0])
    assert len(first.wait(3)) == 3 and len(second.bodies) == 2


def test_a_global_prefetch_holds_for_the_channel(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS)
    channel.basic_qos(prefetch_count=3, global_qos=True)
    first, second = Basket(channel, queue), Basket(channel, queue)
    eventually(lambda: depth(channel, queue) == 3)
    channel.connection.process_data_events(0.1)
    assert len(first.bodies) + len(second.bodies) == 3


def test_without_prefetch_everything_comes(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS)
    assert Basket(channel, queue).wait(6) == _TEXTS


def test_consumers_take_turns(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    baskets = [Basket(channel, queue) for _ in range(3)]
    put(channel, queue, *_TEXTS)
    for basket in baskets:
        basket.wait(2)
    assert sorted(len(basket.bodies) for basket in baskets) == [2, 2, 2]


def test_a_consumer_of_higher_priority_is_served_first(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    channel.basic_qos(prefetch_count=3)
    low = Basket(channel, queue)
    high = Basket(channel, queue, arguments={"x-priority": 5})
    put(channel, queue, *_TEXTS[:5])
    assert high.wait(3) == _TEXTS[:3]
    assert low.wait(2) == _TEXTS[3:5]


def test_a_single_active_consumer_is_followed_by_the_next(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-single-active-consumer": True})
    first, second = Basket(channel, queue), Basket(channel, queue)
    put(channel, queue, *_TEXTS[:2])
    first.wait(2)
    channel.basic_cancel(first.tag)
    put(channel, queue, "next")
    assert second.wait(1) == ["next"] and first.bodies == _TEXTS[:2]


def test_a_single_active_consumer_has_its_prefetch(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-single-active-consumer": True})
    channel.basic_qos(prefetch_count=1)
    first, second = Basket(channel, queue), Basket(channel, queue)
    put(channel, queue, "a", "b")
    assert first.wait(1) == ["a"] and depth(channel, queue) == 1
    channel.basic_ack(first.tags[0])
    assert first.wait(2) == ["a", "b"] and not second.bodies


def test_an_exclusive_consumer_keeps_others_away(desk: Desk) -> None:
    channel, other = desk.channel(), desk.channel()
    queue = desk.queue(channel, exclusive=False, durable=True)
    channel.basic_consume(queue, print, exclusive=True)
    assert refusal(lambda: other.basic_consume(queue, print)) == ("channel", 403)
    channel.queue_delete(queue)


def test_a_consumer_that_would_be_exclusive_but_is_not_alone_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    queue = desk.queue(channel)
    channel.basic_consume(queue, print)
    late = lambda: channel.basic_consume(queue, print, exclusive=True)  # noqa: E731
    assert refusal(late) == ("channel", 403)


def test_consuming_a_missing_queue_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    assert refusal(lambda: channel.basic_consume(desk.name(), print)) == ("channel", 404)


def test_what_a_cancelled_consumer_holds_can_still_be_settled(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a")
    basket = Basket(channel, queue)
    basket.wait(1)
    channel.basic_cancel(basket.tag)
    channel.basic_nack(basket.tags[0], requeue=True)
    assert bodies(channel, queue, 1) == ["a"]


def test_a_consumer_of_a_deleted_queue_is_told(desk: Desk) -> None:
    channel, other = desk.channel(), desk.channel()
    queue = desk.queue(channel, exclusive=False, durable=True)
    told: list[str] = []
    channel.add_on_cancel_callback(lambda frame: told.append(frame.method.consumer_tag))
    tag = channel.basic_consume(queue, print)
    other.queue_delete(queue)

    def heard() -> bool:
        channel.connection.process_data_events(0.02)
        return told == [tag]

    assert eventually(heard)


def test_without_acknowledgement_nothing_is_kept(desk: Desk) -> None:
    connection, channel = desk.connect(), desk.confirming()
    queue = desk.queue(channel, exclusive=False, durable=True)
    put(channel, queue, *_TEXTS)
    consuming = connection.channel()
    consuming.basic_qos(prefetch_count=1)  # does not hold for it
    Basket(consuming, queue, auto_ack=True).wait(6)
    connection.close()
    assert channel.queue_delete(queue).method.message_count == 0


# Settling.


def test_an_acknowledgement_may_be_for_all_up_to_it(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS)
    basket = Basket(channel, queue)
    basket.wait(6)
    channel.basic_ack(basket.tags[3], multiple=True)
    channel.basic_cancel(basket.tag)
    channel.basic_nack(0, multiple=True, requeue=True)  # zero: all of them
    assert bodies(channel, queue, 2) == _TEXTS[4:]


def test_an_unknown_tag_is_refused(desk: Desk) -> None:
    channel = desk.channel()
    desk.queue(channel)
    channel.basic_ack(7)
    assert refusal(lambda: channel.queue_declare("", exclusive=True)) == ("channel", 406)


@pytest.mark.parametrize("verb", ["basic_ack", "basic_reject", "basic_nack"])
def test_a_delivery_can_be_settled_once(desk: Desk, verb: str) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a")
    tag = eventually(lambda: channel.basic_get(queue)[0]).delivery_tag
    channel.basic_ack(tag)
    getattr(channel, verb)(tag)
    assert refusal(lambda: depth(channel, queue)) == ("channel", 406)


def test_acknowledging_all_of_nothing_is_no_error(desk: Desk) -> None:
    channel = desk.channel()
    channel.basic_ack(0, multiple=True)
    assert desk.queue(channel) and channel.is_open  # an error would have come before


def test_the_tags_of_a_channel_count_up_from_one(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b", "c")
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(2)]
    assert [*tags, Basket(channel, queue).wait(1) and 3] == [1, 2, 3]


def test_what_is_given_back_returns_to_its_place(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS[:4])
    first, second = (channel.basic_get(queue)[0].delivery_tag for _ in range(2))
    channel.basic_reject(second, requeue=True)
    channel.basic_reject(first, requeue=True)
    found = [take(channel, queue) for _ in range(4)]
    assert [(body.decode(), method.redelivered) for method, _, body in found] == [
        ("0", True),
        ("1", True),
        ("2", False),
        ("3", False),
    ]


def test_several_that_are_given_back_at_once_keep_their_order(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, *_TEXTS)
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(4)]
    channel.basic_nack(tags[2], multiple=True, requeue=True)
    assert bodies(channel, queue, 5) == ["0", "1", "2", "4", "5"]


def test_what_is_rejected_is_gone(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b")
    channel.basic_reject(channel.basic_get(queue)[0].delivery_tag, requeue=False)
    assert bodies(channel, queue, 1) == ["b"]


@pytest.mark.parametrize("what", ["channel", "connection"])
def test_what_was_not_settled_comes_back_in_order(desk: Desk, what: str) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, exclusive=False, durable=True)
    put(channel, queue, *_TEXTS)
    connection = desk.connect()
    leaving = connection.channel()
    Basket(leaving, queue).wait(6)
    (connection if what == "connection" else leaving).close()
    found = [take(channel, queue) for _ in range(6)]
    assert [body.decode() for _, _, body in found] == _TEXTS
    assert all(method.redelivered for method, _, _ in found)
    channel.queue_delete(queue)


def test_recovering_delivers_again(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "a", "b")
    basket = Basket(channel, queue)
    basket.wait(2)
    channel.basic_recover(requeue=True)
    assert basket.wait(4) == ["a", "b", "a", "b"]
    assert [method.redelivered for method, _ in basket.messages] == [False, False, True, True]


def test_getting_tells_how_many_are_left(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    assert channel.basic_get(queue) == (None, None, None)
    put(channel, queue, "a", "b", "c")
    method, _, body = channel.basic_get(queue)
    assert (method.message_count, method.redelivered, body) == (2, False, b"a")


# How long, how many, and in which order.


@pytest.mark.parametrize("how", ["queue", "message"])
def test_a_message_that_waits_too_long_dies(desk: Desk, how: str) -> None:
    channel = desk.confirming()
    arguments = {"x-message-ttl": 50} if how == "queue" else {}
    queue = desk.queue(channel, arguments=arguments)
    put(channel, queue, "a", expiration="50" if how == "message" else None)
    assert eventually(lambda: depth(channel, queue) == 0)


def test_a_message_behind_one_that_lives_longer_waits_for_it(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "long")
    put(channel, queue, "short", expiration="1")
    channel.connection.process_data_events(0.1)
    assert depth(channel, queue) == 2
    assert bodies(channel, queue, 1) == ["long"]
    eventually(lambda: depth(channel, queue) == 0)


def test_without_time_to_live_only_a_waiting_consumer_gets_it(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    put(channel, queue, "nobody", expiration="0")
    assert depth(channel, queue) == 0
    basket = Basket(channel, queue)
    put(channel, queue, "somebody", expiration="0")
    assert basket.wait(1) == ["somebody"]


def test_a_full_queue_drops_its_head(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-max-length": 2})
    put(channel, queue, *_TEXTS)
    assert bodies(channel, queue, 2) == ["4", "5"]


def test_a_queue_can_be_bounded_by_bytes(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-max-length-bytes": 10})
    put(channel, queue, "a" * 6, "b" * 6, "c" * 4)
    assert bodies(channel, queue, 2) == ["b" * 6, "c" * 4]


def test_a_full_queue_refuses_when_it_should(desk: Desk) -> None:
    channel = desk.confirming()
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    queue = desk.queue(channel, arguments=arguments)
    put(channel, queue, "a")
    with pytest.raises(pika.exceptions.NackError):
        put(channel, queue, "b")
    assert bodies(channel, queue, 1) == ["a"]


def test_messages_of_higher_priority_come_first(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel, arguments={"x-max-priority": 5})
    for text, priority in (("none", None), ("low", 1), ("high", 9), ("five", 5), ("two", 2)):
        put(channel, queue, text, priority=priority)
    assert bodies(channel, queue, 5) == ["high", "five", "two", "low", "none"]
    for text, priority in (("four", 4), ("five", 5), ("more", 6)):
        put(channel, queue, text, priority=priority)
    assert bodies(channel, queue, 3) == ["five", "more", "four"]


def test_a_queue_with_priorities_can_be_bounded_by_bytes(desk: Desk) -> None:
    channel = desk.confirming()
    bound = {"x-max-priority": 2, "x-max-length-bytes": 4, "x-overflow": "reject-publish"}
    queue = desk.queue(channel, arguments=bound)
    put(channel, queue, "ab", "cd")
    for _ in range(2):
        with pytest.raises(pika.exceptions.NackError):
            put(channel, queue, "e", priority=1)
        tag = channel.basic_get(queue)[0].delivery_tag
        channel.basic_reject(tag, requeue=True)
        eventually(lambda: depth(channel, queue) == 2)
    assert bodies(channel, queue, 1) == ["ab"]
    put(channel, queue, "ef", priority=1)
    assert bodies(channel, queue, 2) == ["ef", "cd"]


# Dead letters.


def _graveyard(desk: Desk, channel: Any, **arguments: Any) -> tuple[str, str]:
    dead = desk.queue(channel)
    settings = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, **arguments}
    return desk.queue(channel, arguments=settings), dead


def test_a_rejected_message_goes_to_the_dead_letters(desk: Desk) -> None:
    channel = desk.confirming()
    queue, dead = _graveyard(desk, channel)
    put(channel, queue, "a", headers={"mine": 1}, message_id="m")
    channel.basic_nack(channel.basic_get(queue)[0].delivery_tag, requeue=False)
    method, properties, body = take(channel, dead)
    assert (body, properties.message_id, properties.headers["mine"]) == (b"a", "m", 1)
    (death,) = properties.headers["x-death"]
    assert {name: death[name] for name in ("count", "reason", "queue", "exchange")} == {
        "count": 1,
        "reason": "rejected",
        "queue": queue,
        "exchange": "",
    }
    assert death["routing-keys"] == [queue] and "time" in death
    first = {name: properties.headers[f"x-first-death-{name}"] for name in ("queue", "reason")}
    assert first == {"queue": queue, "reason": "rejected"}
    assert properties.headers["x-first-death-exchange"] == ""
    assert method.routing_key == dead and not method.redelivered


def test_an_expired_message_goes_to_the_dead_letters_without_its_expiration(desk: Desk) -> None:
    channel = desk.confirming()
    queue, dead = _graveyard(desk, channel)
    put(channel, queue, "a", expiration="20")
    _, properties, _ = take(channel, dead)
    (death,) = properties.headers["x-death"]
    assert (death["reason"], death["original-expiration"]) == ("expired", "20")
    assert properties.expiration is None


def test_what_a_full_queue_drops_goes_to_the_dead_letters(desk: Desk) -> None:
    channel = desk.confirming()
    queue, dead = _graveyard(desk, channel, **{"x-max-length": 1})
    put(channel, queue, "a", "b")
    _, properties, body = take(channel, dead)
    assert (body, properties.headers["x-death"][0]["reason"]) == (b"a", "maxlen")


def test_deaths_are_counted_by_queue_and_reason(desk: Desk) -> None:
    channel = desk.confirming()
    queue, dead = _graveyard(desk, channel)
    put(channel, queue, "a")
    for count in (1, 2, 3):
        channel.basic_nack(
            eventually(lambda: channel.basic_get(queue)[0]).delivery_tag, requeue=False
        )
        _, properties, body = take(channel, dead)
        assert [death["count"] for death in properties.headers["x-death"]] == [count]
        channel.basic_publish("", queue, body, properties)


def test_a_ring_of_expiry_alone_drops_the_message(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.name()
    arguments = {
        "x-message-ttl": 10,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
    }
    channel.queue_declare(queue, exclusive=True, arguments=arguments)
    put(channel, queue, "a")
    assert eventually(lambda: depth(channel, queue) == 0)


def test_without_a_key_of_its_own_a_dead_letter_keeps_the_key(desk: Desk) -> None:
    channel = desk.confirming()
    exchange, dead = desk.exchange(channel, "direct"), desk.queue(channel)
    queue = desk.queue(channel, arguments={"x-dead-letter-exchange": exchange})
    channel.queue_bind(dead, exchange, queue)
    put(channel, queue, "a")
    channel.basic_reject(channel.basic_get(queue)[0].delivery_tag, requeue=False)
    method, _, _ = take(channel, dead)
    assert (method.exchange, method.routing_key) == (exchange, queue)


def test_a_quorum_queue_counts_and_limits_deliveries(desk: Desk) -> None:
    channel = desk.confirming()
    dead = desk.queue(channel)
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": 2,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
    }
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    put(channel, queue, "a")
    seen = []
    basket = Basket(channel, queue)
    for count in (1, 2, 3):
        basket.wait(count)
        seen.append((basket.messages[-1][1].headers or {}).get("x-delivery-count"))
        channel.basic_reject(basket.tags[-1], requeue=True)
    _, properties, _ = take(channel, dead)
    assert seen in ([None, 1, 2], [0, 1, 2])
    assert properties.headers["x-death"][0]["reason"] == "delivery_limit"
    channel.queue_delete(queue)


@pytest.mark.parametrize("options", [{"durable": False}, {"exclusive": True, "durable": True}])
def test_a_quorum_queue_is_durable_and_shared(desk: Desk, options: dict[str, Any]) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum"}
    made = lambda: channel.queue_declare(desk.name(), arguments=arguments, **options)  # noqa: E731
    assert refusal(made)[0] in ("channel", "connection")


def test_a_single_message_of_a_quorum_queue_tells_its_returns_and_none(desk: Desk) -> None:
    channel, options = desk.confirming(), {"x-queue-type": "quorum"}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=options)
    put(channel, queue, "x", "y")
    basket = Basket(channel, queue)
    assert basket.wait(2) and not basket.messages[0][1].headers
    channel.basic_cancel(basket.tag)
    channel.connection.close()
    again = desk.channel()
    returns = [take(again, queue)[1].headers["x-delivery-count"] for _ in "xy"]
    put(again, queue, "z")
    returns.append(take(again, queue)[1].headers["x-delivery-count"])
    assert returns == [1, 1, 0]
    again.queue_delete(queue)


def test_nobody_is_alone_at_a_quorum_queue(desk: Desk) -> None:
    channel, options = desk.confirming(), {"x-queue-type": "quorum"}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=options)
    baskets = [
        Basket(channel, queue, exclusive=exclusive) for exclusive in (False, True, True, False)
    ]
    put(channel, queue, *"abcd")
    assert sorted(basket.wait(1)[0] for basket in baskets) == list("abcd")
    channel.queue_delete(queue)


@pytest.mark.parametrize(
    ("limit", "order"), [({}, "cdab"), ({"x-delivery-limit": 5}, "abcd")], ids=["none", "limit"]
)
def test_what_a_quorum_queue_without_a_limit_gets_back_comes_last(
    desk: Desk, limit: dict[str, int], order: str
) -> None:
    channel, options = desk.confirming(), {"x-queue-type": "quorum", **limit}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=options)
    put(channel, queue, *"abcd")
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in "ab"]
    channel.basic_nack(tags[1], multiple=True, requeue=True)
    eventually(lambda: depth(channel, queue) == len("abcd"))
    assert bodies(channel, queue, 4) == list(order)
    channel.queue_delete(queue)


def test_what_a_lost_connection_had_of_a_quorum_queue_comes_first(desk: Desk) -> None:
    lost, channel = desk.channel(), desk.confirming()
    options = {"x-queue-type": "quorum"}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=options)
    put(channel, queue, *"abc")
    assert [lost.basic_get(queue)[2] for _ in "ab"] == [b"a", b"b"]
    lost.connection.close()
    eventually(lambda: depth(channel, queue) == len("abc"))
    assert bodies(channel, queue, 3) == ["a", "b", "c"]
    channel.queue_delete(queue)


def test_the_broker_names_no_quorum_queue(desk: Desk) -> None:
    channel, options = desk.channel(), {"x-queue-type": "quorum"}
    declare = lambda: channel.queue_declare("", durable=True, arguments=options)  # noqa: E731
    assert refusal(declare) == ("channel", 406)


@pytest.mark.parametrize("condition", ["if_unused", "if_empty"])
def test_a_quorum_queue_is_deleted_without_conditions(desk: Desk, condition: str) -> None:
    channel, options = desk.channel(), {"x-queue-type": "quorum"}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=options)
    delete = lambda: channel.queue_delete(queue, **{condition: True})  # noqa: E731
    assert refusal(delete) == ("connection", 540)
    desk.channel().queue_delete(queue)


def test_a_quorum_queue_knows_no_prefetch_of_a_channel(desk: Desk) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum"}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    channel.basic_qos(prefetch_count=5, global_qos=True)
    assert refusal(lambda: channel.basic_consume(queue, print)) == ("connection", 540)
    desk.channel().queue_delete(queue)


def test_a_quorum_queue_of_a_single_active_consumer_gives_nobody_single_messages(
    desk: Desk,
) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    assert refusal(lambda: channel.basic_get(queue)) == ("channel", 405)
    desk.channel().queue_delete(queue)


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-max-age": "1D"},
        {"x-queue-leader-locator": "here"},
        {"x-quorum-initial-group-size": 0},
        {"x-quorum-initial-group-size": "1"},
        {"x-dead-letter-strategy": "perhaps"},
        {"x-max-priority": 5},
    ],
    ids=str,
)
def test_unusable_arguments_of_a_quorum_queue_are_refused(
    desk: Desk, arguments: dict[str, Any]
) -> None:
    arguments = {"x-queue-type": "quorum", **arguments}
    declare = lambda: desk.channel().queue_declare(  # noqa: E731
        desk.name(), durable=True, arguments=arguments
    )
    assert refusal(declare) == ("channel", 406)


def test_a_delivery_limit_may_be_below_zero(desk: Desk) -> None:
    channel = desk.channel()
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": -1}
    queue = desk.queue(channel, exclusive=False, durable=True, arguments=arguments)
    assert channel.queue_delete(queue).method.message_count == 0


# Answers over the same connection.


def test_answers_come_straight_back(desk: Desk) -> None:
    asking, serving = desk.channel(), desk.channel()
    queue = desk.queue(serving)
    answers = Basket(asking, "amq.rabbitmq.reply-to", auto_ack=True)
    put(asking, queue, "ping", reply_to="amq.rabbitmq.reply-to", correlation_id="c")
    _, properties, _ = take(serving, queue)
    assert properties.reply_to.startswith("amq.rabbitmq.reply-to.")
    alive = serving.queue_declare(properties.reply_to, passive=True).method
    assert alive.queue == properties.reply_to
    put(serving, properties.reply_to, "pong", correlation_id="c")
    assert answers.wait(1) == ["pong"]
    method, answer = answers.messages[0]
    assert (method.exchange, method.routing_key) == ("", properties.reply_to)
    assert (method.redelivered, answer.correlation_id) == (False, "c")


def test_answers_for_one_who_left_are_dropped_and_it_can_be_seen(desk: Desk) -> None:
    asking, serving = desk.channel(), desk.confirming()
    queue = desk.queue(serving)
    Basket(asking, "amq.rabbitmq.reply-to", auto_ack=True)
    put(asking, queue, "ping", reply_to="amq.rabbitmq.reply-to")
    _, properties, _ = take(serving, queue)
    look = lambda: serving.queue_declare(properties.reply_to, passive=True)  # noqa: E731
    assert (look().method.message_count, look().method.consumer_count) == (0, 1)
    asking.connection.close()
    put(serving, properties.reply_to, "pong")
    assert refusal(look) == ("channel", 404)


def test_answers_are_never_acknowledged(desk: Desk) -> None:
    channel = desk.channel()
    late = lambda: channel.basic_consume("amq.rabbitmq.reply-to", print)  # noqa: E731
    assert refusal(late) == ("channel", 406)


def test_answers_need_a_consumer_before_the_question(desk: Desk) -> None:
    channel = desk.confirming()
    queue = desk.queue(channel)
    ask = lambda: put(channel, queue, "x", reply_to="amq.rabbitmq.reply-to")  # noqa: E731
    assert refusal(ask) == ("channel", 406)


def test_one_channel_waits_for_answers_once(desk: Desk) -> None:
    channel = desk.channel()
    Basket(channel, "amq.rabbitmq.reply-to", auto_ack=True)
    again = lambda: Basket(channel, "amq.rabbitmq.reply-to", auto_ack=True)  # noqa: E731
    assert refusal(again) == ("channel", 406)


# Transactions.


def test_what_a_transaction_did_counts_when_it_is_committed(desk: Desk) -> None:
    channel, other = desk.channel(), desk.confirming()
    queue = desk.queue(other, exclusive=False, durable=True)
    put(other, queue, "old")
    channel.tx_select()
    channel.basic_ack(channel.basic_get(queue)[0].delivery_tag)
    put(channel, queue, "new")
    assert depth(other, queue) == 0
    channel.tx_commit()
    assert depth(other, queue) == 1
    channel.connection.close()
    assert other.queue_delete(queue).method.message_count == 1


def test_what_a_transaction_did_is_undone_when_it_is_rolled_back(desk: Desk) -> None:
    channel, other = desk.channel(), desk.confirming()
    queue = desk.queue(other, exclusive=False, durable=True)
    put(other, queue, "old")
    channel.tx_select()
    tag = channel.basic_get(queue)[0].delivery_tag
    channel.basic_ack(tag)
    put(channel, queue, "new")
    channel.tx_rollback()
    channel.basic_reject(tag, requeue=True)
    channel.tx_commit()
    assert [take(other, queue)[2], depth(other, queue)] == [b"old", 0]
    other.queue_delete(queue)


def test_confirms_and_transactions_exclude_each_other(desk: Desk) -> None:
    confirming, transacting = desk.confirming(), desk.channel()
    transacting.tx_select()
    assert refusal(confirming.tx_select) == ("channel", 406)
    assert refusal(transacting.confirm_delivery) == ("channel", 406)


@pytest.mark.parametrize("verb", ["tx_commit", "tx_rollback"])
def test_no_transaction_is_ended_that_was_not_begun(desk: Desk, verb: str) -> None:
    channel = desk.channel()
    assert refusal(getattr(channel, verb)) == ("channel", 406)
