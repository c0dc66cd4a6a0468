"""The tables of identity. Secrets stand here as hashes, but those that passcodes are made of."""

from __future__ import annotations

TABLES = (
    """CREATE TABLE IF NOT EXISTS domains (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL,
        enabled INTEGER NOT NULL, more TEXT NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS projects (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, domain_id TEXT NOT NULL REFERENCES domains,
        description TEXT NOT NULL, enabled INTEGER NOT NULL, parent_id TEXT NOT NULL,
        more TEXT NOT NULL, UNIQUE (domain_id, name)) STRICT""",
    """CREATE TABLE IF NOT EXISTS users (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, domain_id TEXT NOT NULL REFERENCES domains,
        password_hash TEXT, enabled INTEGER NOT NULL, default_project_id TEXT,
        more TEXT NOT NULL, UNIQUE (domain_id, name)) STRICT""",
    """CREATE TABLE IF NOT EXISTS roles (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT,
        more TEXT NOT NULL) STRICT""",
    # target: "project:ID", "domain:ID" or "system"
    """CREATE TABLE IF NOT EXISTS grants (
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, target TEXT NOT NULL,
        role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
        PRIMARY KEY (user_id, target, role_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS groups (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, domain_id TEXT NOT NULL REFERENCES domains,
        description TEXT NOT NULL, more TEXT NOT NULL, UNIQUE (domain_id, name)) STRICT""",
    """CREATE TABLE IF NOT EXISTS group_members (
        group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        PRIMARY KEY (group_id, user_id)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS group_grants (
        group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE, target TEXT NOT NULL,
        role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
        PRIMARY KEY (group_id, target, role_id)) STRICT, WITHOUT ROWID""",
    # what users have, by themselves and by their groups
    """CREATE VIEW IF NOT EXISTS held (user_id, target, role_id) AS
        SELECT user_id, target, role_id FROM grants UNION
        SELECT user_id, target, role_id FROM group_members JOIN group_grants USING (group_id)""",
    """CREATE TABLE IF NOT EXISTS application_credentials (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT,
        user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
        secret_hash TEXT NOT NULL, roles TEXT NOT NULL, expires REAL,
        unrestricted INTEGER NOT NULL, UNIQUE (user_id, name)) STRICT""",
    # used: the step of time of the last passcode that was good
    """CREATE TABLE IF NOT EXISTS credentials (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        type TEXT NOT NULL, blob TEXT NOT NULL, project_id TEXT, used INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS tokens (
        hash BLOB PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        target TEXT, methods TEXT NOT NULL, audit_ids TEXT NOT NULL,
        credential_id TEXT REFERENCES application_credentials ON DELETE CASCADE,
        issued REAL NOT NULL, expires REAL NOT NULL) STRICT, WITHOUT ROWID""",
)
