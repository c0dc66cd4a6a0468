"""The tables of networks."""

from __future__ import annotations

from pelagos.box.records import table

TABLES = (
    *table("networks"),
    *table("subnets", "network_id"),
    *table("ports", "network_id", "device_id"),
    *table("routers"),
    *table("floatingips", "port_id", "floating_network_id"),
    *table("security_groups"),
    *table("security_group_rules", "security_group_id"),
    # which addresses are taken, by which port
    """CREATE TABLE IF NOT EXISTS addresses (
        subnet_id TEXT NOT NULL, ip TEXT NOT NULL, port_id TEXT NOT NULL,
        PRIMARY KEY (subnet_id, ip)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS addresses_ports ON addresses (port_id)",
)
