"""A site of 1,000 computers with 10 partitions each: polls, requests, listings, memory.

    python -m benchmarks scale [--computers 1000] [--partitions 10] [--databases sqlite,postgresql]
                               [--alone 300] [--many 1500] [--others 200]
                               [--peer 200] [--peer-computers 200]

For each kind of database one master in a process of its own, durable as it is by default; the
PostgreSQL server is a private one with fsync on. The callers are threads of the benchmark, each on
a kept connection, and share this machine with the master. CPU is that of the master's process.

- `fdatasync`: what one durable write of 4 KiB costs on this disk, for comparison.
- the site is furnished, and filled but for what is asked for below, inside the master's process.
- `polls`: each computer asks whether something changed, as our agent does (ETag): when nothing
  did; when something did since it asked last; and when nothing did for it while requests change
  others (their CPU, measured alone before, is taken off).
- `new`: new services, each accepted durably and allocated before the answer; by 1 caller and by
  16, until all partitions are taken.
- `same`, `changed`: a request that changes nothing, and one with other parameters each time.
- `unknown`, `unmatched`, `full`: requests that are kept and wait, answered with the cause: nobody
  has the release; nobody has the property; all partitions are taken.
- `list`: `pelagos service list -o json` as a program: until the first row, in all, its memory.
- `computers`: GET /v1/computers.
- the original stand-alone master (`slapos proxy start`): requests by 1 caller, each naming its
  computer, because it looks for no other. Its state is in SQLite, too.
"""

from __future__ import annotations

import argparse
import os
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
        """Proportional: what it shares with others counts for its part."""
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
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


def serve(url: str, computers: int, partitions: int, filled: int) -> None:
    """A master with its computers and `filled` services, until stdin ends."""
    settings = MasterSettings(silent_after=1e9)
    master = Master(url, settings=settings)
    token = master.service.create_person("bench")
    began = time.perf_counter()
    for number in range(computers):
        announced = announcement(number, partitions)
        master.service.register_computer(announced.computer_id)
        master.service.format_computer(announced, computer(announced.computer_id))
        master.service.supply(
            RELEASE, announced.computer_id, SupplyState.AVAILABLE, person("bench")
        )
    idle = Running("", "", "", os.getpid()).memory_mb()

    def fill(number: int) -> None:
        master.service.request(InstanceRequest(f"filled-{number}", RELEASE), person("bench"))

    with ThreadPoolExecutor(8) as threads:  # so that they share commits
        list(threads.map(fill, range(filled)))
    print(
        f"  furnished, and filled with {filled:,}, in {time.perf_counter() - began:.0f} s; "
        f"{idle:.0f} MB before it was filled",
        flush=True,
        file=sys.stderr,
    )
    server = Server(master.app, threads=24)
    server.start()
    print(
        server.url,
        token,
        master.service.register_computer("COMP-0000"),
        flush=True,
    )
    sys.stdin.read()
    master.end_waiting()
    server.stop()
    master.close()


@contextmanager
def our_master(url: str, computers: int, partitions: int, filled: int) -> Iterator[Running]:
    words = [sys.executable, "-m", "benchmarks.scale", "--serve", url]
    words += ["--computers", str(computers), "--partitions", str(partitions)]
    words += ["--filled", str(filled)]
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


class Polls:
    """The agents of all computers, each with the tag of its last answer."""

    def __init__(self, master: Running, computers: int) -> None:
        self._master = master
        self._tags = dict.fromkeys((f"COMP-{number:04}" for number in range(computers)), "")

    def once(self, title: str, taken_off: Callable[[], float] = lambda: 0.0) -> None:
        """Each asks once; `taken_off` is the CPU (ms) that others cost meanwhile."""
        http = HttpClient(self._master.url, token=self._master.token, timeout=60)
        before, began, same = self._master.cpu(), time.perf_counter(), 0
        times = []
        for name, tag in self._tags.items():
            mark = time.perf_counter()
            answer = http.request(
                "GET",
                protocol.FETCH_COMPUTER,
                params={"computer_id": name},
                headers={"If-None-Match": tag} if tag else {},
            )
            times.append(time.perf_counter() - mark)
            same += answer.status == 304  # not modified
            self._tags[name] = answer.headers["ETag"]
        passed, count = time.perf_counter() - began, len(self._tags)
        used = 1000 * (self._master.cpu() - before) - taken_off()
        http.close()
        print(
            f"  polls      {count / passed:>8,.0f}/s   {title}: {same:,} of {count:,} unchanged; "
            f"median {1000 * statistics.median(times):.1f} ms; master's CPU {used / count:.2f} ms "
            "each",
            flush=True,
        )


def polls_beside_requests(master: Running, polls: Polls) -> None:
    """Nothing changes for those who ask, but for one of them, all the time."""
    alone = ask("changed", master, 1, 200, changed())
    asked, over, one, client = [0], threading.Event(), changed(), master.client

    def others() -> None:
        while not over.is_set():
            one(client, asked[0])
            asked[0] += 1

    thread = threading.Thread(target=others)
    thread.start()
    try:
        polls.once("beside requests", lambda: asked[0] * alone)
    finally:
        over.set()
        thread.join()


