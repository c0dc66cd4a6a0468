"""What each measured program shares: the message, the clock, the command line.

It needs the standard library alone, for it also runs in the environment of the other libraries.

    python ADAPTER.py publish URL QUEUE COUNT none|each|many
    python ADAPTER.py consume URL QUEUE COUNT PREFETCH
    python ADAPTER.py serve   URL QUEUE
    python ADAPTER.py call    URL QUEUE COUNT CALLERS

An adapter is a module with the functions of those names. `publish` sends COUNT messages without
confirmations, with each one waited for, or with up to WINDOW of them unconfirmed, and ends when
the broker has them all. `consume` acknowledges each message of a queue that holds COUNT. `serve`
answers each call with what it was given. One line of JSON is printed.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time

WINDOW = 256
SIZE = 1000
WARM = 20  # calls before the clock runs

_TEXT = "sea, wind and the long way home; "


def content(number):
    """A mapping whose compact JSON has SIZE bytes."""
    made = {
        "id": 100_000_000 + number,
        "kind": "bench",
        "ok": True,
        "ratio": 0.125,
        "tags": ["alpha", "beta", "gamma"],
        "nested": {"a": 1, "b": [1, 2, 3], "c": None},
    }
    made["text"] = _PADDING
    return made


_PADDING = ""
_PADDING = (_TEXT * 40)[: SIZE - len(json.dumps(content(0), separators=(",", ":")))]


def dumps(data):
    return json.dumps(data, separators=(",", ":")).encode()


class Clock:
    """Wall time and this process' CPU between `start` and `stop`; the first of each counts."""

    began = ended = None

    def start(self):
        if self.began is None:
            self.began = (time.perf_counter(), _cpu())

    def stop(self):
        if self.ended is None:
            self.ended = (time.perf_counter(), _cpu())

    def result(self, count, times=()):
        self.stop()
        seconds, cpu = (end - begin for begin, end in zip(self.began, self.ended, strict=True))
        said = {"rate": count / seconds, "cpu_us": 1e6 * cpu / count}
        if times:
            ordered = sorted(times)
            said["p50_ms"] = 1000 * ordered[len(ordered) // 2]
            said["p99_ms"] = 1000 * ordered[int(len(ordered) * 0.99)]
        return said


def _cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def call_in_threads(make, count, callers, clock):
    """Each of so many threads makes its own caller and calls; seconds of each call.

    `make` returns a function of a number, and one that ends it.
    """
    times, failures = [], []
    gate = threading.Barrier(callers + 1)

    def work():
        try:
            call, end = make()
            for number in range(WARM):
                call(number)
            gate.wait(60)
            mine = []
            for number in range(count // callers):
                begun = time.perf_counter()
                call(number)
                mine.append(time.perf_counter() - begun)
            times.extend(mine)
            gate.wait(120)
            end()
        except BaseException as error:
            failures.append(error)
            gate.abort()
            raise

    threads = [threading.Thread(target=work, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    gate.wait(60)
    clock.start()
    gate.wait(120)
    clock.stop()
    for thread in threads:
        thread.join(10)
    if failures:
        raise failures[0]
    return times


async def call_in_tasks(call, count, callers, clock):
    """The same with tasks of an event loop, over one caller."""
    times = []
    for number in range(WARM):
        await call(number)

    async def work():
        for number in range(count // callers):
            begun = time.perf_counter()
            await call(number)
            times.append(time.perf_counter() - begun)

    clock.start()
    await asyncio.gather(*(work() for _ in range(callers)))
    clock.stop()
    return times


async def with_window(publish, count):
    """Publish so many by a coroutine function of a number, WINDOW of them at a time."""
    room, tasks = asyncio.Semaphore(WINDOW), set()

    async def one(number):
        try:
            await publish(number)
        finally:
            room.release()

    for number in range(count):
        await room.acquire()
        task = asyncio.ensure_future(one(number))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.wait(tasks)


def ready():
    print("ready", flush=True)


def run(adapter):
    """Do what the command line says with the functions of an adapter."""
    work, url, queue, *words = sys.argv[1:]
    clock = Clock()
    if work == "serve":
        adapter["serve"](url, queue)
        return
    count, how = int(words[0]), words[1]
    if work != "publish":
        how = int(how)
    times = adapter[work](url, queue, count, how, clock)
    print(json.dumps(clock.result(count, times or ())), flush=True)
    os._exit(0)  # what a library does at its end is not measured
