"""What a program that uses the classes wrongly hears, and when."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    DeadLetters,
    Exchange,
    GenericApplication,
    GenericApplicationProducer,
    GenericConsumer,
    GenericProducer,
    MessageCommand,
    MessageFilter,
    MessageHandler,
    MessageProcessor,
    MessagingError,
    Middleware,
    Outgoing,
    PublishManyError,
    Retry,
    RpcCommand,
    RpcHandler,
    connect,
)
from pelagos.messaging.binding import make_queue
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.runner import Crew, run, serve
from pelagos.messaging.sql import Outbox

BUS = "memory:wrong-use"


class Events(Exchange):
    name = "wrong-use"


class Producer(GenericProducer):
    eks = ((Events, "work"),)


class Worker(MessageProcessor):
    eqk = ((Events, [("wrong-use", "work")]),)


def _producer(**attributes: Any) -> Any:
    return type("Named", (Producer,), attributes)(bus=BUS)


def _changed(producer: Any, **attributes: Any) -> Any:
    producer.rpc_queue_go()
    for name, value in attributes.items():
        setattr(producer, name, value)
    return producer


def _leave(message: Any = None, *, exchange: Any = Events, transaction: Any = None) -> str:
    return Outbox().send(transaction, message or MessageCommand("go"), exchange, "key")


async def _later(data: Any) -> Any:
    return data


def _yields(_self: object, content: Any) -> Iterator[Any]:
    yield content


PRODUCED: dict[str, tuple[Callable[[], object], str]] = {
    "a message to call": (
        lambda: _producer().call(MessageCommand("go")),
        r"nobody answers <MessageCommand command go>: give it to send\(\)",
    ),
    "a call to send": (
        lambda: _producer().send(RpcCommand("go")),
        r"<RpcCommand command go>: give it to call\(\)",
    ),
    "two arguments": (
        lambda: _producer().message_go(1, 2),
        "message_go takes one argument, .* define build_message_go",
    ),
    "no pairs": (lambda: _producer(eks=1).message_go(), r"eks is 1, and not \[\(ExchangeClass"),
    "no exchange": (
        lambda: _producer(eks=[(object, "key")]).message_go(),
        "no pair of an exchange class and a key",
    ),
    "a time of text to a producer": (
        lambda: _producer(publish_timeout="soon"),
        "publish_timeout is a number, not 'soon'",
    ),
    "a limit of text": (lambda: _producer(buffer_limit="x"), "buffer_limit is a number, not 'x'"),
    "a time of text to flush": (
        lambda: _producer().flush("x"),
        "timeout is a number of seconds, not 'x'",
    ),
    "a time of text to gather": (
        lambda: _producer().consume_rpc("q", timeout="x"),
        "timeout is a number of seconds, not 'x'",
    ),
    "retries without end": (
        lambda: _producer().rpc_go(_max_retry=10**400),
        "_max_retry is a whole number, not 1000",
    ),
    "a number of answers of text": (
        lambda: _producer().consume_rpc("q", "x"),
        "result_len is a whole number, not 'x'",
    ),
    "a way of replies, once there is a client": (
        lambda: _changed(_producer(), rpc_replies="dircet").rpc_go(),
        "rpc_replies is 'dircet'",
    ),
    "one middleware and no list": (
        lambda: _producer(middlewares=Middleware()),
        "and no list of them",
    ),
    "a bus of no URL": (lambda: connect(None), "text, not None"),  # type: ignore[arg-type]
    "a host of no name": (
        lambda: GenericProducer(vhost=1),  # type: ignore[arg-type]
        "the name of a virtual host, not 1",
    ),
}

CONSUMED: dict[str, tuple[Callable[[], object], str]] = {
    "a callback that is none": (
        lambda: GenericConsumer(bus=BUS).start(None),  # type: ignore[arg-type]
        "the callback is None",
    ),
    "a prefetch of text": (
        lambda: GenericConsumer(bus=BUS, prefetch="x"),  # type: ignore[arg-type]
        "the prefetch is 'x'",
    ),
    "bound to no exchange": (
        lambda: GenericConsumer(bus=BUS).queue_bind("x", "q", "k"),  # type: ignore[arg-type]
        "'x' is no exchange class",
    ),
    "a key of no text": (
        lambda: GenericConsumer([(Events, [("q", 1)])], bus=BUS),
        "a routing key is not text",
    ),
    "a queue's arguments": (
        lambda: make_queue("q", {"arguments": [1]}),
        r"the arguments of the queue 'q' are \[1\]",
    ),
    "an exchange's arguments": (
        lambda: type("Bad", (Exchange,), {"arguments": [1]}),
        r"Bad.arguments is \[1\]",
    ),
    "an inbox": (lambda: Worker(bus=BUS, inbox=1), "inbox is 1"),  # type: ignore[arg-type]
    "a time of text": (
        lambda: Worker(bus=BUS).add_timeout("x", print),  # type: ignore[arg-type]
        "could not convert",
    ),
    "a timer of nothing": (
        lambda: Worker(bus=BUS).add_timeout(1, "x"),  # type: ignore[arg-type]
        "the callback is 'x'",
    ),
}

LEAVING: dict[str, tuple[Callable[[], object], str]] = {
    "text to an outbox": (lambda: _leave("x"), "not 'x'"),
    "a call to an outbox": (lambda: _leave(RpcCommand("go")), "want no answer"),
    "an outbox to nowhere": (lambda: _leave(exchange="x"), "'x' is no exchange class"),
    "a crew of text": (lambda: Crew(processes="x"), "processes is 'x'"),  # type: ignore[arg-type]
    "refusals of text": (
        lambda: connect(BUS).broker.faults.refuse("x"),  # type: ignore[attr-defined]
        "could not convert",
    ),
    "an outbox without a transaction": (_leave, "what engine.begin.. gives, not None"),
    "groups of text": (
        lambda: GenericApplication({"name": "a"}, groups="abc", bus=BUS),
        "groups is 'abc'",
    ),
}

SERVED: dict[str, tuple[Callable[[], object], str]] = {
    "virtual hosts of text": (lambda: EmbeddedBroker(vhosts="tests"), "vhosts is 'tests'"),
    "a version that nobody knows": (
        lambda: EmbeddedBroker(version="5"),  # type: ignore[arg-type]
        "version is '5', and none of 3.10, 4",
    ),
}

DECLARED: dict[str, tuple[Callable[[], object], str]] = {
    "a filter that is none": (lambda: MessageFilter(1), "no plain function"),  # type: ignore[arg-type]
    "a filter to await": (lambda: MessageFilter(_later), "no plain function"),
    "a handler that yields": (
        lambda: MessageHandler("command", "go")(_yields),
        "_yields yields; nobody would run it",
    ),
    "attempts of text": (lambda: Retry("x"), "cannot be used"),  # type: ignore[arg-type]
    "half attempts": (lambda: Retry(1.5), "cannot be used"),  # type: ignore[arg-type]
    "no time": (lambda: Retry(2, float("nan")), "cannot be used"),
}


@pytest.fixture
def bus(request: pytest.FixtureRequest) -> str:
    return f"memory:{request.node.name}"


@pytest.mark.parametrize("case", [*PRODUCED, *CONSUMED, *LEAVING, *SERVED, *DECLARED])
def test_a_mistake_is_named_at_once(case: str) -> None:
    use, words = {**PRODUCED, **CONSUMED, **LEAVING, **SERVED, **DECLARED}[case]
    with pytest.raises((TypeError, ValueError, MessagingError), match=words):
        use()


def test_seconds_of_a_call_may_be_text_as_those_of_a_message(bus: str) -> None:
    class Echo(Worker):
        @RpcHandler("command", "echo")
        def echo(self, content: int) -> int:
            return content

    with Echo(bus=bus) as worker, Producer(bus=bus) as producer:
        worker.start()
        worker.wait_ready()
        assert producer.rpc_echo(1, _timeout="5", _max_retry="0")


def test_dead_letters_are_found_by_the_url_of_their_bus(bus: str) -> None:
    assert DeadLetters(bus).list() == []


def test_a_handler_that_exits_says_so_in_the_log(
    caplog: pytest.LogCaptureFixture, bus: str
) -> None:
    class Leaving(Worker):
        @MessageHandler("command", "leave")
        def leave(self, _content: Any) -> None:
            sys.exit(3)

    with Leaving(bus=bus) as worker, Producer(bus=bus) as producer:
        worker.start()
        worker.wait_ready()
        producer.message_leave()
        assert worker.join(10)
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert "a handler of Leaving called sys.exit()" in record.getMessage()

    caplog.clear()
    consumer = GenericConsumer([(Events, [("wrong-use-2", "work")])], bus=bus)
    came = threading.Event()

    def leave(_message: object) -> None:
        came.set()
        sys.exit(3)

    consumer.start(leave)
    consumer.wait_ready()
    with Producer(bus=bus) as producer:
        producer.message_leave()
    assert came.wait(10)
    assert consumer.stop()
    assert any("sys.exit" in one.getMessage() for one in caplog.records)


def test_one_of_many_that_a_middleware_keeps_back_keeps_back_no_other(bus: str) -> None:
    class Keeper(Middleware):
        def before_publish(self, outgoing: Outgoing) -> None:
            if outgoing.name == "kept":
                raise ValueError("not this one")

    came: list[int] = []
    done = threading.Event()

    class Taking(Worker):
        @MessageHandler("command")
        def take(self, content: Any) -> None:
            came.append(content["parameters"])
            if content["parameters"] == 3:
                done.set()

    with Taking(bus=bus) as worker, Producer(bus=bus, middlewares=[Keeper()]) as producer:
        worker.start()
        worker.wait_ready()
        names = ["sent", "kept", "sent"]
        messages = [MessageCommand(name, place) for place, name in enumerate(names, 1)]
        with pytest.raises(PublishManyError) as raised:
            producer.publish_many(messages)
        assert done.wait(10)
    assert came == [1, 3]
    assert list(raised.value.failed) == [1]
    assert "ValueError: not this one" in str(raised.value)


def test_a_group_of_a_name_that_is_too_long_is_refused_for_good(bus: str) -> None:
    dead = DeadLetters(bus)
    with (
        GenericApplication({"name": "long"}, bus=bus) as application,
        GenericApplicationProducer(bus=bus) as producer,
    ):
        application.start()
        application.wait_ready()
        producer.message_join_group({"group_name": "x" * 250}, _key="long")
        application.bus.drain()  # type: ignore[attr-defined]
        (letter,) = dead.list()
    assert "255 are possible" in letter.cause
    dead.drop(letter.id)


def test_the_log_says_why_a_call_was_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    with Producer(bus="amqp://127.0.0.1:1/") as producer:
        assert not producer.rpc_go(_timeout=0.2, _max_retry=0)
    (record,) = [one for one in caplog.records if "no answer" in one.getMessage()]
    assert "Connection refused" in record.getMessage()


def test_an_answer_that_comes_too_late_is_told_in_the_log(
    caplog: pytest.LogCaptureFixture, bus: str
) -> None:
    answers: list[Callable[[int], None]] = []

    class Late(Worker):
        @RpcHandler("command", "late")
        def late(self, _content: Any, reply_func: Callable[[int], None]) -> None:
            answers.append(reply_func)

    with Late(bus=bus) as worker, Producer(bus=bus) as producer:
        worker.start()
        worker.wait_ready()
        assert not producer.rpc_late()
        answers[0](1)
    assert "Late.late answers after it has ended" in caplog.text


def test_what_a_loop_serves_must_be_callable(bus: str) -> None:
    with pytest.raises(TypeError, match="the callback is None"):
        asyncio.run(serve(GenericConsumer(bus=bus), None))  # type: ignore[arg-type]


def test_what_worker_processes_cannot_have_is_named(bus: str) -> None:
    with pytest.raises(MessagingError, match="a worker process cannot have what it is to run"):
        run(lambda: Worker(bus=bus), Crew(processes=1))


def test_a_processor_that_is_stopped_before_it_has_begun_does_not_begin(bus: str) -> None:
    told = threading.Event()

    class Slow(Worker):
        def _run(self) -> None:
            told.wait(10)
            super()._run()

    worker = Slow(bus=bus)
    worker.start()
    worker.stop_consuming()
    told.set()
    assert worker.join(5)
    worker.start()
    worker.wait_ready()
    assert worker.stop()
