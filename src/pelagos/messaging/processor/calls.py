"""Lets a handler answer a call, once for its id, however often it is sent.

Nothing here knows a broker: it sends no answer, it returns it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pelagos.messaging.errors import FilterError, RejectMessage
from pelagos.messaging.inbox import Receipt
from pelagos.messaging.message import (
    Message,
    MessageResult,
    MessageResultError,
    MessageResultException,
)
from pelagos.messaging.middleware import Outcome
from pelagos.messaging.processor.dispatch import Ended, Work, describe
from pelagos.messaging.processor.payload import PayloadError
from pelagos.messaging.processor.registry import HandlerInfo

log = logging.getLogger(__name__)


class Answer:
    """What a handler answers its call with; the first answer counts."""

    def __init__(self, encode: Callable[[Message], bytes], who: str) -> None:
        self._encode = encode
        self._who = who
        self.body: bytes | None = None
        self.is_over = False

    def __call__(self, value: Any) -> None:
        """Answer with a message, or with a value that is sent as a MessageResult.

        It is sent when the handler has ended, so that a caller never hears of an effect that did
        not stay.

        Raises:
            EncodingError: it cannot be written.
        """
        if self.is_over:
            log.warning(
                "%s answers after it has ended: nobody hears it; let an async def await the value",
                self._who,
            )
            return
        if self.body is not None:
            log.warning("%s answered twice; only its first answer is sent", self._who)
            return
        self.body = self._encode(value if isinstance(value, Message) else MessageResult(value))


@dataclass(slots=True)
class CallWork(Work):
    """A message whose sender waits for an answer.

    Attributes:
        encode: an answer as it is sent.
        began_handling: whether the watchers know of it.
    """

    encode: Callable[[Message], bytes]
    began_handling: bool = False

    async def answer(self, info: HandlerInfo) -> tuple[bytes, Exception | None]:
        """Run the handler of a call, once for its id; the answer, and what ends the processor."""
        if not self.watchers:
            called = await self._answer_once(info)
            return called.body, called.ending
        began = time.perf_counter()
        outcome: Outcome = "reject"
        try:
            called = await self._answer_once(info)
            outcome = called.outcome
        finally:
            if self.began_handling:  # and not answered from memory
                seconds = time.perf_counter() - began
                self.watchers.after_handle(self.message, info.handler, outcome, seconds)
        return called.body, called.ending

    async def _answer_once(self, info: HandlerInfo) -> _Called:
        inbox = self.inbox
        if inbox is None or not self.message.message_id:
            return await self._call(info, None)
        try:
            if self.in_loop:
                async with self._receipt(inbox, info) as receipt:
                    return await self._call_first(info, receipt)
            with inbox.receive(self.message.message_id, info.handler) as receipt:
                return await self._call_first(info, receipt)
        except _Undone as undone:
            async with self._receipt(inbox, info) as receipt:
                if receipt.first:
                    receipt.remember(undone.called.body)
            return undone.called

    async def _call_first(self, info: HandlerInfo, receipt: Receipt) -> _Called:
        if not receipt.first:
            return _Called(receipt.reply or self._silent(info), "ack")
        called = await self._call(info, receipt.transaction)
        if called.failed is not None and receipt.transaction is not None:
            raise _Undone(called)
        receipt.remember(called.body)
        return called

    async def _call(self, info: HandlerInfo, transaction: Any) -> _Called:
        answer = Answer(self.encode, info.handler)
        ending: Exception | None = None
        try:
            if self.watchers:
                self.began_handling = True
                self.watchers.before_handle(self.message, info.handler)
            returned = await self._run(info, self.message.body, answer, transaction)
            if returned is not None and answer.body is None:
                answer(returned)
        except FilterError as error:
            body = self.encode(MessageResultError(f"{info.handler} refuses the call: {error}"))
            return _Called(body, "filtered")
        except Ended as end:
            ending = end.error
        except Exception as error:
            lost = getattr(transaction, "invalidated", False)  # the inbox tells so
            if not (lost or isinstance(error, RejectMessage | PayloadError)):
                log.warning("%s failed on %s", info.handler, self.message, exc_info=error)
            return _Called(self.encode(as_result(error)), "reject", failed=error)
        finally:
            answer.is_over = True
        if answer.body is None:
            body = self.encode(MessageResult(None)) if ending else self._silent(info)
            return _Called(body, "ack", ending)
        return _Called(answer.body, "ack", ending)

    def _silent(self, info: HandlerInfo) -> bytes:
        return self.encode(MessageResultError(f"{info.handler} did not answer the call"))


class _Undone(Exception):
    """Leaves a receipt, so that the effect of a call that failed is undone."""

    def __init__(self, called: _Called) -> None:
        super().__init__()
        self.called = called


@dataclass(slots=True)  # made for every call: a frozen one takes six times as long to make
class _Called:
    """How a call ended."""

    body: bytes
    outcome: Outcome
    ending: Exception | None = None
    failed: Exception | None = None


def as_result(error: Exception) -> Message:
    """What a caller is told of an exception."""
    return MessageResultException(type(error).__name__, describe(error))
