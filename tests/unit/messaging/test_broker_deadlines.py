"""The alarms of a broker's queues."""

from __future__ import annotations

from pelagos.messaging.broker.core.deadlines import Deadlines
from pelagos.messaging.broker.core.queues import StoredQueue
from pelagos.messaging.transports.base import Queue


def test_alarms_of_queues_that_are_gone_are_forgotten() -> None:
    deadlines = Deadlines()
    kept = StoredQueue(Queue("kept"), None)
    deadlines.note(kept, 5.0)
    for number in range(10_000):
        queue = StoredQueue(Queue(str(number)), None)
        deadlines.note(queue, 1000.0 + number)
        queue.gone = True
    assert len(deadlines._heap) < 3000
    assert deadlines.due(10.0) == [kept]
