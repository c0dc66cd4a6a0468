"""What is done with one message: read it, hand it to its handler, settle it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from pelagos.messaging.consumer.lane import Lane
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.environment import traffic_log
from pelagos.messaging.errors import (
    AckAndRestart,
    EncodingError,
    ExitScheduler,
    InboxAwayError,
    InboxBusyError,
    MessagingError,
    PoisonError,
    RejectMessage,
)
from pelagos.messaging.message import check_body
from pelagos.messaging.middleware import Chain, Outcome
from pelagos.messaging.transports.base import Connection, Delivery

log = logging.getLogger(__name__)

#: Seconds for which a message lies that a hook failed on, or of which an inbox cannot tell.
_PAUSE = 1.0

#: What is called with each message; an awaitable that it returns is waited for.
Callback = Callable[[ReceivedMessage], object]


class Handling:
    """The half of a consumer that looks at messages; the other half brings them.

    Attributes:
        observes_handling: whether the middlewares' steps around a handler are taken here; false
            where somebody who knows the handler's name takes them.
    """

    encoder_class: type[Encoder] = JsonEncoder
    discard_all_messages: bool = False

    def __init__(self, watchers: Chain) -> None:
        self.on_open: Callable[[Connection], object] | None = None
        self.on_finish: Callable[[], object] | None = None
        self.on_poison: Callable[[ReceivedMessage, str], object] | None = None
        self.on_failure: Callable[[ReceivedMessage, Exception], object] | None = None
        self.observes_handling = True
        self._watchers = watchers
        self._traffic = traffic_log()
        self._runner: asyncio.Runner | None = None

    def stop_consuming(self) -> None:
        """Let nothing more come; what has a source of messages stops it here."""

    def put_off(self, message: ReceivedMessage, seconds: float) -> None:  # noqa: ARG002 - see there
        """Have it come again after so long; who has no time of its own gives it back at once."""
        message.reject(requeue=True)

    # Handling.

    def _handle(self, lane: Lane, delivery: Delivery, callback: Callback) -> None:
        message = self._open(lane, delivery)
        if message is None:
            return
        try:
            result = callback(message)
            if result is not None and inspect.isawaitable(result):
                self._complete(result)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            self.conclude(message, error)
        except asyncio.CancelledError as error:
            self.conclude(message, failed_wait(error, "the handler"))
        else:
            message.ack()

    def _complete(self, awaitable: Awaitable[object]) -> None:
        """Run what an `async def` handler returned, in a loop that lives as long as we consume."""
        if self._runner is None:
            self._runner = asyncio.Runner()

        async def wait() -> None:
            await completed(awaitable, "the handler")

        self._runner.run(wait())

    def observed(self, callback: Callback) -> Callback:
        """The callback with the steps of the middlewares around it, where there are any."""
        if not self._watchers or not self.observes_handling:
            return callback
        name = getattr(callback, "__qualname__", type(callback).__name__)

        def observed(message: ReceivedMessage) -> object:
            watch = _Watch(self._watchers, message, name)
            try:
                self._watchers.before_handle(message, name)
                result = callback(message)
                if inspect.isawaitable(result):
                    return watch.later(result)
            except Exception as error:
                watch.failed(error)
                raise
            watch.end("ack")
            return None

        return observed

    def conclude(self, message: ReceivedMessage, error: Exception | None) -> None:
        """Settle a message after its handler, which returned (None) or raised.

        Raises:
            ExitScheduler, StopIteration, AckAndRestart: the error, when it is one of them.
        """
        if error is None:
            message.ack()
        elif isinstance(error, ExitScheduler | StopIteration | AckAndRestart):
            message.ack()
            self.stop_consuming()
            raise error
        elif isinstance(error, RejectMessage):
            log.info("%s: %s", message, error)
            message.reject()
        elif isinstance(error, InboxBusyError):  # nothing was tried
            seconds = error.retry_after or _PAUSE
            away = isinstance(error, InboxAwayError)  # the inbox has told so, once for all
            level = logging.DEBUG if away else logging.INFO
            log.log(level, "%s comes again in %g s: %s", message, seconds, error)
            self.put_off(message, seconds)
        elif self.on_failure is not None:
            self._delegate(message, self.on_failure, error)
        else:
            log.error("the handler failed on %s; it is rejected", message, exc_info=error)
            message.reject()

    def _delegate(
        self, message: ReceivedMessage, settle: Callable[[ReceivedMessage, Any], object], why: Any
    ) -> object:
        try:
            return settle(message, why)
        except Exception:  # whatever it is, the next message must be handled
            log.exception("%s could not be put aside; tried again in %g s", message, _PAUSE)
            self.put_off(message, _PAUSE)
            return None

    def close_loop(self) -> None:
        """End the loop of `async def` handlers, if there is one."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()

    # Reading.

    def _open(self, lane: Lane, delivery: Delivery) -> ReceivedMessage | None:
        """The message in a delivery; None when there is nothing to handle."""
        connection = lane.connection
        if connection is None or not connection.holds(delivery):
            return None  # it comes again
        if self._traffic is not None:
            self._traffic.debug("received from %s: %s", delivery.queue, delivery.body)
        if self.discard_all_messages:
            ReceivedMessage({}, delivery, connection).ack()
            return None
        cause = delivery.damage
        if cause is None:
            try:
                body = check_body(self.decode(delivery.body))
            except EncodingError as error:
                cause = error.cause if isinstance(error, PoisonError) else error.message
            except Exception as error:  # noqa: BLE001 - an encoder of others may raise anything
                cause = f"the encoder failed with {type(error).__name__}"
            else:
                return ReceivedMessage(body, delivery, connection, self.encoder_class)
        self.refuse(ReceivedMessage({}, delivery, connection, self.encoder_class), cause)
        return None

    def refuse(self, message: ReceivedMessage, cause: str) -> object:
        """Let nobody handle it: `on_poison` has it, else it is rejected.

        Returns:
            something to be awaited in an event loop, where `on_poison` returns that.
        """
        if self.on_poison is not None:
            return self._delegate(message, self.on_poison, cause)
        log.warning("rejected a message of %s: %s", message.delivery.origin, cause)
        message.reject()
        return None

    def decode(self, data: bytes) -> Any:
        """Read a body with this consumer's encoder.

        Raises:
            EncodingError: it cannot be read.
        """
        return self.encoder_class.decode(data)

    def ack(self, message: ReceivedMessage) -> None:
        """The message is done."""
        message.ack()

    def reject(self, message: ReceivedMessage, requeue: bool = False) -> None:
        """Refuse the message, or give it back to its queue."""
        message.reject(requeue=requeue)

    def rpc_reply(self, message: ReceivedMessage, answer: Any) -> None:
        """Answer a message with another one, or with a value: a MessageResult is made of it.

        Raises:
            MessagingError: nobody asked for an answer.
        """
        message.reply(answer)


