"""Which service sits in which partition, for programs on the agent's own computer.

The agent notes it below its root, where no instance can write: a person at this computer needs no
credentials of the master then to find the logs of a service.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pelagos.core import wire
from pelagos.core.files import write_atomic
from pelagos.slap.model import Partition

FILE = "seats.json"
"""The file's name below the agent's root."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A partition that is taken.

    Attributes:
        title: the name of the service.
        guid: what the master calls it, whatever its name.
    """

    partition_id: str
    title: str
    guid: str


def write_seats(root: Path, partitions: Iterable[Partition]) -> None:
    """Note who sits where.

    Raises:
        OSError: the disk refuses it.
    """
    taken = tuple(
        Seat(one.partition_id, one.instance_title, one.instance_guid or "")
        for one in partitions
        if not one.is_free
    )
    write_atomic(root / FILE, wire.encode(taken), mode=0o600, durable=False)


def find_seats(root: Path, name: str) -> tuple[Seat, ...] | None:
    """Those of this name or guid, as the agent of this root last noted; None: it noted nothing.

    Raises:
        PermissionError: the note is for another user of this computer.
    """
    try:
        seats = wire.decode((root / FILE).read_bytes(), tuple[Seat, ...])
    except PermissionError:
        raise
    except (OSError, wire.WireError):
        return None
    return tuple(one for one in seats if name in (one.title, one.guid))
