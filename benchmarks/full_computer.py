"""How often a master can tell an agent all about its computer (getFullComputerInformation).

    python -m benchmarks full_computer [--sizes 1,100,1000] [--rounds 5] [--seconds 3] [--tls]

Our master and the original stand-alone master (`slapos proxy start`, slapos.core 1.24.1) each run
in a process of their own, on a database on disk, with a computer of so many partitions, all of
them allocated, each with 2 addresses, 5 parameters and 2 connection parameters. One caller asks in
a closed loop and without compression.

- `new`: nothing changes between two calls, as between two polls of an agent; each call is on a new
  connection, as the original agent makes it.
- `kept`: the same on a connection that is kept for as long as the master lets it.
- `changed`: as `new`, and one instance's parameters change before each call; only the call is
  timed (the CPU figure has both).

The rounds of the two masters are interleaved. Rates are medians over the rounds; CPU is what the
master's process used per call. Below each size: our master as our own agent asks it, over a kept
connection with gzip and `If-None-Match`.

With `--tls` our master serves HTTPS, and the caller comes with a client certificate in place of a
token: TLS 1.3, keys on P-256, and no session is resumed, as the original agent resumes none. The
original's stand-alone master has no TLS, so it is still asked over plain HTTP.
"""

from __future__ import annotations

import argparse
import os
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.support import slapos_peer

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.http import ClientTls, HttpClient
from pelagos.core.web import Server, ServerTls
from pelagos.slap.client import SlapClient
from pelagos.slap.master import Master
from pelagos.slap.model import Address, ComputerFormat, InstanceRequest, PartitionFormat