class _Watch:
    """Tells the middlewares once how it ended."""

    def __init__(self, watchers: Chain, message: ReceivedMessage, name: str) -> None:
        self._watchers = watchers
        self._message = message
        self._name = name
        self._began = time.perf_counter()

    async def later(self, awaitable: Awaitable[object]) -> None:
        try:
            await awaitable
        except Exception as error:
            self.failed(error)
            raise
        self.end("ack")

    def failed(self, error: Exception) -> None:
        self.end("retry" if isinstance(error, InboxBusyError) else "reject")

    def end(self, expected: Outcome) -> None:
        settled = self._message.outcome
        outcome = cast("Outcome", settled) if settled is not None else expected
        seconds = time.perf_counter() - self._began
        self._watchers.after_handle(self._message, self._name, outcome, seconds)


async def completed(awaitable: Awaitable[object], who: str) -> object:
    """What it comes to. A cancellation that nobody asked for is a failure like any other.

    Raises:
        MessagingError: something that it awaited was cancelled.
    """
    try:
        return await awaitable
    except asyncio.CancelledError as error:
        raise failed_wait(error, who) from error


def failed_wait(error: asyncio.CancelledError, who: str) -> MessagingError:
    """The failure that it is when nobody asked for it.

    Raises:
        CancelledError: the error, as the task in which this runs is to end.
    """
    with contextlib.suppress(RuntimeError):  # no loop runs here
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise error
    return MessagingError(f"{who} awaited something that was cancelled")
