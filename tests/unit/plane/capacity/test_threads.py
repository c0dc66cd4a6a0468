"""The keeper at work in its threads: what hangs holds up nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pelagos.core.clock import SystemClock
from support.capacity_site import CapacitySite

MakeSite = Callable[..., CapacitySite]


def until(look: Callable[[], bool]) -> None:
    end = time.monotonic() + 30.0
    while not look():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_cloud_that_hangs_holds_up_neither_others_nor_who_asks(make_site: MakeSite) -> None:
    site = make_site(north={}, south={})
    gate, asked = threading.Event(), threading.Event()

    def hang(_method: str, _about: str) -> None:
        asked.set()
        gate.wait(60.0)

    site.clouds["north"].before = hang
    site.keeper.start()
    try:
        assert asked.wait(30.0)
        site.program.line.make("south", keep=False, actor="person:admin")
        until(lambda: site.clouds["south"].made == 1)
        made = site.program.line.make("north", keep=False, actor="person:admin")
        rows = {row.name: row for row in site.program.line.overview().machines}
        assert rows[made.name].state == "planned"
        assert site.why(made.name).cause.code == "machine-making"
        assert site.keeper.alive()
    finally:
        gate.set()
        site.keeper.stop()
    assert not site.keeper.alive()


def test_an_event_wakes_it_at_once(make_site: MakeSite) -> None:
    site = make_site()
    site.keeper._interval = 1000.0
    site.keeper.start()
    try:
        until(lambda: site.keeper.workplaces["north"].looked is not None)
        started = SystemClock().monotonic()
        site.request()
        until(lambda: site.cloud.made == 1)
        assert SystemClock().monotonic() - started < 20.0
    finally:
        site.keeper.stop()
