"""The tables of compute. Passwords of servers stand nowhere in them."""

from __future__ import annotations

TABLES = (
    # task, started, due, outcome: what is going on, since when, until when, what comes of it
    """CREATE TABLE IF NOT EXISTS servers (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL,
        state TEXT NOT NULL, task TEXT, started REAL NOT NULL, due REAL, outcome TEXT NOT NULL,
        created REAL NOT NULL, updated REAL NOT NULL, deleted REAL,
        vcpus INTEGER NOT NULL, ram_mib INTEGER NOT NULL, disk_gib INTEGER NOT NULL,
        image_id TEXT NOT NULL, flavor TEXT NOT NULL, metadata TEXT NOT NULL, tags TEXT NOT NULL,
        facts TEXT NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS servers_due ON servers (due) WHERE due IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS servers_of ON servers (project_id, created, number)",
    """CREATE TABLE IF NOT EXISTS server_actions (
        server_id TEXT NOT NULL, request_id TEXT NOT NULL, action TEXT NOT NULL,
        user_id TEXT NOT NULL, project_id TEXT NOT NULL, started REAL NOT NULL,
        finished REAL NOT NULL, message TEXT,
        PRIMARY KEY (server_id, started, request_id)) STRICT, WITHOUT ROWID""",
    # family: "openstack" or "synnefo", in whose lists it is
    """CREATE TABLE IF NOT EXISTS flavors (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL UNIQUE, family TEXT NOT NULL, ram_mib INTEGER NOT NULL,
        disk_gib INTEGER NOT NULL, vcpus INTEGER NOT NULL, is_public INTEGER NOT NULL,
        specs TEXT NOT NULL, access TEXT NOT NULL, more TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS keypairs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, name TEXT NOT NULL,
        kind TEXT NOT NULL, public_key TEXT NOT NULL, fingerprint TEXT NOT NULL,
        created REAL NOT NULL, UNIQUE (user_id, name)) STRICT""",
    """CREATE TABLE IF NOT EXISTS server_groups (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL,
        policy TEXT NOT NULL, rules TEXT NOT NULL, created REAL NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS server_group_members (
        server_id TEXT PRIMARY KEY, group_id TEXT NOT NULL
        REFERENCES server_groups ON DELETE CASCADE) STRICT, WITHOUT ROWID""",
)
