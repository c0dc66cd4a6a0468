"""Effects in a transaction of the inbox: once, or not at all, for handlers of both kinds."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pelagos.messaging import MessageHandler, MessageProcessor, RejectMessage, Retry, RpcHandler
from pelagos.messaging.errors import ExitScheduler, InboxAwayError, InboxBusyError
from pelagos.messaging.inbox import Receipt
from pelagos.messaging.processor.dispatch import pause_ms
from pelagos.messaging.transports.memory import MemoryTransport
from support.bus_desk import WAIT, Desk

_names = itertools.count()


class Ledger:
    """An inbox whose transactions are lists, kept when their block ends without an error."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.known: dict[tuple[str, str], bytes | None] = {}
        self.threads: set[str] = set()

    @contextmanager
    def receive(self, key: str, consumer: str) -> Iterator[Receipt]:
        """See `Inbox`."""
        self.threads.add(threading.current_thread().name)
        name = (consumer, key)
        written: list[str] = []
        first = name not in self.known
        receipt = Receipt(first=first, transaction=written, reply=self.known.get(name))
        yield receipt
        self.effects += written
        if first:
            self.known[name] = receipt.reply


class Sync(MessageProcessor):
    desk: Desk
    retry = Retry(attempts=2, first=0.01)

    def write(self, content: Any) -> int:
        message = self.current.message
        self.desk.got.put(message.attempt)
        self.current.transaction.append(f"{message.message_id}/{message.attempt}")
        what = content["parameters"]
        if what == "end":
            raise ExitScheduler
        if what == "reject":
            raise RejectMessage("no")
        if what == "fail" or (what == "once" and message.attempt == 1):
            raise OSError("after the effect")
        return 42

    @MessageHandler("command", "tell")
    def msg_tell(self, content: Any) -> None:
        self.write(content)

    @RpcHandler("command", "ask")
    def rpc_ask(self, content: Any) -> int:
        return self.write(content)


class Async(Sync):
    @MessageHandler("command", "tell")
    async def msg_tell(self, content: Any) -> None:
        await asyncio.sleep(0)
        self.write(content)

    @RpcHandler("command", "ask")
    async def rpc_ask(self, content: Any) -> int:
        await asyncio.sleep(0)
        return self.write(content)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk(MemoryTransport(f"effects-{next(_names)}"))
    yield made
    made.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


both = pytest.mark.parametrize("kind", [Sync, Async])


@both
def test_a_call_has_one_effect_and_one_answer(
    desk: Desk, ledger: Ledger, kind: type[Sync]
) -> None:
    desk.run(kind, inbox=ledger)
    answers = [desk.ask("ask", message_id="c")["value"] for _ in range(3)]
    assert (answers, ledger.effects) == ([42] * 3, ["c/1"])
    loops = {name.partition("_")[0] for name in ledger.threads}
    assert loops == {"processor" if kind is Sync else "asyncio"}  # a loop does not wait for it
    desk.settled()


@both
@pytest.mark.parametrize("what", ["fail", "reject"])
def test_a_call_that_fails_has_no_effect_and_one_answer(
    desk: Desk, ledger: Ledger, kind: type[Sync], what: str
) -> None:
    desk.run(kind, inbox=ledger)
    answers = [desk.ask("ask", what, message_id="c") for _ in range(3)]
    assert [answer["type"] for answer in answers] == ["exception"] * 3
    assert answers[0]["message"] in {"no", "after the effect"}
    assert (ledger.effects, desk.got.qsize()) == ([], 1)
    desk.settled()
    assert desk.dead.count() == 0


@both
def test_a_call_without_an_id_cannot_be_known_again(
    desk: Desk, ledger: Ledger, kind: type[Sync]
) -> None:
    class Plain(kind):  # type: ignore[misc,valid-type]
        def write(self, _content: Any) -> int:
            assert self.current.transaction is None
            self.desk.got.put("called")
            return 42

    desk.run(Plain, inbox=ledger)
    answers = [desk.ask("ask", message_id="")["value"] for _ in range(2)]
    assert (answers, desk.got.qsize(), ledger.known) == ([42, 42], 2, {})


@both
def test_a_message_that_failed_has_the_effect_of_its_last_attempt(
    desk: Desk, ledger: Ledger, kind: type[Sync]
) -> None:
    desk.run(kind, inbox=ledger)
    desk.tell("tell", "once", message_id="m")
    assert [desk.take(), desk.take()] == [1, 2]
    desk.settled()
    assert (ledger.effects, list(ledger.known)) == (["m/2"], [(f"{kind.__name__}.msg_tell", "m")])


@both
@pytest.mark.parametrize(("what", "attempts"), [("fail", 2), ("reject", 1)])
def test_a_message_that_dies_has_no_effect_and_may_be_sent_again(
    desk: Desk, ledger: Ledger, kind: type[Sync], what: str, attempts: int
) -> None:
    desk.run(kind, inbox=ledger)
    desk.tell("tell", what, message_id="m")
    assert desk.letters()[0].attempts == attempts
    assert (ledger.effects, ledger.known) == ([], {})
    desk.settled()


@both
@pytest.mark.parametrize("calls", [False, True])
def test_the_effect_of_what_ends_a_processor_stays(
    desk: Desk, ledger: Ledger, kind: type[Sync], calls: bool
) -> None:
    processor = desk.run(kind, inbox=ledger)
    if calls:
        assert desk.ask("ask", "end", message_id="m")["type"] == "success"
    else:
        desk.tell("tell", "end", message_id="m")
    processor._thread.join(WAIT)
    assert not processor.is_running
    assert (ledger.effects, len(ledger.known)) == (["m/1"], 1)
    desk.settled()


def test_how_soon_it_is_tried_again_is_what_the_inbox_says() -> None:
    def away(seconds: float) -> int:
        return pause_ms(InboxAwayError("away", retry_after=seconds))

    assert [away(16.0), away(0.0123), away(0.0001)] == [16000, 12, 1]
    assert pause_ms(InboxBusyError("in work", retry_after=7.0)) == 1000
