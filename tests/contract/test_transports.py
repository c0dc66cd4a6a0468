"""What every transport must do: in memory, on a real RabbitMQ, and on the embedded broker."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    ConnectionLostError,
    Exchange,
    MessagingError,
    PublishRefusedError,
    TopologyError,
    Transport,
    UnroutableError,
    connect,
)
from pelagos.messaging.transports.base import (
    DIRECT_REPLY_TO,
    Connection,
    Delivery,
    Envelope,
    Properties,
    Queue,
)

WAIT = 60.0  # seconds after which something that must come has not come
QUIET = 0.1  # seconds without anything that count as nothing more


@pytest.fixture(
    params=["memory", "amqp", "amqp+pika", "amqp on embedded", "amqp+pika on embedded"]
)
def transport(request: pytest.FixtureRequest) -> Transport:
    scheme, _, where = request.param.partition(" on ")
    if scheme == "memory":
        return connect(f"memory:{uuid.uuid4().hex}")
    if where:
        url = request.getfixturevalue("embedded_broker").url
    else:
        url = request.getfixturevalue("rabbitmq_url")
    return connect(url.replace("amqp", scheme, 1))


@pytest.fixture
def dial(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Connection]]:
    connections: list[Connection] = []
    for engine in ("amqp", "pika"):  # what ends in order does so on a busy machine, too
        monkeypatch.setattr(
            f"pelagos.messaging.transports.{engine}.connection._CLOSE_TIMEOUT", WAIT
        )

    def open_one() -> Connection:
        connections.append(transport.open())
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


@pytest.fixture
def link(dial: Callable[[], Connection]) -> Connection:
    return dial()


@pytest.fixture
def made(dial: Callable[[], Connection]) -> Iterator[list[str]]:
    """Durable queues that a test makes, for deletion."""
    names: list[str] = []
    yield names
    if names:
        last = dial()
        for name in names:
            last.delete_queue(name)


def exchange(kind: str, **attributes: Any) -> type[Exchange]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    given = {"name": name, "exchange_type": kind, "durable": False, "auto_delete": True}
    return type("Made", (Exchange,), given | attributes)


def letter(
    where: str, key: str, body: bytes = b"x", *, mandatory: bool = False, **properties: Any
) -> Envelope:
    made = Properties(**({"message_id": uuid.uuid4().hex} | properties))
    return Envelope(where, key, body, made, mandatory=mandatory)


def publish(link: Connection, envelope: Envelope) -> MessagingError | None:
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    link.publish(envelope, answers.put)
    return answers.get(timeout=WAIT)


class Inbox:
    """Collects what a consumer gets."""

    def __init__(self, link: Connection, name: str, *, prefetch: int = 100) -> None:
        self.link = link
        self.items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()
        link.consume(name, self.items.put, self.ended.put, prefetch=prefetch)

    def take(self) -> Delivery:
        return self.items.get(timeout=WAIT)

    def bodies(self, count: int, *, ack: bool = True) -> list[bytes]:
        """So many bodies, and no more come."""
        found = [self.take() for _ in range(count)]
        if ack:
            for delivery in found:
                self.link.ack(delivery)
        assert self.is_quiet()
        return [delivery.body for delivery in found]

    def is_quiet(self) -> bool:
        try:
            self.items.get(timeout=QUIET)
        except queue.Empty:
            return True
        return False


def bound(link: Connection, where: type[Exchange], *keys: str, **flags: Any) -> str:
    """A queue of one's own behind an exchange."""
    link.declare_exchange(where)
    name = link.declare_queue(
        Queue(**({"durable": False, "exclusive": True, "auto_delete": True} | flags))
    ).name
    for key in keys:
        link.bind(where.name, name, key)
    return name


def _all(link: Connection, name: str) -> Iterator[Delivery]:
    """What waits in a queue, once all of it has come back there."""
    while link.declare_queue(Queue(name, passive=True)).messages == 0:
        time.sleep(0.01)
    while (found := link.get(name)) is not None:
        yield found


# Routing.


