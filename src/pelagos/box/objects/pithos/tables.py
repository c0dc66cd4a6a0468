"""What Pithos keeps beside the objects: who shares what with whom, and what is public."""

from __future__ import annotations

TABLES = (
    """CREATE TABLE IF NOT EXISTS pithos_sharing (
        container_id INTEGER NOT NULL REFERENCES containers ON DELETE CASCADE,
        name TEXT NOT NULL, read TEXT NOT NULL, write TEXT NOT NULL,
        PRIMARY KEY (container_id, name)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS pithos_public (
        container_id INTEGER NOT NULL REFERENCES containers ON DELETE CASCADE,
        name TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
        PRIMARY KEY (container_id, name)) STRICT, WITHOUT ROWID""",
)
