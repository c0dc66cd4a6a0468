"""The tables of volumes."""

from __future__ import annotations

from pelagos.box.records import table

TABLES = (
    *table("volumes"),
    *table("snapshots", "volume_id"),
    *table("volume_types", "name"),
    *table("volume_transfers", "volume_id"),
    # which volumes are at which servers
    """CREATE TABLE IF NOT EXISTS volume_uses (
        volume_id TEXT NOT NULL PRIMARY KEY, server_id TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS volume_uses_servers ON volume_uses (server_id)",
)
