"""Runs one handler on one message, within what an inbox remembers of it.

Nothing here knows a broker: it neither answers nor settles.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from pelagos.messaging.consumer.handling import failed_wait
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.again import clean
from pelagos.messaging.errors import (
    AckAndRestart,
    ExitScheduler,
    InboxAwayError,
    InboxBusyError,
    MessagingError,
)
from pelagos.messaging.inbox import Inbox, Receipt
from pelagos.messaging.middleware import Chain
from pelagos.messaging.processor.registry import HandlerInfo

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
class Work:
    """One message and what is needed to work on it.

    Attributes:
        processor: whose handlers they are.
        in_loop: an event loop runs it, which may have other work.
    """

    processor: Any
    message: ReceivedMessage
    inbox: Inbox | None
    watchers: Chain
    in_loop: bool

    async def _run(
        self,
        info: HandlerInfo,
        body: dict[str, Any],
        answer: Callable[[Any], None] | None,
        transaction: Any,
    ) -> Any:
        data: Any = body if info.full_body else body["content"]
        for one in info.filters:
            data = one.apply(data)
        if info.payload is not None:
            data = info.payload.read(body, data, full_body=info.full_body)
        token = current.set(Current(self.message, transaction))
        try:
            result = self._begin(info, data, answer)
            if result is None or not inspect.isawaitable(result):
                return result
            return await result
        except ENDINGS as error:  # a StopIteration may not leave a coroutine (PEP 479)
            raise Ended(error) from error
        except asyncio.CancelledError as error:
            raise failed_wait(error, info.handler) from error
        finally:
            current.reset(token)

    def _begin(self, info: HandlerInfo, data: Any, answer: Callable[[Any], None] | None) -> Any:
        work = getattr(self.processor, info.attribute)
        if info.is_class:
            return work(self.processor, data, answer).call()
        if answer is not None and info.wants_reply:
            return work(data, answer)
        return work(data)

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


class Ended(Exception):
    """Carries what ends the processor out of a coroutine."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def pause_ms(error: InboxBusyError) -> int:
    """Milliseconds after which a message is tried again that its inbox could not tell about."""
    away = isinstance(error, InboxAwayError) and error.retry_after
    return max(1, round(away * 1000)) if away else BUSY_MS


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
