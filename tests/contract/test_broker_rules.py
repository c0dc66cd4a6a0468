"""What a broker decides about messages: the same on the bus in memory and on a real RabbitMQ."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from pelagos.messaging import (
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
QUIET = 0.15  # seconds without anything that count as nothing more


@pytest.fixture(params=["memory", "rabbitmq"])
def transport(request: pytest.FixtureRequest) -> Transport:
    if request.param == "memory":
        return connect(f"memory:{uuid.uuid4().hex}")
    return connect(request.getfixturevalue("rabbitmq_url"))


class Rig:
    """Connections, exchanges and queues of one test, which go with it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.connections: list[Connection] = []
        self.queues: list[str] = []
        self.exchanges: list[str] = []
        self.link = self.dial()

    def dial(self) -> Connection:
        self.connections.append(self.transport.open())
        return self.connections[-1]

    def exchange(self, kind: str, **attributes: Any) -> str:
        name = f"test-{uuid.uuid4().hex[:12]}"
        given = {"name": name, "exchange_type": kind} | attributes
        self.link.declare_exchange(type("Made", (Exchange,), given))
        self.exchanges.append(name)
        return name

    def queue(self, *keys: str, where: str = "amq.direct", **arguments: Any) -> str:
        """A durable queue, bound with these keys."""
        name = self.link.declare_queue(
            Queue(f"test-{uuid.uuid4().hex[:12]}", arguments=_spelt(arguments))
        ).name
        self.queues.append(name)
        for key in keys:
            self.link.bind(where, name, key)
        return name

    def put(
        self, key: str, body: bytes = b"x", *, where: str = "", **properties: Any
    ) -> MessagingError | None:
        answers: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
        mandatory = properties.pop("mandatory", False)
        made = Properties(**({"message_id": uuid.uuid4().hex} | properties))
        self.link.publish(Envelope(where, key, body, made, mandatory=mandatory), answers.put)
        return answers.get(timeout=WAIT)

    def fill(self, name: str, *bodies: bytes, **properties: Any) -> None:
        for body in bodies:
            assert self.put(name, body, **properties) is None

    def drain(self, name: str) -> list[Delivery]:
        """All that waits in a queue, taken and acknowledged."""
        found: list[Delivery] = []
        while delivery := self.link.get(name):
            found.append(delivery)
        for delivery in found:
            self.link.ack(delivery)
        return found

    def bodies(self, name: str) -> list[bytes]:
        return [delivery.body for delivery in self.drain(name)]

    def depth(self, name: str) -> int:
        return self.link.declare_queue(Queue(name, passive=True)).messages


def _spelt(arguments: dict[str, Any]) -> dict[str, Any]:
    return {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}


@pytest.fixture
def rig(transport: Transport) -> Iterator[Rig]:
    made = Rig(transport)
    yield made
    last = made.dial()
    for name in made.queues:
        last.delete_queue(name)
    for name in made.exchanges:
        last.delete_exchange(name)
    for connection in made.connections:
        connection.close()


class Reader:
    """A consumer that keeps what it gets."""

    def __init__(self, link: Connection, name: str, **options: Any) -> None:
        self.link = link
        self.items: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[MessagingError] = queue.SimpleQueue()
        options = {"prefetch": 100} | options
        self.name = link.consume(name, self.items.put, self.ended.put, **options)

    def take(self, count: int = 1) -> list[Delivery]:
        return [self.items.get(timeout=WAIT) for _ in range(count)]

    def bodies(self, count: int) -> list[bytes]:
        return [delivery.body for delivery in self.take(count)]

    def is_quiet(self) -> bool:
        try:
            self.items.get(timeout=QUIET)
        except queue.Empty:
            return True
        return False


# Exchanges.


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        ({"x-match": "all", "a": 1, "b": "x"}, [1, 4]),
        ({"a": 1, "b": "x"}, [1, 4]),
        ({"x-match": "any", "a": 1, "b": "x"}, [0, 1, 3, 4]),
        ({"x-match": "any"}, []),
        ({"x-match": "all"}, [0, 1, 2, 3, 4, 5]),
        ({"x-match": "all", "a": None}, [0, 1, 2, 4]),
        ({"x-match": "any", "x-y": 1, "b": "x"}, [1, 3, 4]),
        ({"x-match": "any-with-x", "x-y": 1}, [4]),
        ({"x-match": "all-with-x", "x-y": 1, "a": 1}, [4]),
        ({"x-match": "all", "x-y": 7, "a": 1}, [0, 1, 4]),
    ],
)
def test_a_headers_exchange_compares_as_its_binding_says(
    rig: Rig, wanted: dict[str, Any], taken: list[int]
) -> None:
    where, name = rig.exchange("headers"), rig.queue()
    rig.link.bind(where, name, "", wanted)
    sent: list[dict[str, Any]] = [
        {"a": 1},
        {"a": 1, "b": "x"},
        {"a": "1"},
        {"b": "x"},
        {"a": 1, "b": "x", "x-y": 1},
        {},
    ]
    for number, headers in enumerate(sent):
        rig.put("ignored", str(number).encode(), where=where, headers=headers)
    assert [int(body) for body in rig.bodies(name)] == taken


