"""An agent that is killed between any two things that it does: the next one always gets there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.mortal_agent import DIE
from support.mortal_world import PATIENCE, WISHES, Holds, World, settled_world, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

#: Points of each wish that are tried at the most, and in how many tests.
MANY, SHARDS = 40, 4


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    # In the first part services take as long to start as they do; in the others time is saved.
    wait = 0 if request.node.callspec.params["shard"] else 1
    quick = {"poll_interval": 0.05, "observe_interval": 0.1, "start_seconds": wait}
    with settled_world(tmp_path, **quick) as made:
        yield made


def live(world: World, point: int, wish: Callable[[World], Holds]) -> bool:
    """Wish something of an agent that dies at a point, and settle with the next one.

    Returns:
        Whether it died there; it may have been done before.
    """
    what = f"{wish.__name__}, killed at {point}"
    world.round += 1
    world.mortals.arm(world.pid, DIE, point)
    is_reached = wish(world)
    end = time.monotonic() + PATIENCE
    while world.mortals.is_alive(world.pid) and not is_reached():
        assert time.monotonic() < end, f"{what}: it neither died nor got there"
        time.sleep(0.02)
    world.end_agent()
    assert not world.half_written(), what
    world.pid = world.mortals.spawn()
    wait_until(is_reached, f"{what} ({world.mortals.struck}): the next one did not get there")
    left = [p for p in world.site.layout.root.rglob(".pelagos-unfinished-*") if not _is_new(p)]
    assert not left, what
    return bool(world.mortals.struck)


def _is_new(path: Path) -> bool:
    """Whether the agent that works now is just writing it."""
    time.sleep(0.2)
    return not path.exists()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_next_agent_gets_there_from_wherever_one_was_killed(world: World, shard: int) -> None:
    left, died = list(WISHES), 0
    for point in range(1 + shard, MANY + 1, SHARDS):
        for wishes in tuple(left):
            befallen = [live(world, point, wish) for wish in wishes]
            died += sum(befallen)
            if not any(befallen):
                left.remove(wishes)  # all that is done for them was the last thing once
    assert died >= 50, "most points were never reached"
