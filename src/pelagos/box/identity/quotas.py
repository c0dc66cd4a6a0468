"""How much of each resource somebody may have, and has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pelagos.box.database import Database
from pelagos.box.errors import Refused

_GIB = 1024**3
_MEMBER = "member:"

TABLES = (
    """CREATE TABLE IF NOT EXISTS limits (
        project_id TEXT NOT NULL, resource TEXT NOT NULL, amount INTEGER NOT NULL,
        PRIMARY KEY (project_id, resource)) STRICT, WITHOUT ROWID""",
)

#: How much of a resource a project holds: `usage(project_id)`.
Usage = Callable[[str], int]
#: The same of a resource: `charge(project_id, resource)`.
Charge = Callable[[str, str], int]


@dataclass(frozen=True, slots=True)
class Resource:
    """Something of which there is so much.

    Attributes:
        unit: "bytes", or None for a number of things.
        limit: what a project has unless it is told otherwise.
    """

    name: str
    service: str
    description: str
    unit: str | None
    limit: int


RESOURCES = {
    resource.name: resource
    for resource in (
        Resource("cyclades.vm", "cyclades_compute", "Number of virtual machines", None, 10),
        Resource(
            "cyclades.cpu", "cyclades_compute",
            "Number of virtual machine processors of running servers", None, 16,
        ),
        Resource(
            "cyclades.ram", "cyclades_compute",
            "Virtual machine memory size of running servers", "bytes", 32 * _GIB,
        ),
        Resource(
            "cyclades.disk", "cyclades_compute", "Virtual machine disk size", "bytes", 200 * _GIB
        ),
        Resource(
            "cyclades.floating_ip", "cyclades_network", "Number of Floating IP addresses", None, 4
        ),
        Resource(
            "cyclades.network.private", "cyclades_network", "Number of private networks", None, 4
        ),
        Resource(
            "pithos.diskspace", "pithos_object-store", "Pithos account diskspace", "bytes",
            20 * _GIB,
        ),
    )
}  # fmt: skip


class Quotas:
    """Limits and usages of projects; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._usages: dict[str, Usage] = {}
        self._held: Charge | None = None
        self._pending: Charge | None = None

    def count_outside(self, held: Charge, pending: Charge) -> None:
        """Let count, too, what services outside the box have charged, or may soon."""
        self._held, self._pending = held, pending

    def measure(self, resource: str, usage: Usage) -> None:
        """Let a service say how much is used of a resource."""
        self._usages[resource] = usage

    def limit(self, project_id: str, resource: str, default: int | None = None) -> int:
        """How much a project may have.

        Args:
            default: for a resource that is none of Synnefo's.
        """
        row = (
            self._database.read()
            .execute(
                "SELECT amount FROM limits WHERE project_id = ? AND resource = ?",
                (project_id, resource),
            )
            .fetchone()
        )
        if row:
            return int(row["amount"])
        return RESOURCES[resource].limit if default is None else default

    def member_limit(self, project_id: str, resource: str) -> int:
        """How much one member of a project may have of what the project has."""
        limit = self.limit(project_id, resource)
        return min(limit, self.limit(project_id, f"{_MEMBER}{resource}", limit))

    def set_member_limit(self, project_id: str, resource: str, amount: int) -> None:
        """Let each member have so much from now on."""
        self.set_limit(project_id, f"{_MEMBER}{resource}", amount)

    def set_limit(self, project_id: str, resource: str, amount: int) -> None:
        """Let a project have so much from now on; what it has already it keeps."""
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO limits VALUES (?, ?, ?)", (project_id, resource, amount)
            )

    def usage(self, project_id: str, resource: str) -> int:
        """How much a project has."""
        measured = self._usages.get(resource)
        used = measured(project_id) if measured else 0
        return used + (self._held(project_id, resource) if self._held else 0)

    def pending(self, project_id: str, resource: str) -> int:
        """How much more a project may soon have."""
        return self._pending(project_id, resource) if self._pending else 0

    def check(self, project_id: str, resource: str, more: int) -> None:
        """See whether a project may have so much more. Ask within the change that takes it.

        Raises:
            Refused: 413, it may not.
        """
        limit, used = self.limit(project_id, resource), self.usage(project_id, resource)
        used += self.pending(project_id, resource)
        if more > 0 and used + more > limit:
            raise Refused(
                413,
                f"Resource Limit Exceeded for your account: {RESOURCES[resource].description}",
                name="fault",
                details=f"{resource}: {used} of {limit} are used, {more} more were asked for",
            )
