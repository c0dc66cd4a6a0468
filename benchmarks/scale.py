"""A site of 1,000 computers with 10 partitions each: polls, requests, listings, memory.

    python -m benchmarks scale [--computers 1000] [--partitions 10] [--databases sqlite,postgresql]
                               [--alone 1000] [--peer 200]

For each kind of database one master in a process of its own, durable as it is by default; the
PostgreSQL server is a private one with fsync on. The callers are threads of the benchmark, each on
a kept connection, and share this machine with the master.

- `fdatasync`: what one durable write of 4 KiB costs on this disk, for comparison.
- `polls`: each computer asks whether something changed, as our agent does (ETag); nothing did.
- `requests`: new services, each accepted durably and allocated before the answer; by 1 caller and
  by 16, until all partitions are taken.
- `waiting`: requests of a release that nobody has: accepted durably, answered with the cause.
- `list`: `pelagos service list -o json` as a program: until the first row, in all, its memory.
- `computers`: GET /v1/computers.
- the original stand-alone master (`slapos proxy start`) with as many computers, as far as it goes:
  requests by 1 caller, each naming its computer, because it looks for no other. Its state is in
  SQLite, too.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pelagos.core.http import HttpClient
from pelagos.core.web import Server
from pelagos.slap import protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master import Master, MasterSettings, computer, person
from pelagos.slap.model import (
    Address,
    ComputerFormat,
    InstanceRequest,
    PartitionFormat,
    SupplyState,
)
from support import postgresql, slapos_peer

RELEASE = "/srv/bench/software.cfg"
PELAGOS = Path(sys.executable).with_name("pelagos")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Running:
    """A master in a process of its own."""

    url: str
    token: str
    agents: str
    pid: int

    @property
    def client(self) -> SlapClient:
        return SlapClient(self.url, token=self.token or None, timeout=300)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0


def announcement(number: int, partitions: int) -> ComputerFormat:
    return ComputerFormat(
        f"COMP-{number:04}",
        tuple(
            PartitionFormat(f"slappart{slot}", (Address("lo", f"10.{number % 250}.0.{slot + 1}"),))
            for slot in range(partitions)
        ),
    )


def serve(url: str, computers: int, partitions: int) -> None:
    """A master with its computers, until stdin ends."""
    settings = MasterSettings(silent_after=1e9)
    master = Master(url, settings=settings)
    began = time.perf_counter()
    for number in range(computers):
        announced = announcement(number, partitions)
        master.service.register_computer(announced.computer_id)
        master.service.format_computer(announced, computer(announced.computer_id))
        master.service.supply(
            RELEASE, announced.computer_id, SupplyState.AVAILABLE, person("bench")
        )
    print(f"furnished in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    server = Server(master.app, threads=24)
    server.start()
    print(
        server.url,
        master.service.create_person("bench"),
        master.service.register_computer("COMP-0000"),
        flush=True,
    )
    sys.stdin.read()
    master.end_waiting()
    server.stop()
    master.close()


@contextmanager
def our_master(url: str, computers: int, partitions: int) -> Iterator[Running]:
    words = [sys.executable, "-m", "benchmarks.scale", "--serve", url]
    words += ["--computers", str(computers), "--partitions", str(partitions)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        address, token, agents = process.stdout.readline().split()
        try:
            yield Running(address, token, agents, process.pid)
        finally:
            process.stdin.close()


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/plane.db"
        return
    server = postgresql.Server(folder / "pg", fsync="on", full_page_writes="on")
    try:
        server.start()
        yield server.create_database()
    finally:
        server.stop()


def polls(master: Running, computers: int) -> None:
    """As the agents of all computers, two rounds; the second finds nothing changed."""
    http = HttpClient(master.url, token=master.token, timeout=60)
    tags = {}
    for number in range(computers):
        name = f"COMP-{number:04}"
        answer = http.request("GET", protocol.FETCH_COMPUTER, params={"computer_id": name})
        tags[name] = answer.headers["ETag"]
    before, began = master.cpu(), time.perf_counter()
    for name, tag in tags.items():
        answer = http.request(
            "GET",
            protocol.FETCH_COMPUTER,
            params={"computer_id": name},
            headers={"If-None-Match": tag},
        )
        assert answer.status == 304
    passed = time.perf_counter() - began
    http.close()
    print(
        f"  polls      {len(tags) / passed:>8,.0f}/s   "
        f"master's CPU {1000 * (master.cpu() - before) / len(tags):.2f} ms each (goal < 1)"
    )


def ask(
    title: str, master: Running, callers: int, total: int, one: Callable[[SlapClient, int], None]
) -> None:
    numbers = count()
    lock = threading.Lock()
    times: list[float] = []

    def call(_: int) -> None:
        client = master.client
        while True:
            with lock:
                number = next(numbers)
            if number >= total:
                client.close()
                return
            mark = time.perf_counter()
            one(client, number)
            times.append(time.perf_counter() - mark)

    before, began = master.cpu(), time.perf_counter()
    with ThreadPoolExecutor(callers) as threads:
        list(threads.map(call, range(callers)))
    passed = time.perf_counter() - began
    times.sort()
    print(
        f"  {title:<10} {total / passed:>8,.0f}/s   by {callers:>2} of {total:,}; "
        f"median {1000 * statistics.median(times):.1f} ms, p99 "
        f"{1000 * times[int(len(times) * 0.99)]:.1f} ms; "
        f"master's CPU {1000 * (master.cpu() - before) / total:.2f} ms each",
        flush=True,
    )


def new_service(prefix: str) -> Callable[[SlapClient, int], None]:
    def one(client: SlapClient, number: int) -> None:
        client.request(InstanceRequest(f"{prefix}-{number}", RELEASE))

    return one


def named_computer(computers: int) -> Callable[[SlapClient, int], None]:
    def one(client: SlapClient, number: int) -> None:
        filters = {"computer_guid": f"COMP-{number % computers:04}"}
        client.request(InstanceRequest(f"named-{number}", RELEASE, filters=filters))

    return one


def waiting(client: SlapClient, number: int) -> None:
    try:
        client.request(InstanceRequest(f"waits-{number}", f"{RELEASE}.none"))
    except ResourceNotReady:
        return
    raise AssertionError("nobody has that release")


def listing(master: Running, folder: Path) -> None:
    environment = {
        **os.environ,
        "PELAGOS_MASTER_URL": master.url,
        "PELAGOS_TOKEN": master.token,
        "PELAGOS_DATA": str(folder / "none"),
    }
    began = time.perf_counter()
    with subprocess.Popen(
        [PELAGOS, "service", "list", "-o", "json"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first = time.perf_counter() - began
        rows = 0
        for line in process.stdout:
            rows += line.startswith(b'    "reference"')
    passed = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"  list       {rows:,} services: first row after {1000 * first:.0f} ms, all after "
        f"{passed:.1f} s; no child took more than {peak:.0f} MB"
    )


def computers_listing(master: Running) -> None:
    client = master.client
    before, began = master.cpu(), time.perf_counter()
    found = client.computers()
    print(
        f"  computers  {len(found):,} in {time.perf_counter() - began:.2f} s, "
        f"master's CPU {master.cpu() - before:.2f} s"
    )


def measure(kind: str, asked: argparse.Namespace) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name,
        databases(kind, Path(name)) as url,
        our_master(url, asked.computers, asked.partitions) as master,
    ):
        print(f"{kind}: {asked.computers:,} computers x {asked.partitions}", flush=True)
        print(f"  memory     {master.memory_mb():.0f} MB at the start")
        polls(master, asked.computers)
        total = asked.computers * asked.partitions
        alone = min(asked.alone, total // 2)
        ask("requests", master, 1, alone, new_service("alone"))
        ask("requests", master, 16, total - alone, new_service("many"))
        ask("waiting", master, 16, min(200, alone), waiting)
        listing(master, Path(name))
        computers_listing(master)
        polls(master, asked.computers)
        print(f"  memory     {master.memory_mb():.0f} MB at the end", flush=True)


def measure_peer(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name:
        programs = slapos_peer.install()
        with slapos_peer.Proxy(programs, Path(name), "COMP-0000") as proxy:
            assert proxy.process is not None
            master = Running(proxy.url, "", "", proxy.process.pid)
            client, began = master.client, time.perf_counter()
            for number in range(asked.computers):
                client.format_computer(announcement(number, asked.partitions))
                client.supply(RELEASE, f"COMP-{number:04}")
            print(f"slapos proxy: furnished in {time.perf_counter() - began:.0f} s", flush=True)
            ask("requests", master, 1, asked.peer, named_computer(asked.computers))
            print(f"  memory     {master.memory_mb():.0f} MB at the end", flush=True)


def fdatasync() -> None:
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for number in range(300):
            os.pwrite(file.fileno(), os.urandom(4096), (number % 64) * 4096)
            mark = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - mark)
    print(f"fdatasync of 4 KiB here: median {1000 * statistics.median(times):.2f} ms")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks scale")
    parser.add_argument("--computers", type=int, default=1000)
    parser.add_argument("--partitions", type=int, default=10)
    parser.add_argument("--databases", default="sqlite,postgresql", help="may be empty")
    parser.add_argument("--alone", type=int, default=1000, help="requests of the single caller")
    parser.add_argument("--peer", type=int, default=200, help="requests to slapproxy; 0: none")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.serve:
        serve(asked.serve, asked.computers, asked.partitions)
        return
    fdatasync()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    for kind in filter(None, asked.databases.split(",")):
        measure(kind, asked)
    if asked.peer:
        measure_peer(asked)


if __name__ == "__main__":
    main(sys.argv[1:])
