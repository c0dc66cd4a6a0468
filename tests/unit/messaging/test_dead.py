"""What fails again and again, what is no message, and what a person does with the dead."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.messaging import JsonEncoder, MessageCommand, MessagingError, RejectMessage
from pelagos.messaging.binding import make_queue
from pelagos.messaging.dead.again import (
    LEASE_MS,
    Patience,
    back_again,
    bare,
    clean,
    from_waiting,
    names_in,
    note,
    noted,
    register_queue,
    restored,
    to_the_dead,
    to_wait,
    waiting_queue,
)
from pelagos.messaging.dead.letters import DeadLetters
from pelagos.messaging.errors import PublishTimeoutError
from pelagos.messaging.processor import MessageHandler, MessageProcessor, Retry
from pelagos.messaging.processor.settling import with_dead_letters
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Connection,
    Delivery,
    Envelope,
    Properties,
    Queue,
)
from pelagos.messaging.transports.memory import MemoryTransport
from pelagos.messaging.transports.memory.connection import MemoryConnection
from support.bus_desk import Desk

_names = itertools.count()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"dead-{next(_names)}"))
    yield made
    made.close()


class Failing(MessageProcessor):
    """Fails as it is told."""

    desk: Desk
    retry = Retry(attempts=3, first=0.01, factor=2)

    @MessageHandler("command", "go")
    def msg_go(self, content: Any) -> None:
        message = self.current.message
        self.desk.got.put((message.attempt, message.key, message.delivery.exchange))
        if message.attempt <= content["parameters"]:
            raise OSError("disk full")

    @MessageHandler("command", "refuse")
    def msg_refuse(self, _content: Any) -> None:
        raise RejectMessage("too large")

    @MessageHandler("command", "once", retry=Retry(attempts=1))
    def msg_once(self, _content: Any) -> None:
        self.desk.got.put("once")
        raise OSError


# Trying again.


def test_a_failed_message_comes_again_as_it_first_came(desk: Desk) -> None:
    desk.run(Failing)
    desk.tell("go", 2)
    assert [desk.take() for _ in range(3)] == [
        (attempt, "k", desk.exchange.name) for attempt in (1, 2, 3)
    ]
    desk.settled()
    assert desk.dead.count() == 0


def test_what_fails_too_often_is_dead_with_its_story(desk: Desk) -> None:
    desk.run(Failing)
    desk.tell("go", 99, message_id="m1", headers={"mine": 5, "x-death": [{"bad": 1}]})
    (letter,) = desk.letters()
    assert (letter.queue, letter.exchange, letter.key) == (desk.queue, desk.exchange.name, "k")
    assert (letter.cause, letter.handler) == ("OSError: disk full", "Failing.msg_go")
    assert letter.attempts == 3 and letter.died
    assert JsonEncoder.decode(letter.body)["name"] == "go"
    assert letter.properties.message_id == "m1"
    assert letter.properties.headers["mine"] == 5
    assert "x-death" not in letter.properties.headers
    headers = letter.properties.headers
    assert headers["x-pelagos-queue"] == desk.queue and headers["x-pelagos-attempts"] == 3


def test_only_the_handler_that_failed_gets_it_again(desk: Desk) -> None:
    class Two(MessageProcessor):
        retry = Retry(attempts=2, first=0.01)

        @MessageHandler("command", "go")
        def fine(self, _content: Any) -> None:
            desk.got.put("fine")

        @MessageHandler("command", "go")
        def failing(self, _content: Any) -> None:
            desk.got.put("failing")
            raise OSError

    desk.run(Two)
    desk.tell("go")
    assert [desk.take() for _ in range(3)] == ["fine", "failing", "failing"]
    desk.letters()
    desk.dead.retry()
    assert [desk.take(), desk.take()] == ["failing", "failing"]


def test_each_handler_may_be_tried_in_its_own_way(desk: Desk) -> None:
    desk.run(Failing)
    desk.tell("once")
    desk.tell("refuse")
    first, second = desk.letters(2)
    assert (first.attempts, first.cause) == (1, "OSError: ")
    assert (second.attempts, second.cause) == (1, "RejectMessage: too large")


def test_without_a_queue_for_the_dead_the_broker_has_them(desk: Desk) -> None:
    class Rejecting(Failing):
        retry = None
        dead_letters = None

    flags = {
        "arguments": {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": desk.graves,
        }
    }
    desk.link.declare_queue(Queue(desk.graves))
    desk.run(Rejecting, flags=flags)
    desk.tell("go", 9)
    desk.raw(b"poison")
    letters = desk.letters(2)
    assert {letter.cause for letter in letters} == {"a consumer rejected it"}
    assert {letter.queue for letter in letters} == {desk.queue}
    assert {letter.key for letter in letters} == {"k"}


def test_a_message_in_hand_is_never_lost_with_the_connection(desk: Desk) -> None:
    """The connection is cut while handlers fail: everything ends up handled or dead."""
    desk.run(Failing)
    for number in range(30):
        desk.tell("go", 99, message_id=f"m{number}")
        if number % 10 == 5:
            desk.bus.broker.cut()  # type: ignore[attr-defined]
            desk.link = desk.bus.open()
    wanted = {f"m{number}" for number in range(30)}
    desk.until(lambda: {one.properties.message_id for one in desk.dead.list()} == wanted)
    assert desk.dead.count() >= len(wanted)


# Poison.


def test_what_the_broker_took_back_meanwhile_is_not_put_aside_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_back: list[bool] = []

    class Slow(MessageProcessor):
        retry = Retry(attempts=2, first=0.01)

        @MessageHandler("command", "go")
        def msg_go(self, _content: Any) -> None:
            message = self.current.message
            desk.got.put((message.attempt, message.redelivered))
            if not message.redelivered:
                taken_back.append(True)  # once; in memory the rejection lets it come again
                raise OSError

    monkeypatch.setattr(
        MemoryConnection, "holds", lambda *_: not (taken_back and taken_back.pop())
    )
    desk.run(Slow)
    desk.tell("go")
    assert [desk.take(), desk.take()] == [(1, False), (1, True)]
    desk.settled()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a mapping"),
        (b"{}", "'type' is missing"),
        (JsonEncoder.encode(MessageCommand("x").body | {"category": "other"}), "'category'"),
        (JsonEncoder.encode(MessageCommand("x").body | {"name": None}), "'name'"),
    ],
)
def test_poison_is_quarantined_with_its_cause(
    desk: Desk, body: bytes, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.run(Failing)
    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        desk.raw(body, headers={"CC": ["nowhere"]}, expiration=60.0)
        (letter,) = desk.letters()
    assert cause in letter.cause and letter.body == body
    assert (letter.handler, letter.attempts) == ("", 0)
    assert letter.properties.expiration is None
    assert len(caplog.records) == 1 and cause in caplog.records[0].getMessage()


def test_who_calls_with_poison_hears_of_it(desk: Desk) -> None:
    desk.run(Failing)
    desk.raw(b"{", reply_to=desk.reply_queue, correlation_id="1")
    content = JsonEncoder.decode(desk.answer().body)["content"]
    assert content["type"] == "error" and "not JSON" in content["message"]
    desk.letters()


def test_an_encoder_that_fails_in_its_own_way_quarantines(desk: Desk) -> None:
    class Odd(JsonEncoder):
        @classmethod
        def decode(cls, _data: Any) -> Any:
            raise ZeroDivisionError

    processor = desk.run(Failing)
    processor.consumer.encoder_class = Odd
    desk.tell("go", 0)
    assert "ZeroDivisionError" in desk.letters()[0].cause


# The dead.


def fill(desk: Desk, count: int) -> list[str]:
    desk.run(Failing)
    for number in range(count):
        desk.tell("refuse", number)
    return [letter.id for letter in desk.letters(count)]


def test_the_dead_are_listed_in_order_and_stay(desk: Desk) -> None:
    ids = fill(desk, 5)
    assert len(set(ids)) == 5
    assert [letter.id for letter in desk.dead.list(2)] == ids[:2]
    assert [letter.id for letter in desk.dead.list()] == ids
    assert desk.dead.show(ids[3]).id == ids[3]
    assert desk.dead.count() == 5


def test_a_letter_can_be_dropped_and_the_others_stay_in_order(desk: Desk) -> None:
    ids = fill(desk, 5)
    assert [letter.id for letter in desk.dead.drop(ids[2], ids[0])] == [ids[0], ids[2]]
    assert [letter.id for letter in desk.dead.list()] == [ids[1], ids[3], ids[4]]
    assert len(desk.dead.drop()) == 3
    assert desk.dead.count() == 0


def test_an_unknown_or_ambiguous_id_changes_nothing(desk: Desk) -> None:
    ids = fill(desk, 20)
    for unknown in ("zzz", ""):
        with pytest.raises(MessagingError, match="there is no dead letter"):
            desk.dead.drop(ids[0], unknown)
    beginnings = [one[0] for one in ids]
    shared = next(one for one in beginnings if beginnings.count(one) > 1)
    with pytest.raises(MessagingError, match=r"dead letters begin with"):
        desk.dead.show(shared)
    assert desk.dead.count() == 20


def test_a_letter_that_is_retried_begins_anew_where_it_died(desk: Desk) -> None:
    desk.run(Failing)
    desk.tell("go", 99)
    (letter,) = desk.letters()
    assert [desk.take()[0] for _ in range(3)] == [1, 2, 3]
    assert [one.id for one in desk.dead.retry(letter.id[:6])] == [letter.id]
    assert [desk.take() for _ in range(3)] == [(n, "k", desk.exchange.name) for n in (1, 2, 3)]
    desk.letters()


def test_a_letter_whose_queue_is_gone_stays(desk: Desk) -> None:
    (letter_id,) = fill(desk, 1)
    desk.stop()
    desk.link.delete_queue(desk.queue)
    with pytest.raises(MessagingError, match="there is no queue") as refused:
        desk.dead.retry(letter_id)
    assert refused.value.hint
    assert desk.dead.count() == 1
    desk.dead.retry(letter_id, to=desk.reply_queue)
    assert b"refuse" in desk.answer().body
    assert desk.dead.count() == 0


def test_where_nothing_ever_died_there_is_nothing() -> None:
    letters = DeadLetters(MemoryTransport("quiet"))
    assert (letters.count(), letters.list(), letters.drop()) == (0, [], [])


def test_what_looks_after_dead_letters_waits_as_long_as_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (letter_id,) = fill(desk, 1)
    given: list[float] = []
    bus, opened = desk.dead.bus, desk.dead.bus.open

    def keep(timeout: float) -> Connection:
        given.append(timeout)
        link = opened(timeout)
        monkeypatch.setattr(type(link), "publish", lambda *_: None)  # it confirms nothing
        return link

    with monkeypatch.context() as within:
        within.setattr(bus, "open", keep)
        with pytest.raises(PublishTimeoutError, match=r"within 0\.25 s"):
            DeadLetters(bus, desk.graves, timeout=0.25).retry(letter_id)
    assert given == [0.25]
    assert [letter.id for letter in desk.letters()] == [letter_id]


def test_a_letter_from_a_stranger_can_be_read_and_not_sent_back(desk: Desk) -> None:
    desk.link.declare_queue(Queue(desk.graves))
    hostile = {"x-death": "no list", "x-pelagos-cause": 5, "x-pelagos-died": "now"}
    desk.put(Envelope("", desk.graves, b"?", Properties("", headers=hostile)))
    (letter,) = desk.letters()
    assert (letter.queue, letter.cause, letter.died) == ("", "not told", None)
    with pytest.raises(MessagingError, match="nobody knows"):
        desk.dead.retry(letter.id)
    assert len(desk.dead.drop(letter.id)) == 1


# What is sent on; pure.


def delivery(**properties: Any) -> Delivery:
    properties.setdefault("message_id", "m")
    return Delivery("q", "x", "k", b"body", Properties(**properties), False, 1)


def test_what_is_sent_on_keeps_what_it_was_but_not_what_brokers_act_on() -> None:
    headers = {"mine": 1, "CC": ["other"], "bcc": [], "x-death": [], "x-delivery-count": 3}
    sent = to_the_dead(
        delivery(headers=headers, user_id="ann", expiration=1.0, reply_to=DIRECT_REPLY_TO),
        "graves",
        cause="bad \udcff" + "x" * 5000,
        attempts=2,
        died=7,
        letter="l",
        handlers=["A.b"],
    )
    assert (sent.exchange, sent.key, sent.body, sent.mandatory) == ("", "graves", b"body", True)
    properties = sent.properties
    assert (properties.user_id, properties.expiration, properties.reply_to) == (None, None, None)
    assert properties.persistent
    assert len(properties.headers["x-pelagos-cause"].encode()) < 1100
    names = {name for name in properties.headers if not name.startswith("x-pelagos-")}
    assert names == {"mine"}
    assert properties.headers["x-pelagos-user-id"] == "ann"
    assert set(bare(sent).properties.headers) == set(properties.headers) - {"mine"}


def test_headers_that_leave_no_room_for_ours_are_left_out() -> None:
    sent = to_wait(delivery(headers={"big": "x" * 120_000}), "w", 2, due=0)
    assert all(name.startswith("x-pelagos-") for name in sent.properties.headers)


def test_a_second_attempt_remembers_where_the_first_came_from() -> None:
    first = to_wait(delivery(), "w", 2, ["A.b"], due=0)
    back = Delivery("q", "", "q", b"body", first.properties, False, 2)
    assert (restored(back).exchange, restored(back).key) == ("x", "k")
    assert names_in(back.properties.headers) == ("A.b",)
    again = to_wait(back, "w", 3, due=0)
    assert again.properties.headers["x-pelagos-key"] == "k"
    assert "x-pelagos-handlers" not in again.properties.headers
    revived = back_again(back, "q").properties.headers
    assert revived == {
        "x-pelagos-exchange": "x",
        "x-pelagos-key": "k",
        "x-pelagos-handlers": ["A.b"],
    }


@pytest.mark.parametrize("hostile", [None, 5, "A.b", [1, None], {"a": 1}, [["A"]]])
def test_hostile_headers_are_no_names(hostile: Any) -> None:
    assert names_in({"x-pelagos-handlers": hostile}) == ()
    odd = {"x-pelagos-key": hostile, "x-pelagos-exchange": hostile}
    given = Delivery("q", "", "q", b"", Properties("m", headers=odd), False, 1)
    assert restored(given).key in ("q", "A.b")


def test_a_queue_for_waiting_has_a_name_that_brokers_take() -> None:
    plain = waiting_queue(Queue("q"), 1000)
    assert plain == Queue("q.retry.1000", arguments={"x-queue-type": "classic"})
    assert register_queue(Queue("q")).name == "q.retry.delays"
    own = waiting_queue(Queue("amq.gen-1", exclusive=True, durable=False), 5)
    assert own.name == "pelagos.amq.gen-1.retry.5" and own.exclusive
    long = [waiting_queue(Queue("é" * 126 + end), 5).name for end in "ab"]
    assert long[0] != long[1] and all(len(name.encode()) <= 255 for name in long)


def test_what_waits_is_as_lasting_as_its_queue() -> None:
    replicated = waiting_queue(Queue("q", arguments={"x-queue-type": "quorum"}), 5)
    assert replicated.arguments["x-queue-type"] == "quorum"
    assert replicated.arguments["x-delivery-limit"] > 10**6
    assert "x-expires" not in replicated.arguments | waiting_queue(Queue("q"), 5).arguments
    for own, passing in (
        (0, Queue("q", auto_delete=True)),
        (7, Queue("q", arguments={"x-expires": 7})),
    ):
        assert waiting_queue(passing, 10_000).arguments["x-expires"] == LEASE_MS + 10_000 + own
        assert register_queue(passing).arguments["x-expires"] == LEASE_MS + own


def test_a_message_that_waits_is_brought_back_as_it_was() -> None:
    first = delivery(headers={"mine": 1, "x-pelagos-handlers": ["A.b"]}, correlation_id="c")
    waits = to_wait(first, "w", 2, ["A.b"], due=5_000)
    assert waits.properties.headers["x-pelagos-due"] == 5_000
    came = Delivery("w", "", "w", waits.body, waits.properties, True, 1)
    back = from_waiting(came, "q")
    assert (back.exchange, back.key, back.body, back.mandatory) == ("", "q", first.body, True)
    left = dict(waits.properties.headers)
    del left["x-pelagos-due"]
    assert back.properties == replace(waits.properties, headers=left)


@pytest.mark.parametrize(
    ("due", "now", "left"),
    [
        (1_500, 1_000, 500),
        (1_000, 1_000, 0),
        (1_000, 9_000_000, 0),
        (None, 0, 0),
        ("5", 0, 0),
        (True, 0, 0),
    ],
)
def test_what_waits_is_due_at_its_time(due: object, now: int, left: int) -> None:
    assert Patience(1_000).left_ms(due, now) == left


@given(
    delay=st.integers(1, 10_000),
    puts=st.lists(st.integers(0, 20_000), min_size=1, max_size=20).map(sorted),
    jumps=st.lists(st.tuples(st.integers(0, 40_000), st.integers(-(10**12), 10**12)), max_size=4),
)
def test_clocks_that_jump_keep_nobody_waiting(
    delay: int, puts: list[int], jumps: list[tuple[int, int]]
) -> None:
    """However the clock was set: all come back, in time if it ran backwards at most."""

    def wall(moment: int) -> int:
        return 10**13 + moment + sum(by for at, by in jumps if at <= moment)

    waits = [wall(at) + delay for at in puts]
    patience, now = Patience(delay), 0
    looks = 0
    while waits:
        looks += 1
        now = max(now, puts[len(puts) - len(waits)])
        left = patience.left_ms(waits[0], wall(now))
        assert left <= delay
        if left:
            now += left
        else:
            waits.pop(0)
    assert now <= puts[-1] + delay * (len(jumps) + 2)
    assert looks <= 2 * len(puts) + len(jumps) + 1


@pytest.mark.parametrize(
    ("body", "delay"),
    [(b"250", 250), (b"0", None), (b"", None), (b"-1", None), (b"9" * 13, None), (b"x", None)],
)
def test_a_note_of_a_delay_is_a_number(body: bytes, delay: int | None) -> None:
    assert noted(Delivery("q", "", "q", body, Properties(""), False, 1)) == delay
    if delay is not None:
        assert note(delay, "q").body == body


def test_a_quorum_queue_gets_dead_letters_unless_it_has_some() -> None:
    def arguments(**given: Any) -> dict[str, Any]:
        described = {"name": "q", "flags": {"arguments": given}}
        found, same = (
            make_queue(with_dead_letters((queue, "k"), "graves")[0])
            for queue in (described, Queue("q", arguments=given))
        )
        assert found == same
        return dict(found.arguments)

    made = arguments(**{"x-queue-type": "quorum"})
    assert made["x-dead-letter-routing-key"] == "graves"
    own = {"x-queue-type": "quorum", "x-dead-letter-exchange": "mine"}
    assert arguments(**own) == own
    assert arguments(**{"x-max-length": 5}) == {"x-max-length": 5}
    assert with_dead_letters(("q", "k"), "graves") == ("q", "k")


@pytest.mark.parametrize(
    "given", [{"attempts": 0}, {"first": -1}, {"factor": 0.5}, {"first": 10, "limit": 5}]
)
def test_a_retry_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(MessagingError):
        Retry(**given)


def test_delays_grow_up_to_the_limit_and_end() -> None:
    assert Retry(attempts=5, first=1, factor=10, limit=50).delays_ms() == [
        1000,
        10000,
        50000,
        50000,
    ]
    assert Retry(attempts=1).delay_ms(1) is None
    assert Retry(attempts=2, first=0).delays_ms() == [1]
    assert clean("x" * 9, 5) == "xxxx…"
