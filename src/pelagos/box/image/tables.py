"""The tables of images."""

from __future__ import annotations

TABLES = (
    # location: empty where the content is a file of the box, else where its object is
    """CREATE TABLE IF NOT EXISTS images (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT,
        status TEXT NOT NULL, visibility TEXT NOT NULL, is_protected INTEGER NOT NULL,
        is_hidden INTEGER NOT NULL, disk_format TEXT, container_format TEXT, size INTEGER,
        md5 TEXT, sha512 TEXT, min_disk INTEGER NOT NULL, min_ram INTEGER NOT NULL,
        created REAL NOT NULL, updated REAL NOT NULL, properties TEXT NOT NULL,
        tags TEXT NOT NULL, location TEXT NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS images_of ON images (project_id)",
    """CREATE TABLE IF NOT EXISTS image_members (
        image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE, member TEXT NOT NULL,
        status TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
        PRIMARY KEY (image_id, member)) STRICT, WITHOUT ROWID""",
)
