"""Traces and metrics through real producers and processors, on a bus in memory."""

import logging
import threading
import uuid

import pytest

from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageHandler,
    MessageProcessor,
    Middleware,
    Retry,
    RpcHandler,
    Tracing,
    UnroutableError,
    connect,
)
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.observation.metrics import PrometheusMetrics
from pelagos.messaging.observation.tracing import TraceFilter, current, trace
from pelagos.messaging.transports.base import Queue

WAIT = 60.0


class Lights(Exchange):
    name = "lights"


class LightsProducer(GenericProducer):
    eks = ((Lights, "front"),)


class Front(MessageProcessor):
    """Asks the back while it handles a message."""

    eqk = ((Lights, (("front", "front"),)),)
    retry = Retry(attempts=1)

    def __init__(self, *args, producer, heard, **kwds):
        super().__init__(*args, **kwds)
        self.producer, self.heard = producer, heard

    @MessageHandler("command", "switch")
    def switch(self, _content):
        self.heard.append(("front", current()))
        self.producer.rpc_state({}, _key="back", _timeout=WAIT)

    @MessageHandler("command", "break")
    def break_(self, _content):
        raise ZeroDivisionError


class Back(MessageProcessor):
    eqk = ((Lights, (("back", "back"),)),)

    def __init__(self, *args, heard, **kwds):
        super().__init__(*args, **kwds)
        self.heard = heard

    @RpcHandler("command", "state")
    async def state(self, _content, reply):
        self.heard.append(("back", current()))
        reply("on")


@pytest.fixture
def site():
    """Starts both with middlewares; gives the bus, a producer and what they heard."""
    started = []

    def start(*middlewares):
        bus = connect(f"memory:{uuid.uuid4().hex}")
        heard = []
        producer = LightsProducer({"name": "p"}, bus=bus, middlewares=middlewares)
        front = Front(
            {"name": "front"}, bus=bus, middlewares=middlewares, producer=producer, heard=heard
        )
        back = Back({"name": "back"}, bus=bus, middlewares=middlewares, heard=heard)
        for processor in (front, back):
            processor.start()
            processor.wait_ready(WAIT)
        started.extend((front, back, producer))
        return bus, producer, heard

    yield start
    for one in started:
        one.close() if isinstance(one, GenericProducer) else one.stop()


def test_one_trace_goes_through_messages_and_calls(site):
    bus, producer, heard = site(Tracing())
    with trace() as mine:
        producer.message_switch({})
    bus.drain(timeout=WAIT)
    assert [who for who, _ in heard] == ["front", "back"]
    contexts = [mine, *(context for _, context in heard)]
    assert len({context.trace_id for context in contexts}) == 1
    assert len({context.span_id for context in contexts}) == 3
    assert current() is None


def test_each_message_without_a_trace_begins_its_own(site):
    bus, producer, heard = site(Tracing())
    producer.message_switch({})
    producer.message_switch({})
    bus.drain(timeout=WAIT)
    assert len({context.trace_id for _, context in heard}) == 2


def test_the_log_of_a_failure_names_its_trace(site, caplog):
    bus, producer, _ = site(Tracing())
    caplog.handler.addFilter(names := TraceFilter())
    try:
        with trace() as mine, caplog.at_level(logging.WARNING):
            producer.message_break({})
            bus.drain(timeout=WAIT)
    finally:
        caplog.handler.removeFilter(names)
    [record] = [one for one in caplog.records if "failed on" in one.message]
    assert record.trace_id == mine.trace_id


