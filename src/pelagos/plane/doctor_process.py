"""What the doctor sees of a process."""

from __future__ import annotations

from pathlib import Path

#: Where the system tells of its processes.
PROC = Path("/proc")


def is_stopped(pid: int) -> bool:
    """Whether a signal or a debugger holds the process; proc(5), the third field of `stat`."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # gone meanwhile, or not Linux
        return False
    return fields[:1] in (["T"], ["t"])
