"""Processors in an event loop: many messages at once, tried again, and calls that are answered."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

import pytest

from pelagos.messaging import (
    AckAndRestart,
    ExitScheduler,
    MessageHandler,
    MessageProcessor,
    MessageResult,
    ReceivedMessage,
    RejectMessage,
    Retry,
    RpcCommand,
    RpcHandler,
)
from pelagos.messaging.inbox import MemoryInbox
from pelagos.messaging.processor.settling import Settler
from pelagos.messaging.runner import serve
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import WAIT, Desk

_names = itertools.count()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"loop-{next(_names)}"))
    yield made
    made.close()


class Loop(MessageProcessor):
    """Works in an event loop."""

    desk: Desk
    retry = Retry(attempts=3, first=0.01, factor=2)

    def __init__(self, *args: Any, **kwds: Any) -> None:
        super().__init__(*args, **kwds)
        self.now = 0
        self.most = 0

    @MessageHandler("command", "wait")
    async def msg_wait(self, content: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        self.desk.got.put(content["parameters"])

    @MessageHandler("command", "fail")
    async def msg_fail(self, content: Any) -> None:
        await asyncio.sleep(0)
        message = self.current.message
        self.desk.got.put((content["parameters"], message.attempt))
        if message.attempt < 3:
            raise OSError("not yet")

    @MessageHandler("command", "never")
    async def msg_never(self, _content: Any) -> None:
        await asyncio.sleep(0)
        raise OSError("never")

    @MessageHandler("command", "refuse")
    async def msg_refuse(self, _content: Any) -> None:
        await asyncio.sleep(0)
        raise RejectMessage("too large")

    @RpcHandler("command", "double")
    async def rpc_double(self, content: Any) -> int:
        await asyncio.sleep(0.001)
        self.desk.got.put(content["parameters"])
        return int(content["parameters"]) * 2

    @RpcHandler("command", "reply")
    async def rpc_reply(self, content: Any, reply_func: Callable[[Any], None]) -> None:
        reply_func(MessageResult(content["parameters"], "early"))
        await asyncio.sleep(0.001)

    @RpcHandler("command", "mute")
    async def rpc_mute(self, _content: Any) -> None:
        await asyncio.sleep(0)

    @RpcHandler("command", "break")
    async def rpc_break(self, _content: Any) -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError("by nothing")

    @RpcHandler("command", "plain")
    def rpc_plain(self, content: Any) -> Any:
        return content["parameters"]

    @RpcHandler("command", "slow")
    async def rpc_slow(self, _content: Any) -> str:
        self.desk.got.put("begun")
        await asyncio.sleep(0.3)
        return "done"


class Served:
    """A processor in an event loop in a thread."""

    def __init__(self, desk: Desk, *, concurrency: int = 20, **options: Any) -> None:
        kind = type("Loop", (Loop,), {"dead_letters": desk.graves, "__qualname__": "Loop"})
        self.processor: Any = kind(
            {"name": "desk"}, [(desk.exchange, [(desk.queue, "k")])], bus=desk.bus, **options
        )
        self.processor.desk = desk
        self.ending: BaseException | None = None
        self._concurrency = concurrency
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        processor = self.processor
        try:
            asyncio.run(
                serve(processor.consumer, processor.dispatch, concurrency=self._concurrency)
            )
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.ending = error

    def __enter__(self) -> Self:
        self._thread.start()
        self.processor.wait_ready(WAIT)
        return self

    def __exit__(self, *_: object) -> None:
        self.processor.stop_consuming()
        self.join()

    def join(self) -> None:
        self._thread.join(WAIT)
        assert not self._thread.is_alive()


def test_messages_are_handled_side_by_side(desk: Desk) -> None:
    with Served(desk, concurrency=8) as served:
        for number in range(40):
            desk.tell("wait", number)
        assert sorted(desk.take() for _ in range(40)) == list(range(40))
    assert 1 < served.processor.most <= 8
    assert desk.waiting() == 0


def test_what_fails_comes_again_and_holds_nobody_up(desk: Desk) -> None:
    with Served(desk):
        for number in range(30):
            desk.tell("fail", number)
            desk.tell("wait", ("other", number))
        found = [desk.take() for _ in range(120)]
    tried = sorted(one for one in found if one[0] != "other")
    assert tried == [(number, attempt) for number in range(30) for attempt in (1, 2, 3)]
    assert desk.waiting() == 0 and desk.dead.count() == 0


def test_what_fails_for_good_is_dead(desk: Desk) -> None:
    with Served(desk):
        desk.tell("never")
        desk.tell("refuse")
        desk.raw(b"{")
        letters = desk.letters(3)
    assert sorted((letter.cause[:13], letter.attempts) for letter in letters) == [
        ("OSError: neve", 3),
        ("RejectMessage", 1),
        ("the body is n", 0),
    ]


def test_calls_are_answered_in_every_case(desk: Desk) -> None:
    with Served(desk):
        assert desk.ask("double", 21)["value"] == 42
        assert desk.ask("reply", 1) == {"type": "success", "value": 1, "message": "early"}
        assert "did not answer" in desk.ask("mute")["message"]
        assert desk.ask("break")["value"] == "ZeroDivisionError"
        assert desk.ask("plain", [5])["value"] == [5]
        assert "no handler" in desk.ask("unknown")["message"]


@pytest.mark.parametrize("inbox", [False, True])
def test_a_call_that_comes_again_is_answered_from_memory(desk: Desk, inbox: bool) -> None:
    with Served(desk, inbox=MemoryInbox() if inbox else None):
        answers = [desk.ask("double", number, message_id="same")["value"] for number in (4, 5, 6)]
    assert answers == [8, 8, 8]
    assert desk.take() == 4 and desk.got.empty()


def test_a_copy_of_a_call_in_work_waits_and_keeps_nobody_waiting(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Its inbox gives up, it is put off, and answered from memory when the first has ended."""
    caplog.set_level(logging.ERROR, "pelagos.messaging")
    with Served(desk, inbox=MemoryInbox(patience=0.05)):
        for copy in ("first", "second"):
            desk.send(
                RpcCommand("slow"), message_id="c", correlation_id=copy, reply_to=desk.reply_queue
            )
        assert desk.take() == "begun"
        assert desk.ask("double", 1)["value"] == 2  # meanwhile
        answers = [desk.answer() for _ in range(2)]
    assert {one.properties.correlation_id for one in answers} == {"first", "second"}
    assert len({one.body for one in answers}) == 1
    assert [desk.take()] == [1] and desk.got.empty()


