"""A bus in memory with one exchange and one queue, which gets all that is sent."""

from __future__ import annotations

from pelagos.messaging import Exchange, GenericProducer
from pelagos.messaging.transports.base import Queue
from pelagos.messaging.transports.memory import MemoryBroker, MemoryTransport


class Jobs(Exchange):
    name = "jobs"


class Producer(GenericProducer):
    eks = ((Jobs, "work"),)


def job_bus(broker: MemoryBroker) -> MemoryTransport:
    """The bus of this broker, with the queue `all`."""
    made = MemoryTransport("", broker=broker)
    link = made.open()
    link.declare_exchange(Jobs)
    link.declare_queue(Queue("all"))
    link.bind("jobs", "all", "work")
    return made
