"""Messages and calls per second over a real RabbitMQ, against the AMQP libraries of Python.

    python -m benchmarks messaging [--rounds 3] [--only publish,consume,call,memory]
                                   [--how many,500,8] [--peers pelagos,pika,...] [--bus URL]

Messages of 1,000 bytes of JSON, made and read for each of them, persistent, through a durable
classic queue. Each sample is a process of its own (two for calls) that prints its rate and its CPU
per message; the samples of all libraries are shuffled in each round, and medians are shown. What
the library itself does at its beginning and end is not counted.

- publish: `none` has no confirmations, `each` waits for each message's, `many` has up to 256 of
  them outstanding. A sample ends when the broker has all messages.
- consume: one acknowledgement for each message, at a prefetch of 1, 50 and 500.
- call: request and answer of 1,000 bytes, by 1 caller and by 8 at the same time: threads, or tasks
  or calls in flight where that is the library's way.

`frames by hand` is a program of one thread without any library, which promises and checks nothing:
the most that Python and the broker leave to a library.

RabbitMQ is started for the run, on loopback, and shares the processors with what it serves.
`memory` is our bus within one process: published, delivered and acknowledged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import amqp_peers, rabbitmq

from benchmarks.messaging.memory import messages_per_second

ADAPTERS = Path(__file__).parent / "adapters"
WORKS = ("publish", "consume", "call")
PUBLISH = ("none", "each", "many")
CONSUME = ("1", "50", "500")
CALL = ("1", "8")
OURS = "pelagos"
FUTURES = "pelagos futures"  # calls in flight instead of threads that wait
FLOOR = "frames by hand"  # no library, so no peer: what Python and the broker leave to one

#: Adapter, and what the library can do of publish, consume and call.
PEERS = {
    OURS: ("pelagos_bus", ("each", "many"), CONSUME, CALL),
    FUTURES: ("pelagos_futures", (), (), ("8",)),
    "pika": ("pika_blocking", ("none", "each"), CONSUME, CALL),
    "pika select": ("pika_select", ("none", "many"), CONSUME, CALL),
    "aio-pika": ("aio_pika_robust", PUBLISH, CONSUME, CALL),
    "kombu": ("kombu_producer", ("none", "each"), CONSUME, ()),
    "amqpstorm": ("amqpstorm_thread", ("none", "each"), ("50", "500"), ()),
    "nameko": ("nameko_rpc", (), (), CALL),
    "faststream": ("faststream_broker", PUBLISH, CONSUME, CALL),
    "dramatiq": ("dramatiq_actor", ("none", "each"), CONSUME, ()),
    FLOOR: ("frames_by_hand", ("each", "many"), (), CALL),
}

#: Messages of a sample, so that it takes about a second.
COUNTS = {
    ("publish", "none"): 10_000,
    ("publish", "each"): 2_000,
    ("publish", "many"): 10_000,
    ("consume", "1"): 3_000,
    ("consume", "50"): 10_000,
    ("consume", "500"): 10_000,
    ("call", "1"): 1_500,
    ("call", "8"): 4_000,
}
SLOW = {("amqpstorm", "each"): 100, ("faststream", "8"): 800, ("nameko", "8"): 1_600}

#: Our rate over the best (or the named) peer's; our CPU over pika's.
GOALS = {
    ("publish", "many"): (2.0, None),
    ("consume", "500"): (1.5, None),
    ("call", "8"): (1.5, "pika select"),
}
CPU_GOAL = 0.5
MEMORY_GOAL = 100_000


@dataclass
class Cell:
    """One library doing one thing; its samples."""

    peer: str
    work: str
    how: str
    samples: list[dict[str, float]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return SLOW.get((self.peer, self.how), COUNTS[self.work, self.how])

    def median(self, name: str) -> float:
        return statistics.median(sample[name] for sample in self.samples)


class Bench:
    """Takes the samples of one run."""

    def __init__(self, url: str, python: Path) -> None:
        self.url = url
        self._python = python

    def take(self, cell: Cell) -> None:
        queue = f"bench-{uuid.uuid4().hex[:12]}"
        if cell.work == "call":
            with self._serving(cell, queue):
                cell.samples.append(self._measure(cell, "call", queue, cell.how))
        elif cell.work == "publish":
            cell.samples.append(self._measure(cell, "publish", queue, cell.how))
        else:
            modes = PEERS[cell.peer][1]
            self._measure(cell, "publish", queue, "none" if "none" in modes else "many")
            cell.samples.append(self._measure(cell, "consume", queue, cell.how))

    def _command(self, cell: Cell, *words: str) -> list[str]:
        python = sys.executable if cell.peer in {OURS, FUTURES} else str(self._python)
        return [python, "-W", "ignore", str(ADAPTERS / f"{PEERS[cell.peer][0]}.py"), *words]

    def _measure(self, cell: Cell, work: str, queue: str, how: str) -> dict[str, float]:
        done = subprocess.run(
            self._command(cell, work, self.url, queue, str(cell.count), how),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{cell.peer} {work} {how}: {done.stderr[-2000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def _serving(self, cell: Cell, queue: str) -> Iterator[None]:
        with tempfile.TemporaryFile("w+") as errors:
            server = subprocess.Popen(
                self._command(cell, "serve", self.url, queue),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                assert server.stdout is not None
                if server.stdout.readline().strip() != "ready":
                    errors.seek(0)
                    raise SystemExit(f"{cell.peer} serve: {errors.read()[-2000:]}")
                yield
            finally:
                server.kill()
                server.wait()


def show(cells: list[Cell], work: str, how: str) -> None:
    row = sorted(
        (cell for cell in cells if (cell.work, cell.how) == (work, how)),
        key=lambda cell: -cell.median("rate"),
    )
    print(f"\n{work} {how}")
    ours = next((cell for cell in row if cell.peer == OURS), None)
    for cell in row:
        line = (
            f"  {cell.peer:12} {cell.median('rate'):9,.0f}/s  {cell.median('cpu_us'):6.1f} us CPU"
        )
        if work == "call":
            line += f"  p50 {cell.median('p50_ms'):6.2f} ms  p99 {cell.median('p99_ms'):6.2f} ms"
        if ours is not None and cell is not ours:
            line += f"   ours {ours.median('rate') / cell.median('rate'):5.2f} x"
        print(line)
    for mine in (OURS, FUTURES):
        judge(row, next((cell for cell in row if cell.peer == mine), None), work, how)


def judge(row: list[Cell], ours: Cell | None, work: str, how: str) -> None:
    """What the goals say."""
    no_peers = {OURS, FUTURES, FLOOR}
    rates = {cell.peer: cell.median("rate") for cell in row if cell.peer not in no_peers}
    if ours is None or not rates:
        return
    if (work, how) in GOALS:
        factor, named = GOALS[work, how]
        best = named or max(rates, key=lambda peer: rates[peer])
        if best in rates:
            reached = ours.median("rate") / rates[best]
            said = _verdict(reached >= factor)
            print(f"  {ours.peer}: goal {factor} x {best}: {reached:.2f} x {said}")
    if (work, how) == ("call", "8"):
        if "nameko" in rates:
            reached = ours.median("rate") / rates["nameko"]
            print(f"  {ours.peer}: goal 6 x nameko: {reached:.2f} x {_verdict(reached >= 6)}")
        late = ours.median("p99_ms")
        print(f"  {ours.peer}: goal p99 5 ms: {late:.2f} ms {_verdict(late <= 5)}")
    pika = next((cell for cell in row if cell.peer == "pika"), None)
    if pika is not None and work != "call":
        reached = ours.median("cpu_us") / pika.median("cpu_us")
        print(f"  goal CPU {CPU_GOAL} x pika: {reached:.2f} x {_verdict(reached <= CPU_GOAL)}")


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "MISSED"


@contextmanager
def broker(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder:
        node = rabbitmq.Broker(Path(folder))
        node.start()
        try:
            yield node.url
        finally:
            node.close()


def wanted(options: argparse.Namespace) -> list[Cell]:
    works, hows = options.only.split(","), options.how and options.how.split(",")
    return [
        Cell(peer, work, how)
        for peer in options.peers.split(",")
        for work, able in zip(WORKS, PEERS[peer][1:], strict=True)
        for how in able
        if work in works and (not hows or how in hows)
    ]


def take(cells: list[Cell], rounds: int, bus: str | None) -> None:
    python = amqp_peers.install()
    with broker(bus) as url:
        bench = Bench(url, python)
        for _ in range(rounds):
            for cell in random.sample(cells, len(cells)):
                bench.take(cell)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks messaging",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="publish,consume,call,memory")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--how", help="only these of none, each, many, 1, 8, 50, 500")
    parser.add_argument("--bus", help="a broker that runs already")
    options = parser.parse_args(argv)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    if "memory" in options.only.split(","):
        rate = statistics.median(messages_per_second() for _ in range(options.rounds))
        print(f"memory: {rate:,.0f}/s, goal {MEMORY_GOAL:,}: {_verdict(rate >= MEMORY_GOAL)}")
    cells = wanted(options)
    if cells:
        take(cells, options.rounds, options.bus)
    for work, how in COUNTS:
        if any((cell.work, cell.how) == (work, how) for cell in cells):
            show(cells, work, how)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
