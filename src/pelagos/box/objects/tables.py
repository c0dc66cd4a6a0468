"""The tables of object storage."""

from __future__ import annotations

#: Where a version stands: what is there now, what was before, and that something was deleted.
CURRENT, FORMER, GONE = 0, 1, 2

TABLES = (
    """CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY, meta TEXT NOT NULL, modified REAL NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS containers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL,
        meta TEXT NOT NULL, policy TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,
        objects INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
        UNIQUE (account, name)) STRICT""",
    """CREATE TABLE IF NOT EXISTS versions (
        serial INTEGER PRIMARY KEY AUTOINCREMENT,
        container_id INTEGER NOT NULL REFERENCES containers, name TEXT NOT NULL,
        place INTEGER NOT NULL, modified REAL NOT NULL, ended REAL, size INTEGER NOT NULL,
        md5 TEXT NOT NULL, top TEXT NOT NULL, type TEXT NOT NULL, uuid TEXT NOT NULL,
        modified_by TEXT NOT NULL, meta TEXT NOT NULL, more TEXT NOT NULL,
        map BLOB NOT NULL) STRICT""",
    """CREATE UNIQUE INDEX IF NOT EXISTS versions_now ON versions (container_id, name)
        WHERE place = 0""",
    "CREATE INDEX IF NOT EXISTS versions_all ON versions (container_id, name, serial)",
    """CREATE TABLE IF NOT EXISTS blocks (
        hash BLOB PRIMARY KEY, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
)