def test_a_direct_exchange_takes_the_exact_key_only(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "a.b"))
    for key in ("a.b", "a", "a.b.c", "A.B", "*.b"):
        assert publish(link, letter(where.name, key, key.encode())) is None
    assert inbox.bodies(1) == [b"a.b"]


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("a.*", ["a.b", "a."]),
        ("a.#", ["a", "a.b", "a.b.c", "a."]),
        ("#", ["", "a", "a.b", "a.b.c", "a.", ".", "x.b"]),
        ("*", ["a"]),
        ("*.b", ["a.b", "x.b"]),
        ("#.b.#", ["a.b", "a.b.c", "x.b"]),
        ("", [""]),
        ("*.*", ["a.b", "a.", ".", "x.b"]),
    ],
)
def test_a_topic_exchange_takes_what_its_pattern_says(
    link: Connection, pattern: str, taken: list[str]
) -> None:
    where = exchange("topic")
    inbox = Inbox(link, bound(link, where, pattern))
    for key in ("", "a", "a.b", "a.b.c", "a.", ".", "x.b"):
        assert publish(link, letter(where.name, key, key.encode())) is None
    assert sorted(inbox.bodies(len(taken))) == sorted(key.encode() for key in taken)


def test_a_fanout_exchange_gives_each_queue_a_copy(link: Connection) -> None:
    where = exchange("fanout")
    inboxes = [Inbox(link, bound(link, where, "ignored")) for _ in range(3)]
    assert publish(link, letter(where.name, "any", b"all")) is None
    assert [inbox.bodies(1) for inbox in inboxes] == [[b"all"]] * 3


def test_a_queue_gets_one_copy_however_many_of_its_bindings_match(link: Connection) -> None:
    where = exchange("topic")
    inbox = Inbox(link, bound(link, where, "a.*", "#", "a.b"))
    publish(link, letter(where.name, "a.b", b"once"))
    assert inbox.bodies(1) == [b"once"]


def test_the_default_exchange_finds_a_queue_by_its_name(link: Connection) -> None:
    link.declare_exchange(type("Default", (Exchange,), {"name": ""}))
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    assert publish(link, letter("", name, b"direct")) is None
    delivery = Inbox(link, name).take()
    assert (delivery.body, delivery.exchange, delivery.key) == (b"direct", "", name)
    assert delivery.queue == name


def test_an_unbound_key_is_taken_no_more(link: Connection) -> None:
    where = exchange("direct", auto_delete=False)
    name = bound(link, where, "a", "b")
    inbox = Inbox(link, name)
    link.unbind(where.name, name, "a")
    link.unbind(where.name, name, "never bound")
    for key in ("a", "b"):
        publish(link, letter(where.name, key, key.encode()))
    assert inbox.bodies(1) == [b"b"]


# Publishing.


def test_a_message_that_no_queue_takes_is_dropped_unless_it_is_mandatory(link: Connection) -> None:
    where = exchange("direct", auto_delete=False)
    link.declare_exchange(where)
    assert publish(link, letter(where.name, "nobody")) is None
    envelope = letter(where.name, "nobody", mandatory=True)
    problem = publish(link, envelope)
    assert isinstance(problem, UnroutableError)
    assert problem.message_id == envelope.properties.message_id
    assert "'nobody'" in str(problem)