def test_a_headers_exchange_tells_types_apart(rig: Rig) -> None:
    where, name = rig.exchange("headers"), rig.queue()
    rig.link.bind(where, name, "", {"a": True})
    for number, value in enumerate((1, True, "true", 1.0)):
        rig.put("", str(number).encode(), where=where, headers={"a": value})
    assert rig.bodies(name) == [b"1"]


def test_a_comparison_that_there_is_not_is_refused(rig: Rig) -> None:
    where, name = rig.exchange("headers"), rig.queue()
    with pytest.raises(TopologyError) as refused:
        rig.link.bind(where, name, "", {"x-match": "some"})
    assert refused.value.code == 406


def test_bindings_differ_by_their_arguments(rig: Rig) -> None:
    where, name = rig.exchange("headers"), rig.queue()
    rig.link.bind(where, name, "", {"a": 1})
    rig.link.bind(where, name, "", {"b": 1})
    rig.link.unbind(where, name, "", {"a": 1})
    rig.put("", b"a", where=where, headers={"a": 1})
    rig.put("", b"b", where=where, headers={"b": 1})
    assert rig.bodies(name) == [b"b"]


def test_an_exchange_passes_on_to_another(rig: Rig) -> None:
    first, second = rig.exchange("topic"), rig.exchange("fanout")
    name = rig.queue("", where=second)
    rig.link.bind_exchange(first, second, "a.#")
    assert rig.put("a.b", b"1", where=first, mandatory=True) is None
    assert isinstance(rig.put("b", b"2", where=first, mandatory=True), UnroutableError)
    assert [(d.body, d.exchange, d.key) for d in rig.drain(name)] == [(b"1", first, "a.b")]


def test_exchanges_in_a_circle_deliver_once(rig: Rig) -> None:
    ring = [rig.exchange("fanout") for _ in range(3)]
    for source, destination in zip(ring, ring[1:] + ring[:1], strict=True):
        rig.link.bind_exchange(source, destination, "")
    rig.link.bind_exchange(ring[0], ring[0], "")
    name = rig.queue("", where=ring[2])
    rig.link.bind(ring[1], name, "")
    rig.put("", b"1", where=ring[0])
    assert rig.bodies(name) == [b"1"]


def test_an_alternate_exchange_gets_what_nothing_takes(rig: Rig) -> None:
    last = rig.exchange("fanout")
    lost = rig.queue("", where=last)
    where = rig.exchange("direct", arguments={"alternate-exchange": last})
    name = rig.queue("k", where=where)
    assert rig.put("k", b"1", where=where, mandatory=True) is None
    assert rig.put("other", b"2", where=where, mandatory=True) is None
    assert (rig.bodies(name), rig.bodies(lost)) == ([b"1"], [b"2"])


def test_an_alternate_exchange_of_an_inner_exchange_counts_too(rig: Rig) -> None:
    last = rig.exchange("fanout")
    lost = rig.queue("", where=last)
    inner = rig.exchange("direct", arguments={"alternate-exchange": last})
    outer = rig.exchange("fanout")
    rig.link.bind_exchange(outer, inner, "")
    rig.put("nobody", b"1", where=outer)
    assert rig.bodies(lost) == [b"1"]


def test_an_alternate_exchange_is_part_of_the_declaration(rig: Rig) -> None:
    where = rig.exchange("direct", arguments={"alternate-exchange": "amq.fanout"})
    with pytest.raises(TopologyError) as refused:
        rig.link.declare_exchange(type("Other", (Exchange,), {"name": where}))
    assert refused.value.code == 406


