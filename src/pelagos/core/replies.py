"""The replies to one question that many are asked, each as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, Self, TypeVar

from pelagos.core import turns
from pelagos.core.clock import Clock
from pelagos.core.verdict import Reply

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Task(Generic[T]):
    """One call of a question, and where its reply goes."""

    name: str
    call: Callable[[], T]
    asked: float
    deadline: float
    replies: SimpleQueue[Reply[T]]
    is_settled: bool = False  # has its reply, or nobody waits for one any more


class Replies(Generic[T]):
    """The replies to one question, each as soon as it is known; made by `Fanout.stream`.

    Iterate to the end or close: whoever closes before the end gives up the rest, and calls that
    have not begun never will. For one thread.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task[T]],
        replies: SimpleQueue[Reply[T]],
        give_up: Callable[[Iterable[Task[T]]], list[Reply[T]]],
        clock: Clock,
    ) -> None:
        self._open = dict(tasks)
        self._replies = replies
        self._give_up = give_up
        self._clock = clock
        self._unanswered: list[Reply[T]] = []

    def __iter__(self) -> Iterator[Reply[T]]:
        return self

    def __next__(self) -> Reply[T]:
        while self._open:
            reply = self._known() or self._awaited()
            if reply is not None:
                del self._open[reply.name]
                return reply
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what has not been answered."""
        if self._open:
            self._give_up(self._open.values())
            self._open = {}

    def _known(self) -> Reply[T] | None:
        return self._unanswered.pop() if self._unanswered else None

    def _awaited(self) -> Reply[T] | None:
        """The next reply; None when there may be one after all, or some were given up."""
        first = min(task.deadline for task in self._open.values())
        turns.give_back()
        try:
            return self._replies.get(timeout=max(0.0, first - self._clock.monotonic()))
        except Empty:
            now = self._clock.monotonic()
            late = [task for task in self._open.values() if task.deadline <= max(now, first)]
            # One that slipped in between its deadline and this is in the queue, and not given up.
            self._unanswered = self._give_up(late)
            return None
