"""A look at a bus that is not in order: what it still tells, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.messaging import (
    BrokerUnreachableError,
    ConnectionLostError,
    Exchange,
    GenericProducer,
    JsonEncoder,
    LoginError,
    MessagingError,
    TopologyError,
)
from pelagos.messaging.observation.checkup import examine
from pelagos.messaging.observation.tap import Tap
from pelagos.messaging.transports.base import (
    Connection,
    Delivery,
    Done,
    Envelope,
    Properties,
    Queue,
    QueueInfo,
)
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport


class Events(Exchange):
    name = "events"
    exchange_type = "topic"


class Another(Exchange):
    name = "events"
    exchange_type = "fanout"


class Producer(GenericProducer):
    eks = ((Events, "event"),)


class Bus(MemoryTransport):
    """Remembers its connections, and says what server is there."""

    def __init__(self) -> None:
        super().__init__("", broker=MemoryBroker("observed"))
        self.opened: list[Any] = []
        self.server: dict[str, Any] = {}
        self.heartbeat: float | None = None
        self.refusal: MessagingError | None = None
        self.declared: MessagingError | None = None
        self.published: Callable[[], object] | None = None
        self.taken: int | None = None

    def open(self, timeout: float = 10.0) -> Connection:
        if self.refusal is not None:
            raise self.refusal
        connection: Any = super().open(timeout)
        connection.server, connection.heartbeat = self.server, self.heartbeat
        declare, publish, get = connection.declare_queue, connection.publish, connection.get
        left = [self.taken]

        def declare_queue(queue: Queue) -> QueueInfo:
            if self.declared is not None and not queue.passive:
                raise self.declared
            info: QueueInfo = declare(queue)
            return info

        def publish_slowly(envelope: Envelope, done: Done) -> None:
            if self.published is not None:
                self.published()
            publish(envelope, done)

        def get_some(queue: str) -> Delivery | None:
            if left[0] == 0:
                return None
            left[0] = None if left[0] is None else left[0] - 1
            delivery: Delivery | None = get(queue)
            return delivery

        connection.declare_queue, connection.publish = declare_queue, publish_slowly
        connection.get = get_some
        self.opened.append(connection)
        made: Connection = connection
        return made


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.mark.parametrize("count", [1, 21])
def test_a_connection_that_is_lost_while_it_is_examined_is_a_finding(bus: Bus, count: int) -> None:
    bus.broker.faults.cut_at(count)
    findings = {finding.name: finding for finding in examine(bus)}
    assert findings["reachable"].grade == findings["blocked"].grade == "ok"
    last = findings["publish" if count == 1 else "consume"]
    assert last.grade == ("fail" if count == 1 else "ok")


def test_dead_letters_that_cannot_be_counted_are_a_finding(bus: Bus) -> None:
    bus.broker.faults.cut_at(1)
    (*_, publish, dead) = examine(bus)
    assert (publish.name, publish.grade) == ("publish", "fail")
    assert (dead.name, dead.grade) == ("dead letters", "fail")
    assert "lost" in dead.message


MIRRORED = "classic mirrored queues are gone"
REFUSED = "queues that are neither durable nor exclusive are refused"
DEPRECATED = "queues that are neither durable nor exclusive are deprecated"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.13.7", [f"from 4.0: {MIRRORED}", f"from 4.3: {REFUSED}"]),
        ("4.0.0", [MIRRORED, DEPRECATED, f"from 4.3: {REFUSED}"]),
        ("4.2.1", [MIRRORED, DEPRECATED, f"from 4.3: {REFUSED}"]),
        ("4.3.0", [MIRRORED, REFUSED]),
        ("4.10", [MIRRORED, REFUSED]),
        ("5.0", [MIRRORED, REFUSED]),
    ],
)
def test_what_a_server_does_without_is_told_by_its_version(
    bus: Bus, version: str, said: list[str]
) -> None:
    bus.server = {"product": "RabbitMQ", "version": version}
    (features,) = [one for one in examine(bus) if one.name == "features"]
    assert features.message == f"{'; '.join(said)}; nothing here needs them"
    bus.server = {"product": "LavinMQ", "version": version}
    names = [one.name for one in examine(bus)]
    assert "broker" in names and "features" not in names


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BrokerUnreachableError("away"), [("reachable", "fail", "away", "see that the broker")]),
        (BrokerUnreachableError("away", hint="go"), [("reachable", "fail", "away", "go")]),
        (
            LoginError("no"),
            [
                ("reachable", "ok", "a broker answers", ""),
                ("login", "fail", "no", "see that user"),
            ],
        ),
        (
            LoginError("no", hint="go"),
            [("reachable", "ok", "a broker answers", ""), ("login", "fail", "no", "go")],
        ),
        (MessagingError("odd"), [("reachable", "fail", "odd", "")]),
        (MessagingError("odd", hint="go"), [("reachable", "fail", "odd", "go")]),
    ],
)
def test_a_bus_that_does_not_open_is_told_with_what_to_do(
    bus: Bus, error: MessagingError, said: list[tuple[str, ...]]
) -> None:
    bus.refusal = error
    findings = examine(bus)
    assert [one.name for one in findings] == [one[0] for one in said]
    for finding, (_, grade, message, mend) in zip(findings, said, strict=True):
        assert finding.grade == grade
        assert finding.message.startswith(message) and finding.mend.startswith(mend)
        assert bool(finding.mend) == bool(mend)


@pytest.mark.parametrize(
    ("heartbeat", "said"),
    [
        (None, []),
        (0, ["warn off"]),
        (10, ["ok every 10 s; a frozen broker"]),
        (2.5, ["ok every 2.5"]),
    ],
)
def test_whether_a_frozen_broker_is_noticed_is_told(
    bus: Bus, heartbeat: float | None, said: list[str]
) -> None:
    bus.heartbeat = heartbeat
    found = [f"{one.grade} {one.message}" for one in examine(bus) if one.name == "heartbeat"]
    assert [text[: len(start)] for text, start in zip(found, said, strict=True)] == said


@pytest.mark.parametrize(("seconds", "grade"), [(0.2, "ok"), (0.3, "warn")])
def test_a_broker_that_is_slow_is_told(bus: Bus, seconds: float, grade: str) -> None:
    clock = ManualClock()
    bus.published = lambda: clock.advance(seconds)
    (publish,) = [one for one in examine(bus, clock=clock) if one.name == "publish"]
    assert publish.grade == grade and bool(publish.mend) == (grade == "warn")
    assert f"in {seconds * 1000:.1f} ms" in publish.message


@pytest.mark.parametrize(("code", "told"), [(403, "the right to configure"), (406, "")])
def test_a_user_without_rights_is_told(bus: Bus, code: int, told: str) -> None:
    bus.declared = TopologyError("refused", code=code, name="q")
    (publish,) = [one for one in examine(bus) if one.name == "publish"]
    assert publish.grade == "fail" and told in publish.mend and bool(publish.mend) == bool(told)
    assert "consume" not in [one.name for one in examine(bus)]


def test_what_does_not_come_back_is_told(bus: Bus) -> None:
    bus.broker.faults.lose(1)
    found = {one.name: one for one in examine(bus, timeout=0.05)}
    assert found["publish"].grade == "fail"
    bus.taken = 19
    found = {one.name: one for one in examine(bus)}
    assert (found["consume"].grade, found["consume"].message) == ("fail", "19 of 20 came back")


@pytest.mark.parametrize("version", ["9" * 5000 + ".1", "", "four", "4"])
def test_a_server_of_an_odd_version_is_examined(bus: Bus, version: str) -> None:
    bus.server = {"product": "RabbitMQ", "version": version}
    findings = examine(bus)
    assert all(finding.grade == "ok" for finding in findings)
    assert "broker" in [finding.name for finding in findings]
    assert all(not connection.is_open for connection in bus.opened)
    assert bus.broker.queues() == {}, "who only looks makes nothing"


def test_a_tap_that_cannot_be_opened_leaves_no_connection(bus: Bus) -> None:
    bus.open().declare_exchange(Events)
    with pytest.raises(TopologyError), Tap(bus, [Another], ["#"]):
        pass
    assert not bus.opened[-1].is_open


def test_a_tap_on_one_key_and_no_list_is_named(bus: Bus) -> None:
    with pytest.raises(TypeError, match="keys is 'event', and no list"):
        Tap(bus, [Events], "event")


def test_a_tap_that_has_ended_says_so_again(bus: Bus) -> None:
    with Tap(bus, [Events], ["#"]) as tap:
        tap.open()
        assert [connection.is_open for connection in bus.opened] == [False, True]
        bus.broker.cut()
        for _ in range(2):
            with pytest.raises(ConnectionLostError):
                tap.next(0.0)
        tap.open()
        assert tap.next(0.0) is None
        with Producer(bus=bus) as producer:
            producer.message_go()
        seen = tap.next(10.0)
        assert seen is not None and seen.body is not None
    with pytest.raises(MessagingError, match="not open"):
        tap.next(0.0)


class Odd(JsonEncoder):
    """Cannot read what it writes, and does not say so as it should."""

    @classmethod
    def decode(cls, data: Any) -> Any:
        raise KeyError(data)


def test_what_an_encoder_fails_on_is_seen_with_the_reason(bus: Bus) -> None:
    with Tap(bus, [Events], ["#"], encoder=Odd) as tap, Producer(bus=bus) as producer:
        producer.message_go()
        seen = tap.next(10.0)
    assert seen is not None and seen.body is None
    assert seen.problem == "the encoder failed with KeyError"


def test_all_that_passes_is_seen_also_what_is_no_message(bus: Bus) -> None:
    with Tap(bus, [Events], ["#"]) as tap:
        link = bus.open()
        for number in range(450):
            link.publish(Envelope("events", "k", b"[%d]" % number, Properties("m")), print)
        sizes = [seen.size for _ in range(450) if (seen := tap.next(10.0)) is not None]
        assert sum(sizes) == 10 * 3 + 90 * 4 + 350 * 5
        for body, why in ((b"[]", "not a mapping"), (b"\xff", "not JSON")):
            link.publish(Envelope("events", "k", body, Properties("m")), print)
            seen = tap.next(10.0)
            assert seen is not None and seen.body is None and why in seen.problem
        damaged = Delivery("q", "events", "k", b"{}", Properties(""), False, None, "cut short")
        assert tap._read(damaged) == (None, "cut short")
