"""What messaging loses when the broker, the network or its programs fail: nothing, and how soon.

    python -m benchmarks messaging_faults [--restarts 5] [--freezes 1] [--alarms 1] [--cuts 15]
                                          [--kills 20] [--messages 50000] [--no-nap]
                                          [--queues classic,quorum] [--scheme amqp|amqp+pika]

The full size: --restarts 100 --freezes 10 --alarms 5 --cuts 120 --kills 200 --messages 1000000

A real RabbitMQ is started on loopback. Three programs publish, consume and call, a fourth one
serves the calls with its memory in SQL, and each writes down what it was told and what it saw.
Meanwhile, one kind of trouble after another:

- restarts: kill -9 of the broker, and a start;
- freezes: the broker is stopped (SIGSTOP) for longer than its clients have patience;
- alarms: the broker's disk is full, and it takes no messages for a while;
- cuts: seconds during which a proxy delays, ends, resets or silences connections after a random
  number of bytes, in the midst of frames;
- kills: kill -9 of the programs, one after another;
- nap: a handler takes 10 heartbeats;
- messages: so many go through one program; its memory at a tenth of them and at the end.

0 fails: a message that its publisher was told is safe and that never arrived; two copies with
different ids; a call that was answered and had no effect, or had two. The time to come back is
from the broker's first answer to an AMQP greeting to the first success of each program. The
command ends with 1 when anything failed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support import flat_memory  # noqa: E402
from support.bus_campaign import Load, await_nap  # noqa: E402
from support.rabbitmq import Broker  # noqa: E402
from support.rough_proxy import Proxy, Roughness  # noqa: E402

GOAL_SECONDS = 5.0
FLAT = 1.1  # memory at the end over memory at a tenth


class Campaign:
    def __init__(self, options: argparse.Namespace, broker: Broker, folder: Path) -> None:
        self.options, self.broker, self.folder = options, broker, folder
        self.random = random.Random(options.seed)
        self.failures: list[str] = []

    @contextmanager
    def loaded(self, name: str, port: int | None = None) -> Iterator[Load]:
        began = time.monotonic()
        kinds = tuple(self.options.queues.split(","))
        load = Load(self.broker, self.folder, port=port, kinds=kinds, scheme=self.options.scheme)
        try:
            with load:
                yield load
        except AssertionError as error:
            self.failures.append(name)
            print(f"  {name}: FAILED: {error}", flush=True)
            return
        breaches = load.verdict.breaches
        print(f"  {name} ({time.monotonic() - began:.0f} s){': FAILED' if breaches else ''}")
        print(load.verdict.figures(), flush=True)
        if load.verdict.slowest > GOAL_SECONDS:
            print(f"    slower than the goal of {GOAL_SECONDS:g} s")
        if breaches:
            self.failures.append(name)
            print(f"    {breaches}", flush=True)

    def restarts(self, count: int) -> None:
        with self.loaded(f"{count} x kill -9 of the broker") as load:
            for number in range(count):
                load.restart_broker(work=self.random.random() * 2)
                if number % 10 == 9:
                    print(f"    … {number + 1}", flush=True)

    def freezes(self, count: int) -> None:
        with self.loaded(f"{count} x frozen broker") as load:
            for _ in range(count):
                load.freeze_broker()
                time.sleep(self.random.random())

    def alarms(self, count: int) -> None:
        with self.loaded(f"{count} x full disk") as load:
            for _ in range(count):
                load.fill_disk(seconds=self.random.random() * 3)

    def cuts(self, seconds: int) -> None:
        rough = Roughness(
            self.options.seed, bytes_until=60_000, endings=("end", "reset", "reset", "silence")
        )
        with (
            Proxy(self.broker.port, rough) as proxy,
            self.loaded(f"{seconds} s of cut connections", proxy.port) as load,
        ):
            load.be_rough(rough, seconds)
            print(f"    connections that ended so: {dict(proxy.endings)}")

    def kills(self, count: int) -> None:
        with self.loaded(f"{count} x kill -9 of a program") as load:
            load.kill_workers(count, self.random, pause=0.5)

    def nap(self) -> None:
        with self.loaded("a handler of 10 heartbeats") as load:
            load.spawn("nap")
            await_nap(load)

    def messages(self, count: int) -> None:
        done = subprocess.run(
            [sys.executable, flat_memory.__file__, self.broker.url, str(count)],
            env=flat_memory.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self.failures.append("memory")
            print(f"  memory: FAILED\n{done.stderr[-2000:]}")
            return
        told = json.loads(done.stdout)
        tenth, end = told["tenth"], told["end"]
        grown = end["mib"] / tenth["mib"]
        print(
            f"  {count:,} messages in {told['seconds']:.0f} s: {tenth['mib']:.1f} MiB "
            f"({tenth['blocks']:,} blocks) at a tenth of them, {end['mib']:.1f} MiB "
            f"({end['blocks']:,} blocks) at the end: {grown:.3f} x",
            flush=True,
        )
        if grown > FLAT:
            self.failures.append("memory")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes: dict[str, tuple[int, Callable[[Campaign, int], None]]] = {
        "restarts": (5, Campaign.restarts),
        "freezes": (1, Campaign.freezes),
        "alarms": (1, Campaign.alarms),
        "cuts": (15, Campaign.cuts),
        "kills": (20, Campaign.kills),
        "messages": (50_000, Campaign.messages),
    }
    for name, (size, _) in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--no-nap", action="store_true")
    parser.add_argument("--queues", default="classic,quorum")
    parser.add_argument("--scheme", default="amqp")
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):  # also in the background: the broker ends, too
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="faults-") as path:
        broker = Broker(Path(path) / "rabbitmq")
        campaign = Campaign(options, broker, Path(path))
        try:
            broker.start()
            for name, (_, run) in sizes.items():
                if size := getattr(options, name):
                    run(campaign, size)
            if not options.no_nap:
                campaign.nap()
        finally:
            broker.close()
    if campaign.failures:
        sys.exit(f"failed: {', '.join(campaign.failures)}")
    print("  nothing was lost")
