"""A directory whose sources hang, crawl, fail, talk garbage and talk without end, for minutes.

    python benchmarks/directory_deadline.py --seconds 600 --rate 20 --deadline 1

Lookups begin at fixed times, whether the former have ended or not. It prints how many had all
that the healthy sources know, how long they took, and threads and memory over time.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import resource
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pelagos.core.fanout import Fanout
from pelagos.directory.asking import Asking
from pelagos.directory.services.lookup import LookupService
from pelagos.directory.settings import ServiceProfile, SourceSettings
from pelagos.directory.sources import Source

#: Seconds after the deadline within which an answer must be there.
GRACE = 0.010


@dataclass
class Plugin:
    """A back-end whose search is given."""

    search: Callable[[str], Any]
    answers_from_memory: bool = False


@dataclass
class Record:
    """What was measured, shared by the threads that ask."""

    took: list[float] = field(default_factory=list)
    complete: int = 0
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    threads: list[int] = field(default_factory=list)
    memory_kib: list[int] = field(default_factory=list)


def sources(deadline: float, *, mixed: bool) -> dict[str, Plugin]:
    """Two healthy sources and one that hangs for ever; mixed: each other misbehaviour, too."""
    rows = [{"name": f"Ada {number}"} for number in range(20)]
    never = threading.Event()
    found = {
        "memory": Plugin(lambda _term: rows, answers_from_memory=True),
        "remote": Plugin(lambda _term: time.sleep(0.005) or rows),
        "hung": Plugin(lambda _term: never.wait() or []),
    }
    if mixed:
        found |= {
            "slow": Plugin(lambda _term: time.sleep(random.uniform(0, 2 * deadline)) or rows),
            "failing": Plugin(lambda _term: 1 // 0),
            "garbage": Plugin(
                lambda _term: random.choice([7, "text", [3], [None], [b""], {1: 2}])
            ),
            "generator": Plugin(_broken),
            "enormous": Plugin(lambda _term: itertools.repeat({"name": "Ada"})),
        }
    return found


def _broken(_term: str) -> Iterator[dict[str, str]]:
    yield {"name": "Ada"}
    raise OSError("the line broke")


def ask(service: LookupService, record: Record) -> None:
    """One lookup, measured."""
    begin = time.perf_counter()
    answer = service.lookup("ada", "default")
    record.took.append(time.perf_counter() - begin)
    counted = Counter(result.source for result in answer.results)
    record.complete += counted["memory"] == counted["remote"] == 20
    record.verdicts.update((verdict.name, str(verdict.verdict)) for verdict in answer.sources)


def memory_kib() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def run(seconds: float, rate: float, deadline: float, *, mixed: bool) -> tuple[Record, Fanout]:
    """Ask at a fixed rate."""
    plugins = sources(deadline, mixed=mixed)
    fanout = Fanout()
    made = {name: Source(SourceSettings(name, "x", {}), p) for name, p in plugins.items()}
    service = LookupService(
        Asking(made, {}, fanout), {"default": ServiceProfile(tuple(made), deadline)}
    )
    record = Record()
    begin = time.perf_counter()
    askers: list[threading.Thread] = []
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        thread = threading.Thread(target=ask, args=(service, record), daemon=True)
        thread.start()
        askers = [t for t in askers if t.is_alive()] + [thread]
        if number % int(rate) == 0:
            record.threads.append(fanout.thread_count)
            record.memory_kib.append(memory_kib())
    for thread in askers:
        thread.join(deadline * 2 + 5)
    return record, fanout


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--deadline", type=float, default=1.0)
    parser.add_argument("--mixed", action="store_true")
    options = parser.parse_args()
    logging.getLogger("pelagos").setLevel(logging.CRITICAL)
    record, fanout = run(options.seconds, options.rate, options.deadline, mixed=options.mixed)
    took = sorted(record.took)
    in_time = sum(t <= options.deadline + GRACE for t in took)
    p99 = took[int(len(took) * 0.99)]
    print(f"lookups {len(took)}  complete {record.complete}  in time {in_time}")
    print(
        f"ms: median {statistics.median(took) * 1e3:.1f}  p99 {p99 * 1e3:.1f}  "
        f"worst {took[-1] * 1e3:.1f}"
    )
    quarter = max(1, len(record.threads) // 4)
    print(f"threads: most {max(record.threads)}  now {fanout.thread_count}")
    for name, values in (("threads", record.threads), ("memory KiB", record.memory_kib)):
        middle, last = values[quarter : 2 * quarter], values[-quarter:]
        if middle:
            print(f"{name}: 2nd quarter {max(middle)}  last quarter {max(last)}")
    for (name, verdict), count in sorted(record.verdicts.items()):
        print(f"  {name:10} {verdict:9} {count}")


if __name__ == "__main__":
    main()
