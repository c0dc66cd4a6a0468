"""Settling many deliveries one after the other."""

from __future__ import annotations

import time

from pelagos.messaging.broker.core import Broker
from pelagos.messaging.transports.base import Delivery, Envelope, Properties, Queue


def test_settling_up_to_each_of_many_deliveries_takes_linear_time() -> None:
    broker, link, properties = Broker("b"), object(), Properties("m")
    broker.attach(link)
    broker.declare_queue(link, Queue("q"))
    found: list[Delivery] = []
    broker.consume(link, "", "q", found.append, print)
    for _ in range(20_000):
        broker.publish(link, Envelope("", "q", b"", properties))
    began = time.process_time()
    for delivery in found:
        assert broker.settle(link, int(str(delivery.receipt)), accept=True, multiple=True)
    assert time.process_time() - began < 1.5
    assert broker.queues()["q"].unsettled == 0


def test_up_to_one_leaves_those_behind_it_and_up_to_nothing_is_all() -> None:
    broker, link = Broker("b"), object()
    broker.attach(link)
    broker.declare_queue(link, Queue("q"))
    broker.consume(link, "", "q", lambda _: None, print)
    for _ in range(9):
        broker.publish(link, Envelope("", "q", b"", Properties("m")))
    assert broker.settle(link, 4, accept=True, multiple=True)
    assert not broker.settle(link, 4, accept=True, multiple=True)
    assert broker.queues()["q"].unsettled == 5
    assert broker.settle(link, 7, accept=True)
    assert broker.settle(link, 8, accept=True, multiple=True)
    assert broker.queues()["q"].unsettled == 1
    assert broker.settle(link, 0, accept=True, multiple=True)
    assert broker.queues()["q"].unsettled == 0
