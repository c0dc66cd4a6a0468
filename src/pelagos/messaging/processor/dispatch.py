"""Gives one message to the handlers it is for, and tells what became of each.

Nothing here knows a broker: it neither answers nor settles, it returns what is to be done.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.again import clean
from pelagos.messaging.errors import (
    AckAndRestart,
    ExitScheduler,
    FilterError,
    InboxAwayError,
    InboxBusyError,
    MessagingError,
    RejectMessage,
)
from pelagos.messaging.inbox import Inbox, Receipt
from pelagos.messaging.message import (
    Message,
    MessageResult,
    MessageResultError,
    MessageResultException,
)
from pelagos.messaging.middleware import Chain, Outcome
from pelagos.messaging.processor.payload import PayloadError
from pelagos.messaging.processor.registry import HandlerInfo

log = logging.getLogger(__name__)

#: Characters of an exception's text that a caller is told.
_TEXT_LIMIT = 10_000

#: Milliseconds after which a message is tried again whose first copy is still in work.
BUSY_MS = 1000

#: What a handler raises to end its processor; its message is done.
ENDINGS = (ExitScheduler, StopIteration, AckAndRestart)


@dataclass(slots=True)
class Current:
    """What a handler may look at while it works.

    Attributes:
        message: the message as it arrived.
        transaction: what the effect must be part of, or None; see `inbox`.
    """

    message: ReceivedMessage
    transaction: Any = None


current: ContextVar[Current | None] = ContextVar("pelagos_message_in_work", default=None)


@dataclass(slots=True)
class Result:
    """What one handler did with the message.

    Attributes:
        outcome: ack, filtered, retry (it failed) or dead (it failed for good).
        error: what it raised, or None.
        delay_ms: how long to wait before it is tried again.
        tried: whether the handler was at it, so that it counts as an attempt.
    """

    info: HandlerInfo
    outcome: Outcome
    error: Exception | None = None
    delay_ms: int = 0
    tried: bool = True


class Answer:
    """What a handler answers its call with; the first answer counts."""

    def __init__(self, encode: Callable[[Message], bytes], who: str) -> None:
        self._encode = encode
        self._who = who
        self.body: bytes | None = None

    def __call__(self, value: Any) -> None:
        """Answer with a message, or with a value that is sent as a MessageResult.

        It is sent when the handler has ended, so that a caller never hears of an effect that did
        not stay.

        Raises:
            EncodingError: it cannot be written.
        """
        if self.body is not None:
            log.warning("%s answered twice; only its first answer is sent", self._who)
            return
        self.body = self._encode(value if isinstance(value, Message) else MessageResult(value))

    def replace(self, message: Message) -> None:
        """Answer with this instead."""
        self.body = self._encode(message)


@dataclass(slots=True)
class Work:
    """One message and what is needed to work on it.

    Attributes:
        processor: whose handlers they are.
        encode: an answer as it is sent.
        retry_ms: milliseconds until the next attempt of a handler, or None for no more.
        in_loop: an event loop runs it, which may have other work.
        began_handling: whether the watchers know of a call.
    """

    processor: Any
    message: ReceivedMessage
    inbox: Inbox | None
    watchers: Chain
    encode: Callable[[Message], bytes]
    retry_ms: Callable[[HandlerInfo], int | None]
    in_loop: bool = False
    began_handling: bool = False

    # Messages.

    async def tell(self, handlers: list[HandlerInfo]) -> tuple[list[Result], Exception | None]:
        """Run them all, each on data of its own; also what ends the processor, if anything."""
        if len(handlers) == 1:
            result = await self._watched(handlers[0], self.message.body)
            return [result], result.error if isinstance(result.error, ENDINGS) else None
        results = []
        ending: Exception | None = None
        for place, info in enumerate(handlers):
            last = place == len(handlers) - 1
            body = self.message.body if last else copy.deepcopy(self.message.body)
            result = await self._watched(info, body)
            ending = ending or (result.error if isinstance(result.error, ENDINGS) else None)
            results.append(result)
        return results, ending

    async def _watched(self, info: HandlerInfo, body: dict[str, Any]) -> Result:
        if not self.watchers:
            return await self._tell_one(info, body)
        began = time.perf_counter()
        try:
            self.watchers.before_handle(self.message, info.handler)
        except Exception as error:  # noqa: BLE001 - it counts as one of the handler
            result = self._failed(info, error)
        else:
            result = await self._tell_one(info, body)
        seconds = time.perf_counter() - began
        self.watchers.after_handle(self.message, info.handler, result.outcome, seconds)
        return result

    async def _tell_one(self, info: HandlerInfo, body: dict[str, Any]) -> Result:
        key = self.message.message_id
        inbox = self.inbox if key else None
        ending: Exception | None = None
        try:
            if inbox is None:
                await self._run(info, body, None, None)
            else:
                async with self._receipt(inbox, info) as receipt:
                    if receipt.first:
                        try:
                            await self._run(info, body, None, receipt.transaction)
                        except _Ending as end:
                            ending = end.error
        except FilterError as error:
            return Result(info, "filtered", error)
        except _Ending as end:
            return Result(info, "ack", end.error)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return self._failed(info, error)
        return Result(info, "ack", ending)

    def _failed(self, info: HandlerInfo, error: Exception) -> Result:
        if isinstance(error, RejectMessage | PayloadError):
            return Result(info, "dead", error)
        if isinstance(error, InboxBusyError):  # somebody else is at it, or at the database
            return Result(info, "retry", error, pause_ms(error), tried=False)
        delay_ms = self.retry_ms(info)
        if delay_ms is None:
            return Result(info, "dead", error)
        return Result(info, "retry", error, delay_ms)

    # Calls.

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
        except _Ending as end:
            ending = end.error
        except Exception as error:
            lost = getattr(transaction, "invalidated", False)  # the inbox tells so
            if not (lost or isinstance(error, RejectMessage | PayloadError)):
                log.warning("%s failed on %s", info.handler, self.message, exc_info=error)
            return _Called(self.encode(as_result(error)), "reject", failed=error)
        if answer.body is None:
            body = self.encode(MessageResult(None)) if ending else self._silent(info)
            return _Called(body, "ack", ending)
        return _Called(answer.body, "ack", ending)

    def _silent(self, info: HandlerInfo) -> bytes:
        return self.encode(MessageResultError(f"{info.handler} did not answer the call"))

    # One handler.

    async def _run(
        self, info: HandlerInfo, body: dict[str, Any], answer: Answer | None, transaction: Any
    ) -> Any:
        data: Any = body if info.full_body else body["content"]
        for one in info.filters:
            data = one.apply(data)
        if info.payload is not None:
            data = info.payload.read(body, data, full_body=info.full_body)
        work = getattr(self.processor, info.attribute)
        token = current.set(Current(self.message, transaction))
        try:
            if info.is_class:
                result = work(self.processor, data, answer).call()
            elif answer is not None and info.wants_reply:
                result = work(data, answer)
            else:
                result = work(data)
            if result is None or not inspect.isawaitable(result):
                return result
            return await result
        except ENDINGS as error:  # a StopIteration may not leave a coroutine (PEP 479)
            raise _Ending(error) from error
        finally:
            current.reset(token)

    def _receipt(self, inbox: Inbox, info: HandlerInfo) -> _Receiving:
        """What the inbox knows; a loop with other work does not wait for it."""
        receiving = inbox.receive(self.message.message_id, info.handler)
        return _Receiving(receiving, in_loop=self.in_loop)


class _Receiving:
    """An inbox's context, entered in a thread of its own where an event loop runs it."""

    __slots__ = ("_in_loop", "_inner")

    def __init__(self, inner: AbstractContextManager[Receipt], *, in_loop: bool) -> None:
        self._inner = inner
        self._in_loop = in_loop

    async def __aenter__(self) -> Receipt:
        if self._in_loop:
            return await asyncio.to_thread(self._inner.__enter__)
        return self._inner.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> bool | None:
        return self._inner.__exit__(kind, error, where)


class _Ending(Exception):
    """Carries what ends the processor out of a coroutine."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


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


def pause_ms(error: InboxBusyError) -> int:
    """Milliseconds after which a message is tried again that its inbox could not tell about."""
    away = isinstance(error, InboxAwayError) and error.retry_after
    return max(1, round(away * 1000)) if away else BUSY_MS


def as_result(error: Exception) -> Message:
    """What a caller is told of an exception."""
    return MessageResultException(type(error).__name__, describe(error))


def describe(error: BaseException) -> str:
    """An exception's text, also when it has none that can be written."""
    try:
        text = error.message if isinstance(error, MessagingError) else str(error)
        return clean(text, _TEXT_LIMIT)
    except Exception:  # noqa: BLE001 - an exception of others may fail to tell what it is
        return "no text"


def drive(run: Coroutine[Any, Any, Exception | None]) -> Exception | None:
    """Run a coroutine that waits for nothing, without a loop; what it returns."""
    try:
        run.send(None)
    except StopIteration as done:
        result: Exception | None = done.value
        return result
    run.close()
    raise MessagingError(
        "a handler returned something to be awaited, but is not declared so",
        hint="define it with `async def`",
    )