def test_metrics_count_what_is_sent_handled_and_answered(site):
    metrics = PrometheusMetrics()
    bus, producer, _ = site(metrics)

    def value(metric, /, **labels):
        return metrics.registry.get_sample_value(f"pelagos_bus_{metric}", labels)

    producer.message_switch({})
    bus.drain(timeout=WAIT)
    queue = producer.rpc_state({}, _key="back", _queue_only=True, _timeout=WAIT)
    assert len(producer.consume_rpc(queue, timeout=WAIT)) == 1
    producer.message_break({})
    bus.drain(timeout=WAIT)
    with pytest.raises(UnroutableError):
        producer.message_switch({}, _key="nowhere", _mandatory=True)
    call = {"exchange": "lights", "category": "rpc", "type": "command", "name": "state"}
    assert value("published_total", **call) == 2
    assert value("confirmed_total", **call) == 2
    assert value("publishing") == 0
    assert value("publish_failed_total", exchange="lights", error="UnroutableError") == 1
    assert value("handled_total", handler="Front.switch", outcome="ack") == 1
    assert value("handled_total", handler="Front.break_", outcome="dead") == 1
    assert value("handled_total", handler="Back.state", outcome="ack") == 2
    for handler in ("Front.switch", "Front.break_", "Back.state"):
        assert value("in_flight", handler=handler) == 0
    assert value("connected", bus=bus.url) >= 3


def test_what_a_middleware_refuses_is_not_sent(site):
    class Refusing(Middleware):
        def before_publish(self, outgoing):
            if outgoing.name == "secret":
                raise MessagingError("secrets stay here")

    bus, producer, _ = site(Refusing())
    for send in (producer.message_secret, producer.rpc_secret):
        with pytest.raises(MessagingError, match="secrets stay here"):
            send({})
    bus.drain(timeout=WAIT)


def test_the_fate_of_everything_that_was_begun_is_told_once():
    bus, fates = connect(f"memory:{uuid.uuid4().hex}"), []

    class Watching(Middleware):
        def before_publish(self, outgoing):
            fates.append((outgoing.name, "begun"))

        def after_publish(self, outgoing, error, seconds):
            assert 0.0 <= seconds < WAIT
            fates.append((outgoing.name, str(error)[:20]))

    held = bus.open()
    held.declare_exchange(Lights)
    held.declare_queue(Queue("silent"))
    held.bind("lights", "silent", "silent")
    producer = LightsProducer(bus=bus, middlewares=[Watching()])
    producer.rpc_cancelled({}, _key="silent", _future=True).cancel()
    producer.rpc_answered({}, _key="nobody", _future=True).result(WAIT)
    open_future = producer.rpc_open({}, _key="silent", _future=True, _timeout=WAIT)
    for options in ({}, {"_future": True}):
        with pytest.raises(MessagingError, match="256 bytes"):
            producer.rpc_misled({}, _key="k" * 256, **options)
    with pytest.raises(MessagingError, match="256 bytes"):
        producer.message_refused({}, _key="k" * 256)
    with pytest.raises(MessagingError, match="256 bytes"):
        producer.rpc_queued({}, _key="k" * 256, _queue_only=True)
    producer.close()
    with pytest.raises(MessagingError, match="closed"):
        open_future.result(WAIT)
    for options in ({}, {"_future": True}):
        with pytest.raises(MessagingError, match="closed"):
            producer.rpc_late({}, **options)
    begun = [name for name, fate in fates if fate == "begun"]
    assert begun == [
        *("cancelled", "answered", "open", "misled", "misled", "queued", "late", "late")
    ]
    ended = sorted(one for one in fates if one[1] != "begun")
    assert ended == [
        ("answered", "no queue takes the k"),
        ("cancelled", "the call was cancell"),
        ("late", "the producer is clos"),
        ("late", "the producer is clos"),
        ("misled", "a routing key is 256"),
        ("misled", "a routing key is 256"),
        ("open", "the producer was clo"),
        ("queued", "a routing key is 256"),
    ]


def test_a_consumer_without_a_processor_is_watched_too():
    done = threading.Event()
    seen = []

    class Noting(Middleware):
        def before_handle(self, received, handler):
            seen.append(("before", received.name, handler.rpartition(".")[2]))

        def after_handle(self, *facts):
            _, _, outcome, seconds = facts
            seen.append(("after", outcome, seconds >= 0))
            done.set()

    def callback(_message):
        pass

    bus = connect(f"memory:{uuid.uuid4().hex}")
    consumer = GenericConsumer([(Lights, [("front", "front")])], bus=bus, middlewares=[Noting()])
    consumer.start(callback)
    consumer.wait_ready(WAIT)
    with consumer, LightsProducer(bus=bus) as producer:
        producer.message_switch({})
        assert done.wait(WAIT)
    assert seen == [("before", "switch", "callback"), ("after", "ack", True)]