def test_copies_go_to_further_keys_and_blind_ones_are_not_seen(rig: Rig) -> None:
    where = rig.exchange("direct")
    names = [rig.queue(key, where=where) for key in ("to", "cc", "bcc")]
    both = rig.queue("to", "cc", "bcc", where=where)
    headers = {"CC": ["cc", "nobody"], "BCC": ["bcc"], "other": 1}
    rig.put("to", where=where, headers=headers)
    for name in (*names, both):
        found = rig.drain(name)
        assert len(found) == 1
        assert (found[0].key, found[0].properties.headers) == (
            "to",
            {"CC": ["cc", "nobody"], "other": 1},
        )


def test_copies_work_through_the_default_exchange(rig: Rig) -> None:
    first, second = rig.queue(), rig.queue()
    rig.put(first, b"1", headers={"BCC": [second, second, first]})
    assert (rig.bodies(first), rig.bodies(second)) == ([b"1"], [b"1"])


def test_a_deleted_exchange_is_gone_with_its_bindings(rig: Rig) -> None:
    where = rig.exchange("direct")
    name = rig.queue("k", where=where)
    rig.link.delete_exchange(where)
    rig.link.delete_exchange(where)
    rig.link.declare_exchange(type("Again", (Exchange,), {"name": where}))
    assert isinstance(rig.put("k", where=where, mandatory=True), UnroutableError)
    assert rig.bodies(name) == []


def test_an_exchange_that_deletes_itself_goes_with_its_last_binding(rig: Rig) -> None:
    where = rig.exchange("direct", auto_delete=True)
    names = [rig.queue("k", where=where) for _ in range(2)]
    rig.link.unbind(where, names[0], "k")
    rig.link.declare_exchange(type("There", (Exchange,), {"name": where, "passive": True}))
    rig.link.delete_queue(names[1])
    with pytest.raises(TopologyError) as refused:
        rig.link.declare_exchange(type("There", (Exchange,), {"name": where, "passive": True}))
    assert refused.value.code == 404


# Queues.


def test_get_takes_the_first_message_and_purge_what_waits(rig: Rig) -> None:
    name = rig.queue()
    assert rig.link.get(name) is None
    rig.fill(name, b"1", b"2", b"3")
    first = rig.link.get(name)
    assert first is not None and (first.body, first.queue, first.redelivered) == (
        b"1",
        name,
        False,
    )
    assert rig.link.purge_queue(name) == 2
    rig.link.reject(first, requeue=True)
    again = rig.link.get(name)
    assert again is not None and (again.body, again.redelivered) == (b"1", True)
    rig.link.ack(again)
    assert rig.link.get(name) is None


def test_messages_that_come_back_find_their_old_places(rig: Rig) -> None:
    name = rig.queue()
    rig.fill(name, *(b"%d" % number for number in range(6)))
    taken = [rig.link.get(name) for _ in range(5)]
    for index in (3, 0, 4, 1):
        delivery = taken[index]
        assert delivery is not None
        rig.link.reject(delivery, requeue=True)
    found = [rig.link.get(name) for _ in range(5)]
    assert [(d.body, d.redelivered) for d in found if d] == [
        (b"0", True),
        (b"1", True),
        (b"3", True),
        (b"4", True),
        (b"5", False),
    ]


def test_higher_priorities_come_first(rig: Rig) -> None:
    name = rig.queue(max_priority=5)
    for number, priority in enumerate((None, 1, 5, 0, 9, 1)):
        rig.put(name, b"%d" % number, priority=priority)
    assert rig.bodies(name) == [b"2", b"4", b"1", b"5", b"0", b"3"]


def test_priorities_keep_places_when_messages_come_back(rig: Rig) -> None:
    name = rig.queue(max_priority=5)
    for number, priority in enumerate((1, 5, 1, 5)):
        rig.put(name, b"%d" % number, priority=priority)
    taken = [rig.link.get(name) for _ in range(4)]
    for delivery in taken:
        assert delivery is not None
        rig.link.reject(delivery, requeue=True)
    assert rig.bodies(name) == [b"1", b"3", b"0", b"2"]


def test_a_full_queue_with_priorities_drops_its_head(rig: Rig) -> None:
    name = rig.queue(max_priority=5, max_length=2)
    for number, priority in enumerate((1, 5, 3)):
        rig.put(name, b"%d" % number, priority=priority)
    assert rig.bodies(name) == [b"2", b"0"]


def test_a_limit_in_bytes_counts_bodies(rig: Rig) -> None:
    name = rig.queue(max_length_bytes=10)
    rig.fill(name, b"aaaa", b"bbbb", b"cc", b"d")
    assert rig.bodies(name) == [b"bbbb", b"cc", b"d"]


