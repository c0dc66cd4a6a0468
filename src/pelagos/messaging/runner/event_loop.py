"""Many messages of one consumer at once, in an asyncio event loop."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable

from pelagos.messaging.consumer.consumer import GenericConsumer, check_callback
from pelagos.messaging.consumer.handling import Callback, failed_wait
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.errors import MessagingError


async def serve(
    consumer: GenericConsumer,
    callback: Callback,
    *,
    concurrency: int = 100,
    on_begin: Callable[[], None] | None = None,
) -> None:
    """Consume in this loop until `consumer.stop_consuming` is called, from any thread.

    What the callback returns is awaited while other messages are handled, at most `concurrency`
    at once; a plain function as a handler keeps the loop busy, so let it be short. At the end
    the messages in hand are finished; cancel this coroutine not to wait for them (they come
    again).

    Raises:
        ExitScheduler, StopIteration, AckAndRestart: a handler did.
    """
    check_callback(callback)
    if concurrency < 1:
        raise MessagingError(f"the concurrency is {concurrency}", hint="make it 1 or more")
    consumer.prefetch = max(consumer.prefetch, concurrency)
    await _Service(consumer, callback, concurrency).run(on_begin)


class _Service:
    def __init__(self, consumer: GenericConsumer, callback: Callback, concurrency: int) -> None:
        self._consumer = consumer
        self._callback = consumer.observed(callback)
        self._concurrency = concurrency
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._rung = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: Exception | None = None

    async def run(self, on_begin: Callable[[], None] | None) -> None:
        consumer = self._consumer
        consumer.begin(self._ring)
        try:
            if on_begin is not None:
                on_begin()
            while not consumer.is_stopping:
                self._arrived.clear()
                self._rung = False
                self._start_what_came()
                await self._arrived.wait()
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            consumer.stop_consuming()
            await asyncio.to_thread(consumer.finish)
        if self._ending is not None:
            raise self._ending

    def _ring(self) -> None:
        """Something may be there; on any thread, and often."""
        if not self._rung:
            self._rung = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._arrived.set)

    def _start_what_came(self) -> None:
        while len(self._tasks) < self._concurrency:
            message = self._consumer.take()
            if message is None:
                return
            task = self._loop.create_task(self._handle(message))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the loop itself has raised what ends the program
        self._arrived.set()

    async def _handle(self, message: ReceivedMessage) -> None:
        failure: Exception | None = None
        try:
            result = self._callback(message)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError as error:
            failure = failed_wait(error, "the handler")
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            failure = error
        try:
            self._consumer.conclude(message, failure)
        except Exception as ending:  # noqa: BLE001 - what ends the consuming is raised by `serve`
            self._ending = self._ending or ending
