"""Our bus within one process: messages published, delivered and acknowledged per second."""

from __future__ import annotations

import time
import uuid

from pelagos.messaging import Exchange, connect
from pelagos.messaging.transports.base import Envelope, Properties, Queue

COUNT = 50_000
BODY = b"x" * 1000


class Bench(Exchange):
    name = "bench"


def messages_per_second() -> float:
    bus = connect(f"memory:{uuid.uuid4().hex}")
    sender, receiver = bus.open(), bus.open()
    sender.declare_exchange(Bench)
    sender.declare_queue(Queue("bench"))
    sender.bind("bench", "bench", "key")
    seen = []
    receiver.consume("bench", seen.append, _confirmed, prefetch=COUNT)
    letter = Envelope("bench", "key", BODY, Properties("id"))
    begun = time.perf_counter()
    for _ in range(COUNT):
        sender.publish(letter, _confirmed)
    for delivery in seen:
        receiver.ack(delivery)
    seconds = time.perf_counter() - begun
    assert len(seen) == COUNT
    sender.close()
    receiver.close()
    return COUNT / seconds


def _confirmed(error):
    assert error is None