def test_what_is_posted_is_taken_in_order_or_left_to_publish(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"))
    letters = [letter(where.name, "k", b"%d" % n, persistent=False) for n in range(50)]
    taken = [link.post(one, at_once=n % 3 == 0) for n, one in enumerate(letters)]
    assert len(set(taken)) == 1
    assert inbox.bodies(50 if taken[0] else 0) == [b"%d" % n for n in range(50) if taken[0]]


def test_what_is_posted_and_no_queue_takes_is_told(link: Connection) -> None:
    where = exchange("direct")
    link.declare_exchange(where)
    told: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()
    link.on_return(told.put)
    envelope = letter(where.name, "nobody", mandatory=True)
    if link.post(envelope):
        problem = told.get(timeout=WAIT)
        assert isinstance(problem, UnroutableError)
        assert problem.message_id == envelope.properties.message_id


def test_nothing_is_posted_over_a_closed_connection(link: Connection) -> None:
    link.close()
    with contextlib.suppress(ConnectionLostError):
        assert not link.post(letter("", "anywhere"))


def test_what_cannot_be_written_is_not_posted(link: Connection) -> None:
    assert not link.post(letter("", "anywhere", headers={"what": object()}))


def test_a_mandatory_message_that_is_taken_is_no_error(link: Connection) -> None:
    where = exchange("direct")
    bound(link, where, "k")
    assert publish(link, letter(where.name, "k", mandatory=True)) is None


def test_publishing_to_an_exchange_that_is_not_there_loses_the_connection(
    link: Connection,
) -> None:
    assert isinstance(publish(link, letter("no-such-exchange", "k")), ConnectionLostError)
    assert not link.is_open


def test_what_travels_beside_the_body_arrives(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "schlüssel.é"))
    sent = Properties(
        message_id="m-1",
        content_type="application/json",
        persistent=False,
        headers={"trace": "t1", "count": 3, "list": ["a", {"b": True}]},
        reply_to="somewhere",
        correlation_id="c-1",
        expiration=60.0,
        timestamp=1_700_000_000,
    )
    assert publish(link, Envelope(where.name, "schlüssel.é", b"\x00\xff", sent)) is None
    delivery = inbox.take()
    assert delivery.properties == sent
    assert (delivery.exchange, delivery.key) == (where.name, "schlüssel.é")
    assert (delivery.body, delivery.redelivered) == (b"\x00\xff", False)


@pytest.mark.parametrize("size", [0, 1, 131_064, 131_073, 3_000_000])
def test_bodies_of_any_size_arrive_whole(link: Connection, size: int) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"))
    body = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    assert publish(link, letter(where.name, "k", body)) is None
    assert inbox.bodies(1) == [body]


