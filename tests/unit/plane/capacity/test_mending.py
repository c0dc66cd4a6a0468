"""A clock that is set back, and a book that comes from a backup, spoil nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pelagos.plane.capacity.ledger import Phase
from support.capacity_site import CapacitySite

MakeSite = Callable[..., CapacitySite]

YEAR = 365 * 86_400.0


def placed(site: CapacitySite, reference: str) -> str:
    """A service on a new machine; its name."""
    before = {one.name for one in site.cloud.list("")}
    assert site.request(reference) is None
    site.round()
    site.round(1.0)
    [name] = {one.name for one in site.cloud.list("")} - before
    site.join(name)
    site.round()
    site.round()
    assert site.where(reference) == name
    assert site.request(f"{reference}-second") is not None  # the machine is full
    return name


def restored(site: CapacitySite, book: bytes, database: bytes | None) -> None:
    """The plane begins again with an older book, and where given with an older database."""
    site.master.close()
    site.folder.machines.write_bytes(book)
    if database is not None:
        for beside in site.folder.path.glob("plane.db*"):
            beside.unlink()
        site.folder.database.write_bytes(database)
    site.begin()


@pytest.mark.parametrize("with_database", [False, True])
def test_machines_that_an_older_book_lacks_are_kept(
    make_site: MakeSite, *, with_database: bool
) -> None:
    site = make_site(south={"max_machines": 0}, north={})
    site.cloud = site.clouds["north"]
    first = placed(site, "a")
    site.master.close()
    book = site.folder.machines.read_bytes()
    database = site.folder.database.read_bytes() if with_database else None
    site.begin()
    second = placed(site, "b")
    restored(site, book, database)
    site.request("c")
    site.round(61.0)
    site.round(1.0)
    names = {one.name for one in site.cloud.list("")}
    assert {first, second} < names
    [third] = names - {first, second}  # a number is never given twice
    site.join(third)
    site.round(1500.0)
    site.round(1500.0)
    assert {first, second} <= {one.name for one in site.cloud.list("")}
    assert site.phases()[second] == "joined"
    if with_database:
        assert site.why(second).cause.code == "machine-unknown"
        assert "removed by hand?" in site.why(second).cause.message
        site.program.line.remove(second, "person:admin")
        site.round(61.0)
        site.round(61.0)
        assert second not in {one.name for one in site.cloud.list("")}


def test_a_machine_made_by_hand_before_the_cloud_was_seen_takes_no_name_twice(
    site: CapacitySite,
) -> None:
    book = site.folder.machines.read_bytes() if site.folder.machines.exists() else b""
    site.round()
    assert book == b""
    site.keeper.plan_by_hand("north", keep=True, actor="person:admin")
    site.round()
    before = site.folder.machines.read_bytes()
    first = site.machine()
    site.keeper.plan_by_hand("north", keep=True, actor="person:admin")
    site.round()
    second = next(one.name for one in site.cloud.list("") if one.name != first)
    restored(site, before, None)
    site.keeper.plan_by_hand("north", keep=True, actor="person:admin")
    site.round()
    site.round()
    assert len({one.name for one in site.cloud.list("")}) == 3
    assert len(site.cloud.list("")) == 3
    assert second in site.phases()


@pytest.mark.parametrize("jump", [-YEAR, -3000.0, YEAR])
@pytest.mark.parametrize("rounds", [1, 2, 3, 5])
def test_a_clock_that_jumps_at_any_step_stops_nothing(
    make_site: MakeSite, jump: float, rounds: int
) -> None:
    site = make_site(north={"idle": 60.0, "ready_within": 300.0, "cool_down": 10.0})
    site.clock.advance(2 * YEAR)
    site.round()
    site.request()
    site.request("other")
    left = rounds
    for _ in range(16):
        site.round(30.0)
        for name in {one.name for one in site.cloud.list("")} & set(site.phases()):
            if name in site.service.machines([name]):
                site.call(name)
            elif site.keeper.ledger.book.machine(name).phase is Phase.BOOTING:
                site.join(name)
        left -= 1
        if left == 0:
            site.clock.jump(jump)
    assert site.where() is not None, site.why("db")
    site.destroy()
    site.destroy("other")
    for _ in range(8):
        site.round(70.0)
    assert site.cloud.list("") == []
    assert site.phases() == {}
