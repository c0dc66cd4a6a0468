"""What `pelagos doctor` says of machines on demand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.plane.capacity.ledger import Kept, Ledger, Phase
from pelagos.plane.doctor_machines import judged, look_at_machines
from pelagos.slap.capacity import CapacityRow, MachineRow, Overview
from pelagos.slap.errors import NotFoundError
from pelagos.slap.model import Cause

NORTH = CapacityRow("north", "fake", "ready", Cause("ok", ""))
JOINED = MachineRow("m-1", "north", "joined", Cause("ok", ""))


def test_machines_that_are_well_are_counted() -> None:
    assert judged(Overview((NORTH,), (JOINED,))) == (
        True,
        "1 machine; more may come from north",
        "",
    )


def test_what_is_wrong_is_said_with_what_mends_it() -> None:
    late = Cause("cloud-unanswered", "north: no answer", "wait")
    gone = Cause("machine-gone", "the cloud has no machine m-1 any more; db sat there")
    bad = CapacityRow("north", "fake", "failing", late)
    lost = MachineRow("m-1", "north", "joined", gone)
    assert judged(Overview((bad,), (lost,))) == (False, "north: no answer (and 1 more)", "wait")
    assert judged(Overview((NORTH,), (lost,))) == (False, gone.message, "pelagos capacity list")


class Forgetful:
    """A master that has no capacity."""

    def capacity(self) -> Overview:
        raise NotFoundError("this plane makes no machines", status=404)


@pytest.mark.parametrize("is_left", [True, False])
def test_machines_without_a_capacity_are_told_only_where_there_are_some(
    tmp_path: Path, is_left: bool
) -> None:
    file = tmp_path / "capacity.json"
    if is_left:
        left = Kept("m-1", "north", Phase.JOINED, since=0.0, begun=0.0)
        Ledger(file).change(lambda book: book.having(left))
    is_well, _, mend = look_at_machines(Forgetful(), file)  # type: ignore[arg-type]
    assert (is_well, bool(mend)) == (not is_left, is_left)


def test_a_capacity_that_is_full_is_well() -> None:
    full = CapacityRow("north", "fake", "full", Cause("capacity-full", "3 machines"))
    assert judged(Overview((full,), ()))[0]
