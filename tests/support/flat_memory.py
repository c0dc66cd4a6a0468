"""A program through which many messages go; it tells how much memory it has, as one JSON line.

    python flat_memory.py URL COUNT

It publishes COUNT messages, of which some thousand may be under way, and consumes them; each
hundredth is followed by a call. The memory is read when a tenth has arrived and at the end: what
is resident, and the blocks that Python has given out, which nothing else disturbs.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageProcessor,
    ReceivedMessage,
    RpcHandler,
    connect,
)
from pelagos.messaging.inbox import MemoryInbox

_UNDER_WAY = 2000
_PATIENCE = 60.0


class Echo(MessageProcessor):
    @RpcHandler("command", "echo")
    def echo(self, content: Any, reply: Any) -> None:
        reply(content["parameters"])


def environment() -> dict[str, str]:
    """For running it: one arena, as what lies idle in others would be counted."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MALLOC_ARENA_MAX": "1"}


def memory() -> dict[str, float]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    mib = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return {"mib": mib, "blocks": sys.getallocatedblocks()}


def tidy_up(url: str, name: str) -> None:
    link = connect(url).open()
    link.delete_queue(name)
    link.delete_queue(f"{name}.calls")
    link.delete_exchange(name)
    link.close()


def main(url: str, text: str) -> None:
    count, bus = int(text), connect(url)
    name = f"flat-{uuid.uuid4().hex[:8]}"
    town = type("Town", (Exchange,), {"name": name})
    room = threading.Semaphore(_UNDER_WAY)
    seen = bytearray(count)
    arrived = 0
    is_over = threading.Event()
    began = time.monotonic()
    found: list[dict[str, float]] = []

    def got(message: ReceivedMessage) -> None:
        nonlocal arrived
        room.release()
        number = message.content["parameters"]["number"]
        arrived += not seen[number]
        seen[number] = 1
        if arrived == count // 10 and not found:
            found.append(memory())
        if arrived == count:
            is_over.set()

    consumer = GenericConsumer([(town, [(name, "k")])], bus=bus, prefetch=500)
    calls = [(town, [(f"{name}.calls", "calls")])]
    server = Echo({"name": name}, calls, bus=bus, inbox=MemoryInbox(limit=100))
    with consumer, server, GenericProducer(bus=bus) as producer:
        consumer.start(got)
        server.start()
        consumer.wait_ready(_PATIENCE)
        server.wait_ready(_PATIENCE)
        for number in range(count):
            assert room.acquire(timeout=_PATIENCE), "nothing arrives any more"
            body = {"number": number, "what": "x" * 200}
            producer.message_go(body, _eks=[(town, "k")], _wait=False, _timeout=_PATIENCE)
            if number % 100 == 0:
                answer = producer.rpc_echo(number, _eks=[(town, "calls")], _timeout=_PATIENCE)
                assert answer.body["content"]["value"] == number
        producer.flush(_PATIENCE)
        assert is_over.wait(_PATIENCE), f"only {arrived} messages arrived"
        found.append(memory())
    tidy_up(url, name)
    seconds = time.monotonic() - began
    told = {"count": count, "tenth": found[0], "end": found[1], "seconds": seconds}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
