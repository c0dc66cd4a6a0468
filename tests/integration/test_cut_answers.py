"""Answers of the master that end at any byte: nothing stops, is lost, or counts twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.builders.fake import FakeBuilder, FakeRelease
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.client import SlapClient
from support.agent_site import COMPUTER, QUICK, Site
from support.faulty_proxy import FaultyProxy

pytestmark = pytest.mark.integration

URL = "/nowhere/web.cfg"
FILES = {"etc/service/web": "#!/bin/sh\nexec sleep 100000\n"}
#: Where an answer ends, as a part of the longest one, which is that to the agent's question: in
#: the status line, in the headers, at the start, in the middle and at the end of the document.
PLACES = (0.0, 0.001, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98)


class Bench:
    """A master, an agent, and between them a proxy that goes wrong when told."""

    def __init__(self, proxy: FaultyProxy, site: Site) -> None:
        self.site, self.proxy = site, proxy
        settings = AgentSettings(COMPUTER, site.root, **{**QUICK, "poll_interval": 0.2})
        layout = Layout(site.root, settings.partition_count)
        self.supervisor = MemorySupervisor(SystemClock())
        self.agent = Agent(
            settings,
            SlapClient(proxy.url, token=site._token, timeout=3.0),
            builder=FakeBuilder(layout, {URL: FakeRelease(files=FILES)}),
            supervisor=self.supervisor,
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.agent.run, args=(self._stop,))
        self._thread.start()
        site.order("a", URL, parameters={"n": "start"})
        site.until_started("a")

    def close(self) -> None:
        self._stop.set()
        self._thread.join(30.0)
        assert not self._thread.is_alive()

    def pids(self) -> list[int | None]:
        return [one.pid for group in self.supervisor.observe().values() for one in group]

    def started(self) -> int:
        """How often the master took note that the service had started."""
        guid = self.site.service("a").guid
        events = self.site.master.service.events(limit=1000)
        return sum(e.kind == "instance.started" and e.subject == guid for e in events)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site(tmp_path)
    try:
        with FaultyProxy(site.server.port) as proxy:
            made = Bench(proxy, site)
            try:
                yield made
            finally:
                proxy.cut_after, proxy.pause = None, 0.0
                made.close()
    finally:
        site.close()


def wait_until(holds: Callable[[], object], within: float = 20.0) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("is_reset", [False, True], ids=["ended", "reset"])
def test_whatever_byte_an_answer_ends_at_the_agent_catches_up(
    bench: Bench, *, is_reset: bool
) -> None:
    site, proxy = bench.site, bench.proxy
    proxy.is_reset = is_reset
    pids, before = bench.pids(), bench.started()
    whole = proxy.longest
    for number, place in enumerate(PLACES, 1):
        cuts = proxy.cuts
        proxy.cut_after = int(place * whole)
        site.request("a", URL, parameters={"n": str(number)})
        wait_until(lambda cuts=cuts: proxy.cuts >= cuts + 2)
        wait_until(lambda: bench.agent.status().cause.code == "master-unreachable")
        assert "Services go on" in bench.agent.status().cause.hint
        assert bench.pids() == pids
        proxy.cut_after = None
        bench.agent.wake()
        site.until_started("a")
        wait_until(lambda: bench.agent.status().cause.code == "ok")
        wait_until(lambda: not bench.agent.status().waiting_reports)
        assert bench.pids() == pids
    assert bench.started() == before + len(PLACES)


def test_a_report_whose_receipt_is_lost_is_told_again_and_counts_once(bench: Bench) -> None:
    site, proxy = bench.site, bench.proxy
    before = bench.started()
    proxy.about = b"/startedComputerPartition"
    places = (0, 5, 9, 11)  # before the status is whole: that alone is a receipt
    for number, place in enumerate(places, 1):
        cuts = proxy.cuts
        proxy.cut_after = place
        site.request("a", URL, parameters={"n": str(number)})
        wait_until(lambda cuts=cuts: proxy.cuts >= cuts + 2)
        assert site.service("a").status == "started"  # it came, and so did its repetition
        assert bench.agent.status().waiting_reports == 1
        assert bench.agent.status().cause.code == "ok"  # other answers are whole
        proxy.cut_after = None
        wait_until(lambda: not bench.agent.status().waiting_reports)
    assert bench.started() == before + len(places)


def test_answers_that_drip_hold_up_no_service_and_are_read_or_given_up(bench: Bench) -> None:
    pids = bench.pids()
    bench.proxy.pause = 0.05
    bench.site.request("a", URL, parameters={"n": "slow"})
    time.sleep(4.0)
    assert bench.pids() == pids
    bench.proxy.pause = 0.0
    bench.site.until_started("a")
    wait_until(lambda: bench.agent.status().cause.code == "ok")
    assert bench.pids() == pids
