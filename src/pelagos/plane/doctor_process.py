"""What the doctor sees of a process, and how to wake or end it."""

from __future__ import annotations

from pathlib import Path

from pelagos.plane.data_folder import DataFolder
from pelagos.plane.membership import how_to_start

#: Where the system tells of its processes.
PROC = Path("/proc")


def is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger holds the process; proc(5), the third field of `stat`."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # gone meanwhile, or not Linux
        return False
    return fields[:1] in (["T"], ["t"])


def start(folder: DataFolder) -> str:
    """What to do when no process runs there."""
    return f"start it: `{how_to_start(folder)}`"


def wake_or_end(folder: DataFolder, pid: int) -> str:
    """What to do about a process that is stopped."""
    return f"`kill -CONT {pid}` lets it go on; or {end(folder, pid)}"


def end(folder: DataFolder, pid: int) -> str:
    """What to do about a process that does not go on by itself."""
    again = how_to_start(folder)
    return f"end it: `kill -KILL {pid}`, then `{again}`; services keep running"


def look_at(folder: DataFolder, pid: int) -> str:
    """What to do about a process that does not answer."""
    if is_stopped(pid):
        return wake_or_end(folder, pid)
    return f"process {pid} hangs; {end(folder, pid)}"