def test_messages_of_one_publisher_stay_in_order(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"), prefetch=10_000)
    answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    for number in range(1000):
        link.publish(letter(where.name, "k", str(number).encode()), answers.put)
    assert [answers.get(timeout=WAIT) for _ in range(1000)] == [None] * 1000
    assert inbox.bodies(1000) == [str(number).encode() for number in range(1000)]


def test_many_threads_publish_over_one_connection(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"), prefetch=10_000)
    failures: list[object] = []

    def work(worker: int) -> None:
        for number in range(50):
            problem = publish(link, letter(where.name, "k", f"{worker}-{number}".encode()))
            if problem is not None:
                failures.append(problem)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(inbox.bodies(400))) == 400


def test_a_queue_that_is_full_refuses_when_it_shall(link: Connection) -> None:
    where = exchange("direct")
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    name = bound(link, where, "k", arguments=arguments, auto_delete=False)
    assert [publish(link, letter(where.name, "k")) for _ in range(2)] == [None, None]
    problem = publish(link, letter(where.name, "k"))
    assert isinstance(problem, PublishRefusedError) and problem.retry_after
    assert Inbox(link, name).bodies(2) == [b"x", b"x"]


def test_a_queue_that_is_full_drops_its_oldest_otherwise(link: Connection) -> None:
    where = exchange("direct")
    name = bound(link, where, "k", arguments={"x-max-length": 2}, auto_delete=False)
    for body in (b"1", b"2", b"3"):
        assert publish(link, letter(where.name, "k", body)) is None
    assert Inbox(link, name).bodies(2) == [b"2", b"3"]


# Declaring.


def test_declaring_again_is_harmless(link: Connection, made: list[str]) -> None:
    where = exchange("topic")
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    for _ in range(2):
        link.declare_exchange(where)
        assert link.declare_queue(Queue(name)).name == name
        link.bind(where.name, name, "k")
    assert link.declare_queue(Queue(name, arguments={"x-queue-type": "classic"})).name == name


def test_declaring_differently_is_refused_and_harms_nothing(
    link: Connection, made: list[str]
) -> None:
    where = exchange("topic")
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    link.declare_exchange(where)
    link.declare_queue(Queue(name))
    with pytest.raises(TopologyError) as refused:
        link.declare_exchange(type("Other", (Exchange,), {"name": where.name}))
    assert (refused.value.code, refused.value.name) == (406, where.name)
    with pytest.raises(TopologyError) as refused:
        link.declare_queue(Queue(name, arguments={"x-max-length": 5}))
    assert (refused.value.code, refused.value.name) == (406, name)
    assert refused.value.hint
    link.bind(where.name, name, "k")
    assert publish(link, letter(where.name, "k", mandatory=True)) is None


def test_a_kind_of_exchange_that_there_is_not_is_refused(
    dial: Callable[[], Connection], link: Connection
) -> None:
    with pytest.raises(TopologyError) as refused:
        dial().declare_exchange(exchange("unheard-of"))
    assert refused.value.code == 503
    assert "unheard-of" in str(refused.value)
    bound(link, exchange("direct"))


def test_what_is_not_there_is_said_to_be_missing(link: Connection) -> None:
    where = exchange("direct")
    absent = type("Absent", (Exchange,), {"name": "no-such-exchange", "passive": True})
    link.declare_exchange(where)
    attempts: list[Callable[[], object]] = [
        lambda: link.declare_exchange(absent),
        lambda: link.declare_queue(Queue("no-such-queue", passive=True)),
        lambda: link.bind(where.name, "no-such-queue", "k"),
        lambda: link.bind("no-such-exchange", bound(link, where), "k"),
        lambda: Inbox(link, "no-such-queue"),
    ]
    codes = []
    for attempt in attempts:
        with pytest.raises(TopologyError) as refused:
            attempt()
        codes.append(refused.value.code)
    assert codes == [404] * 5
    assert link.is_open


def test_a_passive_declaration_tells_what_waits(link: Connection) -> None:
    where = exchange("direct")
    name = bound(link, where, "k", auto_delete=False)
    for _ in range(3):
        publish(link, letter(where.name, "k"))
    info = link.declare_queue(Queue(name, passive=True))
    assert (info.name, info.messages, info.consumers) == (name, 3, 0)


def test_names_of_the_broker_itself_are_refused(link: Connection) -> None:
    with pytest.raises(TopologyError) as refused:
        link.declare_queue(Queue("amq.mine"))
    assert refused.value.code == 403
    with pytest.raises(TopologyError) as refused:
        link.declare_exchange(type("Mine", (Exchange,), {"name": "amq.mine"}))
    assert refused.value.code == 403
    link.declare_exchange(type("Theirs", (Exchange,), {"name": "amq.direct"}))


def test_an_exclusive_queue_belongs_to_its_connection(dial: Callable[[], Connection]) -> None:
    mine, other = dial(), dial()
    name = f"test-{uuid.uuid4().hex}"
    mine.declare_queue(Queue(name, durable=False, exclusive=True))
    attempts: list[Callable[[], object]] = [
        lambda: other.declare_queue(Queue(name, durable=False, exclusive=True)),
        lambda: Inbox(other, name),
        lambda: other.delete_queue(name),
    ]
    for attempt in attempts:
        with pytest.raises(TopologyError) as refused:
            attempt()
        assert refused.value.code == 405
    mine.close()
    other.declare_queue(Queue(name, durable=False, exclusive=True))


def test_queues_without_a_name_get_different_ones(link: Connection) -> None:
    own = Queue(durable=False, exclusive=True)
    first, second = link.declare_queue(own).name, link.declare_queue(own).name
    assert first != second and first.startswith("amq.gen-")


def test_an_auto_delete_queue_goes_with_its_last_consumer(
    link: Connection, dial: Callable[[], Connection]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    link.declare_queue(Queue(name, auto_delete=True))
    readers = [dial(), dial()]
    for reader in readers:
        Inbox(reader, name)
    readers[0].close()
    assert link.declare_queue(Queue(name, passive=True)).consumers == 1
    readers[1].close()
    with pytest.raises(TopologyError):
        link.declare_queue(Queue(name, passive=True))


def test_deleting_a_queue_that_is_not_there_is_no_error(link: Connection) -> None:
    link.delete_queue("no-such-queue")
    assert link.is_open


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("k" * 256, "256 bytes"), ("é" * 128, "256 bytes"), ("\ud800", "UTF-8"), (None, "NoneType")],
)
def test_names_that_cannot_be_sent_are_refused_and_harm_nothing(
    link: Connection, name: Any, complaint: str
) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"))
    attempts: list[Callable[[], object]] = [
        lambda: publish(link, letter(where.name, name)),
        lambda: publish(link, letter(name, "k")),
        lambda: publish(link, letter(where.name, "k", message_id=name)),
        lambda: link.declare_queue(Queue(name)),
        lambda: link.declare_exchange(type("Odd", (Exchange,), {"name": name})),
        lambda: link.bind(where.name, "any", name),
        lambda: link.bind(where.name, name, "k"),
        lambda: link.bind(name, "any", "k"),
        lambda: link.unbind(where.name, "any", name),
        lambda: link.delete_queue(name),
        lambda: Inbox(link, name),
    ]
    for attempt in attempts:
        with pytest.raises(MessagingError, match=complaint):
            attempt()
    assert publish(link, letter(where.name, "k" * 255)) is None
    assert publish(link, letter(where.name, "k")) is None
    assert inbox.bodies(1) == [b"x"]


