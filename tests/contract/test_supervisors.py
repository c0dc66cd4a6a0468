"""One suite for every supervisor: the shipped fake and a real supervisord."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.errors import SupervisorError
from pelagos.slap.agent.facts import ProgramState, ProgramStatus
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.supervisors.base import Program, Supervisor
from pelagos.slap.agent.supervisors.memory import MemorySupervisor
from pelagos.slap.agent.supervisors.supervisord import Supervisord

pytestmark = pytest.mark.integration


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "node %1", partition_count=2)


@pytest.fixture(params=["memory", "supervisord"])
def supervisor(request: pytest.FixtureRequest, layout: Layout) -> Iterator[Supervisor]:
    layout.root.mkdir()
    made: Supervisor = (
        MemorySupervisor(SystemClock())
        if request.param == "memory"
        else Supervisord(layout, clock=SystemClock())
    )
    made.start()
    yield made
    made.shutdown()


@pytest.fixture
def program(layout: Layout) -> Callable[..., Program]:
    def make(name: str, script: str = "exec sleep 1000", **options: object) -> Program:
        folder = layout.partition("slappart0")
        path = folder / "etc" / "service" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"#!/bin/sh\n{script}\n"
        if not path.exists() or path.read_text() != text:  # one that is about to run must stay
            path.unlink(missing_ok=True)  # it may run: then it cannot be written over
            path.write_text(text)
            path.chmod(0o750)
        made = Program(name, path, folder, folder / f".{name}.log", True, "1")
        return replace(made, **options)

    return make


def statuses(supervisor: Supervisor) -> dict[str, ProgramStatus]:
    return {status.name: status for status in supervisor.observe().get("slappart0", ())}


def eventually(look: Callable[[], bool], within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not look():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_group_runs_what_it_was_told(supervisor: Supervisor, program) -> None:
    supervisor.run("slappart0", (program("a"), program("b", is_kept=False)))
    seen = statuses(supervisor)
    assert set(seen) == {"a", "b"}
    assert seen["a"].is_alive and seen["a"].is_kept and seen["a"].pid
    assert not seen["b"].is_kept


def test_a_second_run_of_the_same_changes_nothing(supervisor: Supervisor, program) -> None:
    supervisor.run("slappart0", (program("a"),))
    before = statuses(supervisor)["a"].pid
    supervisor.run("slappart0", (program("a"),))
    assert statuses(supervisor)["a"].pid == before


def test_a_changed_program_is_restarted_and_its_neighbour_is_not(
    supervisor: Supervisor, program
) -> None:
    a, b = program("a"), program("b")
    supervisor.run("slappart0", (a, b))
    before = statuses(supervisor)
    supervisor.run("slappart0", (replace(a, fingerprint="2"), b))
    after = statuses(supervisor)
    assert after["a"].pid != before["a"].pid
    assert after["b"].pid == before["b"].pid


def test_a_program_that_is_no_longer_wanted_ends(supervisor: Supervisor, program) -> None:
    supervisor.run("slappart0", (program("a"), program("b")))
    supervisor.run("slappart0", (program("b"),))
    assert set(statuses(supervisor)) == {"b"}


def test_other_groups_are_left_alone(supervisor: Supervisor, program) -> None:
    supervisor.run("slappart0", (program("a"),))
    supervisor.run("slappart1", (program("a"),))
    before = supervisor.observe()["slappart1"][0].pid
    supervisor.remove("slappart0")
    seen = supervisor.observe()
    assert "slappart0" not in seen
    assert seen["slappart1"][0].pid == before


def test_removing_what_is_not_there_is_no_error(supervisor: Supervisor) -> None:
    supervisor.remove("slappart0")
    supervisor.run("slappart0", ())
    assert supervisor.observe() == {}


def test_restarting_an_unknown_program_is_an_error(supervisor: Supervisor) -> None:
    with pytest.raises(SupervisorError):
        supervisor.restart("slappart0", "nothing")


def test_restarting_what_runs_changes_nothing(supervisor: Supervisor, program) -> None:
    supervisor.run("slappart0", (program("a"),))
    before = statuses(supervisor)["a"].pid
    supervisor.restart("slappart0", "a")
    assert statuses(supervisor)["a"].pid == before


# ---- what only real processes can show ----------------------------------------------------------


@pytest.fixture
def daemon(layout: Layout) -> Iterator[Supervisord]:
    layout.root.mkdir()
    made = Supervisord(layout, clock=SystemClock())
    made.start()
    yield made
    made.shutdown()


def test_a_killed_program_is_back_at_once(daemon: Supervisord, program) -> None:
    daemon.run("slappart0", (program("a"),))
    eventually(lambda: statuses(daemon)["a"].state is ProgramState.RUNNING)
    before = statuses(daemon)["a"].pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: statuses(daemon)["a"].pid not in {None, before})


def test_a_one_shot_runs_once(daemon: Supervisord, layout: Layout, program) -> None:
    mark = layout.root / "ran"
    daemon.run("slappart0", (program("once", f'echo x >> "{mark}"', is_kept=False),))
    eventually(lambda: statuses(daemon)["once"].state is ProgramState.EXITED)
    daemon.run("slappart0", (program("once", f'echo x >> "{mark}"', is_kept=False),))
    assert mark.read_text() == "x\n"
    assert statuses(daemon)["once"].exit_status == 0


def test_a_program_that_ends_at_once_is_given_up_and_its_log_kept(
    daemon: Supervisord, program
) -> None:
    daemon.run("slappart0", (program("bad", "echo no luck; exit 7"),))
    eventually(lambda: statuses(daemon)["bad"].state is ProgramState.FATAL)
    status = statuses(daemon)["bad"]
    assert status.exit_status == 7
    assert "no luck" in Path(status.log).read_text()
    daemon.restart("slappart0", "bad")
    assert statuses(daemon)["bad"].state is not ProgramState.FATAL


def test_what_a_program_started_ends_with_it(daemon: Supervisord, layout, program) -> None:
    child = layout.root / "child"
    daemon.run("slappart0", (program("a", f'sleep 1000 & echo $! > "{child}"; wait'),))
    eventually(lambda: child.exists() and child.read_text().strip().isdigit())
    pid = int(child.read_text())
    daemon.remove("slappart0")
    eventually(lambda: not is_running(pid))
    assert not is_running(pid) and statuses(daemon) == {}


def test_programs_outlive_the_one_who_started_them_and_are_adopted(
    daemon: Supervisord, layout: Layout, program
) -> None:
    daemon.run("slappart0", (program("a"),))
    before = statuses(daemon)["a"].pid
    second = Supervisord(layout, clock=SystemClock())
    second.start()
    assert statuses(second)["a"].pid == before


def test_a_killed_supervisord_leaves_nothing_twice(daemon: Supervisord, program) -> None:
    daemon.run("slappart0", (program("a"),))
    orphan = statuses(daemon)["a"].pid
    supervisord = daemon.pid()
    assert orphan and supervisord
    os.kill(supervisord, signal.SIGKILL)
    eventually(lambda: not is_running(supervisord))
    with pytest.raises(SupervisorError):
        daemon.observe()
    daemon.start()
    eventually(lambda: statuses(daemon)["a"].is_alive)
    assert statuses(daemon)["a"].pid != orphan
    assert not is_running(orphan)


def test_a_long_root_still_gets_a_socket(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("long" * 20) / ("way" * 20), partition_count=1)
    layout.root.mkdir(parents=True)
    deep = Supervisord(layout, clock=SystemClock())
    deep.start()
    try:
        assert deep.observe() == {}
        assert (layout.instance / "etc" / "supervisord.conf").stat().st_mode & 0o777 == 0o600
    finally:
        deep.shutdown()
    assert deep.pid() is None
    assert not deep._socket.parent.exists()


def test_a_folder_that_others_can_open_is_not_used(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ("long" * 20) / ("way" * 20), partition_count=1)
    layout.root.mkdir(parents=True)
    exposed = Supervisord(layout, clock=SystemClock())
    exposed._socket.parent.mkdir(mode=0o777)
    exposed._socket.parent.chmod(0o777)
    try:
        with pytest.raises(SupervisorError, match="private"):
            exposed.start()
    finally:
        exposed._socket.parent.rmdir()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_group_that_takes_its_time_to_end_holds_up_no_other(
    daemon: Supervisord, program
) -> None:
    stubborn = program("stubborn", "trap '' TERM; echo up; while :; do sleep 1; done")
    daemon.run("slappart0", (stubborn,))
    eventually(lambda: stubborn.log.exists() and "up" in stubborn.log.read_text())
    ending = threading.Thread(target=daemon.remove, args=("slappart0",))
    ending.start()
    try:
        time.sleep(0.2)
        began = time.monotonic()
        daemon.run("slappart1", (program("a"),))
        assert time.monotonic() - began < 4
        assert ending.is_alive()
    finally:
        ending.join(30)
    assert "slappart0" not in daemon.observe()


def test_equal_names_in_two_groups_are_not_taken_for_each_other(
    daemon: Supervisord, program
) -> None:
    daemon.run("slappart1", (program("bad", "exit 5"),))
    eventually(lambda: daemon.observe()["slappart1"][0].state is ProgramState.FATAL)
    time.sleep(2.5)
    other = program("worse", "exit 7")
    daemon.run("slappart0", (replace(other, name="bad"),))
    eventually(lambda: statuses(daemon)["bad"].state is ProgramState.FATAL)
    assert statuses(daemon)["bad"].exit_status == 7
    assert daemon.observe()["slappart1"][0].exit_status == 5


def test_there_is_room_for_a_thousand_programs(daemon: Supervisord) -> None:
    pid = daemon.pid()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(4096, most) if most != resource.RLIM_INFINITY else 4096
    found = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    assert found >= wanted


def test_a_socket_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "pelagos.slap.agent.supervisors.supervisord"
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(f"{where}._SHARED", str(shared))
    monkeypatch.setattr(f"{where}._OF_ROOT", str(shared))
    layout = Layout(tmp_path / ("long" * 30), partition_count=1)
    layout.root.mkdir()
    made = Supervisord(layout, clock=SystemClock())
    assert made._socket.parent.parent == shared
    made._socket.parent.mkdir(mode=0o755)
    made._socket.parent.chmod(0o755)
    with pytest.raises(SupervisorError, match="not a private folder"):
        made.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="root has a place of its own")
def test_the_socket_of_root_is_where_nobody_else_can_be_faster(tmp_path: Path) -> None:
    made = Supervisord(Layout(tmp_path / ("long" * 30), 1), clock=SystemClock())
    assert made._socket.parent.parent == Path("/run")
