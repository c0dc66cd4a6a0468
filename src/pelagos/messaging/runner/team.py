"""Workers of one process: threads that consume, or a thread with an event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from pelagos.messaging.consumer.consumer import EXITED, GenericConsumer
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.errors import AckAndRestart, ExitScheduler
from pelagos.messaging.runner.event_loop import serve
from pelagos.messaging.runner.hands import Guarded, Notes

log = logging.getLogger(__name__)


class Worker(Protocol):
    """What can be run: a MessageProcessor, or anything with a consumer and a `dispatch`."""

    @property
    def consumer(self) -> GenericConsumer:
        """Brings the messages."""

    def dispatch(self, message: ReceivedMessage, /) -> object:
        """Handles one; what it returns is awaited when it can be."""


Make = Callable[[], Worker]


class Ending(Enum):
    """Why a worker ended."""

    STOPPED = "stopped"
    QUIT = "quit"
    RESTART = "restart"
    FAILED = "failed"
    OVERDUE = "overdue"


class Team:
    """So many workers, each made by `make`.

    Args:
        notes: of what they have in hand; None where nobody would read them.

    Attributes:
        ending: why the first one ended; None while all work.
    """

    def __init__(
        self, make: Make, *, threads: int, concurrency: int, notes: Notes | None = None
    ) -> None:
        self.ending: Ending | None = None
        self._concurrency = concurrency
        self._notes = notes
        self._workers = [make() for _ in range(threads)]
        self._threads: list[threading.Thread] = []
        self._ring: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._busy = threads

    @property
    def consumers(self) -> list[GenericConsumer]:
        """Those of the workers."""
        return [worker.consumer for worker in self._workers]

    @property
    def busy(self) -> int:
        """How many have not ended."""
        return self._busy

    def start(self, ring: Callable[[], None]) -> None:
        """Begin; `ring` is called whenever a worker has ended."""
        self._ring = ring
        for number, worker in enumerate(self._workers, 1):
            thread = threading.Thread(
                target=self._live, args=(worker,), name=f"worker {number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ask all to end after the message in hand; returns at once."""
        for worker in self._workers:
            stop = getattr(worker, "stop_consuming", worker.consumer.stop_consuming)
            stop()

    def join(self, timeout: float) -> None:
        """Wait so long for the threads themselves, after each has said that it ends."""
        for thread in self._threads:
            thread.join(timeout)

    def _live(self, worker: Worker) -> None:
        ending = Ending.FAILED
        try:
            self._work(worker)
            ending = Ending.STOPPED
        except (ExitScheduler, StopIteration):
            ending = Ending.QUIT
        except AckAndRestart:
            ending = Ending.RESTART
        except Exception:  # the others are stopped in order, and somebody must read why
            log.exception("a worker failed")
        except SystemExit:
            log.error(EXITED, "a handler of a worker")  # noqa: TRY400 - it is no failure
        finally:
            with self._lock:
                self.ending = self.ending or ending
                self._busy -= 1
            self._ring()

    def _work(self, worker: Worker) -> None:
        consumer, dispatch, many = worker.consumer, worker.dispatch, self._concurrency
        if self._notes is not None:
            dispatch = Guarded(self._notes, consumer, dispatch, in_loop=bool(many))
        if many:
            asyncio.run(serve(consumer, dispatch, concurrency=many))
        else:
            consumer.start_consuming(dispatch)
