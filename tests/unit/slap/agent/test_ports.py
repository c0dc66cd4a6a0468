"""A port belongs to the partition that kept it first, whoever looks for one next."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import PartitionFiles
from pelagos.slap.agent.ports import Ports
from pelagos.slap.recipes.base import RecipeError
from pelagos.slap.recipes.port import FreePort

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as two users")


class Case:
    """Three partitions; as root each belongs to a user of its own."""

    def __init__(self, folder: Path, users: tuple[str, ...] = ()) -> None:
        self.layout = Layout(folder, 3)
        self.layout.instance.mkdir()
        for number, name in enumerate(self.layout.partition_ids):
            path = self.layout.partition(name)
            path.mkdir(mode=0o750)
            if users:
                entry = pwd.getpwnam(users[number])
                os.chown(path, entry.pw_uid, entry.pw_gid)
            PartitionFiles(path).ensure()
        self.ports = Ports(self.layout)

    def run(self, number: int, part: str = "web", **options: str) -> int:
        """As an agent runs the recipe."""
        self.offer(number)
        return self.choose(number, part, **options)

    def offer(self, number: int) -> None:
        self.ports.offer(f"slappart{number}")

    def choose(self, number: int, part: str = "web", **options: str) -> int:
        folder = self.layout.partition(f"slappart{number}")
        wished = dict(options)
        with acting_as(owner_of(folder)):
            FreePort({"buildout": {"directory": str(folder)}}, part, wished)
        return int(wished["port"])

    def settle(self, number: int) -> tuple[int, str] | None:
        return self.ports.settle(f"slappart{number}")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture
def users() -> Iterator[Case]:
    folder = Path(tempfile.mkdtemp())  # where other users may go
    folder.chmod(0o755)
    mask = os.umask(0o022)
    try:
        yield Case(folder, ("nobody", "games", "daemon"))
    finally:
        os.umask(mask)
        shutil.rmtree(folder)


def test_a_port_is_kept_from_run_to_run(case: Case) -> None:
    first = case.run(0)
    assert case.settle(0) is None and case.run(0) == first


def test_two_that_choose_at_the_same_time_do_not_meet(case: Case) -> None:
    for number in range(3):
        case.offer(number)
    assert len({case.choose(number) for number in range(3)}) == 3


@as_root
def test_another_user_cannot_take_a_kept_port(users: Case) -> None:
    kept = users.run(0)
    assert users.settle(0) is None
    with pytest.raises(RecipeError, match="slappart0 keeps it"):
        users.run(1, port=str(kept))


@as_root
def test_a_user_who_says_that_a_port_is_his_has_not_got_it(users: Case) -> None:
    kept = users.run(0)
    users.settle(0)
    folder = users.layout.partition("slappart1")
    with acting_as(owner_of(folder)):
        (folder / "var" / "port").mkdir(parents=True)
        (folder / "var" / "port" / "mine").write_text(f"{kept} 0.0.0.0\n")
    assert users.settle(1) == (kept, "slappart0")
    again = Ports(users.layout)  # another agent knows it, too
    assert again.settle("slappart1") == (kept, "slappart0")
    assert again.settle("slappart0") is None


@as_root
def test_a_user_who_holds_a_lock_holds_up_nobody(
    users: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.slap.recipes.port._PATIENCE", 300.0)
    handle = os.open(users.layout.instance, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        began = time.monotonic()
        users.run(1)
        assert time.monotonic() - began < 60
    finally:
        os.close(handle)


def test_without_our_agent_a_lock_is_waited_for_a_little(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.slap.recipes.port._PATIENCE", 0.2)
    handle = os.open(case.layout.instance, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        began = time.monotonic()
        case.choose(1)
        assert time.monotonic() - began < 30
    finally:
        os.close(handle)


def test_a_port_of_a_partition_that_was_emptied_is_free(case: Case) -> None:
    kept = case.run(0)
    case.settle(0)
    PartitionFiles(case.layout.partition("slappart0")).wipe()
    case.ports.forget("slappart0")
    assert case.run(1, port=str(kept)) == kept


@pytest.mark.parametrize("text", ["", "x", "0", "99999999999999999999", "-1", "\xff"])
def test_what_is_no_port_counts_as_none(case: Case, text: str) -> None:
    folder = case.layout.partition("slappart0") / "var" / "port"
    folder.mkdir(parents=True)
    (folder / "web").write_bytes(text.encode("latin-1"))
    os.mkfifo(folder / "pipe")
    assert case.settle(0) is None
    assert case.run(1) > 0


def test_addresses_of_their_own_may_have_the_same_port(case: Case) -> None:
    kept = case.run(0, ip="127.0.0.1")
    case.settle(0)
    assert case.run(1, ip="127.0.0.2", port=str(kept)) == kept
    assert case.settle(1) is None
    with pytest.raises(RecipeError, match="keeps it"):
        case.run(2, ip="0.0.0.0", port=str(kept))
