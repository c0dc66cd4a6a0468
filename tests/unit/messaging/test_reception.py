"""Who gets a message, and what becomes of it when something else than its handler fails."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.messaging import JsonEncoder, MessageHandler, MessageProcessor, Retry, RpcHandler
from pelagos.messaging.errors import EncodingError
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import WAIT, Desk
from support.failing_inbox import FailingInbox

_names = itertools.count()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"reception-{next(_names)}"))
    yield made
    made.close()


class Base(MessageProcessor):
    desk: Desk
    retry = Retry(attempts=2, first=0.01)


@pytest.mark.parametrize("first", ["plain", "later"])
def test_of_several_handlers_some_may_be_asynchronous(desk: Desk, first: str) -> None:
    class Plain(Base):
        @MessageHandler("command", "go")
        def plain(self, _content: Any) -> None:
            self.desk.got.put("plain")

    class Later(Base):
        @MessageHandler("command", "go")
        async def later(self, _content: Any) -> None:
            await asyncio.sleep(0)
            self.desk.got.put("later")

    bases = (Plain, Later) if first == "plain" else (Later, Plain)
    desk.run(type("Both", bases, {}))
    desk.tell("go")
    assert sorted([desk.take(), desk.take()]) == ["later", "plain"]
    desk.settled()
    assert desk.got.empty() and desk.dead.count() == 0


def test_a_handler_that_has_gone_leaves_its_message_to_the_others(desk: Desk) -> None:
    class Two(Base):
        @MessageHandler("command", "go")
        def one(self, _content: Any) -> None:
            self.desk.got.put("one")

        @MessageHandler("command", "go")
        def two(self, _content: Any) -> None:
            self.desk.got.put("two")

    desk.run(Two)
    for names, wanted in [(["Two.two"], ["two"]), (["Two.three"], ["one", "two"])]:
        desk.tell("go", headers={"x-pelagos-handlers": names})
        assert [desk.take() for _ in wanted] == wanted
    desk.settled()
    assert desk.got.empty()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_who_calls_hears_that_the_inbox_has_failed(desk: Desk, kind: str) -> None:
    class Sync(Base):
        @RpcHandler("command", "go")
        def rpc_go(self, _content: Any) -> int:
            return 1

    class Async(Base):
        @RpcHandler("command", "go")
        async def rpc_go(self, _content: Any) -> int:
            return 1

    desk.run(
        Sync if kind == "sync" else Async,
        inbox=FailingInbox(ZeroDivisionError("no such memory"), 1),
    )
    answer = desk.ask("go")
    assert (answer["value"], answer["message"]) == ("ZeroDivisionError", "no such memory")
    assert desk.ask("go")["value"] == 1
    desk.settled()
    assert desk.dead.count() == 0


def test_a_message_whose_inbox_has_failed_is_tried_again(desk: Desk) -> None:
    class Telling(Base):
        @MessageHandler("command", "go")
        def go(self, _content: Any) -> None:
            self.desk.got.put(self.current.message.attempt)

    desk.run(Telling, inbox=FailingInbox(ZeroDivisionError("no such memory"), 1))
    desk.tell("go")
    assert desk.take() == 2
    desk.settled()


def test_what_cannot_even_be_refused_is_put_away(desk: Desk) -> None:
    class Mute(JsonEncoder):
        @classmethod
        def encode(cls, _body: Any) -> Any:
            raise EncodingError("no words")

    class Writing(Base):
        encoder_class = Mute

    desk.run(Writing)
    desk.raw(b"poison", reply_to=desk.reply_queue)
    assert "not JSON" in desk.letters()[0].cause
    desk.settled()


@pytest.mark.parametrize("others", [False, True])
def test_a_stop_iteration_ends_the_processor_and_its_message_is_done(
    desk: Desk, others: bool
) -> None:
    """Also beside an asynchronous handler, whose loop it may not pass as it is."""

    class Ending(Base):
        @MessageHandler("command", "go")
        def go(self, _content: Any) -> None:
            raise StopIteration

    class Beside(Ending):
        @MessageHandler("command", "go")
        async def later(self, _content: Any) -> None:
            self.desk.got.put("later")

    processor = desk.run(Beside if others else Ending)
    desk.tell("go")
    processor._thread.join(WAIT)
    assert not processor.is_running
    assert desk.got.qsize() == others
    desk.settled()
    assert desk.dead.count() == 0
