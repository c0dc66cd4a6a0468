"""Back-end `computers`: the plane's computers as entries of the directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pelagos.plane.sources.of_master import Entry, Master, MasterBackend
from pelagos.slap.model import ComputerStatus

#: The columns of an entry; numbers are texts, as in every other source.
COLUMNS = (
    "computer", "status", "cause", "free", "partitions", "draining", "services", "properties",
)  # fmt: skip


class ComputersBackend(MasterBackend):
    """The computers of a plane, each with what it announced of itself and the services on it."""

    COLUMNS: ClassVar = COLUMNS
    NAMED_BY: ClassVar = ("computer", "properties")
    UNIQUE: ClassVar = "computer"

    def entries(self, master: Master) -> Iterator[Entry]:
        """All computers that whoever asks may see."""
        return map(_entry, master.computers())


def _entry(computer: ComputerStatus) -> Entry:
    services = sorted(seat.service for seat in computer.partitions if seat.service)
    properties = sorted(f"{name}={value}" for name, value in computer.properties.items())
    return {
        "computer": computer.computer_id,
        "status": computer.cause.code,
        "cause": computer.cause.message or None,
        "free": str(computer.free_count),
        "partitions": str(computer.partition_count),
        "draining": "yes" if computer.draining else None,
        "services": ", ".join(services) or None,
        "properties": ", ".join(properties) or None,
    }
