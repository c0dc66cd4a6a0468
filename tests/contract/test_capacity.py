"""One suite for every driver of machines on demand: the shipped fake, and real drivers on a box.

A further driver joins with a function of `MAKERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pelagos.core.clock import Clock, ManualClock
from pelagos.plane.capacity.base import (
    Capacity,
    Machine,
    MachineState,
    NewMachine,
    wait_until_gone,
    wait_until_running,
)
from pelagos.plane.capacity.errors import MachineLost, QuotaReached
from pelagos.plane.capacity.fake import FakeCapacity

USER_DATA = '#cloud-config\n{"runcmd": ["echo ü"]}\n'


@dataclass(frozen=True, slots=True)
class Kit:
    """A driver on trial.

    Attributes:
        clock: on which its cloud makes machines.
        user_data: what the cloud gives a machine of that name.
        quota: how many machines the cloud lets us have.
    """

    capacity: Capacity
    clock: Clock
    user_data: Callable[[str], str]
    quota: int


@contextmanager
def in_memory(_folder: Path) -> Iterator[Kit]:
    clock = ManualClock()
    fake = FakeCapacity({"quota": 3, "boot_seconds": 3.0}, clock=clock)
    yield Kit(fake, clock, fake.user_data, 3)


@contextmanager
def in_a_file(folder: Path) -> Iterator[Kit]:
    clock, terms = ManualClock(), {"quota": 3, "boot_seconds": 3.0, "file": f"{folder}/m.json"}
    fake = FakeCapacity(terms, clock=clock)
    yield Kit(fake, clock, fake.user_data, 3)


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Kit]]] = {
    "memory": in_memory,
    "file": in_a_file,
}


@pytest.fixture(params=sorted(MAKERS))
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


def make(kit: Kit, name: str) -> Machine:
    labels = {"pelagos_plane": "abcdef", "pelagos_capacity": "north"}
    return kit.capacity.make(NewMachine(name, USER_DATA, labels))


def test_a_machine_is_made_waited_for_and_removed(kit: Kit) -> None:
    made = make(kit, "pelagos-north-abcdef-1")
    assert made.name == "pelagos-north-abcdef-1"
    assert made.key
    assert made.state in {MachineState.MAKING, MachineState.RUNNING}
    seen: list[Machine] = []
    running = wait_until_running(
        kit.capacity, made.name, timeout=60.0, delay=1.0, clock=kit.clock, progress=seen.append
    )
    assert running.state is MachineState.RUNNING
    assert running.key == made.key
    assert seen[-1] == running
    assert kit.user_data(made.name) == USER_DATA
    kit.capacity.remove(running.key)
    wait_until_gone(kit.capacity, made.name, timeout=60.0, delay=1.0, clock=kit.clock)
    assert kit.capacity.list("pelagos-north-") == []


def test_a_machine_of_a_name_is_made_once(kit: Kit) -> None:
    first = make(kit, "pelagos-north-abcdef-1")
    assert make(kit, "pelagos-north-abcdef-1").key == first.key
    wait_until_running(kit.capacity, first.name, timeout=60.0, clock=kit.clock)
    assert make(kit, "pelagos-north-abcdef-1").key == first.key
    assert len(kit.capacity.list("pelagos-north-abcdef-")) == 1


def test_names_are_whole_and_prefixes_are_texts(kit: Kit) -> None:
    make(kit, "pelagos-north-abcdef-1")
    make(kit, "pelagos-north-abcdef-12")
    assert kit.capacity.find("pelagos-north-abcdef") is None
    assert kit.capacity.find("pelagos.north.abcdef.1") is None
    found = kit.capacity.find("pelagos-north-abcdef-1")
    assert found is not None
    assert found.name == "pelagos-north-abcdef-1"
    assert [one.name for one in kit.capacity.list("pelagos-north-abcdef-1")] == [
        "pelagos-north-abcdef-1",
        "pelagos-north-abcdef-12",
    ]
    assert kit.capacity.list("pelagos.north") == []
    assert kit.capacity.list("elagos-north") == []


def test_what_is_gone_is_removed_again_without_a_word(kit: Kit) -> None:
    made = make(kit, "pelagos-north-abcdef-1")
    kit.capacity.remove(made.key)
    wait_until_gone(kit.capacity, made.name, timeout=60.0, clock=kit.clock)
    kit.capacity.remove(made.key)
    again = make(kit, made.name)
    assert again.key != made.key


def test_a_used_up_quota_is_told_and_makes_nothing(kit: Kit) -> None:
    assert kit.capacity.check() == ()
    for number in range(kit.quota):
        make(kit, f"pelagos-north-abcdef-{number}")
    [problem] = kit.capacity.check()
    assert "quota" in problem
    with pytest.raises(QuotaReached):
        make(kit, "pelagos-north-abcdef-more")
    assert kit.capacity.find("pelagos-north-abcdef-more") is None


def test_who_waits_for_nothing_is_told(kit: Kit) -> None:
    with pytest.raises(MachineLost, match="is not there"):
        wait_until_running(kit.capacity, "pelagos-none", timeout=1.0, clock=kit.clock)