@pytest.mark.parametrize(
    "unfit",
    [
        {"priority": 256},
        {"priority": -1},
        {"priority": "high"},
        {"timestamp": -1},
        {"timestamp": 2**64},
        {"timestamp": "now"},
        {"expiration": "soon"},
        {"headers": {"what": object()}},
        {"headers": {"many": {1, 2}}},
        {"headers": {"large": 2**63}},
        {"headers": {"within": [{"a": object()}]}},
        {"headers": {"text": "\ud800"}},
        {"headers": {7: "a key that is no text"}},
        {"headers": {"k" * 256: "a long key"}},
    ],
    ids=lambda unfit: next(iter(unfit)),
)
def test_what_cannot_be_sent_beside_a_body_is_refused_alone(
    link: Connection, unfit: dict[str, Any]
) -> None:
    name = bound(link, exchange("direct"))
    problem = publish(link, letter("", name, b"odd", **unfit))
    assert isinstance(problem, PublishRefusedError) and problem.retry_after is None
    assert publish(link, letter("", name, b"next")) is None
    assert Inbox(link, name).bodies(1) == [b"next"]


def test_arguments_that_cannot_be_sent_are_refused_and_harm_nothing(link: Connection) -> None:
    for value in (object(), {1, 2}, -1, "many"):
        with pytest.raises(TopologyError):
            link.declare_queue(
                Queue(durable=False, exclusive=True, arguments={"x-max-length": value})
            )
    assert link.is_open


# Consuming.


