"""dramatiq: actors; calls would need another server for their results."""

import itertools
import os
import sys
import threading
import time

if "consume" in sys.argv:
    os.environ["dramatiq_queue_prefetch"] = sys.argv[-1]

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from measure import content, run


def _actor(url, queue, work, **options):
    broker = RabbitmqBroker(url=url, **options)
    dramatiq.set_broker(broker)
    actor = dramatiq.actor(work, queue_name=queue, actor_name="bench")
    broker.declare_queue(queue, ensure=True)
    return broker, actor


def publish(url, queue, count, how, clock):
    broker, actor = _actor(url, queue, lambda _content: None, confirm_delivery=how == "each")
    clock.start()
    for number in range(count):
        actor.send(content(number))
    broker.get_queue_message_counts(queue)
    clock.stop()


def consume(url, queue, count, _prefetch, clock):
    seen, done = itertools.count(1), threading.Event()  # next() is atomic

    def work(_content):
        clock.start()  # its own beginning is not counted
        if next(seen) == count:
            done.set()

    broker, _ = _actor(url, queue, work)
    worker = dramatiq.Worker(broker, worker_threads=8, queues={queue})
    worker.start()
    done.wait(120)
    source = worker.consumers[queue].consumer
    while source.known_tags:  # acknowledgements leave in another thread
        time.sleep(0.001)
    clock.stop()


run(globals())
