import os
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.plane import down
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.create()
    return folder


def test_nothing_to_end_is_fine(folder: DataFolder):
    assert down.run(folder) == down.Ended((), services_stopped=False)


def test_the_process_is_asked_once_and_waited_for(folder: DataFolder):
    asked: list[int] = []
    held = folder.hold(Part.MASTER)
    held.__enter__()

    def kill(pid: int, _signal: int) -> None:
        asked.append(pid)
        held.__exit__(None, None, None)

    assert down.run(folder, kill=kill, clock=ManualClock()).pids == (os.getpid(),)
    assert asked == [os.getpid()]


def test_a_process_that_does_not_end_is_named(folder: DataFolder):
    with (
        folder.hold(Part.AGENT),
        pytest.raises(PelagosError, match=f"{os.getpid()} did not end within 5 s"),
    ):
        down.run(folder, timeout=5, kill=lambda *_: None, clock=ManualClock())


def test_somebody_elses_plane_is_left_alone(folder: DataFolder):
    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    with folder.hold(Part.AGENT), pytest.raises(PelagosError, match="somebody else"):
        down.run(folder, kill=kill)
