"""How long a person waits for a service whose software is built, and what an idle plane costs.

    python -m benchmarks plane [--requests 50]

Starts `pelagos up` in a temporary folder, supplies examples/hello, lets it be built, then asks for
one service after another. For each: the time from sending the request until the service's process
had started (as the kernel keeps it, so within 10 ms), and until the master knew that its promises
hold. First, the idle memory and CPU of the plane before anything was asked for.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part
from pelagos.slap.client import SlapClient
from pelagos.slap.model import InstanceRequest, InstanceStatus, ReleaseStatus, SupplyState

PELAGOS = Path(sys.executable).with_name("pelagos")
HELLO = Path(__file__).parents[1] / "examples" / "hello" / "software.cfg"
TICKS = os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks plane")
    parser.add_argument("--requests", type=int, default=50)
    count = parser.parse_args(argv).requests
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder:
        os.environ["PELAGOS_DATA"] = f"{folder}/data"
        os.environ["XDG_CONFIG_HOME"] = folder
        with Path(folder, "up.log").open("wb") as log:
            words = [PELAGOS, "up", "--partitions", str(count + 1)]
            up = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            data = DataFolder(Path(folder) / "data")
            wait(lambda: data.running(Part.MASTER) and data.endpoints().pid == up.pid)
            measure(data, up.pid, count)
        finally:
            up.terminate()
            up.wait()
            subprocess.run([PELAGOS, "down", "--stop-services"], check=True)


def measure(data: DataFolder, pid: int, count: int) -> None:
    client = SlapClient(data.endpoints().master_url, token=data.token())
    wait(lambda: client.computers()[0].partition_count == count + 1)
    time.sleep(2)
    before, mark = cpu(pid), time.monotonic()
    time.sleep(10)
    share = (cpu(pid) - before) / (time.monotonic() - mark)
    print(f"idle plane: {rss_mb(pid):.0f} MB resident, {100 * share:.2f} % of one CPU")

    client.supply(str(HELLO), data.endpoints().computer_id, SupplyState.AVAILABLE)
    mark = time.monotonic()
    wait(lambda: client.releases()[0].status is ReleaseStatus.AVAILABLE, 120)
    print(f"build of examples/hello: {time.monotonic() - mark:.1f} s")
    time.sleep(2)  # what the agent prepares after a build

    running, started = [], []
    for number in range(count):
        reference = f"bench-{number}"
        mark, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        client.request(InstanceRequest(reference, str(HELLO)))
        wait(
            lambda name=reference: client.service(name).status is InstanceStatus.STARTED, 60, 0.02
        )
        started.append(time.monotonic() - mark)
        with urllib.request.urlopen(client.service(reference).connection["url"]) as answer:
            running.append(start_of(int(answer.read().split()[-1])) - boot)
    report("request -> process running", running)
    report("request -> promises hold, master knows", started)


def report(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(
        f"{name}: p50 {1000 * statistics.median(ordered):.0f} ms, p99 {1000 * p99:.0f} ms, "
        f"max {1000 * ordered[-1]:.0f} ms over {len(ordered)} requests"
    )


def start_of(pid: int) -> float:
    """Seconds after boot at which a process began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) / TICKS


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")


def wait(look: Callable[[], object], seconds: float = 30, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() > end:
            sys.exit(f"benchmark: gave up after {seconds:g} s")
        time.sleep(every)
