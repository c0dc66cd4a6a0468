"""Locks: inherited, waited for, and taken back."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pelagos.slap.agent.lock import Held, Lock
from pelagos.slap.agent.process import MARK


def leave(lock: int, **environ: str) -> subprocess.Popen[bytes]:
    """A process that goes on with the lock."""
    return subprocess.Popen(
        ["sleep", "100"], pass_fds=[lock], env={**os.environ, **environ}, start_new_session=True
    )


def is_free(lock: Lock) -> bool:
    try:
        with lock.hold():
            return True
    except Held:
        return False


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_lock_is_held_by_one_and_opened_by_its_user_alone(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "locks" / "one")
    with lock.hold(), pytest.raises(Held), Lock(lock.path).hold():
        pass
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700
    assert is_free(lock)


def test_what_a_run_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "locks" / "one")
    with lock.hold() as handle:
        left = leave(handle, **{MARK: "a-run"})
    assert left.wait(60) < 0
    assert is_free(lock)


def test_what_a_killed_agent_left_behind_is_known_and_ended(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "locks" / "one")
    for is_patient in (False, True):
        handle = lock._take()  # as an agent that is killed before it lets go
        os.fchmod(handle, 0o640 if is_patient else 0o600)
        left = leave(handle, **{MARK: "a-run"})
        os.close(handle)
        with pytest.raises(Held) as held, lock.hold():
            pass
        assert held.value.is_patient is is_patient
        assert lock.end_holders() == []
        assert left.wait(60) < 0
        until(lambda: is_free(lock))


def test_what_no_agent_started_is_let_be_and_named(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "locks" / "one")
    with lock.hold():
        pass
    editor = subprocess.Popen(["flock", str(lock.path), "sleep", "100"], start_new_session=True)
    try:
        until(lambda: not is_free(lock))
        assert editor.pid in lock.end_holders()
        assert editor.poll() is None
    finally:
        os.killpg(editor.pid, 9)
        editor.wait()
