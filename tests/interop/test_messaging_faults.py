"""What is lost when a real broker, the network or programs fail: nothing.

A small part of `python -m benchmarks messaging_faults`, which runs the same at any size.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from support import flat_memory
from support.bus_campaign import Load, await_nap
from support.rabbitmq import Broker
from support.rough_proxy import Proxy, Roughness

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

#: Seconds; by itself it takes one or two, and here others want the processors, too.
RECOVERY = 30.0


def check(load: Load) -> None:
    verdict = load.verdict
    assert not verdict.breaches, f"{verdict.breaches}\n{verdict.figures()}\n{load.said()}"
    assert verdict.slowest < RECOVERY, verdict.figures()
    assert verdict.told > 50 and verdict.answers > 20, verdict.figures()


def test_nothing_is_lost_while_the_broker_fails(own_rabbitmq: Broker, tmp_path: Path) -> None:
    with Load(own_rabbitmq, tmp_path) as load:
        load.restart_broker(work=1.0)
        load.freeze_broker()
        assert "low on disk" in load.fill_disk(seconds=0.5)
    check(load)


def test_nothing_is_lost_while_connections_and_programs_end(
    own_rabbitmq: Broker, tmp_path: Path
) -> None:
    rough = Roughness(4, bytes_until=20_000, endings=("end", "reset", "silence"))
    with (
        Proxy(own_rabbitmq.port, rough) as proxy,
        Load(own_rabbitmq, tmp_path, port=proxy.port) as load,
    ):
        load.spawn("nap")  # its connection goes past the proxy
        load.be_rough(rough, 5.0, lambda: proxy.endings.total() > 5)
        load.kill_workers(8, random.Random(4), pause=0.3)
        await_nap(load)
        assert proxy.endings.total() > 5
    check(load)


def test_memory_does_not_grow_with_what_has_passed(own_rabbitmq: Broker) -> None:
    count = 50_000
    done = subprocess.run(
        [sys.executable, flat_memory.__file__, own_rabbitmq.url, str(count)],
        env=flat_memory.environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["end"]["blocks"] - told["tenth"]["blocks"] < count / 4, told
    assert told["end"]["mib"] - told["tenth"]["mib"] < 16, told  # some buffer is full later
