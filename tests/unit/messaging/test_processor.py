"""Processors: who gets a message, what becomes of it, and what a caller hears."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import (
    AckAndRestart,
    Exchange,
    ExitScheduler,
    FilterError,
    JsonEncoder,
    MessageCommand,
    MessageResult,
    MessageResultError,
    MessageStatus,
    MessagingError,
    RejectMessage,
    RpcCommand,
)
from pelagos.messaging.inbox import MemoryInbox, busy
from pelagos.messaging.microthreads import MicroScheduler
from pelagos.messaging.middleware import Middleware
from pelagos.messaging.processor import (
    Handler,
    MessageFilter,
    MessageHandler,
    MessageHandlerFullBody,
    MessageProcessor,
    Retry,
    RpcHandler,
)
from pelagos.messaging.processor.registry import registry_of
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import WAIT, Desk
from support.failing_inbox import FailingInbox

_names = itertools.count()
QUICK = Retry(attempts=3, first=0.01, factor=2, limit=1)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"processor-{next(_names)}"))
    yield made
    made.close()


class Base(MessageProcessor):
    """What the tests derive from."""

    desk: Desk
    retry = QUICK


# Who gets it.


def test_every_handler_of_a_message_gets_data_of_its_own(desk: Desk) -> None:
    class Three(Base):
        @MessageHandler("command", "go")
        def one(self, content: Any) -> None:
            content["parameters"].append("mine")
            self.desk.got.put(("one", content["parameters"]))

        @MessageHandler("command", "go")
        def two(self, content: Any) -> None:
            self.desk.got.put(("two", content["parameters"]))

        @MessageHandlerFullBody("command", "go")
        def three(self, body: Any) -> None:
            self.desk.got.put(("three", body["name"], body["content"]["parameters"]))

    desk.run(Three)
    desk.tell("go", [1])
    assert [desk.take() for _ in range(3)] == [
        ("one", [1, "mine"]),
        ("two", [1]),
        ("three", "go", [1]),
    ]


def test_two_processors_in_one_process_do_not_see_each_others_handlers() -> None:
    class A(MessageProcessor):
        @MessageHandler("command", "a")
        def msg_a(self, content: Any) -> None: ...

    class B(MessageProcessor):
        @MessageHandler("command", "b")
        def msg_b(self, content: Any) -> None: ...

    own = {kind: {info.name for info in kind.handlers()} for kind in (MessageProcessor, A, B)}
    assert own[MessageProcessor] == {"quit", "restart"}
    assert own[A] == {"quit", "restart", "a"}
    assert own[B] == {"quit", "restart", "b"}


def test_a_handler_defined_again_replaces_the_inherited_one(desk: Desk) -> None:
    class Parent(Base):
        @MessageHandler("command", "go")
        def msg(self, _content: Any) -> None:
            self.desk.got.put("parent")

        @MessageHandler("command", "other")
        def other(self, _content: Any) -> None:
            self.desk.got.put("inherited")

        @MessageHandler("command", "gone")
        def gone(self, _content: Any) -> None:
            self.desk.got.put("must not run")

    class Child(Parent):
        def msg(self, _content: Any) -> None:
            self.desk.got.put("child")

        gone = None  # type: ignore[assignment]

    desk.run(Child)
    for name in ("go", "gone", "other"):
        desk.tell(name)
    assert [desk.take(), desk.take()] == ["child", "inherited"]
    assert [info.handler for info in Child.handlers() if info.name == "go"] == [f"{'Child'}.msg"]


def test_a_handler_defined_again_with_a_decorator_of_its_own_has_only_that() -> None:
    class Parent(MessageProcessor):
        @MessageHandler("command", "old")
        def msg(self, content: Any) -> None: ...

    class Child(Parent):
        @MessageHandler("command", "new")
        def msg(self, content: Any) -> None: ...

    assert "old" not in {info.name for info in Child.handlers()}
    assert "old" in {info.name for info in Parent.handlers()}


def test_handlers_come_from_every_base_a_mixin_too() -> None:
    class Mixin:
        @RpcHandler("command", "ping")
        def ping(self, _content: Any) -> str:
            """Answer.

            Always.
            """
            return "pong"

    class Mixed(Mixin, MessageProcessor): ...

    (info,) = [info for info in Mixed.handlers() if info.category == "rpc"]
    assert (info.handler, info.doc, info.attribute) == ("Mixed.ping", "Answer.", "ping")


def test_one_method_may_have_several_decorators(desk: Desk) -> None:
    class Both(Base):
        @MessageHandler("command", "a")
        @MessageHandler("status", "a")
        @RpcHandler("command", "a")
        def any_of(self, _content: Any, reply_func: Any = None) -> None:
            self.desk.got.put("rpc" if reply_func else "message")
            if reply_func:
                reply_func(1)

    desk.run(Both)
    desk.tell("a")
    desk.send(MessageStatus("a"))
    assert desk.ask("a")["value"] == 1
    assert [desk.take() for _ in range(3)] == ["message", "message", "rpc"]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("disk_*", "disk_full", True),
        ("disk_*", "Disk_full", False),
        ("disk_?", "disk_12", False),
        ("disk_[ab]", "disk_b", True),
        ("disk_[ab]", "disk_[ab]", True),
        (None, "anything\nat all", True),
        ("*", "", True),
        ("disk", "disk_full", False),
    ],
)
def test_names_may_be_patterns(pattern: str | None, name: str, fits: bool) -> None:
    class Wild(MessageProcessor):
        @MessageHandler("command", pattern)
        def msg(self, content: Any) -> None: ...

    found = registry_of(Wild).find("message", "command", name)
    assert [info.attribute for info in found] == (["msg"] if fits else [])
    assert not registry_of(Wild).find("message", "status", name)
    assert not registry_of(Wild).find("rpc", "command", name)


def test_a_message_goes_to_exact_names_first_then_to_patterns(desk: Desk) -> None:
    class Wild(Base):
        @MessageHandler("*")
        def everything(self, _content: Any) -> None:
            self.desk.got.put("everything")

        @MessageHandler("command", "g*")
        def some(self, _content: Any) -> None:
            self.desk.got.put("some")

        @MessageHandler("command", "go")
        def exact(self, _content: Any) -> None:
            self.desk.got.put("exact")

    desk.run(Wild)
    desk.tell("go")
    assert [desk.take() for _ in range(3)] == ["exact", "everything", "some"]


def test_a_call_is_answered_by_the_most_exact_and_last_defined_handler(desk: Desk) -> None:
    class Wild(Base):
        @RpcHandler("command", "disk_full")
        def exact(self, _content: Any) -> str:
            return "exact"

        @RpcHandler("command", "disk_full")
        def last(self, _content: Any) -> str:
            return "last"

        @RpcHandler("command", "disk_*")
        def longer(self, _content: Any) -> str:
            return "longer"

        @RpcHandler("command")
        def rest(self, _content: Any) -> str:
            return "rest"

    desk.run(Wild)
    answers = [desk.ask(name)["value"] for name in ("disk_full", "disk_x", "cpu")]
    assert answers == ["last", "longer", "rest"]


def test_what_is_no_handler_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="not derived from Handler"):

        @MessageHandler("command", "x")
        class Plain: ...

    with pytest.raises(TypeError, match="belongs above a method"):
        MessageHandler("command", "x")(5)


# Classes as handlers.


def test_a_decorator_without_its_type_is_refused_where_it_stands() -> None:
    with pytest.raises(TypeError, match=r'@MessageHandler\("command", "resize"\)'):

        class Bare(Base):
            @MessageHandler  # type: ignore[arg-type]
            def resize(self, content: Any) -> None: ...

    with pytest.raises(TypeError, match="retry=3 is no Retry"):
        MessageHandler("command", "resize", retry=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="name 5 is not text"):
        RpcHandler("command", 5)  # type: ignore[arg-type]


def test_a_handler_that_cannot_take_what_it_gets_is_told_before_any_message() -> None:
    class Narrow(Base):
        @MessageHandler("command", "resize")
        def resize(self) -> None: ...

    class Wide(Base):
        @RpcHandler("command", "size")
        def size(self, content: Any, reply_func: Any, more: Any) -> None: ...

    class Fitting(Base):
        @MessageHandler("command", "resize")
        @RpcHandler("command", "resize")
        def resize(self, *content: Any, more: int = 1) -> None: ...

        @staticmethod
        @RpcHandler("command", "size")
        def size(content: Any) -> None: ...

    with pytest.raises(MessagingError, match=r"Narrow.resize cannot take content: ") as told:
        Narrow(bus="memory:forms")
    assert told.value.hint == "write def resize(self, content)"
    with pytest.raises(MessagingError, match=r"Wide.size cannot take content and reply_func: "):
        Wide.handlers()
    assert len(Fitting.handlers()) == 5


def test_settings_of_a_class_that_have_another_form_are_told_when_it_is_made() -> None:
    class Often(MessageProcessor):
        retry = 3  # type: ignore[assignment]

    class Flat(MessageProcessor):
        eqk = (("disks", "resizer"),)  # type: ignore[assignment]

    with pytest.raises(MessagingError, match=r"Often.retry is 3") as told:
        Often(bus="memory:forms")
    assert "Retry(attempts=3)" in told.value.hint

    class Disks(Exchange):
        name = "disks"

    wrong = (None, [(5, [("queue", "key")])], "disks", [(Disks, ["ab"])], [(Disks, "ab")])
    for eqk in wrong:
        with pytest.raises(MessagingError, match="this eqk has a wrong form: ") as told:
            Flat(eqk=eqk, bus="memory:forms")  # type: ignore[arg-type]
        assert "[(ExchangeClass, [(queue, key), …]), …]" in told.value.hint


def test_a_filter_of_no_handler_is_told() -> None:
    class Forgetful(MessageProcessor):
        @MessageFilter(dict)
        def msg_go(self, content: object) -> None:
            """Not marked as a handler."""

    with pytest.raises(MessagingError, match=r"Forgetful\.msg_go has a filter and is no handler"):
        Forgetful.handlers()


def test_a_class_can_be_a_handler(desk: Desk) -> None:
    class Classes(Base):
        class NoHandler(Handler):
            """Without a decorator it is none, and harms nobody."""

        @MessageFilter(lambda data: {**data, "filtered": True})
        @MessageHandler("command", "go")
        class Go(Handler):
            def call(self) -> None:
                self.processor.desk.got.put((self.data, self.reply_func))

        @RpcHandler("command", "add")
        class Add(Handler):
            def call(self) -> None:
                assert self.reply_func
                self.reply_func(sum(self.data["parameters"]))

        @RpcHandler("command", "lazy")
        class Lazy(Handler):
            """Does nothing."""

    desk.run(Classes)
    desk.tell("go", 1)
    assert desk.take() == ({"parameters": 1, "filtered": True}, None)
    assert desk.ask("add", [1, 2])["value"] == 3
    assert "does nothing" in desk.ask("lazy")["message"]


# Filters.


def test_the_filter_nearest_to_the_handler_runs_first(desk: Desk) -> None:
    def add(data: dict[str, Any], what: str, *, twice: bool = False) -> dict[str, Any]:
        data["parameters"] += what * (2 if twice else 1)
        return data

    class Filtered(Base):
        @MessageFilter(add, "c")
        @MessageFilter(add, "b", twice=True)
        @MessageHandler("command", "go")
        @MessageFilter(add, "a")
        def msg(self, content: Any) -> None:
            self.desk.got.put(content["parameters"])

        @MessageHandler("command", "go")
        def unfiltered(self, content: Any) -> None:
            self.desk.got.put(content["parameters"])

    desk.run(Filtered)
    desk.tell("go", "")
    assert [desk.take(), desk.take()] == ["abbc", ""]


def test_only_filter_error_discards_and_all_else_fails(desk: Desk) -> None:  # noqa: C901
    def discard(_data: Any) -> Any:
        raise FilterError("not today")

    def broken(data: Any) -> Any:
        return data.no_such_attribute

    class Filtered(Base):
        retry = None

        @MessageFilter(discard)
        @MessageHandler("command", "go")
        def one(self, _content: Any) -> None:
            self.desk.got.put("must not run")

        @MessageHandler("command", "go")
        def two(self, _content: Any) -> None:
            self.desk.got.put("two")

        @MessageFilter(broken)
        @MessageHandler("command", "broken")
        def three(self, _content: Any) -> None:
            self.desk.got.put("must not run")

        @MessageFilter(lambda _: None)
        @MessageHandler("command", "forgetful")
        def four(self, _content: Any) -> None:
            self.desk.got.put("must not run")

        @MessageFilter(discard)
        @RpcHandler("command", "ask")
        def five(self, _content: Any) -> str:
            return "must not run"

    desk.run(Filtered)
    for name in ("go", "broken", "forgetful"):
        desk.tell(name)
    refused = desk.ask("ask")
    assert refused["type"] == "error"
    assert refused["message"] == "Filtered.five refuses the call: not today"
    assert desk.take() == "two"
    first, second = desk.letters(2)
    assert first.cause.startswith("AttributeError: ") and first.handler == "Filtered.three"
    assert "<lambda> returned nothing" in second.cause
    assert desk.got.empty()


# Calls.


class Calls(Base):
    @RpcHandler("command", "reply")
    def reply(self, content: Any, reply_func: Any) -> None:
        reply_func(content["parameters"])

    @RpcHandler("command", "message")
    def message(self, _content: Any, reply_func: Any) -> None:
        reply_func(MessageResultError("sold out"))

    @RpcHandler("command", "returns")
    def returns(self, _content: Any) -> Any:
        return MessageResult(7, "seven")

    @RpcHandler("command", "silent")
    def silent(self, content: Any, reply_func: Any) -> None:
        """Forget to answer."""

    @RpcHandler("command", "raises")
    def raises(self, _content: Any, reply_func: Any) -> None:
        reply_func("all is well")
        raise KeyError("k\udcff")

    @RpcHandler("command", "refuses")
    def refuses(self, _content: Any) -> None:
        raise RejectMessage("not for you")

    @RpcHandler("command", "twice")
    def twice(self, _content: Any, reply_func: Any) -> None:
        reply_func(1)
        reply_func(2)

    @RpcHandler("command", "unwritable")
    def unwritable(self, _content: Any, reply_func: Any) -> None:
        reply_func({1, 2, object()})

    @RpcHandler("command", "speechless")
    def speechless(self, _content: Any) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise ValueError

        raise Odd


@pytest.mark.parametrize(
    ("name", "kind", "value", "message"),
    [
        ("reply", "success", {"a": [1]}, ""),
        ("message", "error", None, "sold out"),
        ("returns", "success", 7, "seven"),
        ("silent", "error", None, "Calls.silent did not answer the call"),
        ("raises", "exception", "KeyError", "'k\\udcff'"),
        ("refuses", "exception", "RejectMessage", "not for you"),
        ("twice", "success", 1, ""),
        ("unwritable", "exception", "EncodingError", ...),
        ("speechless", "exception", "Odd", "no text"),
        ("unknown", "error", None, "Calls has no handler for the call command 'unknown'"),
    ],
)
def test_a_call_is_answered_in_every_case(
    desk: Desk, name: str, kind: str, value: Any, message: Any
) -> None:
    desk.run(Calls)
    answer = desk.ask(name, {"a": [1]})
    assert (answer["type"], answer["value"]) == (kind, value)
    assert message in (..., answer["message"])
    desk.settled()
    assert desk.dead.count() == 0


def test_an_answer_is_an_own_message_beside_the_durable_ones(desk: Desk) -> None:
    desk.run(Calls)
    desk.send(
        RpcCommand("returns"), reply_to=desk.reply_queue, correlation_id="7", message_id="call-1"
    )
    properties = desk.answer().properties
    assert properties.correlation_id == "7"
    assert properties.content_type == "application/json"
    assert not properties.persistent


def test_a_call_of_another_type_than_command_is_answered_too(desk: Desk) -> None:
    desk.run(Calls)
    body = RpcCommand("reply").body | {"type": "status"}
    desk.raw(JsonEncoder.encode(body), reply_to=desk.reply_queue)
    content = JsonEncoder.decode(desk.answer().body)["content"]
    assert content["message"] == "Calls has no handler for the call status 'reply'"


def test_a_call_that_comes_again_is_answered_from_memory(desk: Desk) -> None:
    class Counting(Base):
        @RpcHandler("command", "count")
        def count(self, _content: Any) -> int:
            self.desk.got.put("ran")
            return self.desk.got.qsize()

        @RpcHandler("command", "fail")
        def fail(self, _content: Any) -> None:
            self.desk.got.put("ran")
            raise ValueError(self.desk.got.qsize())

    desk.run(Counting)
    assert [desk.ask("count", message_id="one")["value"] for _ in range(3)] == [1, 1, 1]
    assert desk.ask("count", message_id="two")["value"] == 2
    assert [desk.ask("fail", message_id="three")["message"] for _ in range(2)] == ["3", "3"]
    assert [desk.ask("count", message_id="")["value"] for _ in range(2)] == [4, 5]


def test_a_call_without_a_place_for_the_answer_is_quarantined(desk: Desk) -> None:
    desk.run(Calls)
    desk.send(RpcCommand("reply"))
    assert "reply_to" in desk.letters()[0].cause


def test_a_call_whose_asker_is_gone_harms_nobody(desk: Desk) -> None:
    desk.run(Calls)
    desk.send(RpcCommand("reply", 1), reply_to="nobody-there")
    assert desk.ask("reply", 2)["value"] == 2


# Effects once.


def test_with_an_inbox_a_message_has_its_effect_once_for_each_handler(desk: Desk) -> None:
    class Two(Base):
        @MessageHandler("command", "go")
        def one(self, _content: Any) -> None:
            self.desk.got.put("one")

        @MessageHandler("command", "go")
        def two(self, _content: Any) -> None:
            self.desk.got.put("two")

    desk.run(Two, inbox=MemoryInbox())
    for message_id in ("a", "a", "b"):
        desk.tell("go", message_id=message_id)
    assert [desk.take() for _ in range(4)] == ["one", "two", "one", "two"]
    desk.settled()
    assert desk.got.empty()


def test_a_handler_that_failed_has_had_no_effect_for_the_inbox(desk: Desk) -> None:
    class Flaky(Base):
        @MessageHandler("command", "go")
        def one(self, _content: Any) -> None:
            assert self.current.transaction is None
            self.desk.got.put(self.current.message.attempt)
            if self.current.message.attempt == 1:
                raise OSError

    desk.run(Flaky, inbox=MemoryInbox())
    desk.tell("go", message_id="a")
    assert [desk.take(), desk.take()] == [1, 2]


def test_a_message_that_waits_for_an_inbox_has_not_been_tried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.messaging.processor.dispatch.BUSY_MS", 10)

    class Once(Base):
        retry = Retry(attempts=1)

        @MessageHandler("command", "go")
        def one(self, _content: Any) -> None:
            self.desk.got.put(self.current.message.attempt)

    desk.run(Once, inbox=FailingInbox(busy("a"), 3))
    desk.tell("go", message_id="a")
    assert desk.take() == 1
    desk.settled()


def test_outside_of_a_handler_there_is_no_message() -> None:
    processor = Base({"name": "x"}, bus=MemoryTransport("none"))
    with pytest.raises(MessagingError, match="no message is in work"):
        _ = processor.current


# Ending.


def test_quit_ends_the_processor_and_its_message_is_done(desk: Desk) -> None:
    processor = desk.run(Calls)
    desk.tell("quit")
    assert processor.join(WAIT)
    assert isinstance(processor.ending, ExitScheduler)
    assert desk.waiting() == 0


def test_restart_acknowledges_closes_and_starts_anew(desk: Desk) -> None:
    class Restarted(Base):
        @staticmethod
        def restarter() -> None:
            desk.got.put(desk.waiting())

    processor = desk.run(Restarted)
    desk.tell("restart")
    assert desk.take() == 0
    assert processor.join(WAIT)


def test_a_call_that_ends_the_processor_is_answered_first(desk: Desk) -> None:
    class Ending(Base):
        @RpcHandler("command", "stop")
        def stop_now(self, _content: Any, reply_func: Any) -> None:
            reply_func("bye")
            raise StopIteration

        @RpcHandler("command", "silent")
        def stop_silently(self, _content: Any) -> None:
            raise ExitScheduler

    for name, value in (("stop", "bye"), ("silent", None)):
        processor: MessageProcessor = desk.run(Ending)
        answer = desk.ask(name)
        assert (answer["type"], answer["value"]) == ("success", value)
        assert processor.join(WAIT)
        assert isinstance(processor.ending, StopIteration | ExitScheduler)


def test_the_built_in_commands_can_be_taken_away(desk: Desk) -> None:
    class Steady(Calls):
        msg_quit = None  # type: ignore[assignment]

    desk.run(Steady)
    desk.tell("quit")
    assert desk.ask("reply", 1)["value"] == 1


def test_processors_take_turns_under_one_scheduler(desk: Desk) -> None:
    class Turn(Base):
        @MessageHandler("command", "go")
        def msg(self, _content: Any) -> None:
            desk.got.put(id(self))

    made = [
        Turn({"name": "t"}, [(desk.exchange, [(f"{desk.queue}.{n}", "k")])], bus=desk.bus)
        for n in range(2)
    ]
    desk.queues += [f"{desk.queue}.{n}" for n in range(2)]
    scheduler = MicroScheduler()
    for one in made:
        scheduler.add_microthread(one)
        one.wait_ready(WAIT)
    for _ in range(3):
        desk.tell("go")
    rounds = scheduler.main()
    while desk.got.qsize() < 6:
        next(rounds)
    order = [desk.take() for _ in range(6)]
    assert {order[0], order[1]} == {id(one) for one in made}
    assert order == order[:2] * 3
    desk.tell("quit")
    for _ in rounds:
        pass


# Asynchronous handlers.


def test_handlers_may_be_asynchronous(desk: Desk) -> None:
    class Async(Base):
        @MessageHandler("command", "go")
        async def msg(self, content: Any) -> None:
            await asyncio.sleep(0)
            self.desk.got.put(content["parameters"])

        @MessageHandler("command", "bad")
        async def bad(self, _content: Any) -> None:
            await asyncio.sleep(0)
            raise OSError("disk")

        @RpcHandler("command", "ask")
        async def ask(self, content: Any) -> Any:
            await asyncio.sleep(0)
            return content["parameters"]

        @MessageHandler("command", "leave")
        async def leave(self, _content: Any) -> None:
            await asyncio.sleep(0)
            raise ExitScheduler

    processor = desk.run(Async)
    desk.tell("go", 1)
    assert desk.take() == 1
    assert [desk.ask("ask", 2, message_id="x")["value"] for _ in range(2)] == [2, 2]
    desk.tell("bad")
    (letter,) = desk.letters()
    assert (letter.cause, letter.attempts) == ("OSError: disk", 3)
    desk.tell("leave")
    assert processor.join(WAIT)


def test_what_must_be_awaited_is_declared_so(desk: Desk) -> None:
    async def later() -> None:
        await asyncio.sleep(0)

    class Hidden(Base):
        retry = None

        @MessageHandler("command", "go")
        def msg(self, _content: Any) -> Any:
            return later()

    desk.run(Hidden)
    desk.tell("go")
    assert "not declared so" in desk.letters()[0].cause or "no running" in desk.letters()[0].cause


# Middleware and the rest.


def test_middlewares_learn_what_became_of_it(desk: Desk) -> None:  # noqa: C901
    seen: list[tuple[str, str]] = []

    class Watch(Middleware):
        def before_handle(self, received: Any, _handler: str) -> None:
            if received.name == "stopped":
                raise OSError("by a middleware")

        def after_handle(
            self, _received: Any, handler: str, outcome: str, _seconds: float
        ) -> None:
            seen.append((handler, outcome))

    def discard(_data: Any) -> Any:
        raise FilterError

    class Watched(Base):
        retry = Retry(attempts=2, first=0.01)

        @MessageHandler("command", "go")
        def fine(self, content: Any) -> None: ...

        @MessageFilter(discard)
        @MessageHandler("command", "go")
        def filtered(self, content: Any) -> None: ...

        @MessageHandler("command", "go")
        def failing(self, _content: Any) -> None:
            raise OSError

        @MessageHandler("command", "stopped")
        def stopped(self, _content: Any) -> None:
            raise AssertionError

        @RpcHandler("command", "ask")
        def ask(self, _content: Any) -> int:
            return 1

    desk.run(Watched, middlewares=[Watch()])
    desk.tell("go")
    desk.letters(1)
    desk.ask("ask")
    desk.tell("stopped")
    assert desk.letters(2)[1].cause == "OSError: by a middleware"
    assert seen == [
        ("Watched.fine", "ack"),
        ("Watched.filtered", "filtered"),
        ("Watched.failing", "retry"),
        ("Watched.failing", "dead"),
        ("Watched.ask", "ack"),
        ("Watched.stopped", "retry"),
        ("Watched.stopped", "dead"),
    ]


def test_a_processor_reads_more_at_run_time(desk: Desk) -> None:
    class Reading(Base):
        @MessageHandler("command", "go")
        def msg(self, _content: Any) -> None:
            self.desk.got.put(self.current.message.delivery.queue)

    processor = desk.run(Reading)
    processor.add_eqk([(desk.exchange, [(f"{desk.queue}.more", "k")])])
    desk.queues.append(f"{desk.queue}.more")
    desk.tell("go")
    assert {desk.take(), desk.take()} == {desk.queue, f"{desk.queue}.more"}


def test_a_timer_calls_back_once_and_not_after_the_end(desk: Desk) -> None:
    processor = desk.run(Calls)
    processor.add_timeout(0.01, lambda: desk.got.put("time"))
    processor.add_timeout(3600, lambda: desk.got.put("too late"))
    processor.add_timeout(0.01)
    assert desk.take() == "time"
    processor.stop(WAIT)


def test_a_message_for_nobody_is_acknowledged(desk: Desk) -> None:
    desk.run(Calls)
    desk.tell("unknown")
    desk.ask("reply")
    desk.settled()
    assert desk.dead.count() == 0


def test_the_fingerprint_is_of_this_process_with_what_was_given() -> None:
    processor = MessageProcessor({"name": "x", "type": "y"}, [], bus=MemoryTransport("none"))
    facts = processor.fingerprint
    assert (facts["name"], facts["type"]) == ("x", "y")
    assert all(isinstance(value, str) for value in facts.values())
    assert set(facts) == {"name", "type", "pid", "host", "user", "vhost"}


def test_failures_are_logged_once_with_their_traceback(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Base):
        retry = Retry(attempts=2, first=0.01)

        @MessageHandler("command", "go")
        def msg(self, _content: Any) -> None:
            raise OSError("x")

    with caplog.at_level(logging.WARNING, "pelagos.messaging"):
        desk.run(Failing)
        desk.tell("go")
        desk.letters()
    records = [(record.levelname, bool(record.exc_info)) for record in caplog.records]
    assert records == [("WARNING", True), ("ERROR", True)]


def test_restart_and_reject_are_errors_with_words() -> None:
    assert str(AckAndRestart()) and str(RejectMessage()) and str(MessageCommand("x"))
