"""Back-end `instances`: the plane's services as entries of the directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pelagos.core.logs import hide
from pelagos.plane.sources.of_master import Entry, Master, MasterBackend
from pelagos.slap.model import InstanceStatus, Service

#: The columns of an entry.
COLUMNS = (
    "reference", "url", "status", "computer", "type", "software_release", "cause", "guid",
)  # fmt: skip


class InstancesBackend(MasterBackend):
    """The services of a plane. Passwords in URLs are masked; destroyed services are not listed."""

    COLUMNS: ClassVar = COLUMNS
    NAMED_BY: ClassVar = ("reference", "url")
    UNIQUE: ClassVar = "guid"

    def entries(self, master: Master) -> Iterator[Entry]:
        """All services that whoever asks may see."""
        for service in master.services():
            if service.status is not InstanceStatus.DESTROYED:
                yield _entry(service)


def _entry(service: Service) -> Entry:
    url = service.connection.get("url")
    return {
        "reference": service.reference,
        "url": hide(str(url)) if url else None,
        "status": str(service.status),
        "computer": service.computer_id,
        "type": service.software_type or None,
        "software_release": hide(service.release_url),
        "cause": service.cause.message or service.cause.code or None,
        "guid": service.guid,
    }
