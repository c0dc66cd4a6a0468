"""Programs written for the ancestor: its import paths, its names, a channel of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from pelagos import messaging as ours
from pelagos.compat import postage
from pelagos.compat.postage import generic_application, messaging, microthreads
from pelagos.core.errors import PelagosError
from pelagos.messaging.transports.base import Envelope, Properties, Queue
from pelagos.messaging.transports.memory import MemoryTransport

WAIT = 60.0


class Town(messaging.Exchange):
    name = "town"


def test_the_names_are_ours() -> None:
    assert microthreads.ExitScheduler is ours.ExitScheduler
    assert issubclass(messaging.GenericProducer, ours.GenericProducer)
    assert generic_application.GenericApplicationExchange.name == "generic-application-exchange"
    assert all(hasattr(messaging, name) for name in messaging.__all__)


def test_unchanged_imports_work_after_install() -> None:
    program = (
        "from pelagos.compat import postage; postage.install(); postage.install()\n"
        "from postage import messaging, microthreads\n"
        "import postage.generic_application as g\n"
        "from pelagos.compat.postage import messaging as same\n"
        "assert messaging is same and g.GenericApplication and microthreads.MicroScheduler\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=WAIT * 3)
    assert done.returncode == 0


def test_another_postage_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "postage", SimpleNamespace())
    with pytest.raises(PelagosError, match="another module"):
        postage.install()


def test_what_the_environment_says_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTAGE_RMQ_USER", "ann")
    monkeypatch.setenv("POSTAGE_VHOST", "/sea")
    monkeypatch.setenv("POSTAGE_DEBUG_MODE", "TRUE")
    assert messaging.global_hup == {"host": "localhost", "user": "ann", "password": "guest"}
    assert (messaging.global_vhost, messaging.debug_mode) == ("/sea", True)
    with pytest.raises(AttributeError):
        _ = messaging.global_absent


def test_a_consumer_calls_back_with_four_and_answers() -> None:
    bus = MemoryTransport("test_compat_four")
    consumer = messaging.GenericConsumer([(Town, [("inbox", "k")])], bus=bus)
    consumer.add_eqk(one for one in [(Town, [("inbox", "other")])])
    assert [exchange.name for exchange, _ in consumer.eqk] == ["town", "town"]

    def callback(channel: Any, method: Any, header: Any, body: bytes) -> None:
        content = channel.decode(body)["content"]
        channel.rpc_reply(header, content["parameters"] * 2)
        channel.ack(method)
        channel.stop_consuming()

    thread = threading.Thread(target=consumer.start_consuming, args=(callback,))
    thread.start()
    consumer.wait_ready(WAIT)
    with messaging.GenericProducer({"name": "me"}, bus=bus) as producer:
        answer = producer.rpc_double(21, _eks=[(Town, "other")], _timeout=WAIT)
    thread.join(WAIT)
    assert answer and answer.body["content"]["value"] == 42
    assert bus.broker.depth("inbox") == 0


def test_a_queue_that_the_ancestor_made_is_read_as_it_is() -> None:
    bus = MemoryTransport("test_compat_old_queue")
    bus.open().declare_queue(Queue("old", durable=False))
    got: list[Any] = []
    as_it_is = {"name": "old", "flags": {"passive": True}}
    consumer = ours.GenericConsumer([(Town, [(as_it_is, "k")])], bus=bus)
    consumer.start(lambda message: got.append(message.name))
    consumer.wait_ready(WAIT)
    with messaging.GenericProducer(bus=bus) as producer:
        producer.message_go(_eks=[(Town, "k")], _mandatory=True)
    bus.drain()
    consumer.stop()
    assert got == ["go"]


def test_calls_reach_a_server_of_the_ancestor_which_repeats_no_correlation_id() -> None:
    bus = MemoryTransport("test_compat_old_server")
    link = bus.open()

    def answer(message: ours.ReceivedMessage) -> None:
        body = ours.MessageResult(message.content["parameters"] + 1).body
        to = message.properties.reply_to or ""
        link.publish(Envelope("", to, json.dumps(body).encode(), Properties("")), lambda _: None)

    server = ours.GenericConsumer([(Town, [("old-server", "k")])], bus=bus)
    server.start(answer)
    server.wait_ready(WAIT)
    with messaging.GenericProducer(bus=bus) as producer:
        answered = producer.rpc_next(1, _eks=[(Town, "k")], _timeout=WAIT, _max_retry=0)
    server.stop()
    assert answered and answered.body["content"]["value"] == 2


def test_a_processor_is_built_with_four_positional_arguments() -> None:
    bus = MemoryTransport("test_compat_processor")
    got: list[Any] = []

    class Old(messaging.MessageProcessor):
        consumer_class = messaging.GenericConsumer

        @messaging.MessageHandler("command", "go")
        def msg_go(self, content: Any) -> None:
            got.append(content)
            raise microthreads.ExitScheduler

    facts = messaging.Fingerprint("old", "test").as_dict()
    old = Old(facts, [(Town, [("inbox", "k")])], None, None, bus=bus)
    scheduler = microthreads.MicroScheduler()
    scheduler.add_microthread(old)
    old.consumer.wait_ready(WAIT)
    with messaging.GenericProducer(facts, bus=bus) as producer:
        producer.message_go("x", _eks=[(Town, "k")])
    for _ in scheduler.main():
        pass
    assert got == [{"parameters": "x"}]


def test_an_application_has_the_logger_that_its_class_names() -> None:
    class Diary(list[Any]):
        def __init__(self, fingerprint: Any) -> None:
            super().__init__([fingerprint["name"]])

    class Told(generic_application.GenericApplication):
        logging_producer = Diary

    bus = MemoryTransport("test_compat_application")
    quiet = generic_application.GenericApplication({"name": "lamp"}, "/", ["red"], bus=bus)
    assert isinstance(quiet.logger, generic_application.LoggingProducerStub)
    assert quiet.logger.message_log_info("on", _key="k") is None
    assert Told({"name": "door"}, None, bus=bus).logger == ["door"]
    assert all(hasattr(generic_application, name) for name in generic_application.__all__)


# A channel of one's own.


class FakeChannel:
    """Answers each call with what `answers` says."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.answers: list[bytes] = []
        self.stopped = 0

    def exchange_declare(self, **parameters: Any) -> None:
        self.declared.append(parameters["exchange"])

    def queue_declare(self, **parameters: Any) -> None:
        assert parameters["exclusive"] and parameters["auto_delete"]

    def basic_publish(self, **parts: Any) -> None:
        self.sent.append(parts)

    def basic_consume(self, callback: Any, queue: str) -> None:
        assert queue == self.sent[-1]["properties"].reply_to
        while self.answers:
            callback(self, None, None, self.answers.pop(0))

    def start_consuming(self) -> None: ...

    def stop_consuming(self) -> None:
        self.stopped += 1


