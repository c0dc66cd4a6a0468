"""One question to many sources at once, with one deadline and a verdict for each source.

Each source has its own few slots (a bulkhead), so a source that hangs uses up its own slots and
nobody else's. Threads are shared by all sources, made when no idle one is left, kept for the next
question, and never more than the slots of the sources together.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.replies import Replies, Task
from pelagos.core.verdict import Reply, Verdict, describe, log_failure, verdict_on
from pelagos.core.wanted import wanted_while

__all__ = ["Fanout", "FanoutClosedError", "Replies", "Reply", "Verdict", "describe"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a thread waits for work before it ends.
IDLE_SECONDS = 60.0
#: Seconds after its deadline when a call counts as lost: it will not end, so it needs no slot.
LOST_SECONDS = 900.0
_NO_THREAD = "this machine has no thread left to ask with"


class FanoutClosedError(PelagosError):
    """A question was asked after `close`."""


@dataclass(eq=False, slots=True)
class _Bulkhead:
    running: set[Task[Any]] = field(default_factory=set)
    lost: set[Task[Any]] = field(default_factory=set)  # run still, without a slot
    waiting: deque[Task[Any]] = field(default_factory=deque)


class Fanout:
    """Asks many sources at once; safe to share between threads; close it when done.

    A question takes a slot of its source, or waits for one until its own deadline. When every slot
    is held by a call that has outlived its deadline, the source is `busy` at once. A call that
    outlives its deadline is not interrupted (Python cannot); what it returns is dropped. One that
    outlives it by `LOST_SECONDS` gives its slot back, so that a source that hung is asked again
    when it is well; as many as there are slots may be lost, and no more.

    Args:
        slots: calls that may run at once in one source. At least as many as questions are asked
            at once, so that healthy sources need not queue.
        slots_of: the same for single sources, by name.
    """

    def __init__(
        self,
        *,
        slots: int = 16,
        slots_of: Mapping[str, int] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._slots_of = dict(slots_of or {})
        if any(count < 1 for count in (slots, *self._slots_of.values())):
            raise ValueError("a source needs at least one slot")
        self._slots = slots
        self._clock = clock or SystemClock()
        lock = threading.Lock()
        self._work = threading.Condition(lock)  # guards all that follows
        self._make_bell = partial(threading.Condition, lock)
        self._bulkheads: dict[str, _Bulkhead] = {}
        self._ready: deque[Task[Any]] = deque()
        self._threads: set[threading.Thread] = set()
        self._starting = 0
        self._idle = 0  # threads without a task: waiting for one, or just started
        # Of those that wait, the last one last. It is called first, so that the others, when they
        # are not needed any more, wait for long enough to end.
        self._bells: list[threading.Condition] = []
        self._is_closed = False

    @property
    def thread_count(self) -> int:
        """Threads alive now, idle ones included."""
        with self._work:
            return len(self._threads) + self._starting

    def ask(
        self,
        questions: Mapping[str, Callable[[], T]],
        *,
        timeout: float,
        limits: Mapping[str, float] | None = None,
    ) -> tuple[Reply[T], ...]:
        """One reply per question, in their order, after `timeout` seconds at the latest.

        Args:
            questions: by name of the source. The call runs in another thread; a lazy result is
                not consumed there, so return a list rather than a generator.
            limits: seconds for single sources, where they are less than `timeout`.
        """
        replies = {reply.name: reply for reply in self.stream(questions, timeout, limits)}
        return tuple(replies[name] for name in questions)

    def stream(
        self,
        questions: Mapping[str, Callable[[], T]],
        timeout: float,
        limits: Mapping[str, float] | None = None,
    ) -> Replies[T]:
        """The same replies, each as soon as it is known. The questions are asked at once.

        Raises:
            FanoutClosedError: after `close`.
        """
        asked = self._clock.monotonic()
        replies: SimpleQueue[Reply[T]] = SimpleQueue()
        limits = limits or {}
        tasks = {
            name: Task(name, call, asked, asked + min(timeout, limits.get(name, timeout)), replies)
            for name, call in questions.items()
        }
        self._submit(tasks.values())
        return Replies(tasks, replies, self._give_up, self._clock)

    def set_slots(self, name: str, slots: int | None) -> None:
        """How many calls may run at once in one source from now on; None: as many as in any.

        Raises:
            ValueError: less than one.
        """
        if slots is not None and slots < 1:
            raise ValueError("a source needs at least one slot")
        with self._work:
            if slots is None:
                self._slots_of.pop(name, None)
            else:
                self._slots_of[name] = slots

    def close(self, timeout: float = 5.0) -> bool:
        """End the idle threads and wait for the busy ones, `timeout` seconds at the most.

        Returns:
            Whether all threads ended. A hung one is left behind as a daemon thread and logged.
        """
        with self._work:
            self._is_closed = True
            for bell in self._bells:
                bell.notify()
            self._bells.clear()
            self._work.wait_for(lambda: not self._starting, timeout)
            threads = list(self._threads)
        deadline = self._clock.monotonic() + timeout
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - self._clock.monotonic()))
        with self._work:
            hung = sorted(name for name, b in self._bulkheads.items() if b.running or b.lost)
        if hung:
            log.warning("closed while calls to these sources still run: %s", ", ".join(hung))
        return not hung

    # ---- the asking side ---------------------------------------------------------------

    def _submit(self, tasks: Collection[Task[T]]) -> None:
        if not tasks and not self._is_closed:  # all who answer at once would queue for the lock
            return
        with self._work:
            if self._is_closed:
                raise FanoutClosedError(
                    "no source can be asked any more: the program is ending", hint="start it again"
                )
            for task in tasks:
                self._admit(task)
        self._grow()

    def _admit(self, task: Task[T]) -> None:
        bulkhead = self._bulkheads.setdefault(task.name, _Bulkhead())
        slots = self._slots_for(task)
        if len(bulkhead.running) >= slots > len(bulkhead.lost):
            oldest = min(bulkhead.running, key=lambda other: other.deadline)
            if oldest.deadline + LOST_SECONDS < task.asked:
                bulkhead.running.discard(oldest)
                bulkhead.lost.add(oldest)
        if len(bulkhead.running) < slots:
            bulkhead.running.add(task)
            self._hand_out(task)
        elif all(other.deadline <= task.asked for other in bulkhead.running):
            self._settle(task, Verdict.BUSY, error=_busy(slots))
        else:
            bulkhead.waiting.append(task)

    def _hand_out(self, task: Task[T]) -> None:
        self._ready.append(task)
        if self._bells:
            self._bells.pop().notify()

    def _grow(self) -> None:
        """Start a thread when there is more work than threads without; it will start the next.

        Outside of the lock, and one by each, for a thread takes its time to start where others are
        at work, and nobody shall wait for that of all.
        """
        with self._work:
            if len(self._ready) <= self._idle:
                return
            self._starting += 1
            self._idle += 1
        try:
            threading.Thread(target=self._run, name="fanout", daemon=True).start()
        except RuntimeError:  # the machine has no thread left for us; those that we have go on
            with self._work:
                self._starting -= 1
                self._idle -= 1
                log.exception("cannot start a thread; %d run", len(self._threads))
                while len(self._ready) > self._idle:
                    task = self._ready.pop()
                    self._bulkheads[task.name].running.discard(task)
                    if not task.is_settled:
                        self._settle(task, Verdict.FAILED, error=_NO_THREAD)

    def _give_up(self, tasks: Iterable[Task[T]]) -> list[Reply[T]]:
        """Verdicts of the tasks that have none; from now on nobody waits for them."""
        unanswered: list[Reply[T]] = []
        with self._work:
            for task in tasks:
                if task.is_settled:
                    continue
                task.is_settled = True
                bulkhead = self._bulkheads.get(task.name)
                if bulkhead is not None and task in bulkhead.waiting:
                    bulkhead.waiting.remove(task)
                    verdict, error = (
                        Verdict.BUSY,
                        _busy(self._slots_for(task)),
                    )
                else:
                    limit = task.deadline - task.asked
                    verdict, error = Verdict.LATE, f"no answer within {limit:g} s"
                unanswered.append(Reply(task.name, verdict, self._ms(task), None, error))
        return unanswered

    # ---- the answering side ---------------------------------------------------------------

    def _run(self) -> None:
        """What a thread does: take a task, call, settle, until idle for long or closed."""
        with self._work:
            self._threads.add(threading.current_thread())
            self._starting -= 1
            if self._is_closed:
                self._work.notify_all()  # `close` waits for this
        self._grow()
        bell = self._make_bell()
        task: Task[Any] | None = None
        while (task := self._next(task, bell)) is not None:
            if not task.is_settled:
                self._call(task)

    def _next(self, done: Task[Any] | None, bell: threading.Condition) -> Task[Any] | None:
        """Free the slot of the task that was done and take another task, in one step."""
        with self._work:
            if done is not None:
                self._idle += 1
                self._release(done)
            while not self._ready:
                has_rung = not self._is_closed and self._rung(bell)
                if not has_rung and not self._ready:
                    self._idle -= 1
                    self._threads.discard(threading.current_thread())
                    return None
            self._idle -= 1
            return self._ready.popleft()

    def _rung(self, bell: threading.Condition) -> bool:
        """Wait to be called; False when nobody did for long."""
        self._bells.append(bell)
        if bell.wait(IDLE_SECONDS):
            return True
        with contextlib.suppress(ValueError):  # it rang at the last moment
            self._bells.remove(bell)
        return False

    def _call(self, task: Task[Any]) -> None:
        value: object = None
        reason: str | None = None
        try:
            with wanted_while(lambda: not task.is_settled):
                value = task.call()
        except BaseException as error:  # noqa: BLE001  # the boundary: a source's fault stays its own
            log_failure(task.name, error)
            verdict, reason = Verdict.FAILED, describe(error)
        else:
            verdict = verdict_on(value)
        with self._work:
            if task.is_settled:
                log.info("source %s answered after %.0f ms, too late", task.name, self._ms(task))
            else:
                self._settle(task, verdict, value, reason)

    def _release(self, task: Task[Any]) -> None:
        bulkhead = self._bulkheads[task.name]
        if task in bulkhead.lost:
            bulkhead.lost.discard(task)
            return
        bulkhead.running.discard(task)
        if bulkhead.waiting and not self._is_closed:
            waiting = bulkhead.waiting.popleft()
            bulkhead.running.add(waiting)
            self._ready.append(waiting)  # for this very thread, or one that is quicker

    def _settle(
        self, task: Task[T], verdict: Verdict, value: T | None = None, error: str | None = None
    ) -> None:
        task.is_settled = True
        task.replies.put(Reply(task.name, verdict, self._ms(task), value, error))

    def _slots_for(self, task: Task[Any]) -> int:
        return self._slots_of.get(task.name, self._slots)

    def _ms(self, task: Task[T]) -> float:
        return (self._clock.monotonic() - task.asked) * 1000


def _busy(slots: int) -> str:
    return f"all {slots} slots of this source are taken by calls that have not ended"