COMPUTER = "COMP-1"
RELEASE = "http://example.com/software.cfg"
GOALS = {1: 3, 100: 30, 1000: 100}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Side:
    """One master under load."""

    name: str
    url: str
    token: str | None
    pid: int
    rates: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    size: int = 0
    changes: int = 0
    tls: ClientTls | None = None
    context: ssl.SSLContext | None = None

    @property
    def client(self) -> SlapClient:
        return SlapClient(self.url, token=self.token, timeout=300, tls=self.tls)

    def identify(self, folder: Path) -> None:
        """From now on each measured call comes with a certificate in place of the token."""
        certificate, key = folder / "bench.pem", folder / "bench.key"
        http = HttpClient(self.url, token=self.token, tls=self.tls)
        wish = {"kind": "computer", "name": COMPUTER}
        answer = http.request("POST", "v1/certificates", json=wish)
        assert answer.status < 300, answer.text
        http.close()
        issued = answer.json()
        certificate.write_text(issued["certificate"])
        key.write_text(issued["key"])
        assert self.tls is not None
        self.context = ssl.create_default_context(cafile=self.tls.authority)
        self.context.load_cert_chain(certificate, key)

    def fetch(self) -> None:
        """One call on a connection of its own."""
        with self.connect() as connection:
            self.fetch_on(connection)

    def connect(self) -> socket.socket:
        place = urlsplit(self.url)
        connection = socket.create_connection((place.hostname, place.port), timeout=120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as HTTP libraries do
        if self.context is not None:
            return self.context.wrap_socket(connection, server_hostname=place.hostname)
        return connection

    def fetch_on(self, connection: socket.socket) -> bool:
        """One call, with next to no work on the caller's side; whether the connection is kept."""
        connection.sendall(self.call)
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
        fields = head.lower()
        assert fields.startswith((b"http/1.1 200 ", b"http/1.0 200 ")), head
        self.size = int(fields.partition(b"content-length:")[2].split(None, 1)[0])
        left = self.size - len(body)
        while left > 0:
            piece = connection.recv(262144)
            assert piece, "the answer broke off"
            left -= len(piece)
        return b"connection: close" not in fields and not fields.startswith(b"http/1.0")

    @contextmanager
    def kept(self) -> Iterator[Callable[[], None]]:
        """Calls on one connection for as long as the master keeps it, then on the next."""
        connection = self.connect()

        def fetch() -> None:
            nonlocal connection
            if not self.fetch_on(connection):
                connection.close()
                connection = self.connect()

        yield fetch
        connection.close()

    @property
    def call(self) -> bytes:
        by_token = self.token and self.context is None
        bearer = f"Authorization: Bearer {self.token}\r\n" if by_token else ""
        return (
            f"GET /getFullComputerInformation?computer_id={COMPUTER} HTTP/1.1\r\n"
            f"Host: {urlsplit(self.url).netloc}\r\n{bearer}Connection: keep-alive\r\n\r\n"
        ).encode()

    def change(self) -> None:
        """Another value for one parameter of one instance."""
        self.changes += 1
        self.client.request(wish(0, salt=str(self.changes)))

    def measure(
        self,
        case: str,
        seconds: float,
        call: Callable[[], object],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        """One round: call for so long, at least twice; `before` each call, untimed."""
        count, spent = 0, 0.0
        cpu, end = cpu_seconds(self.pid), time.perf_counter() + seconds
        while count < 2 or time.perf_counter() < end:
            before()
            mark = time.perf_counter()
            call()
            spent += time.perf_counter() - mark
            count += 1
        used = cpu_seconds(self.pid) - cpu
        self.rates.setdefault(case, []).append(count / spent)
        self.cpu_ms.setdefault(case, []).append(1000 * used / count)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wish(number: int, salt: str = "") -> InstanceRequest:
    parameters = {f"p{index}": f"value-{index}{salt}" for index in range(5)}
    return InstanceRequest(f"inst{number}", RELEASE, parameters=parameters)


def fill(side: Side, size: int) -> None:
    """A computer of that size, all of it taken."""
    client = side.client
    partitions = tuple(
        PartitionFormat(
            f"slappart{number}",
            (
                Address(f"slaptap{number}", f"10.0.{number // 250}.{number % 250 + 1}", "/32"),
                Address(f"slaptap{number}", f"2001:db8::{number + 2:x}", "/64"),
            ),
        )
        for number in range(size)
    )
    client.format_computer(ComputerFormat(COMPUTER, partitions, "10.0.0.1", "255.0.0.0"))
    client.supply(RELEASE, COMPUTER)
    for number in range(size):
        client.request(wish(number))
    for number in range(size):
        published = {"url": f"http://x/{number}", "user": "admin"}
        client.publish(COMPUTER, f"slappart{number}", published)


@contextmanager
def our_master(folder: Path, *, tls: bool) -> Iterator[Side]:
    words = [sys.executable, "-m", "benchmarks.full_computer", "--serve", str(folder)]
    words += ["--tls"] if tls else []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            url, token = server.stdout.readline().split()
            side = Side("pelagos", url, token, server.pid)
            if tls:
                side.tls = ClientTls(folder / "ca/ca.pem")
                side.identify(folder)
            yield side
        finally:
            server.terminate()


def serve(folder: Path, *, tls: bool) -> None:
    """Our master, until it is ended from outside."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, terms = None, None
    if tls:
        authority = Authority.open(folder / "ca", name="benchmark", now=time.time())
        terms = ServerTls(folder / "server.pem", folder / "server.key", folder / "ca/ca.pem")
        issued = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=86_400)
        save_pair(issued, terms.certificate, terms.key)
    master = Master(f"sqlite:///{folder}/plane.db", authority=authority)
    server = Server(master.app, tls=terms)
    server.start()
    token = master.service.create_person("bench")
    master.service.register_computer(COMPUTER)
    print(server.url, token, flush=True)
    sys.stdin.read()


@contextmanager
def their_master(folder: Path) -> Iterator[Side]:
    with slapos_peer.Proxy(slapos_peer.install(), folder, COMPUTER) as proxy:
        assert proxy.process is not None
        yield Side("slapos proxy", proxy.url, None, proxy.process.pid)


def compare(size: int, rounds: int, seconds: float, folder: Path, *, tls: bool) -> None:
    with our_master(folder / "ours", tls=tls) as ours, their_master(folder / "theirs") as theirs:
        for side in (ours, theirs):
            fill(side, size)
            side.fetch()
        agent = ours.client
        for number in range(rounds):
            for side in (ours, theirs) if number % 2 else (theirs, ours):
                side.measure("new", seconds, side.fetch)
                with side.kept() as fetch:
                    side.measure("kept", seconds, fetch)
                side.measure("changed", seconds, side.fetch, before=side.change)
            agent.fetch_computer(COMPUTER)
            ours.measure("agent", seconds / 3, lambda: agent.fetch_computer(COMPUTER))
    for case in ("new", "kept", "changed"):
        print(row(size, case, ours, theirs))
    agent_rate = statistics.median(ours.rates["agent"])
    sizes = f"answers of {ours.size:,} and {theirs.size:,} bytes"
    print(
        f"{'':>6}  our agent's poll of an unchanged computer: {agent_rate:,.0f}/s; {sizes}",
        flush=True,
    )


def row(size: int, case: str, ours: Side, theirs: Side) -> str:
    our_rate, their_rate = (statistics.median(side.rates[case]) for side in (ours, theirs))
    our_cpu, their_cpu = (statistics.median(side.cpu_ms[case]) for side in (ours, theirs))
    goal = f"goal {GOALS[size]} x" if case != "changed" and size in GOALS else ""
    return (
        f"{size:>6}  {case:<8} {our_rate:>9,.1f}/s {their_rate:>9,.1f}/s "
        f"{our_rate / their_rate:>8.1f} x   CPU {our_cpu:>7.2f} ms {their_cpu:>8.2f} ms   {goal}"
    )


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks full_computer")
    parser.add_argument("--sizes", default="1,100,1000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--tls", action="store_true", help="ask ours over HTTPS")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.serve:
        serve(asked.serve, tls=asked.tls)
        return
    if asked.tls:
        print("pelagos: HTTPS with a client certificate; slapos: plain HTTP, it has no TLS")
    print(f"{'slots':>6}  {'case':<8} {'pelagos':>11} {'slapos':>11} {'ratio':>10}")
    for size in map(int, asked.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as folder:
            compare(size, asked.rounds, asked.seconds, Path(folder), tls=asked.tls)


if __name__ == "__main__":
    main(sys.argv[1:])
