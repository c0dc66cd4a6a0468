"""A processor among villains, and the account of what became of every message."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pelagos.messaging import JsonEncoder, PoisonError, RejectMessage
from pelagos.messaging.errors import EncodingError
from pelagos.messaging.message import check_body
from pelagos.messaging.processor import MessageHandler, MessageProcessor, RpcHandler
from pelagos.messaging.transports.base import Transport
from support.bus_desk import Desk
from support.hostile import NUMBER, Hostile, Villain

_AT_ONCE = 200


@dataclass
class Sized:
    size: int


class Victim(MessageProcessor):
    """Handles whatever is a message at all."""

    desk: Desk
    retry = None
    msg_quit = None  # type: ignore[assignment]
    msg_restart = None  # type: ignore[assignment]

    @MessageHandler("*")
    def everything(self, content: Any) -> None:
        self.desk.got.put(self.current.message.headers[NUMBER])
        if self.current.message.name == "fail":
            raise OSError(str(content))
        if self.current.message.name == "refuse":
            raise RejectMessage

    @MessageHandler("command", "typed")
    def typed(self, content: Sized) -> None:
        assert content.size == content.size + 0

    @RpcHandler("command", "go")
    def answer(self, content: Any) -> Any:
        return content

    @RpcHandler("command", "typed")
    def answer_typed(self, content: Sized) -> int:
        return content.size


def survive(
    bus: Transport, count: int, *, seed: int, sender: Transport | None = None
) -> Counter[str]:
    """Let a processor live through so many hostile messages, sent over `sender`.

    Returns:
        how many were handled, answered and quarantined; some are two of these.
    """
    desk = Desk(bus, sender)
    try:
        return _Account(desk, seed).run(count)
    finally:
        desk.close()


class _Account:
    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk = desk
        self._villain = Villain(seed, [desk.reply_queue])
        self._tally: Counter[str] = Counter()

    def run(self, count: int) -> Counter[str]:
        desk = self._desk
        processor = desk.run(Victim)
        for start in range(0, count, _AT_ONCE):
            batch = range(start, min(count, start + _AT_ONCE))
            sent = {number: self._send(number) for number in batch}
            desk.tell("go", headers={NUMBER: -1})  # when it is handled, so are the others
            handled = set()
            while (number := desk.take()) != -1:
                handled.add(number)
            desk.until(lambda: desk.waiting() == 0)
            self._check(
                sent,
                handled,
                {letter.properties.headers.get(NUMBER) for letter in desk.dead.drop()},
            )
        assert processor.is_running
        desk.settled()
        return self._tally

    def _send(self, number: int) -> Hostile:
        hostile = self._villain.make(number)
        self._desk.raw(hostile.body, **hostile.properties)
        return hostile

    def _check(self, sent: dict[int, Hostile], handled: set[int], dead: set[Any]) -> None:
        mine = self._desk.reply_queue
        answerable = {
            f"c{number}"
            for number, hostile in sent.items()
            if _fate(hostile) != "message" and hostile.properties.get("reply_to") == mine
        }
        answered = self._answered(len(answerable))
        assert answered == answerable
        for number, hostile in sent.items():
            reply_to = hostile.properties.get("reply_to")
            fate = _fate(hostile)
            what = (number, fate, hostile)
            if fate == "poison" or (fate == "call" and not reply_to):
                assert number in dead, what
            elif fate == "message":
                assert number in handled or number in dead, what
        self._tally["handled"] += len(handled)
        self._tally["answered"] += len(answered)
        self._tally["quarantined"] += len(dead)

    def _answered(self, count: int) -> set[str | None]:
        found = set()
        for _ in range(count):
            delivery = self._desk.answer()
            content = JsonEncoder.decode(delivery.body)["content"]
            assert content["type"] in ("success", "error", "exception")
            found.add(delivery.properties.correlation_id)
        assert self._desk.answers.empty()
        return found


def _fate(hostile: Hostile) -> str:
    try:
        body = check_body(JsonEncoder.decode(hostile.body))
    except (EncodingError, PoisonError):
        return "poison"
    return "call" if body["category"] == "rpc" else "message"
