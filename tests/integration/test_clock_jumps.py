"""The wall clock is set by days, back and forth: the agent goes on at its own pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent import Agent, AgentSettings
from pelagos.slap.agent.builders.fake import FakeBuilder, FakeRelease
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.client import SlapClient
from support.agent_site import COMPUTER, QUICK, Site

pytestmark = pytest.mark.integration

DAY = 86_400.0
URL = "/nowhere/web.cfg"
FILES = {
    "etc/service/web": "#!/bin/sh\nexec sleep 100000\n",
    "etc/promise/there": "#!/bin/sh\ntest -e etc/service/web\n",
}


class SetClock(SystemClock):
    """This machine's clock, as somebody else set it; counts how often it is looked at."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.looks = 0

    def time(self) -> float:
        """Seconds since the Unix epoch, wrong by `ahead`."""
        return super().time() + self.ahead

    def monotonic(self) -> float:
        """Seconds that only grow."""
        self.looks += 1
        return super().monotonic()


class Bench:
    """A master with the machine's clock, and an agent with one that is set."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.clock = SetClock()
        settings = AgentSettings(COMPUTER, self.site.root, **{**QUICK, "poll_interval": 0.3})
        layout = Layout(self.site.root, settings.partition_count)
        self.agent = Agent(
            settings,
            SlapClient(self.site.server.url, token=self.site._token, timeout=5.0),
            clock=self.clock,
            builder=FakeBuilder(layout, {URL: FakeRelease(files=FILES)}),
            supervisor=MemorySupervisor(self.clock),
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.agent.run, args=(self._stop,))
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(30.0)
        assert not self._thread.is_alive()
        self.site.close()

    def pace(self) -> int:
        """How often the clock is looked at in a second in which nothing is wished."""
        before = self.clock.looks
        time.sleep(1.0)
        return self.clock.looks - before


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_an_agent_whose_clock_is_set_neither_waits_nor_races(bench: Bench) -> None:
    bench.site.order("a", URL, parameters={"round": "0"})
    bench.site.until_started("a")
    usual = bench.pace()
    for number, ahead in enumerate((3 * DAY, -10 * DAY, 3650 * DAY, 0.0), 1):
        bench.clock.ahead = ahead
        assert bench.pace() < 2 * usual + 100
        before = bench.site.service("a")
        bench.site.request("a", URL, parameters={"round": str(number)})
        after = bench.site.until("a", lambda s: s.status == "started", within=60.0)
        assert (after.partition_id, after.guid) == (before.partition_id, before.guid)
        stamp = bench.site.partition("a") / ".timestamp"
        said = bench.site.client.fetch_partition(COMPUTER, after.partition_id or "").timestamp
        end = time.monotonic() + 60.0
        while not stamp.exists() or stamp.read_text().strip() != str(said):
            assert time.monotonic() < end, "the newest wish was not noted"
            time.sleep(0.05)
        status = bench.agent.status()
        assert status.cause.code == "ok"
        assert abs((status.last_contact or 0.0) - bench.clock.time()) < 10.0
