"""Wait for the status of a thing, asking for its record again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.clients.base.waiting import wait
from pelagos.clients.errors import NotFound
from pelagos.core.clock import Clock, SystemClock


def wait_status(  # each a choice of the caller
    get: Callable[[], Any],
    stop: Callable[[str], bool],
    *,
    delay: float,
    max_wait: float,
    wait_cb: Callable[[Any], Any] | None,
    clock: Clock | None = None,
) -> Any:
    """The last record that was seen: its status is what was waited for, or time was over.

    A thing that is gone has the status DELETED; it, and one in ERROR, is not waited for longer.

    Args:
        get: asks for the record.
        stop: whether a status is what is waited for.
        delay: seconds between two questions.
        max_wait: seconds.
        wait_cb: called with each record.
        clock: whose seconds.
    """

    def look() -> Any:
        try:
            return get()
        except NotFound:
            if seen:
                return {**seen[-1], "status": "DELETED"}
            raise

    def is_over(record: Any) -> bool:
        seen[:] = [record]
        status = str(record.get("status", ""))
        return stop(status) or status.upper().startswith(("ERROR", "DELETED"))

    seen: list[dict[str, Any]] = []
    return wait(look, (), is_over, delay, max_wait, wait_cb, clock=clock or SystemClock())
