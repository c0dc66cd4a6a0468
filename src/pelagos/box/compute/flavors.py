"""Flavours: what servers are made of. OpenStack's and Synnefo's stand in one table."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused

_OPENSTACK = (
    ("1", "m1.tiny", 512, 1, 1), ("2", "m1.small", 2048, 20, 1), ("3", "m1.medium", 4096, 40, 2),
    ("4", "m1.large", 8192, 80, 4), ("5", "m1.xlarge", 16384, 160, 8),
)  # fmt: skip
_FIRST_OPENSTACK = 101


@dataclass(frozen=True, slots=True)
class Flavor:
    """One flavour.

    Attributes:
        number: the id for Synnefo; `id` is that for OpenStack.
        family: "openstack" or "synnefo".
        specs: OpenStack's extra specs.
        access: ids of the projects that may use it when it is not public.
    """

    number: int
    id: str
    name: str
    family: str
    ram_mib: int
    disk_gib: int
    vcpus: int
    is_public: bool = True
    specs: dict[str, str] = field(default_factory=dict)
    access: tuple[str, ...] = ()
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: float = 1.0
    description: str | None = None

    def facts(self) -> dict[str, Any]:
        """What a server keeps of it."""
        return {**asdict(self), "access": list(self.access)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Flavor:
        """As a server kept it."""
        return cls(**{**facts, "access": tuple(facts["access"])})

    def may_use(self, project_id: str | None) -> bool:
        """Whether a project sees it."""
        return self.is_public or project_id in self.access


_MORE = ("ephemeral_gib", "swap_mib", "rxtx_factor", "description")


class Flavors:
    """Keeps flavours; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.change() as connection:
            if connection.execute("SELECT 1 FROM flavors LIMIT 1").fetchone() is None:
                self._seed()

    def _seed(self) -> None:
        number = 0
        for vcpus in (1, 2):
            for ram in (512, 1024):
                for disk in (5, 10):
                    number += 1
                    name = f"C{vcpus}R{ram}D{disk}plain"
                    self._insert(
                        Flavor(number, f"synnefo-{number}", name, "synnefo", ram, disk, vcpus)
                    )
        for number, (key, name, ram, disk, vcpus) in enumerate(_OPENSTACK, _FIRST_OPENSTACK):
            self._insert(Flavor(number, key, name, "openstack", ram, disk, vcpus))

    def _insert(self, flavor: Flavor) -> None:
        more = {name: getattr(flavor, name) for name in _MORE}
        with self._database.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO flavors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    flavor.number or None,
                    flavor.id,
                    flavor.name,
                    flavor.family,
                    flavor.ram_mib,
                    flavor.disk_gib,
                    flavor.vcpus,
                    int(flavor.is_public),
                    json.dumps(flavor.specs),
                    json.dumps(flavor.access),
                    json.dumps(more),
                ),
            )

    def all(self, family: str) -> list[Flavor]:
        """Those of a family, by number."""
        rows = self._database.read().execute(
            "SELECT * FROM flavors WHERE family = ? ORDER BY number", (family,)
        )
        return [_flavor(row) for row in rows]

    def by_id(self, key: str) -> Flavor | None:
        """The flavour with an id of OpenStack's."""
        row = self._database.read().execute("SELECT * FROM flavors WHERE id = ?", (key,))
        found = row.fetchone()
        return _flavor(found) if found else None

    def by_number(self, number: int) -> Flavor | None:
        """The flavour with a number of Synnefo's."""
        row = self._database.read().execute("SELECT * FROM flavors WHERE number = ?", (number,))
        found = row.fetchone()
        return _flavor(found) if found else None

    def add(self, flavor: Flavor) -> Flavor:
        """Keep a new one, with an id made up when it has none.

        Raises:
            Refused: 409, there is one of that id or name.
        """
        with self._database.change() as connection:
            made = replace(flavor, id=flavor.id or str(uuid.uuid4()))
            for column, value, word in (("id", made.id, "ID"), ("name", made.name, "name")):
                row = connection.execute(f"SELECT 1 FROM flavors WHERE {column} = ?", (value,))
                if row.fetchone() is not None:
                    raise Refused(409, f"Flavor with {word} {value} already exists.")
            self._insert(made)
            found = self.by_id(made.id)
        assert found is not None  # noqa: S101  # it was just written
        return found

    def change(self, flavor: Flavor, **values: Any) -> Flavor:
        """Let some of it be so."""
        changed = replace(flavor, **values)
        self._insert(changed)
        return changed

    def remove(self, flavor: Flavor) -> None:
        """Forget one; servers keep what they were made of."""
        with self._database.change() as connection:
            connection.execute("DELETE FROM flavors WHERE number = ?", (flavor.number,))


def _flavor(row: Any) -> Flavor:
    values = dict(row)
    more = json.loads(values.pop("more"))
    values["is_public"] = bool(values["is_public"])
    values["specs"] = json.loads(values["specs"])
    values["access"] = tuple(json.loads(values["access"]))
    return Flavor(**values, **more)
