"""Two masters on one database that both may make machines: one does, the other takes over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.master.errors import Conflict
from support.capacity_site import CapacitySite

pytestmark = pytest.mark.integration


@pytest.fixture
def sites(tmp_path: Path, postgresql_url: str) -> Iterator[list[CapacitySite]]:
    made = [
        CapacitySite(tmp_path / name, database_url=postgresql_url) for name in ("one", "other")
    ]
    yield made
    for site in made:
        site.close()


def test_one_of_them_makes_the_machine_and_each_looks_after_its_own(
    sites: list[CapacitySite],
) -> None:
    one, other = sites
    one.round()
    assert other.request() is None
    for site in (other, one, other, one):
        site.round(1.0)
    assert [site.cloud.made for site in sites] == [1, 0]
    [row] = other.program.line.overview().capacities
    assert (row.state, row.cause.code) == ("standby", "capacity-standby")
    assert other.why("db").cause.code == "capacity-standby"
    with pytest.raises(Conflict, match="another master"):
        other.program.line.make("north", keep=True, actor="person:admin")
    name = one.machine()
    one.join(name)
    one.round()
    one.round()
    assert other.where() == name
    one.close()  # the other one takes over
    assert other.request("second") is not None  # there is room
    assert other.request("third") is None
    other.round(5.0)
    assert other.cloud.made == 1
    [row] = other.program.line.overview().capacities
    assert row.state == "ready"
    one.begin()  # it stands by now, and knows its machine
    one.round(61.0)
    assert one.phases() == {name: "joined"}
    assert one.cloud.made == 1
    [row] = one.program.line.overview().capacities
    assert row.state == "standby"
