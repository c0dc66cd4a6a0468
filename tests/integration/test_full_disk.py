"""A disk that is full from any write of an agent on: it is told, breaks nothing, and heals."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.mortal_agent import FULL, WELL
from support.mortal_world import PATIENCE, Holds, World, settled_world, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

#: Writes of each wish that are refused in turn, at the most, and in how many tests. A new instance
#: takes about 40 until its promises were asked for the first time; the others less than 10.
MANY, SHARDS = 44, 2
WISHES = ((World.destroy, World.create), (World.change,), (World.supply, World.remove))


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    # A mended disk is found soon, so that many points can be tried; and in the second part what
    # is started has started at once.
    wait = 0 if request.node.callspec.params["shard"] else 1
    quick = {"retry_first": 0.2, "retry_limit": 0.4, "promise_interval": 0.2}
    with settled_world(
        tmp_path, start_seconds=wait, poll_interval=0.1, observe_interval=0.1, **quick
    ) as made:
        yield made


def live(world: World, point: int, wish: Callable[[World], Holds]) -> str:
    """Wish something while the disk gets full at a point; then there is room again.

    Returns:
        The write that was refused first; empty when all was done before.
    """
    world.round += 1
    pids = world.site.pids("one")
    world.mortals.arm(world.pid, FULL, point)
    is_reached = wish(world)
    what = f"{wish.__name__}, full from {point} on"
    end = time.monotonic() + PATIENCE
    while not (is_told(world) or is_reached() or is_only_noting(world)):
        assert time.monotonic() < end, f"{what} ({world.mortals.struck}): it says nothing of it"
        time.sleep(0.02)
    assert not world.half_written(), what
    assert world.site.pids("one") == pids, what
    struck = world.mortals.struck
    world.mortals.arm(world.pid, WELL)
    wait_until(is_reached, f"{what} ({struck}): it does not go on with room")
    wait_until(lambda: not is_told(world), f"{what}: it still says that the disk is full")
    assert world.site.pids("one") == pids, what
    wait_until(lambda: not world.left_behind(), f"{what}: half a file is left")
    return struck


def is_told(world: World) -> bool:
    return "disk-full" in world.causes()


def is_only_noting(world: World) -> bool:
    """All is done and told; what is refused is the note that spares the next agent the work."""
    return ".timestamp." in world.mortals.struck or ".completed" in world.mortals.struck


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_full_disk_is_told_breaks_nothing_and_heals(world: World, shard: int) -> None:
    left, struck = list(WISHES), set()
    for point in range(1 + shard, MANY + 1, SHARDS):
        for wishes in tuple(left):
            befallen = [live(world, point, wish) for wish in wishes]
            struck |= {re.sub(r"\.\w{8}$", "", one) for one in befallen if one}
            if not any(befallen):
                left.remove(wishes)  # all that is written for them was refused once
    assert left in ([], [WISHES[0]]), "the others have not that much to write"
    assert len(struck) > 15, struck
