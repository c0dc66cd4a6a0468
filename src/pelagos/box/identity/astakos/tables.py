"""The tables of Astakos: services, commissions, projects and who is in them."""

from __future__ import annotations

from pelagos.box.records import table

TABLES = (
    """CREATE TABLE IF NOT EXISTS service_tokens (
        hash BLOB PRIMARY KEY, service TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS commissions (
        serial INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, name TEXT NOT NULL,
        issued REAL NOT NULL, provisions TEXT NOT NULL) STRICT""",
    # what services outside have charged: source is empty for what a project itself holds
    """CREATE TABLE IF NOT EXISTS holdings (
        holder TEXT NOT NULL, source TEXT NOT NULL, resource TEXT NOT NULL,
        amount INTEGER NOT NULL, PRIMARY KEY (holder, source, resource)) STRICT, WITHOUT ROWID""",
    *table("astakos_projects"),
    *table("astakos_memberships", "project", "user"),
)
