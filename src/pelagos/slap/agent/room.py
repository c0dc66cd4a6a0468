"""How much of a disk must be free before something is begun that will fill it further."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import StepFailed

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """The least that must be free, in bytes; 0: not looked at.

    Attributes:
        software: before a release is built.
        instance: before an instance is configured.
    """

    software: int = 0
    instance: int = 0


def check_room(folder: Path, least: int, causes: Causes, *, doing: str) -> None:
    """Refuse to begin on a disk that has too little room left.

    Raises:
        StepFailed: disk-full; says how much is free and how much must be.
    """
    if not least:
        return
    room = os.statvfs(folder)
    free = room.f_bavail * room.f_frsize
    if free < least:
        raise StepFailed(
            causes.plain(
                "disk-full",
                f"The disk that holds {folder} has {free // _MIB:,} MiB left, and "
                f"{least // _MIB:,} MiB must be free before {doing}.",
                f"Free some space there (see: df -h {folder}), or set another limit in [node]; "
                "it is tried again by itself.",
            )
        )
