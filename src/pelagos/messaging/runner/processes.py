"""Workers in processes of their own: started, watched, started again, stopped."""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.errors import PelagosError
from pelagos.messaging.errors import MessagingError
from pelagos.messaging.runner.hands import Hands, Post
from pelagos.messaging.runner.interrupts import LONGEST, Interrupts, ignoring_interrupts

log = logging.getLogger(__name__)

#: Exit codes of a worker process, beside 0: done, do not start it again. Overdue is one that was
#: to end while a handler of it went on working.
RESTART_CODE = 75
OVERDUE_CODE = 76
CANNOT_BEGIN_CODE = 78
#: How one may end that was told to; the last one had not begun to listen to signals.
_IN_ORDER = frozenset({0, RESTART_CODE, -signal.SIGTERM})

#: A worker that lived so many seconds has not failed at once.
_STABLE_AFTER = 10.0
#: Seconds beyond the grace that a process may take to end.
_MARGIN = 2.0


@dataclass(slots=True)
class _Seat:
    """One worker after the other."""

    number: int
    process: SpawnProcess | None = None
    began: float = 0.0
    failures: int = 0
    due: float | None = 0.0  # when the next one is to be started; None: never, or it runs
    voice: Connection | None = None  # what the worker says; None: no more
    has_begun: bool = False


