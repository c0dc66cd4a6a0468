"""Pelagos: calls in flight from one place; each answer brings the next call."""

import threading
import time

from measure import WARM, content, run
from pelagos_bus import _producer, serve

__all__ = ["call", "serve"]


def call(url, queue, count, callers, clock):
    producer = _producer(url, queue)
    for number in range(WARM):
        producer.rpc_echo(content(number))
    times, answers = [], []
    over = threading.Event()

    def ask():
        begun = time.perf_counter()
        future = producer.rpc_echo(content(len(times)), _future=True)
        future.add_done_callback(lambda done: take(done, begun))

    def take(done, begun):
        times.append(time.perf_counter() - begun)
        answers.append(bool(done.result()))
        if len(times) == count:
            clock.stop()
            over.set()
        elif len(times) + callers <= count:
            ask()

    clock.start()
    for _ in range(callers):
        ask()
    if not over.wait(120) or not all(answers):
        raise RuntimeError("a call failed, or not all were answered")
    return times


if __name__ == "__main__":
    run(globals())