@pytest.mark.parametrize(
    ("overflow", "dead"), [("reject-publish", []), ("reject-publish-dlx", [b"2"])]
)
def test_a_full_queue_refuses(rig: Rig, overflow: str, dead: list[bytes]) -> None:
    graves = rig.queue()
    name = rig.queue(
        max_length=1,
        overflow=overflow,
        dead_letter_exchange="",
        dead_letter_routing_key=graves,
    )
    rig.fill(name, b"1")
    assert isinstance(rig.put(name, b"2"), PublishRefusedError)
    found = rig.drain(graves)
    assert [delivery.body for delivery in found] == dead
    assert [d.properties.headers["x-death"][0]["reason"] for d in found] == ["maxlen"] * len(dead)
    assert rig.bodies(name) == [b"1"]


def test_one_full_queue_of_two_refuses_and_the_other_takes(rig: Rig) -> None:
    where = rig.exchange("fanout")
    full = rig.queue("", where=where, max_length=0, overflow="reject-publish")
    free = rig.queue("", where=where)
    assert isinstance(rig.put("", b"1", where=where), PublishRefusedError)
    assert (rig.bodies(full), rig.bodies(free)) == ([], [b"1"])


def test_only_the_head_of_a_queue_expires(rig: Rig) -> None:
    graves = rig.queue()
    name = rig.queue(dead_letter_exchange="", dead_letter_routing_key=graves)
    rig.put(name, b"long", expiration=60.0)
    rig.put(name, b"short", expiration=0.001)
    reader = Reader(rig.link, graves)
    assert reader.is_quiet()
    head = rig.link.get(name)
    assert head is not None and head.body == b"long"
    assert reader.bodies(1) == [b"short"]


def test_a_message_without_time_is_for_those_who_wait_already(rig: Rig) -> None:
    name = rig.queue(message_ttl=0)
    rig.put(name, b"1")
    assert rig.link.get(name) is None
    reader = Reader(rig.link, name, prefetch=1)
    rig.put(name, b"2")
    rig.put(name, b"3")
    first = reader.take()[0]
    rig.link.ack(first)
    assert first.body == b"2" and reader.is_quiet()


def test_a_message_that_comes_back_has_no_new_time(rig: Rig) -> None:
    name = rig.queue()
    reader = Reader(rig.link, name, prefetch=1)
    rig.put(name, b"1", expiration=0.05)
    delivery = reader.take()[0]
    rig.link.cancel(reader.name)
    time.sleep(0.1)
    rig.link.reject(delivery, requeue=True)
    assert rig.link.get(name) is None


def test_what_comes_back_to_a_full_queue_pushes_its_head_out(rig: Rig) -> None:
    graves = rig.queue()
    name = rig.queue(max_length=2, dead_letter_exchange="", dead_letter_routing_key=graves)
    rig.fill(name, b"1", b"2")
    taken = [rig.link.get(name) for _ in range(2)]
    rig.fill(name, b"3")
    for delivery in taken:
        assert delivery is not None
        rig.link.reject(delivery, requeue=True)
    dead = Reader(rig.link, graves)
    assert dead.bodies(1) == [b"1"]
    assert rig.bodies(name) == [b"2", b"3"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"expires": 0},
        {"message_ttl": -1},
        {"max_priority": 256},
        {"overflow": "drop"},
        {"dead_letter_routing_key": "k"},
        {"queue_type": "unknown"},
        {"single_active_consumer": "yes"},
        {"queue_type": "quorum", "max_priority": 3},
        {"max_length": "1"},
    ],
)
def test_arguments_without_sense_are_refused(rig: Rig, arguments: dict[str, Any]) -> None:
    with pytest.raises(TopologyError) as refused:
        rig.queue(**arguments)
    assert refused.value.code == 406


def test_a_transient_quorum_queue_is_refused(rig: Rig) -> None:
    quorum = {"x-queue-type": "quorum"}
    for flags in ({"durable": False}, {"exclusive": True}):
        with pytest.raises(TopologyError) as refused:
            rig.link.declare_queue(Queue("", arguments=quorum, **({"durable": True} | flags)))
        assert refused.value.code == 406


# Dead letters.