def ask(
    title: str, master: Running, callers: int, total: int, one: Callable[[SlapClient, int], None]
) -> float:
    """Prints what it took; returns the master's CPU of one call in ms."""
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
    used = 1000 * (master.cpu() - before) / total
    print(
        f"  {title:<10} {total / passed:>8,.0f}/s   by {callers:>2} of {total:,}; "
        f"median {1000 * statistics.median(times):.1f} ms, p99 "
        f"{1000 * times[int(len(times) * 0.99)]:.1f} ms; "
        f"master's CPU {used:.2f} ms each",
        flush=True,
    )
    return used


def new_service(prefix: str) -> Callable[[SlapClient, int], None]:
    def one(client: SlapClient, number: int) -> None:
        client.request(InstanceRequest(f"{prefix}-{number}", RELEASE))

    return one


def named_computer(computers: int) -> Callable[[SlapClient, int], None]:
    def one(client: SlapClient, number: int) -> None:
        filters = {"computer_guid": f"COMP-{number % computers:04}"}
        client.request(InstanceRequest(f"named-{number}", RELEASE, filters=filters))

    return one


def same(client: SlapClient, _: int) -> None:
    client.request(InstanceRequest("filled-0", RELEASE))


def changed() -> Callable[[SlapClient, int], None]:
    run = time.monotonic_ns()

    def one(client: SlapClient, number: int) -> None:
        wish = InstanceRequest("filled-1", RELEASE, parameters={"number": f"{run}-{number}"})
        client.request(wish)

    return one


def refused(
    prefix: str, release: str = RELEASE, **filters: str
) -> Callable[[SlapClient, int], None]:
    def one(client: SlapClient, number: int) -> None:
        try:
            client.request(InstanceRequest(f"{prefix}-{number}", release, filters=filters))
        except ResourceNotReady:
            return
        raise AssertionError("that cannot be had")

    return one


def listing(master: Running, folder: Path) -> None:
    environment = {
        **os.environ,
        "PELAGOS_MASTER_URL": master.url,
        "PELAGOS_TOKEN": master.token,
        "PELAGOS_DATA": str(folder / "none"),
    }
    before, began = master.cpu(), time.perf_counter()
    with subprocess.Popen(
        [PELAGOS, "service", "list", "-o", "json"], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first = time.perf_counter() - began
        rows = 0
        for line in process.stdout:
            rows += line.startswith(b'    "reference"')
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    passed, used = time.perf_counter() - began, master.cpu() - before
    print(
        f"  list       {rows:,} services: first row after {1000 * first:.0f} ms, all after "
        f"{passed:.1f} s; the program took {usage.ru_maxrss / 1024:.0f} MB and "
        f"{usage.ru_utime + usage.ru_stime:.1f} s of CPU; master's CPU {used:.2f} s, "
        f"{1e6 * used / max(rows, 1):.0f} us a row",
        flush=True,
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
    total = asked.computers * asked.partitions
    alone = min(asked.alone, total // 4)
    many = min(asked.many, total // 2)
    others = min(asked.others, total)
    print(f"{kind}: {asked.computers:,} computers x {asked.partitions}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name,
        databases(kind, Path(name)) as url,
        our_master(url, asked.computers, asked.partitions, total - alone - many) as master,
    ):
        polls = Polls(master, asked.computers)
        polls.once("first")
        polls.once("unchanged")
        ask("new", master, 1, alone, new_service("alone"))
        ask("new", master, 16, many, new_service("many"))
        ask("same", master, 16, others, same)
        ask("changed", master, 16, others, changed())
        polls.once("after requests")
        polls.once("unchanged")
        polls_beside_requests(master, polls)
        listing(master, Path(name))
        computers_listing(master)
        ask("unknown", master, 16, others, refused("unknown", f"{RELEASE}.none"))
        ask("unmatched", master, 16, others, refused("unmatched", region="nowhere"))
        ask("full", master, 16, others, refused("full"))
        print(f"  memory     {master.memory_mb():.0f} MB at the end", flush=True)


def measure_peer(asked: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name:
        programs = slapos_peer.install()
        with slapos_peer.Proxy(programs, Path(name), "COMP-0000") as proxy:
            assert proxy.process is not None
            master = Running(proxy.url, "", "", proxy.process.pid)
            client, began = master.client, time.perf_counter()
            computers = min(asked.computers, asked.peer_computers)
            for number in range(computers):
                client.format_computer(announcement(number, asked.partitions))
                client.supply(RELEASE, f"COMP-{number:04}")
            passed = time.perf_counter() - began
            print(f"slapos proxy: {computers} computers furnished in {passed:.0f} s", flush=True)
            ask("new", master, 1, asked.peer, named_computer(computers))
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
    parser.add_argument("--alone", type=int, default=300, help="new services by one caller")
    parser.add_argument("--many", type=int, default=1500, help="new services by 16 callers")
    parser.add_argument("--others", type=int, default=200, help="requests of each other kind")
    parser.add_argument("--peer", type=int, default=200, help="requests to slapproxy; 0: none")
    parser.add_argument("--peer-computers", type=int, default=200)
    parser.add_argument("--filled", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.serve:
        serve(asked.serve, asked.computers, asked.partitions, asked.filled)
        return
    fdatasync()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    for kind in filter(None, asked.databases.split(",")):
        measure(kind, asked)
    if asked.peer:
        measure_peer(asked)


if __name__ == "__main__":
    main(sys.argv[1:])