class FakeConnection:
    def __init__(self) -> None:
        self.made = FakeChannel()
        self.timers: list[float] = []

    def channel(self) -> FakeChannel:
        return self.made

    def add_timeout(self, seconds: float, _callback: Any) -> float:
        self.timers.append(seconds)
        return seconds

    def remove_timeout(self, timer: float) -> None:
        self.timers.remove(timer)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> messaging.GenericProducer:
    connection = FakeConnection()
    opened = staticmethod(lambda _hup, _vhost: connection)
    monkeypatch.setattr(messaging.GenericProducer, "open_connection", opened)
    return messaging.GenericProducer(bus="memory:unused")


def test_messages_go_over_a_channel_that_is_brought_along(
    producer: messaging.GenericProducer,
) -> None:
    pytest.importorskip("pika")
    assert producer.channel.declared == ["noname"] == [producer.default_exchange.name]
    producer.message(1, _key="k")
    producer.message_go({"x": 1}, _eks=[(Town, "a"), (Town, "b")])
    sent = [(one["exchange"], one["routing_key"]) for one in producer.channel.sent]
    assert sent == [("noname", "k"), ("town", "a"), ("town", "b")]
    body = messaging.JsonEncoder.decode(producer.channel.sent[0]["body"])
    assert body["content"] == {"args": [1]} and body["fingerprint"]["name"] == "None"


def test_calls_go_over_it_and_are_given_up_in_time(producer: messaging.GenericProducer) -> None:
    pytest.importorskip("pika")
    encode = messaging.JsonEncoder.encode
    producer.channel.answers = [encode(messaging.MessageResult(5).body)]
    assert producer.rpc_five().body["content"]["value"] == 5
    late = producer.rpc_five(_max_retry=2, _timeout=0.5)
    assert not late and late.body["content"]["value"] == "TimeoutError"
    assert len(producer.channel.sent) == 4
    queue = producer.rpc_five(_queue_only=True)
    producer.channel.answers = [encode(messaging.MessageResult(n).body) for n in (1, 2)]
    seen: list[Any] = []
    found = producer.consume_rpc(queue, 2, seen.append)
    assert [one.body["content"]["value"] for one in found] == [1, 2]
    assert [one["content"]["value"] for one in seen] == [1, 2]