def test_with_an_inbox_a_message_has_its_effect_once(desk: Desk) -> None:
    with Served(desk, inbox=MemoryInbox()):
        for _ in range(3):
            desk.tell("wait", "x", message_id="m")
        desk.tell("wait", "last")
        assert {desk.take(), desk.take()} == {"x", "last"}
        desk.until(lambda: desk.waiting() == 0)
    assert desk.got.empty()


def test_the_loop_does_not_wait_while_poison_is_put_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled = threading.Event()
    quarantine = Settler.quarantine

    def slow(settler: Settler, message: ReceivedMessage, cause: str) -> None:
        assert handled.wait(WAIT)
        quarantine(settler, message, cause)

    monkeypatch.setattr(Settler, "quarantine", slow)
    with Served(desk):
        desk.raw(b"{")
        desk.send(RpcCommand("double", 1))  # nowhere to answer
        desk.tell("wait", "meanwhile")
        assert desk.take() == "meanwhile"
        handled.set()
        letters = desk.letters(2)
    assert {letter.attempts for letter in letters} == {0}
    assert desk.waiting() == 0


def test_nothing_is_lost_when_connections_are_cut(desk: Desk) -> None:
    with Served(desk):
        for number in range(40):
            desk.tell("fail", number)
            if number % 10 == 5:
                desk.bus.broker.cut()  # type: ignore[attr-defined]
                desk.link = desk.bus.open()
        wanted = {(number, 3) for number in range(40)}
        found: set[Any] = set()
        while not found >= wanted:
            found.add(desk.take())
    assert {number for number, _ in found} == set(range(40))


@pytest.mark.parametrize(
    ("command", "ending"), [("quit", ExitScheduler), ("restart", AckAndRestart)]
)
def test_it_ends_when_it_is_told(desk: Desk, command: str, ending: type[Exception]) -> None:
    with Served(desk) as served:
        desk.tell("wait", 1)
        assert desk.take() == 1
        desk.tell(command)
        served.join()
    assert isinstance(served.ending, ending)
    assert desk.waiting() == 0
