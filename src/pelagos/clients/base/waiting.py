"""Wait for a state, asking again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pelagos.clients.errors import WaitedInVain
from pelagos.core.clock import Clock, SystemClock

T = TypeVar("T")

_CLOCK = SystemClock()


def wait_while(  # each a choice of the caller
    get: Callable[[], T],
    holds: Callable[[T], bool],
    *,
    what: str = "it",
    delay: float = 1.0,
    timeout: float = 100.0,
    progress: Callable[[T], Any] | None = None,
    clock: Clock = _CLOCK,
) -> T:
    """Ask until a condition holds no longer; the first answer for which it does not.

    Args:
        get: asks.
        holds: whether to go on waiting.
        what: for whom it waits, for the error: "server 42".
        delay: seconds between two questions.
        timeout: seconds until it is given up; the answer of the last moment counts.
        progress: called with each answer.

    Raises:
        WaitedInVain: the time is over; has the last answer.
    """
    end = clock.monotonic() + timeout
    while True:
        found = get()
        if progress is not None:
            progress(found)
        if not holds(found):
            return found
        left = end - clock.monotonic()
        if left <= 0:
            raise WaitedInVain(
                f"waited {timeout:g} s for {what}",
                last=found,
                hint="look what it does, or wait longer",
            )
        clock.sleep(min(delay, left))


def wait_until(  # each a choice of the caller
    get: Callable[[], T],
    reached: Callable[[T], bool],
    *,
    what: str = "it",
    delay: float = 1.0,
    timeout: float = 100.0,
    progress: Callable[[T], Any] | None = None,
    clock: Clock = _CLOCK,
) -> T:
    """Ask until a condition holds; the first answer for which it does. As `wait_while` else."""
    return wait_while(
        get,
        lambda found: not reached(found),
        what=what,
        delay=delay,
        timeout=timeout,
        progress=progress,
        clock=clock,
    )


def wait(  # the ancestor's
    poll: Callable[..., Any],
    poll_params: Mapping[str, Any] | tuple[Any, ...] | list[Any],
    stop: Callable[[Any], bool],
    delay: float = 1,
    timeout: float = 100,
    wait_cb: Callable[[Any], Any] | None = None,
    *,
    clock: Clock = _CLOCK,
) -> Any:
    """Ask at most `timeout // delay` times; the last answer, also when the time was over.

    Args:
        poll: asks.
        poll_params: its arguments, by name or in order.
        stop: whether an answer is what was waited for.
        delay: seconds between two questions.
        timeout: seconds.
        wait_cb: called with each answer.
    """
    found = None
    for turn in range(max(1, int(timeout // delay)) if delay > 0 else 1):
        if turn:
            clock.sleep(delay)
        found = poll(**poll_params) if isinstance(poll_params, Mapping) else poll(*poll_params)
        if wait_cb is not None:
            wait_cb(found)
        if stop(found):
            break
    return found


class Waiter:
    """The older contract, whose questions give (status, progress)."""

    def wait_while(  # the ancestor's
        self,
        item_id: Any,
        current_status: str,
        get_status: Callable[[Any, Any], tuple[str, Any]],
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[int], Any] | None = None,
    ) -> str | bool:
        """Wait until the status is another one; that one, or False when the time is over.

        Args:
            item_id: whose status.
            current_status: the status that is to end.
            get_status: called with this object and the id; gives (status, progress).
            delay: seconds between two questions.
            max_wait: seconds.
            wait_cb: a function of a length that gives a generator, advanced as time or progress
                goes on; or a function that takes each answer and gives nothing.
        """
        return self._wait(
            item_id, get_status, lambda now: now != current_status, delay, max_wait, wait_cb
        )

    def wait_until(  # the ancestor's
        self,
        item_id: Any,
        target_status: str,
        get_status: Callable[[Any, Any], tuple[str, Any]],
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[int], Any] | None = None,
    ) -> str | bool:
        """Wait for a status; it, or False when the time is over. As `wait_while` else."""
        return self._wait(
            item_id, get_status, lambda now: now == target_status, delay, max_wait, wait_cb
        )

    def _wait(  # those of the two above
        self,
        item_id: Any,
        get_status: Callable[[Any, Any], tuple[str, Any]],
        done: Callable[[str], bool],
        delay: float,
        max_wait: float,
        wait_cb: Callable[[int], Any] | None,
    ) -> str | bool:
        steps = _Steps(wait_cb, max_wait)
        began = _CLOCK.monotonic()
        while True:
            status, progress = get_status(self, item_id)
            elapsed = _CLOCK.monotonic() - began
            steps.reach(progress or elapsed)
            if done(status):
                return status
            if elapsed + delay > max_wait:
                return False
            _CLOCK.sleep(delay)


class _Steps:
    """A progress bar that a generator moves, one step for each `next`."""

    def __init__(self, make: Callable[[int], Any] | None, length: float) -> None:
        self._at = 0
        self._length = int(length)
        self._bar = make(self._length) if make is not None else None

    def reach(self, where: float) -> None:
        """Move on to there."""
        if not hasattr(self._bar, "__next__"):
            return
        while self._bar is not None and self._at < min(int(where), self._length):
            self._at += 1
            next(self._bar, None)