def test_a_dead_letter_tells_all_of_its_deaths(rig: Rig) -> None:
    graves = rig.queue()
    second = rig.queue(dead_letter_exchange="", dead_letter_routing_key=graves)
    where = rig.exchange("direct")
    first = rig.queue(
        "k", where=where, message_ttl=1, dead_letter_exchange="", dead_letter_routing_key=second
    )
    reader = Reader(rig.link, second)
    rig.put("k", b"1", where=where, expiration=7.0, headers={"CC": ["more"], "mine": 1})
    rig.link.reject(reader.take()[0], requeue=False)
    found = Reader(rig.link, graves).take()[0]
    headers = dict(found.properties.headers)
    deaths = [dict(death) for death in headers.pop("x-death")]
    assert [isinstance(death.pop("time"), datetime) for death in deaths] == [True, True]
    assert deaths == [
        {
            "count": 1,
            "reason": "rejected",
            "queue": second,
            "exchange": "",
            "routing-keys": [second],
        },
        {
            "count": 1,
            "reason": "expired",
            "queue": first,
            "exchange": where,
            "routing-keys": ["k", "more"],
            "original-expiration": "7000",
        },
    ]
    assert headers == {
        "mine": 1,
        "x-first-death-reason": "expired",
        "x-first-death-queue": first,
        "x-first-death-exchange": where,
    }
    assert (found.exchange, found.key, found.properties.expiration) == ("", graves, None)


def test_a_dead_letter_keeps_its_keys_unless_told(rig: Rig) -> None:
    graves = rig.exchange("direct")
    names = [rig.queue(key, where=graves) for key in ("k", "cc", "bcc")]
    where = rig.exchange("direct")
    source = rig.queue("k", where=where, max_length=0, dead_letter_exchange=graves)
    rig.put("k", b"1", where=where, headers={"CC": ["cc"], "BCC": ["bcc"]})
    assert rig.bodies(source) == []
    readers = [Reader(rig.link, name) for name in names]
    found = [reader.take()[0] for reader in readers]
    assert [(d.key, d.properties.headers["CC"]) for d in found] == [("k", ["cc"])] * 3
    assert [d.properties.headers["x-death"][0]["routing-keys"] for d in found] == [["k", "cc"]] * 3


def test_the_same_death_again_is_counted(rig: Rig) -> None:
    name = rig.queue()
    wait = rig.queue(message_ttl=1, dead_letter_exchange="", dead_letter_routing_key=name)
    reader = Reader(rig.link, name)
    headers: dict[str, Any] = {}
    for turn in range(1, 4):
        rig.put(wait, b"1", headers=headers)
        delivery = reader.take()[0]
        rig.link.ack(delivery)
        headers = dict(delivery.properties.headers)
        assert [(d["queue"], d["count"]) for d in headers["x-death"]] == [(wait, turn)]


def test_dead_letters_that_would_go_round_for_ever_are_dropped(rig: Rig) -> None:
    first, second = f"test-{uuid.uuid4().hex[:8]}", f"test-{uuid.uuid4().hex[:8]}"
    rig.queues += [first, second]
    for name, other in ((first, second), (second, first)):
        arguments = _spelt(
            {"message_ttl": 1, "dead_letter_exchange": "", "dead_letter_routing_key": other}
        )
        rig.link.declare_queue(Queue(name, arguments=arguments))
    last = rig.queue()
    rig.link.bind("amq.direct", last, first)
    rig.put(first, b"1")
    reader = Reader(rig.link, last)
    assert reader.is_quiet()
    assert (rig.depth(first), rig.depth(second)) == (0, 0)


def test_a_rejected_message_may_come_back_to_its_own_queue(rig: Rig) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    rig.queues.append(name)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
    rig.link.declare_queue(Queue(name, arguments=arguments))
    reader = Reader(rig.link, name, prefetch=1)
    rig.put(name, b"1")
    for count in range(1, 4):
        delivery = reader.take()[0]
        deaths = delivery.properties.headers.get("x-death", [])
        assert [death["count"] for death in deaths] == ([count - 1] if count > 1 else [])
        assert delivery.redelivered is False
        rig.link.reject(delivery, requeue=False)
    rig.link.ack(reader.take()[0])


