"""Lookups and reverse lookups of 50 users over 6 sources, against what the ancestor did.

    python -m benchmarks directory [--rounds 3] [--users 50] [--sources 6] [--contacts 25000]
                                   [--only lookup,reverse,calm,first,memory] [--million 1000000]

Both sides are processes of their own over the same CSV files, asked over kept-open connections by
this one, in interleaved rounds; medians of the rounds are shown. The ancestor's side is written
after what is documented of it, see `ancestor.py`; ours serves as it is shipped. Both answers must
have the same number of results. CPU is that of the serving process, per request.

- lookup: last names, without a pause between two questions of a user.
- reverse: 1, 5 and 20 numbers in one request, without a pause.
- calm: the same lookups with 0.5 to 3 s of thought before each.
- first: until the first result of a streamed lookup is here, while one more source hangs for ever.
- memory: of so many contacts in 4 sources, resident; and CPU of one question to all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.directory import load
from benchmarks.directory.contacts import People, files

OURS, ANCESTOR = "ours", "ancestor"
PARTS = ("lookup", "reverse", "calm", "first", "memory")
THINK = (0.5, 3.0)
#: Requests of one user in a round: about as long for both sides as patience allows.
REQUESTS = {OURS: 40, ANCESTOR: 2}
TICKS = os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks directory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--sources", type=int, default=6)
    parser.add_argument("--contacts", type=int, default=25_000, help="of each source")
    parser.add_argument("--million", type=int, default=1_000_000, help="contacts for `memory`")
    parser.add_argument("--only", default=",".join(PARTS))
    asked = parser.parse_args(argv)
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="pelagos-bench-") as name:
        folder = Path(name)
        people = write(folder / "contacts", asked.sources, asked.contacts)
        if set(parts) - {"memory"}:
            with serving(folder / "contacts") as ports:
                if "lookup" in parts:
                    lookups(ports, people, asked)
                if "reverse" in parts:
                    reverses(ports, people, asked)
                if "calm" in parts:
                    calm(ports, people, asked)
                if "first" in parts:
                    first(ports, people)
        if "memory" in parts:
            memory(folder / "million", asked.million)


def write(folder: Path, sources: int, contacts: int) -> People:
    folder.mkdir()
    people = People()
    for number in range(sources):
        people.write(folder / f"source{number}.csv", number, contacts)
    return people


class Side:
    """One server: its port and its process."""

    def __init__(self, name: str, *words: str) -> None:
        command = [sys.executable, "-m", f"benchmarks.directory.{name}", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{name} does not serve")
        self.port = int(line)

    def cpu(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return sum(map(int, stat.rpartition(")")[2].split()[11:13])) / TICKS

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, Side]]:
    with hung_server() as url, contextlib.ExitStack() as stack:
        sides = {OURS: Side(OURS, str(folder), url), ANCESTOR: Side(ANCESTOR, str(folder))}
        for side in sides.values():
            stack.callback(side.end)
        yield sides


@contextlib.contextmanager
def hung_server() -> Iterator[str]:
    """Accepts connections, in the kernel, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


class Figures:
    """Rates, latencies and CPU of one side, over the rounds."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.p50: list[float] = []
        self.p99: list[float] = []
        self.cpu: list[float] = []

    def add(self, played: load.Round, cpu: float) -> None:
        self.rates.append(played.rate)
        self.p50.append(played.ms(0.50))
        self.p99.append(played.ms(0.99))
        self.cpu.append(1000 * cpu / len(played.seconds))


def compare(
    title: str,
    sides: dict[str, Side],
    questions: dict[str, list[list[bytes]]],
    rounds: int,
    think: tuple[float, float] | None = None,
) -> None:
    """Play the rounds, both sides in turn, and print the medians."""
    figures = {name: Figures() for name in questions}
    for _ in range(rounds):
        for name, own in questions.items():
            before = sides[name].cpu()
            played = load.play(sides[name].port, own, think)
            figures[name].add(played, sides[name].cpu() - before)
    print(f"{title}")
    for name, found in figures.items():
        print(
            f"  {name:9} {statistics.median(found.rates):8.1f} /s   "
            f"p50 {statistics.median(found.p50):8.1f} ms   "
            f"p99 {statistics.median(found.p99):8.1f} ms   "
            f"CPU {statistics.median(found.cpu):8.2f} ms each",
            flush=True,
        )
    ours, theirs = (statistics.median(figures[name].rates) for name in (OURS, ANCESTOR))
    cpus = [statistics.median(figures[name].cpu) for name in (ANCESTOR, OURS)]
    print(f"  ours/ancestor: {ours / theirs:.1f} x the rate, 1/{cpus[0] / cpus[1]:.1f} of the CPU")


def lookups(sides: dict[str, Side], people: People, asked: argparse.Namespace) -> None:
    check(sides, [load.lookup(term) for term in people.terms(10)])
    questions = {
        name: [[load.lookup(t) for t in people.terms(each)] for _ in range(asked.users)]
        for name, each in REQUESTS.items()
    }
    compare(f"lookup, {asked.users} users, no pause", sides, questions, asked.rounds)


def reverses(sides: dict[str, Side], people: People, asked: argparse.Namespace) -> None:
    for count in (1, 5, 20):

        def question(count: int = count) -> bytes:
            return load.reverse(people.extens(count, asked.sources, asked.contacts))

        check(sides, [question() for _ in range(5)])
        questions = {
            name: [[question() for _ in range(each)] for _ in range(asked.users)]
            for name, each in {OURS: 40, ANCESTOR: 1 if count > 5 else 2}.items()
        }
        title = f"reverse of {count}, {asked.users} users, no pause"
        compare(title, sides, questions, asked.rounds)


def calm(sides: dict[str, Side], people: People, asked: argparse.Namespace) -> None:
    questions = {
        name: [[load.lookup(t) for t in people.terms(6)] for _ in range(asked.users)]
        for name in (OURS, ANCESTOR)
    }
    title = f"lookup, {asked.users} users, {THINK[0]:g} to {THINK[1]:g} s of thought"
    compare(title, sides, questions, 1, THINK)


def first(sides: dict[str, Side], people: People) -> None:
    ours = sides[OURS]
    seconds = [load.first_hit(ours.port, load.stream(t, "hung")) for t in people.terms(100)]
    ordered = sorted(1000 * one for one in seconds)
    print("first streamed hit, one user, one source more that hangs for ever")
    print(
        f"  ours      p50 {ordered[50]:.1f} ms   p99 {ordered[98]:.1f} ms   {len(ordered)} asked"
    )


def check(sides: dict[str, Side], questions: list[bytes]) -> None:
    """Both sides must find the same."""
    hits = {name: load.play(side.port, [questions]).hits for name, side in sides.items()}
    if hits[OURS] != hits[ANCESTOR]:
        raise RuntimeError(f"the sides do not find the same: {hits}")


def memory(folder: Path, contacts: int) -> None:
    write(folder, 4, contacts // 4)
    size = sum(path.stat().st_size for path in files(folder).values()) / 1e6
    print(f"{contacts:,} contacts in 4 CSV sources, {size:.0f} MB on disk")
    for name in (OURS, ANCESTOR):
        command = [sys.executable, "-m", "benchmarks.directory.memory", name, str(folder)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        print(
            f"  {name:9} {found['added_mb']:7.0f} MB more ({found['peak_mb']:.0f} MB at the most)"
            f"   loaded in {found['load_s']:.1f} s of CPU   search {found['search_ms']:.2f} ms"
            f"   match {found['match_ms']:.3f} ms of CPU",
            flush=True,
        )
