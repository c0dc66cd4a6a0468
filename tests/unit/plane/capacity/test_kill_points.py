"""The plane ends by force at any point: no machine is forgotten, and none is made twice."""

from __future__ import annotations

import contextlib
import errno
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.plane.capacity.base import Machine
from pelagos.plane.capacity.errors import CapacityError
from support.capacity_site import CapacitySite, Killed

MakeSite = Callable[..., CapacitySite]

_OF_MASTER = ("admit", "lend", "seclude", "open_again", "retire", "note_machine")


class Reaper:
    """Counts the points of a run and ends it right before what is done at one of them.

    Attributes:
        at: the number of the point; 0 lets all pass.
        names: of the points that were passed.
    """

    def __init__(self, site: CapacitySite, at: int) -> None:
        self.site, self.at = site, at
        self.names: list[str] = []
        self.watch()

    def watch(self) -> None:
        site = self.site
        site.watch = self.point
        for name in _OF_MASTER:
            self._around(site.service, name)
        self._around(site.keeper.ledger, "change")

    def _around(self, thing: Any, name: str) -> None:
        real = getattr(thing, name)

        def around(*args: Any, **options: Any) -> Any:
            self.point(name)
            return real(*args, **options)

        setattr(thing, name, around)

    def point(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.at:
            raise Killed(name)


class Life:
    """A whole life: a service comes and goes, with its machine.

    Attributes:
        seen: names of machines that the cloud had.
    """

    def __init__(self, site: CapacitySite, reaper: Reaper) -> None:
        self.site, self.reaper = site, reaper
        self.seen: set[str] = set()

    def live(self) -> set[str]:
        assert self.site.request() is None
        for _ in range(6):
            self.round(15.0)
            for name in self.site.phases():
                self.call(name)
        assert self.site.where() is not None, self.site.why("db")
        self.site.destroy()
        for _ in range(4):
            self.round(901.0)
            for name in self.site.service.machines(list(self.site.phases())):
                self.site.call(name)
        for _ in range(3):
            self.round(61.0)
        return self.seen

    def call(self, name: str) -> None:
        if name in self.site.service.machines([name]):
            self.site.call(name)
        elif name in self.seen:
            self.site.join(name)

    def round_or_full(self, seconds: float) -> None:
        with contextlib.suppress(PelagosError):
            self.round(seconds)

    def round(self, seconds: float) -> None:
        try:
            self.site.round(seconds)
        except Killed:
            self.site.begin_again()
            self.reaper.watch()
        names = [one.name for one in quietly(self.site)]
        assert len(names) == len(set(names)), "made twice"
        self.seen.update(names)


def quietly(site: CapacitySite) -> list[Machine]:
    watch, site.watch = site.watch, lambda _point: None
    try:
        return site.cloud.list("")
    finally:
        site.watch = watch


def test_wherever_the_plane_is_killed_each_machine_is_made_once_and_removed(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site()
    whole = Reaper(site, 0)
    assert len(Life(site, whole).live()) == 1
    count = len(whole.names)
    assert count > 30
    for at in range(1, count + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        other = CapacitySite(folder)
        reaper = Reaper(other, at)
        seen = Life(other, reaper).live()
        said = f"killed at {at}: {reaper.names[at - 1]}"
        assert len(seen) == 1, said
        assert other.cloud.made == 1, said
        assert quietly(other) == [], said
        assert other.phases() == {}, said
        assert other.service.computers() == [], said
        other.close()


@pytest.mark.parametrize("seed", range(6))
def test_a_cloud_that_fails_at_random_leaves_nothing_behind(
    make_site: MakeSite, seed: int
) -> None:
    site = make_site(north={"makes_per_hour": 1000, "cool_down": 1.0, "ready_within": 300.0})
    chance = random.Random(seed)

    def fail(_point: str) -> None:
        if chance.random() < 0.3:
            raise CapacityError("the cloud is in a bad mood")

    site.watch = fail
    site.request()
    seen: set[str] = set()
    for _ in range(40):
        site.round(20.0)
        names = [one.name for one in quietly(site)]
        assert len(names) == len(set(names))
        seen.update(names)
        for name in set(site.phases()) & set(names):
            if name in site.service.machines([name]):
                site.call(name)
            else:
                site.join(name)
    assert site.where() is not None
    site.destroy()
    site.watch = lambda _point: None
    for _ in range(9):
        site.round(400.0)
    assert quietly(site) == []
    assert site.phases() == {}


@pytest.mark.parametrize("at", range(1, 9))
def test_a_disk_that_is_full_at_any_write_of_the_book_delays_and_harms_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    site = make_site()
    writes = 0

    def write(*args: Any, **options: Any) -> bool:
        nonlocal writes
        writes += 1
        if at <= writes < at + 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_atomic(*args, **options)

    monkeypatch.setattr("pelagos.plane.capacity.ledger.write_atomic", write)
    life = Life(site, Reaper(site, 0))
    assert site.request() is None
    for _ in range(9):
        life.round_or_full(15.0)
        for name in site.phases():
            life.call(name)
    assert site.where() is not None
    site.destroy()
    for _ in range(9):
        life.round_or_full(901.0)
    assert writes >= at
    assert life.seen == {f"pelagos-north-{site.keeper.ledger.book.plane}-1"}
    assert site.cloud.made == 1
    assert quietly(site) == []
    assert site.phases() == {}
