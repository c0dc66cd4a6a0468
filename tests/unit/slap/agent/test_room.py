"""Nothing is begun on a disk that is nearly full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.room import check_room

CAUSES = Causes("COMP", ManualClock())


def test_too_little_room_is_said_with_numbers(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as failed:
        check_room(tmp_path, 1 << 60, CAUSES, doing="a release is built")
    cause = failed.value.cause
    assert cause.code == "disk-full" and "MiB left" in cause.message
    assert "1,099,511,627,776 MiB must be free before a release is built" in cause.message


def test_just_enough_room_is_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = os.statvfs_result((4096, 4096, 9, 9, 3, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _folder: room)
    for least in (0, 1, 3 * 4096):
        check_room(tmp_path, least, CAUSES, doing="a release is built")
    with pytest.raises(StepFailed):
        check_room(tmp_path, 3 * 4096 + 1, CAUSES, doing="a release is built")