class Supervisor:
    """Keeps `count` processes alive that run `work`, until a signal or until all are done.

    Args:
        work: a function of a module, called in each process; its result is the exit code. A
            PelagosError that it raises ends all, and is raised here.
        grace: seconds in which they end after the first signal.
        slots: messages that each of them may have in hand.
        deaths: how many may die of the same message; 0 for any number.
        on_begin: called when all have begun for the first time.
    """

    def __init__(
        self,
        work: Callable[[Post], int],
        count: int,
        *,
        grace: float,
        slots: int,
        deaths: int,
        clock: Clock,
        backoff: Backoff,
        on_begin: Callable[[], object] | None = None,
    ) -> None:
        self._work = work
        self._grace = grace
        self._clock = clock
        self._backoff = backoff
        self._on_begin = on_begin
        self._seats = [_Seat(number) for number in range(1, count + 1)]
        self._context = multiprocessing.get_context("spawn")
        self._hands = Hands(self._context, slots=slots, limit=deaths)
        self._result = 0
        self._given_up = False
        self._refusal: PelagosError | None = None

    def run(self) -> int:
        """Until the end; 0 when everybody ended in order.

        Raises:
            PelagosError: a worker did, and cannot begin another time, either.
        """
        with Interrupts(self._kill) as interrupts:
            try:
                self._look_after(interrupts)
            finally:  # what fails here leaves nobody behind
                self._stop(interrupts)
        if self._refusal is not None:
            raise self._refusal
        return self._result

    def _look_after(self, interrupts: Interrupts) -> None:
        while not (interrupts.count or self._given_up):
            self._start_due()
            if not self._running() and all(seat.due is None for seat in self._seats):
                return
            self._wait(interrupts, self._until_due())
            self._listen()
            self._reap()

    def _running(self) -> list[SpawnProcess]:
        return [seat.process for seat in self._seats if seat.process is not None]

    def _until_due(self) -> float | None:
        due = [seat.due for seat in self._seats if seat.due is not None]
        return max(0.0, min(due) - self._clock.monotonic()) if due else None

    def _wait(self, interrupts: Interrupts, timeout: float | None) -> None:
        ends: list[int] = [process.sentinel for process in self._running()]
        voices = [seat.voice for seat in self._seats if seat.voice is not None]
        if timeout is not None:
            timeout = min(timeout, LONGEST)
        multiprocessing.connection.wait([*ends, *voices, interrupts.fileno()], timeout)
        interrupts.quiet()

    def _listen(self) -> None:
        for seat in self._seats:
            self._hear(seat)
        if self._on_begin is not None and all(seat.has_begun for seat in self._seats):
            self._on_begin()
            self._on_begin = None

    def _hear(self, seat: _Seat) -> None:
        """What its worker says: None when it has begun, or why it cannot."""
        with suppress(EOFError, OSError):
            while seat.voice is not None and seat.voice.poll():
                refusal = seat.voice.recv()
                seat.has_begun = seat.has_begun or refusal is None
                self._refusal = self._refusal or refusal
            return
        _hang_up(seat)

    def _start_due(self) -> None:
        for seat in self._seats:
            if seat.due is None or seat.due > self._clock.monotonic():
                continue
            try:
                self._start(seat)
            except OSError as error:  # the system may have room for it another time
                seat.failures += 1
                delay = self._backoff.delay(seat.failures)
                seat.due = self._clock.monotonic() + delay
                log.warning(
                    "worker %d cannot be started: %s; tried again in %.1f s",
                    seat.number,
                    error,
                    delay,
                )

    def _start(self, seat: _Seat) -> None:
        heard, voice = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_run_worker,
            args=(self._work, self._hands.post(seat.number)._replace(voice=voice)),
            name=f"worker {seat.number}",
        )
        try:
            with ignoring_interrupts():
                process.start()
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise MessagingError(
                f"a worker process cannot have what it is to run: {error}",
                hint='define it in a module, outside of functions, or give Target("module:Class")',
            ) from error
        finally:
            voice.close()
        seat.voice, seat.process, seat.due = heard, process, None
        seat.began = self._clock.monotonic()
        log.info("worker %d runs as process %s", seat.number, process.pid)

    def _reap(self) -> None:
        for seat, code in self._ended():
            self._hear(seat)
            _hang_up(seat)
            self._judge(seat, code)

    def _ended(self) -> Iterator[tuple[_Seat, int]]:
        """The places of workers that have ended, each once and empty now, with its exit code."""
        for seat in self._seats:
            process = seat.process
            if process is None or process.is_alive():
                continue
            code = process.exitcode
            process.close()
            seat.process = None
            yield seat, 1 if code is None else code

    def _judge(self, seat: _Seat, code: int) -> None:
        now = self._clock.monotonic()
        if code == 0:
            log.info("worker %d is done", seat.number)
        elif code == CANNOT_BEGIN_CODE:
            self._given_up, self._result = True, 1
        elif code == RESTART_CODE:
            log.info("worker %d asked for a fresh process", seat.number)
            seat.due, seat.failures = now, 0
        else:
            seat.failures = 1 if now - seat.began >= _STABLE_AFTER else seat.failures + 1
            delay = self._backoff.delay(seat.failures)
            seat.due = now + delay
            in_hand = ""
            if code != OVERDUE_CODE:  # nothing that was in hand ended it
                in_hand = f"; messages in hand: {self._hands.count(seat.number)}"
            log.warning(
                "worker %d died (%s); it is started again in %.1f s%s",
                seat.number,
                _how(code),
                delay,
                in_hand,
            )

    def _stop(self, interrupts: Interrupts) -> None:
        for seat in self._seats:
            _hang_up(seat)
        for process in self._running():
            process.terminate()
        deadline = self._clock.monotonic() + self._grace + _MARGIN
        while self._running() and (left := deadline - self._clock.monotonic()) > 0:
            self._wait(interrupts, left)
            self._reap_last()
        for process in self._running():
            log.error("process %s did not end within %g s and is killed", process.pid, self._grace)
            self._result = 1
            process.kill()
            process.join()

    def _reap_last(self) -> None:
        for seat, code in self._ended():
            if code not in _IN_ORDER:
                log.warning("worker %d ended: %s", seat.number, _how(code))
                self._result = 1

    def _kill(self) -> None:
        for process in self._running():
            with suppress(ProcessLookupError, ValueError):
                os.kill(process.pid or 0, signal.SIGKILL)


def _hang_up(seat: _Seat) -> None:
    if seat.voice is not None:
        seat.voice.close()
    seat.voice = None


def _how(code: int) -> str:
    if code == OVERDUE_CODE:
        return "a handler did not end in time"
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _run_worker(work: Callable[[Post], int], post: Post) -> None:
    """In the new process."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        code = work(post)
    except PelagosError as error:
        post.tell(_portable(error))
        code = CANNOT_BEGIN_CODE
    logging.shutdown()
    if code:
        os._exit(code)  # threads of a handler that hangs must not hold it


def _portable(error: PelagosError) -> PelagosError:
    """The same, as the supervisor can read it: of a program's own classes it may know none."""
    if type(error).__module__.startswith("pelagos."):
        with suppress(Exception):  # some are made of more than their message
            pickle.loads(pickle.dumps(error))  # noqa: S301 - what we wrote
            return error
    return MessagingError(error.message, hint=error.hint)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
