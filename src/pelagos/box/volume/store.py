"""Volumes, snapshots and types as they are kept, and how their states go on with the time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.box.database import Database
from pelagos.box.records import Record, Records
from pelagos.core.clock import Clock

#: Seconds that something takes at the pace 1.
SECONDS = {
    "creating": 2.0, "downloading": 4.0, "deleting": 1.0, "extending": 1.0, "attaching": 1.0,
    "detaching": 1.0, "retyping": 2.0, "reverting": 2.0, "uploading": 2.0,
}  # fmt: skip
#: What comes after a state in which a thing goes.
GONE = "gone"
DEFAULT_TYPE = "__DEFAULT__"
_SYNNEFO_TYPES = (("plain", "plain", True), ("archipelago", "ext_archipelago", False))


class VolumeStore:
    """All volumes of a box; safe to share between threads.

    Args:
        pace: by what the seconds of a state are multiplied; 0: everything is done at once.
    """

    def __init__(self, database: Database, clock: Clock, pace: float = 1.0) -> None:
        self.database = database
        self.clock = clock
        self._pace = pace
        self.volumes = Records(database, "volumes")
        self.snapshots = Records(database, "snapshots")
        self.types = Records(database, "volume_types")
        self.transfers = Records(database, "volume_transfers")
        with database.change():
            if not self.types.count():
                self._make_types()

    def _make_types(self) -> None:
        for name, template, is_detachable in _SYNNEFO_TYPES:
            self.make(self.types, {
                "project_id": "", "name": name, "family": "synnefo", "template": template,
                "is_detachable": is_detachable, "is_public": True, "extra_specs": {},
                "description": None,
            })  # fmt: skip
        self.make(self.types, {
            "project_id": "", "name": DEFAULT_TYPE, "family": "openstack", "is_public": True,
            "extra_specs": {}, "description": "Default Volume Type",
        })  # fmt: skip

    def make(self, kind: Records, fields: Mapping[str, Any]) -> Record:
        """Keep a new thing."""
        now = self.clock.time()
        return kind.add({"due": None, "then": None, **fields, "created": now, "updated": None})

    def change(self, kind: Records, record: Mapping[str, Any], **fields: Any) -> Record:
        """Keep what changes of a thing."""
        made = {**record, **fields, "updated": self.clock.time()}
        kind.keep(made)
        return made

    def phase(self, status: str, then: str) -> dict[str, Any]:
        """Fields of a thing that is in a state for some time, and in another one then."""
        seconds = SECONDS.get(status, 0.0) * self._pace
        if not seconds and then != GONE:
            return {"status": then, "due": None, "then": None}
        return {"status": status, "due": self.clock.time() + seconds, "then": then}

    # ---- what is there now

    def find(self, kind: Records, key: str) -> Record | None:
        """One thing that is there now, by its id or number."""
        found = kind.find(key)
        return self._settled(kind, found) if found is not None else None

    def every(self, kind: Records, **equal: Any) -> list[Record]:
        """The things that are there now."""
        found = (self._settled(kind, one) for one in kind.every(**equal))
        return [one for one in found if one is not None]

    def _settled(self, kind: Records, record: Record) -> Record | None:
        """A thing as it is by now; None when it is gone."""
        due = record["due"]
        if due is None or due > self.clock.time():
            return record
        if record["then"] == GONE:
            with self.database.change() as connection:
                connection.execute("DELETE FROM volume_uses WHERE volume_id = ?", (record["id"],))
                kind.remove(record["id"])
            return None
        made = {**record, "status": record["then"], "due": None, "then": None, "updated": due}
        kind.keep(made)
        return made

    # ---- volumes at servers

    def at(self, servers: Collection[str]) -> list[Record]:
        """The volumes at servers, by these servers' UUIDs, in the order of attachment."""
        marks = ", ".join("?" * len(servers))
        rows = self.database.read().execute(
            f"SELECT volume_id FROM volume_uses WHERE server_id IN ({marks})", tuple(servers)
        )
        found = (self.find(self.volumes, row["volume_id"]) for row in rows.fetchall())
        those = [one for one in found if one is not None and one["use"] is not None]
        return sorted(those, key=lambda one: (one["use"]["index"], one["number"]))

    def use(self, volume: Record, server_id: str) -> None:
        """Let a volume be known as a server's."""
        with self.database.change() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO volume_uses VALUES (?, ?)", (volume["id"], server_id)
            )

    def unuse(self, volume: Record) -> None:
        """Let a volume be known as nobody's."""
        with self.database.change() as connection:
            connection.execute("DELETE FROM volume_uses WHERE volume_id = ?", (volume["id"],))

    # ---- sums

    def gibibytes(self, project_id: str, *, with_snapshots: bool = True) -> int:
        """How much volumes and snapshots of a project take."""
        total = sum(one["size"] for one in self.every(self.volumes, project_id=project_id))
        if with_snapshots:
            total += sum(one["size"] for one in self.every(self.snapshots, project_id=project_id))
        return int(total)
