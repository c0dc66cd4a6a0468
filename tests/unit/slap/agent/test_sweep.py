"""What an agent that was killed left half done is cleared away by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pelagos.core.clock import ManualClock, SystemClock
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.sweep import sweep

KILLED = """
import os, sys
from pathlib import Path
from pelagos.core import files
os.fsync = lambda handle: os.kill(os.getpid(), 9)
files.write_atomic(Path(sys.argv[1]), "text", mode=0o640)
"""


def killed_while_writing(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(path.parent.glob(".*")), "nothing was left"


def test_what_was_being_written_fetched_or_packed_goes(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 2)
    release, partition = layout.release("/a"), layout.partition("slappart0")
    for path in (
        layout.status_file,
        layout.root / "usage" / "1.json",
        layout.instance / "etc" / "supervisord.conf.d" / "slappart0.conf",
        release / ".completed",
        partition / ".timestamp",
        partition / ".slapgrid" / "guid",
        partition / ".slapgrid" / "ssl" / "guid",
        partition / ".slapgrid" / "promise" / "result" / "a.status.json",
        partition / "etc" / "service" / "web",
    ):
        killed_while_writing(path)
    for folder in (layout.root / ".upload-x", layout.software / ".unpacked-x"):
        folder.mkdir()
        (folder / "file").touch()
    (layout.software / ".fetched-old").touch()
    os.utime(layout.software / ".fetched-old", (1, 1))
    (layout.software / ".fetched-new").touch()
    (partition / ".mine.abcdefgh").touch()
    sweep(layout, SystemClock())
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {layout.software / ".fetched-new", partition / ".mine.abcdefgh"}


def test_what_cannot_be_cleared_away_holds_up_nobody(tmp_path: Path) -> None:
    layout = Layout(tmp_path, 2)
    sweep(layout, ManualClock())
    odd = layout.partition("slappart0") / "etc"
    odd.parent.mkdir(parents=True)
    odd.symlink_to("/dev/null")
    killed_while_writing(layout.partition("slappart1") / ".timestamp")
    sweep(layout, ManualClock())
    assert odd.is_symlink()
    assert list(layout.partition("slappart1").iterdir()) == []
