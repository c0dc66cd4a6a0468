"""A directory with sources that hang, fail, talk garbage and talk without end: nobody notices."""

from __future__ import annotations

import gc
import itertools
import json
import random
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.fanout import Fanout
from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.directory.asking import Asking
from pelagos.directory.services.lookup import LookupService
from pelagos.directory.settings import ServiceProfile, SourceSettings
from pelagos.directory.sources import Source
from support.directory import BACKENDS, config, offer

pytestmark = pytest.mark.integration

ROWS = [{"name": f"Ada {number}"} for number in range(20)]
SLOTS = 16
PATIENCE = 60.0


class Plugin:
    """A back-end whose search is given."""

    def __init__(self, search: Callable[[str], Any], *, memory: bool = False) -> None:
        self.search = search
        self.answers_from_memory = memory


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def misbehaving(release: threading.Event, deadline: float) -> dict[str, Callable[[str], Any]]:
    chance = random.Random(7)  # not for secrets

    def hung(_term: str) -> list[Any]:
        release.wait()
        return []

    def slow(_term: str) -> list[Any]:
        release.wait(chance.uniform(0, 2 * deadline))
        return ROWS

    def failing(_term: str) -> list[Any]:
        raise ConnectionError("refused")

    def broken(_term: str) -> Iterator[Any]:
        yield from ROWS
        raise OSError("the line broke")

    return {
        "hung": hung,
        "slow": slow,
        "failing": failing,
        "broken": broken,
        "garbage": lambda _term: chance.choice([7, "text", [3], [None], [b""], {1: 2}]),
        "enormous": lambda _term: itertools.repeat({"name": "Ada"}),
    }


def test_an_hour_with_a_hung_source_of_three_is_complete_and_flat(
    release: threading.Event,
) -> None:
    """Simulated time, 20 lookups a second; calls that hang do so for real."""
    clock = ManualClock()
    fanout = Fanout(slots=SLOTS, clock=clock)
    hung = misbehaving(release, 0.0)["hung"]
    plugins = {
        "memory": Plugin(lambda _term: ROWS, memory=True),
        "remote": Plugin(lambda _term: ROWS),
        "hung": Plugin(hung),
    }
    sources = {name: Source(SourceSettings(name, "x", {}), p) for name, p in plugins.items()}
    profile = ServiceProfile(tuple(sources), timeout=0.25)
    lookup = LookupService(Asking(sources, {}, fanout, clock=clock), {"default": profile})
    verdicts: Counter[tuple[str, str]] = Counter()
    threads: list[int] = []
    blocks: list[int] = []
    for number in range(3600 * 20):
        if number % 20 and number % 3600 > 60:  # 19 of 20 lookups without the others, for speed
            clock.advance(0.05)
            continue
        answer = lookup.lookup("ada", "default")
        verdicts.update((v.name, str(v.verdict)) for v in answer.sources)
        clock.advance(0.05)
        if number % 3600 == 0:
            gc.collect()
            threads.append(fanout.thread_count)
            blocks.append(sys.getallocatedblocks())
    asked = verdicts["memory", "answered"]
    assert asked > 3600 and verdicts["remote", "answered"] == asked
    assert verdicts["hung", "late"] <= 2 * SLOTS and verdicts["hung", "open"] > asked * 0.9
    assert max(threads) <= 2 * SLOTS + 2, "calls that will never end give their slots back once"
    assert max(blocks[len(blocks) // 2 :]) < blocks[len(blocks) // 4] * 1.02
    release.set()
    assert fanout.close(PATIENCE)


def test_misbehaving_sources_take_nothing_from_healthy_ones_over_http(
    release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 lookups a second for some seconds, each begun whether the former have ended or not."""
    deadline, rate, seconds = 1.0, 20, 8
    bad = misbehaving(release, deadline)
    made = {"memory": Plugin(lambda _term: ROWS, memory=True), "remote": Plugin(lambda _t: ROWS)}
    made |= {name: Plugin(search) for name, search in bad.items()}
    for plugin in made.values():
        plugin.load = lambda _args: None  # type: ignore[attr-defined]
    offer(monkeypatch, BACKENDS, **{f"x{name}": lambda p=p: p for name, p in made.items()})
    sources = {name: {"type": f"x{name}"} for name in made}
    before = threading.active_count()
    with Directory(config(sources, timeout=deadline), verify=lambda _token: {}) as directory:
        server = Server(directory.app, threads=64)
        server.start()
        url = f"{server.url}/0.1/directories/lookup/default?term=ada"
        try:
            with ThreadPoolExecutor(rate * 10) as pool:
                begin = time.monotonic()
                pending = []
                for number in range(rate * seconds):
                    time.sleep(max(0.0, begin + number / rate - time.monotonic()))
                    pending.append(pool.submit(_ask, url))
                answers = [answer.result(PATIENCE) for answer in pending]
            threads = [t for t in threading.enumerate() if t.name == "fanout"]
        finally:
            release.set()
            server.stop()
    found = [Counter(row["source"] for row in answer["results"]) for answer, _ in answers]
    missing = [
        a["sources"]
        for (a, _), f in zip(answers, found, strict=True)
        if not f["memory"] == f["remote"] == len(ROWS)
    ]
    assert missing == []
    assert len(threads) <= SLOTS * len(bad)
    last = answers[-rate:]
    opened = {s["name"] for answer, _ in last for s in answer["sources"] if s["verdict"] == "open"}
    assert {"hung", "failing", "garbage", "broken", "enormous"} <= opened
    # This machine may be busy with other tests; what holds is that no answer waits for a source.
    took = sorted(seconds for _, seconds in answers)
    assert took[len(took) // 2] < deadline + 5 and took[-1] < deadline + 30
    assert threading.active_count() <= before + len(threads)


def _ask(url: str) -> tuple[Any, float]:
    begin = time.monotonic()
    request = urllib.request.Request(url, headers={"X-Auth-Token": "good"})  # ours
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        body = json.loads(response.read())
    return body, time.monotonic() - begin
