"""Takes one message in: finds whom it is for, has them work on it, and sees that it is settled."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from typing import Any, Final, Protocol

from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.again import clean, names_in, restored
from pelagos.messaging.encoder import Encoder
from pelagos.messaging.errors import InboxAwayError, InboxBusyError, MessagingError
from pelagos.messaging.inbox import CallMemory, Inbox
from pelagos.messaging.message import Message, MessageResultError
from pelagos.messaging.middleware import Chain
from pelagos.messaging.processor.calls import CallWork, as_result
from pelagos.messaging.processor.dispatch import Work, describe, drive, pause_ms
from pelagos.messaging.processor.messages import MessageWork
from pelagos.messaging.processor.registry import HandlerInfo, registry_of
from pelagos.messaging.processor.retry import Retry
from pelagos.messaging.processor.settling import Settler
from pelagos.messaging.transports.base import Transport

log = logging.getLogger(__name__)

_ANSWER_TIMEOUT: Final = 10.0


class Owner(Protocol):
    """Whose handlers they are: a processor."""

    @property
    def bus(self) -> Transport:
        """Where the messages come from."""

    @property
    def retry(self) -> Retry | None:
        """How often and when a failed message is tried again."""

    @property
    def fingerprint(self) -> dict[str, str]:
        """Who answers."""

    @property
    def encoder_class(self) -> type[Encoder]:
        """How answers are written."""

    def stop_consuming(self) -> None:
        """Ask it to end after the message in hand."""


class Reception:
    """Where the messages of one processor arrive.

    Args:
        owner: the processor.
        settler: settles them.
        watchers: steps around every handler.
        inbox: remembers what had its effect; None: calls in this process, and messages not.
    """

    def __init__(
        self, owner: Owner, settler: Settler, watchers: Chain, inbox: Inbox | None
    ) -> None:
        self._owner = owner
        self._registry = registry_of(type(owner))
        self._settler = settler
        self._watchers = watchers
        self._inbox = inbox
        self._calls = CallMemory(owner.bus)

    def dispatch(self, message: ReceivedMessage) -> Awaitable[None] | None:
        """Give a message to its handlers and settle it; see `MessageProcessor.dispatch`."""
        message.delivery = restored(message.delivery)
        body = message.body
        calls = body["category"] == "rpc"
        if calls and not message.delivery.properties.reply_to:
            return self.quarantine(message, "a call without a queue for its answer (reply_to)")
        if calls:
            answering = self._registry.find_one(body["type"], body["name"])
            handlers = [answering] if answering else []
        else:
            handlers = self._chosen(message)
        if not handlers:
            self._unhandled(message, calls=calls)
            return None
        in_loop = handlers[0].is_async
        if len(handlers) > 1:  # seldom, and asking each takes a while
            in_loop = any(info.is_async for info in handlers)
        owner, watchers = self._owner, self._watchers
        run = (
            self._answer(
                CallWork(owner, message, self._memory(message), watchers, in_loop, self._encode),
                handlers[0],
            )
            if calls
            else self._tell(
                MessageWork(
                    owner,
                    message,
                    self._inbox,
                    watchers,
                    in_loop,
                    lambda info: self._delay_ms(info, message),
                ),
                handlers,
            )
        )
        if in_loop:
            return self._finish(run)
        ending = drive(run)
        if ending is not None:
            raise ending
        return None

    def _memory(self, message: ReceivedMessage) -> Inbox:
        """Where calls are remembered."""
        return self._calls.of(message.delivery.queue) if self._inbox is None else self._inbox

    def _chosen(self, message: ReceivedMessage) -> list[HandlerInfo]:
        """Who gets it: all that match, or those of them that had failed on it before."""
        found = self._registry.find("message", message.type, message.name)
        names = names_in(message.headers)
        return [info for info in found if info.handler in names] or found if names else found

    def _delay_ms(self, info: HandlerInfo, message: ReceivedMessage) -> int | None:
        retry = info.retry or self._owner.retry
        return None if retry is None else retry.delay_ms(message.attempt)

    async def _tell(self, work: MessageWork, handlers: list[HandlerInfo]) -> Exception | None:
        results, ending = await work.tell(handlers)
        if not self._settler.settle_done(work.message, results):
            await _beside(work, self._settler.settle, work.message, results)
        return ending

    async def _answer(self, work: CallWork, info: HandlerInfo) -> Exception | None:
        message = work.message
        ending: Exception | None = None
        try:
            body, ending = await work.answer(info)
        except InboxBusyError as error:  # its first copy is still in work: ask again later
            away = isinstance(error, InboxAwayError)  # the inbox has told so, once for all
            log.log(logging.DEBUG if away else logging.INFO, "%s: %s", message, error)
            await _beside(work, self._settler.put_off, message, pause_ms(error))
            return None
        except Exception as error:  # an inbox may fail in many ways
            log.exception("%s could not be called for %s", info.handler, message)
            body = self._encode(as_result(error))
        message.reply_raw(body, lambda error: self._tell_refused(message, error))
        message.ack()
        return ending

    def _tell_refused(self, message: ReceivedMessage, error: MessagingError) -> None:
        """The connection goes with the answer that the broker refused: tell over another one."""
        log.warning("the broker refuses the answer to %s: %s", message, error)
        why = MessageResultError(clean(f"the answer could not be sent: {error}"))
        args = (self._encode(why), message)
        threading.Thread(target=self._reply_apart, args=args, name="answer", daemon=True).start()

    def _reply_apart(self, body: bytes, message: ReceivedMessage) -> None:
        try:
            with closing(self._owner.bus.open(_ANSWER_TIMEOUT)) as connection:
                arrived = threading.Event()
                connection.publish(message.answer(body), lambda _problem: arrived.set())
                arrived.wait(_ANSWER_TIMEOUT)
        except MessagingError as error:
            log.warning("%s cannot be answered: %s", message, error)

    async def _finish(self, run: Coroutine[Any, Any, Exception | None]) -> None:
        ending = await run
        if isinstance(ending, StopIteration):  # it may not leave a coroutine (PEP 479)
            self._owner.stop_consuming()
        elif ending is not None:
            raise ending

    def _unhandled(self, message: ReceivedMessage, *, calls: bool) -> None:
        if calls:
            what = f"{message.type} {message.name!r}"
            self._refuse(
                message, f"{type(self._owner).__qualname__} has no handler for the call {what}"
            )
        else:
            log.debug("%s has no handler here", message)
        message.ack()

    def quarantine(self, message: ReceivedMessage, cause: str) -> Awaitable[None] | None:
        """What nobody is to handle: to the dead letters; who waits for an answer gets one.

        Returns:
            None when it is done; in an event loop, which does not wait for a broker, something
            that may be awaited.
        """
        if message.properties.reply_to:
            why = cause if message.body else f"this is not a message: {cause}"
            self._refuse(message, why)
        return self._put_away(message, cause)

    def fail(self, message: ReceivedMessage, error: Exception) -> None:
        """Something else than a handler failed."""
        log.error("%s cannot be handled", message, exc_info=error)
        self._put_away(message, f"{type(error).__name__}: {describe(error)}")

    def _put_away(self, message: ReceivedMessage, cause: str) -> Awaitable[None] | None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread of its own: it may wait
            self._settler.quarantine(message, cause)
            return None
        return loop.run_in_executor(None, self._settler.quarantine, message, cause)

    def _refuse(self, message: ReceivedMessage, why: str) -> None:
        try:
            message.reply_raw(self._encode(MessageResultError(clean(why))))
        except MessagingError as error:
            log.warning("%s cannot be answered: %s", message, error)

    def _encode(self, message: Message) -> bytes:
        if not message.body["fingerprint"]:
            message.is_from(self._owner.fingerprint)
        encoded = self._owner.encoder_class.encode(message.body)
        return encoded.encode() if isinstance(encoded, str) else bytes(encoded)


async def _beside(work: Work, settle: Callable[..., None], *given: object) -> None:
    """Do what waits for the broker: a loop that has other work has a thread do it."""
    if work.in_loop:
        await asyncio.to_thread(settle, *given)
    else:
        settle(*given)