def test_a_quorum_queue_has_enough_of_returns(rig: Rig) -> None:
    graves = rig.queue()
    name = rig.queue(
        queue_type="quorum",
        delivery_limit=2,
        dead_letter_exchange="",
        dead_letter_routing_key=graves,
    )
    dead = Reader(rig.link, graves)
    reader = Reader(rig.link, name, prefetch=1)
    rig.put(name, b"1")
    seen = []
    for _ in range(3):
        delivery = reader.take()[0]
        seen.append((delivery.redelivered, delivery.properties.headers.get("x-delivery-count")))
        rig.link.reject(delivery, requeue=True)
    assert seen == [(False, None), (True, 1), (True, 2)]
    letter = dead.take()[0]
    assert letter.properties.headers["x-death"][0]["reason"] == "delivery_limit"
    assert reader.is_quiet()


# Consumers.


def test_who_wants_to_be_alone_is_alone(rig: Rig) -> None:
    name = rig.queue()
    reader = Reader(rig.link, name, exclusive=True)
    for exclusive in (False, True):
        with pytest.raises(TopologyError) as refused:
            Reader(rig.dial(), name, exclusive=exclusive)
        assert refused.value.code == 403
    rig.link.cancel(reader.name)
    Reader(rig.link, name)
    with pytest.raises(TopologyError) as refused:
        Reader(rig.link, name, exclusive=True)
    assert refused.value.code == 403


def test_consumers_of_higher_priority_are_served_first(rig: Rig) -> None:
    name = rig.queue()
    low = Reader(rig.link, name, prefetch=2)
    high = Reader(rig.link, name, prefetch=2, arguments={"x-priority": 5})
    rig.fill(name, *(b"%d" % number for number in range(4)))
    assert high.bodies(2) == [b"0", b"1"]
    assert low.bodies(2) == [b"2", b"3"]


def test_consumers_take_turns(rig: Rig) -> None:
    name = rig.queue()
    readers = [Reader(rig.link, name) for _ in range(3)]
    rig.fill(name, *(b"%d" % number for number in range(6)))
    assert sorted(reader.bodies(2) for reader in readers) == [
        [b"0", b"3"],
        [b"1", b"4"],
        [b"2", b"5"],
    ]


def test_a_single_active_consumer_is_followed_by_the_next(rig: Rig) -> None:
    name = rig.queue(single_active_consumer=True)
    first, second, third = (Reader(rig.dial(), name) for _ in range(3))
    rig.fill(name, b"1", b"2")
    taken = first.take(2)
    assert second.is_quiet()
    first.link.ack(taken[0])
    first.link.close()
    assert second.bodies(1) == [b"2"]
    assert third.is_quiet()
    second.link.cancel(second.name)
    rig.put(name, b"3")
    assert third.bodies(1) == [b"3"]


def test_a_single_active_consumer_cannot_be_exclusive_too(rig: Rig) -> None:
    name = rig.queue(single_active_consumer=True)
    with pytest.raises(TopologyError) as refused:
        Reader(rig.link, name, exclusive=True)
    assert refused.value.code == 403


def test_an_answer_comes_straight_to_who_asked(rig: Rig) -> None:
    requests = rig.queue()
    asker, server = rig.link, rig.dial()
    replies = Reader(asker, DIRECT_REPLY_TO, no_ack=True)
    assert rig.put(requests, b"?", reply_to=DIRECT_REPLY_TO, correlation_id="7") is None
    request = Reader(server, requests, no_ack=True).take()[0]
    back = request.properties.reply_to
    assert back and back.startswith(f"{DIRECT_REPLY_TO}.")
    answered: queue.SimpleQueue[MessagingError | None] = queue.SimpleQueue()
    answer = Envelope("", back, b"!", Properties("a", correlation_id="7"))
    server.publish(answer, answered.put)
    assert answered.get(timeout=WAIT) is None
    reply = replies.take()[0]
    assert (reply.body, reply.properties.correlation_id) == (b"!", "7")
    assert server.declare_queue(Queue(back, passive=True)).name == back


def test_an_answer_to_nobody_is_lost(rig: Rig) -> None:
    assert rig.put(f"{DIRECT_REPLY_TO}.nobody", b"!") is None
    problem = rig.put(f"{DIRECT_REPLY_TO}.nobody", b"!", mandatory=True)
    assert isinstance(problem, UnroutableError)


def test_a_consumer_of_another_queue_goes_on_when_one_is_deleted(rig: Rig) -> None:
    gone, kept = rig.queue(), rig.queue()
    readers: list[Reader] = [Reader(rig.dial(), name) for name in (gone, kept)]
    rig.link.delete_queue(gone)
    assert gone in str(readers[0].ended.get(timeout=WAIT))
    rig.put(kept, b"1")
    assert readers[1].bodies(1) == [b"1"]
    assert readers[1].ended.empty()