def test_no_more_than_the_prefetch_is_unsettled(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"), prefetch=2)
    for body in (b"1", b"2", b"3"):
        publish(link, letter(where.name, "k", body))
    first = inbox.take()
    assert (first.body, inbox.take().body) == (b"1", b"2")
    assert inbox.is_quiet()
    link.ack(first)
    assert inbox.take().body == b"3"


def test_what_was_not_settled_comes_again_in_its_order(
    link: Connection, dial: Callable[[], Connection], made: list[str]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    link.declare_queue(Queue(name))
    for number in range(6):
        publish(link, letter("", name, str(number).encode()))
    reader = dial()
    inbox = Inbox(reader, name, prefetch=4)
    taken = [inbox.take() for _ in range(4)]
    reader.ack(taken[1])
    assert inbox.take().body == b"4"
    reader.close()
    again = Inbox(link, name)
    found = [again.take() for _ in range(5)]
    assert [delivery.body for delivery in found] == [b"0", b"2", b"3", b"4", b"5"]
    assert [delivery.redelivered for delivery in found] == [True] * 4 + [False]
    assert again.is_quiet()


def test_what_was_acknowledged_does_not_come_again(
    link: Connection, dial: Callable[[], Connection], made: list[str]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    link.declare_queue(Queue(name))
    for number in range(20):
        publish(link, letter("", name, str(number).encode()))
    reader = dial()
    inbox = Inbox(reader, name, prefetch=100)
    for _ in range(20):
        reader.ack(inbox.take())
    reader.close()  # in order: what was acknowledged before is acknowledged
    assert link.declare_queue(Queue(name, passive=True)).messages == 0


def test_a_message_given_back_comes_again(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"), prefetch=1)
    publish(link, letter(where.name, "k", b"1"))
    publish(link, letter(where.name, "k", b"2"))
    link.reject(inbox.take(), requeue=True)
    second = inbox.take()
    assert (second.body, second.redelivered) == (b"1", True)
    link.ack(second)
    assert inbox.take().body == b"2"


@pytest.mark.parametrize("again", ["ack", "give back", "refuse"])
def test_a_delivery_is_settled_once(link: Connection, transport: Transport, again: str) -> None:
    where = exchange("direct")
    name = bound(link, where, "k", auto_delete=False)
    inbox = Inbox(link, name, prefetch=1)
    publish(link, letter(where.name, "k", b"1"))
    publish(link, letter(where.name, "k", b"2"))
    first = inbox.take()
    link.ack(first)
    second = inbox.take()
    if again == "ack":
        link.ack(first)
    else:
        link.reject(first, requeue=again == "give back")
    if type(transport).__name__ == "PikaTransport":  # it asks the broker, which ends the channel
        problem = inbox.ended.get(timeout=WAIT)
        assert isinstance(problem, TopologyError) and problem.code == 406
        assert not link.holds(second)
        assert [delivery.body for delivery in _all(link, name)] == [b"2"]
        return
    assert inbox.is_quiet() and inbox.ended.empty()
    link.ack(second)
    publish(link, letter(where.name, "k", b"3"))
    assert inbox.bodies(1) == [b"3"]
    assert link.declare_queue(Queue(name, passive=True)).messages == 0


def test_a_rejected_message_is_gone(link: Connection) -> None:
    where = exchange("direct")
    name = bound(link, where, "k")
    inbox = Inbox(link, name)
    publish(link, letter(where.name, "k"))
    link.reject(inbox.take(), requeue=False)
    assert inbox.is_quiet()
    assert link.declare_queue(Queue(name, passive=True)).messages == 0


@pytest.mark.parametrize("reason", ["rejected", "expired", "maxlen"])
def test_a_message_that_cannot_stay_goes_to_the_dead_letters(
    link: Connection, reason: str
) -> None:
    where, graves = exchange("direct"), exchange("fanout")
    dead = Inbox(link, bound(link, graves, ""))
    limits = {"rejected": {}, "expired": {"x-message-ttl": 1}, "maxlen": {"x-max-length": 0}}
    arguments = {"x-dead-letter-exchange": graves.name, **limits[reason]}
    name = bound(link, where, "k", arguments=arguments, auto_delete=False)
    publish(link, letter(where.name, "k", b"lost", message_id="m-7"))
    if reason == "expired":
        time.sleep(0.05)  # the transport in memory looks when somebody comes
    if reason != "maxlen":
        inbox = Inbox(link, name)
    if reason == "rejected":
        link.reject(inbox.take(), requeue=False)
    letter_found = dead.take()
    assert (letter_found.body, letter_found.key) == (b"lost", "k")
    assert letter_found.properties.message_id == "m-7"
    death = letter_found.properties.headers["x-death"][0]
    assert (death["reason"], death["queue"], death["count"]) == (reason, name, 1)
    assert (death["exchange"], death["routing-keys"]) == (where.name, ["k"])


def test_a_message_that_expired_is_not_delivered(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    publish(link, letter("", name, b"old", expiration=0.001))
    publish(link, letter("", name, b"young", expiration=60.0))
    time.sleep(0.05)
    assert Inbox(link, name).bodies(1) == [b"young"]


def test_a_message_that_would_be_over_before_it_begins_is_refused_alone(link: Connection) -> None:
    name = bound(link, exchange("direct"))
    problem = publish(link, letter("", name, expiration=-0.5))
    assert isinstance(problem, PublishRefusedError) and problem.retry_after is None
    assert publish(link, letter("", name, b"next")) is None
    assert Inbox(link, name).bodies(1) == [b"next"]


def test_a_message_that_would_live_for_more_than_ten_years_is_refused(link: Connection) -> None:
    name = bound(link, exchange("direct"))
    problem = publish(link, letter("", name, expiration=316_000_000.0))
    assert isinstance(problem, PublishRefusedError)


def test_a_queue_that_nobody_uses_goes_when_its_time_is_over(link: Connection) -> None:
    name = f"test-{uuid.uuid4().hex}"
    link.declare_queue(Queue(name, arguments={"x-expires": 50}))
    deadline = time.monotonic() + WAIT
    problem = None
    while problem is None and time.monotonic() < deadline:
        time.sleep(0.2)  # longer than its life, as looking at it prolongs it
        problem = publish(link, letter("", name, mandatory=True))
    assert isinstance(problem, UnroutableError)


def test_consumers_of_one_queue_share_its_messages(
    link: Connection, dial: Callable[[], Connection], made: list[str]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    link.declare_queue(Queue(name))
    inboxes = [Inbox(dial(), name, prefetch=1) for _ in range(2)]
    for number in range(2):
        publish(link, letter("", name, str(number).encode()))
    assert {inbox.take().body for inbox in inboxes} == {b"0", b"1"}


def test_a_consumer_is_told_when_its_queue_is_deleted(
    link: Connection, dial: Callable[[], Connection]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    link.declare_queue(Queue(name))
    inbox = Inbox(dial(), name)
    link.delete_queue(name)
    ended = inbox.ended.get(timeout=WAIT)
    assert isinstance(ended, ConnectionLostError)
    assert name in str(ended)


def test_a_consumer_is_not_told_when_its_own_side_closes(dial: Callable[[], Connection]) -> None:
    link = dial()
    inbox = Inbox(link, link.declare_queue(Queue(durable=False, exclusive=True)).name)
    link.close()
    assert inbox.ended.empty()


def test_the_first_message_can_be_taken_without_a_consumer(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    assert link.get(name) is None
    for body in (b"1", b"2", b"3"):
        publish(link, letter("", name, body))
    first, second = link.get(name), link.get(name)
    assert first is not None and second is not None
    assert (first.body, second.body, first.queue) == (b"1", b"2", name)
    link.reject(first, requeue=True)
    link.ack(second)
    with pytest.raises(TopologyError):
        link.get("no-such-queue")
    found = [link.get(name), link.get(name)]
    assert [delivery.body for delivery in found if delivery] == [b"1", b"3"]
    assert found[0] is not None and found[0].redelivered
    assert link.get(name) is None


def test_a_cancelled_consumer_gets_nothing_more_and_may_settle(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    ended: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()
    consumer = link.consume(name, items.put, ended.put, prefetch=5)
    publish(link, letter("", name, b"1"))
    delivery = items.get(timeout=WAIT)
    link.cancel(consumer)
    link.cancel(consumer)
    publish(link, letter("", name, b"2"))
    assert link.declare_queue(Queue(name, passive=True)).messages == 1
    link.ack(delivery)
    assert items.empty() and ended.empty()
    assert Inbox(link, name).bodies(1) == [b"2"]


def test_what_needs_no_acknowledgement_is_gone_when_delivered(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    consumer = link.consume(name, items.put, print, prefetch=1, no_ack=True)
    for number in range(20):
        publish(link, letter("", name, str(number).encode()))
    found = [items.get(timeout=WAIT) for _ in range(20)]
    assert [delivery.body for delivery in found] == [str(n).encode() for n in range(20)]
    link.ack(found[0])  # nothing to do
    link.cancel(consumer)
    assert link.declare_queue(Queue(name, passive=True)).messages == 0


def test_an_exclusive_consumer_is_alone(
    link: Connection, dial: Callable[[], Connection], made: list[str]
) -> None:
    name = f"test-{uuid.uuid4().hex}"
    made.append(name)
    link.declare_queue(Queue(name))
    consumer = link.consume(name, print, print, prefetch=1, exclusive=True)
    other = dial()
    with pytest.raises(TopologyError) as refused:
        Inbox(other, name)
    assert refused.value.code == 403
    link.cancel(consumer)
    Inbox(other, name)


def test_answers_come_straight_to_who_asked(
    link: Connection, dial: Callable[[], Connection]
) -> None:
    server = dial()
    name = server.declare_queue(Queue(durable=False, exclusive=True)).name
    asked = Inbox(server, name)
    answers: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    with pytest.raises(TopologyError):
        link.consume(DIRECT_REPLY_TO, answers.put, print, prefetch=1)
    consumer = link.consume(DIRECT_REPLY_TO, answers.put, print, prefetch=1, no_ack=True)
    for number in range(3):
        link_letter = letter("", name, b"?", reply_to=DIRECT_REPLY_TO, correlation_id=f"c{number}")
        assert publish(link, link_letter) is None
    for _ in range(3):
        question = asked.take()
        properties = question.properties
        assert properties.reply_to is not None and properties.correlation_id is not None
        answer = letter("", properties.reply_to, b"!", correlation_id=properties.correlation_id)
        publish(server, answer)
        server.ack(question)
    found = [answers.get(timeout=WAIT).properties.correlation_id for _ in range(3)]
    assert found == ["c0", "c1", "c2"]
    link.cancel(consumer)


def test_all_properties_arrive(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    sent = Properties(
        "m-1",
        content_encoding="utf-8",
        priority=7,
        type="order",
        user_id="guest",
        app_id="pelagos",
        headers={"none": None, "bytes": b"\xff", "deep": {"list": ["x", -(2**40), False]}},
    )
    assert publish(link, Envelope("", name, b"", sent)) is None
    assert Inbox(link, name).take().properties == sent


def test_headers_decide_where_an_exchange_of_headers_puts_a_message(link: Connection) -> None:
    where = exchange("headers", auto_delete=False)
    link.declare_exchange(where)
    inboxes = []
    for match in ("all", "any"):
        name = link.declare_queue(Queue(durable=False, exclusive=True)).name
        link.bind(where.name, name, "", {"x-match": match, "a": 1, "b": "x"})
        inboxes.append(Inbox(link, name))
    publish(link, letter(where.name, "", b"both", headers={"a": 1, "b": "x", "c": 3}))
    publish(link, letter(where.name, "", b"one", headers={"a": 1, "b": "y"}))
    publish(link, letter(where.name, "", b"none", headers={"a": 2}))
    assert [inboxes[0].bodies(1), inboxes[1].bodies(2)] == [[b"both"], [b"both", b"one"]]


def test_an_exchange_passes_on_to_another_and_can_be_deleted(link: Connection) -> None:
    first, second = exchange("topic", auto_delete=False), exchange("fanout", auto_delete=False)
    link.declare_exchange(first)
    inbox = Inbox(link, bound(link, second, ""))
    link.bind_exchange(first.name, second.name, "a.#")
    publish(link, letter(first.name, "a.b", b"yes"))
    publish(link, letter(first.name, "b.a", b"no"))
    assert inbox.bodies(1) == [b"yes"]
    for _ in range(2):
        link.delete_exchange(first.name)
    with pytest.raises(TopologyError):
        link.bind_exchange(first.name, second.name, "a.#")


def test_a_purged_queue_is_empty_and_says_what_it_lost(link: Connection) -> None:
    name = link.declare_queue(Queue(durable=False, exclusive=True)).name
    for _ in range(3):
        publish(link, letter("", name))
    assert (link.purge_queue(name), link.purge_queue(name)) == (3, 0)
    with pytest.raises(TopologyError):
        link.purge_queue("no-such-queue")


# The end.


def test_a_closed_connection_says_so(link: Connection) -> None:
    where = exchange("direct")
    inbox = Inbox(link, bound(link, where, "k"))
    publish(link, letter(where.name, "k"))
    delivery = inbox.take()
    link.close()
    link.close()
    assert not link.is_open
    assert isinstance(publish(link, letter(where.name, "k")), ConnectionLostError)
    attempts: list[Callable[[], object]] = [
        lambda: link.declare_exchange(where),
        lambda: link.declare_queue(Queue("q")),
        lambda: link.bind(where.name, "q", "k"),
        lambda: link.ack(delivery),
        lambda: link.reject(delivery, requeue=True),
        lambda: Inbox(link, "q"),
        lambda: link.get("q"),
        lambda: link.purge_queue("q"),
        lambda: link.delete_exchange("q"),
        lambda: link.cancel("q"),
    ]
    for attempt in attempts:
        with pytest.raises(ConnectionLostError):
            attempt()


def test_no_transport_shows_its_password(transport: Transport) -> None:
    assert "guest:guest" not in transport.url + repr(transport)
