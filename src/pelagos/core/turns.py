"""Turns to compute: few threads at a time, in the order in which they asked.

Python runs one thread at a time. Where many compute at once, each gets a slice after the other,
and all end late; one after the other, each ends as early as it can, and nobody much later than
others. A thread that waits for something else gives its turn back meanwhile.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_here = threading.local()  # .turn: that of the calling thread, where it has one


class _Turn:
    """What one thread waits for, and then has."""

    __slots__ = ("bell", "owner")

    def __init__(self, owner: Turns) -> None:
        self.owner = owner
        self.bell = threading.Lock()


class Turns:
    """So many threads compute at a time; safe to share between them.

    Whoever holds a turn for longer than others have patience loses it to who waited longest, and
    goes on without: a thread that hangs holds up nobody for longer than that.

    Args:
        count: threads that compute at a time. Two, so that one computes while the other sends.
        patience: seconds that a thread waits for its turn before it takes another's.
    """

    def __init__(self, count: int = 2, patience: float = 0.05) -> None:
        self._free = count
        self._patience = patience
        self._lock = threading.Lock()
        self._holding: deque[_Turn] = deque()  # in the order in which they got it
        self._waiting: deque[_Turn] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Around a computation; within one of the same thread it is nothing."""
        if getattr(_here, "turn", None) is not None:
            yield
            return
        _here.turn = self._take()
        try:
            yield
        finally:
            give_back()

    def around(self, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """A WSGI application that takes a turn for each answer; not for sending it."""

        def taking_turns(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            with self.turn():
                return app(environ, start_response)

        return taking_turns

    def _take(self) -> _Turn:
        turn = _Turn(self)
        with self._lock:
            if self._free:
                self._free -= 1
                self._holding.append(turn)
                return turn
            turn.bell.acquire()
            self._waiting.append(turn)
        if not turn.bell.acquire(timeout=self._patience):
            with self._lock:
                if turn in self._waiting:  # else it got one in this moment
                    self._waiting.remove(turn)
                    self._holding.popleft()
                    self._holding.append(turn)
        return turn

    def _give(self, turn: _Turn) -> None:
        with self._lock:
            if turn not in self._holding:  # somebody lost patience
                return
            self._holding.remove(turn)
            if self._waiting:
                following = self._waiting.popleft()
                self._holding.append(following)
                following.bell.release()
            else:
                self._free += 1


def give_back() -> None:
    """Let others compute from now on: this thread waits for something, or has done its work."""
    turn: _Turn | None = getattr(_here, "turn", None)
    if turn is not None:
        _here.turn = None
        turn.owner._give(turn)  # noqa: SLF001  # of this module
