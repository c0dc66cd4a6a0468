"""Wait for the status of a thing, asking for its record again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    gone: Mapping[str, Any] | None = None,
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
        gone: what stands for a thing that was gone before the first look; None: an error.

    Raises:
        NotFound: it is not there, and no record of it was seen.
    """

    def look() -> Any:
        try:
            return get()
        except NotFound:
            known = seen[-1] if seen else gone
            if known is None:
                raise
            return {**known, "status": "DELETED"}

    def is_over(record: Any) -> bool:
        seen[:] = [record]
        status = str(record.get("status", ""))
        return stop(status) or status.upper().startswith(("ERROR", "DELETED"))

    seen: list[dict[str, Any]] = []
    return wait(look, (), is_over, delay, max_wait, wait_cb, clock=clock or SystemClock())
