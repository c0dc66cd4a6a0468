"""Watches the time of the calls for which no thread waits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from pelagos.core.clock import Clock
from pelagos.messaging.rpc.call import Call, OpenCalls, Waiter
from pelagos.messaging.sending.alarm import Alarm

#: A look at all calls is followed by a pause of so many times what it took.
_PAUSES: Final = 10


class Deadlines:
    """One alarm for all of them: to set one for each would cost more than the rest of a call.

    Args:
        clock: the time.
        calls: those that are open.
        overdue: called with each whose attempt has waited long enough; sets what is due next.
    """

    def __init__(self, clock: Clock, calls: OpenCalls, overdue: Callable[[Call], None]) -> None:
        self._clock = clock
        self._calls = calls
        self._overdue = overdue
        self._next = math.inf
        self._alarm: Alarm[float] = Alarm(clock, self._look, lambda _when: False)

    def look_at(self, when: float) -> None:
        """Look after the calls at this time (monotonic), or earlier."""
        if when < self._next:
            self._next = when  # of two threads here, both set the alarm
            self._alarm.set(when, when)

    def _look(self, _when: float) -> None:
        self._next = math.inf
        now, earliest = self._clock.monotonic(), math.inf
        for call in self._calls.all():
            if isinstance(call.tell, Waiter):
                continue
            if now >= call.due:
                self._overdue(call)
            if call.outcome is None:
                earliest = min(earliest, call.due)
        if earliest < math.inf:
            after = self._clock.monotonic()
            self.look_at(max(earliest, after + _PAUSES * (after - now)))
