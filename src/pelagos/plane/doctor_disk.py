"""What the doctor says about the disks that hold the data and the agent's root."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

#: Bytes below which a build or an instance may fail for want of space.
SPACE_WANTED = 1_000_000_000
#: Bytes that even a small file of the agent needs.
_A_FILE = 1_000_000
_MEND = "make room: builds and services need at least 1 GB"


def look_at_disks(paths: Iterable[Path]) -> tuple[bool, str, str]:
    """Whether each disk that holds one of the paths has room, what is said, and the mend.

    A disk is asked once, under the first path on it; the fullest stands first.

    Raises:
        OSError: a disk cannot be asked.
    """
    there = {_device(path): path for path in map(_existing, reversed(list(paths)))}
    free = sorted((shutil.disk_usage(path).free, path) for path in there.values())
    said = "; ".join(f"{size / 1e9:.1f} GB free below {path}" for size, path in free)
    return (True, said, "") if free[0][0] >= SPACE_WANTED else (False, said, _MEND)


def has_room(path: Path) -> bool:
    """Whether a small file can still be written there."""
    return shutil.disk_usage(_existing(path)).free >= _A_FILE


def _device(path: Path) -> int:
    return path.stat().st_dev


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
