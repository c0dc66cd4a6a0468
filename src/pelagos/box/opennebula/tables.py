"""The tables that a daemon keeps its things in, as far as SQL may ask for them.

They are made for each question, in memory, and forgotten: what a statement changes is not kept,
as a daemon does not read again what it has in memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

from pelagos.box.opennebula.errors import Code, Failure
from pelagos.box.opennebula.kinds import (
    BACKUPJOB,
    CLUSTER,
    DATASTORE,
    DOCUMENT,
    GROUP,
    HOOK,
    HOST,
    IMAGE,
    MARKET,
    MARKETAPP,
    NETWORK,
    SECGROUP,
    TEMPLATE,
    USER,
    VDC,
    VM,
    VMGROUP,
    VNTEMPLATE,
    VROUTER,
    ZONE,
)
from pelagos.box.opennebula.machine_shape import extended
from pelagos.box.opennebula.markup import cdata, element
from pelagos.box.opennebula.shapes import Shapes
from pelagos.box.opennebula.world import World

_TABLES = {
    "vm_pool": VM, "image_pool": IMAGE, "network_pool": NETWORK, "template_pool": TEMPLATE,
    "secgroup_pool": SECGROUP, "document_pool": DOCUMENT, "vn_template_pool": VNTEMPLATE,
    "vmgroup_pool": VMGROUP, "datastore_pool": DATASTORE, "vrouter_pool": VROUTER,
    "marketplace_pool": MARKET, "marketplaceapp_pool": MARKETAPP, "backupjob_pool": BACKUPJOB,
    "host_pool": HOST, "user_pool": USER, "group_pool": GROUP, "cluster_pool": CLUSTER,
    "zone_pool": ZONE, "vdc_pool": VDC, "hook_pool": HOOK,
}  # fmt: skip
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
            sqlite3.SQLITE_RECURSIVE}  # fmt: skip
_WRITING = _READING | {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE,
                       sqlite3.SQLITE_TRANSACTION}  # fmt: skip
_STEPS, _LONGEST, _ROWS = 10_000_000, 64 * 1024 * 1024, 100_000
_NO_NAME = re.compile(r"[^A-Za-z0-9_]")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|]]>")


def asked(world: World, shapes: Shapes, sql: str) -> str:
    """What a query finds, as XML.

    Raises:
        Failure: it cannot be answered, or is no query.
    """

    def answer(connection: sqlite3.Connection) -> str:
        cursor = connection.execute(sql)
        names = [_NO_NAME.sub("_", column[0]) for column in cursor.description or ()]
        rows = cursor.fetchmany(_ROWS)
        return "".join(
            element("ROW", "".join(cdata(n, _text(v)) for n, v in zip(names, row, strict=True)))
            for row in rows
        )

    rows = _on(world, shapes, _READING, answer)
    query = cdata("QUERY", _UNFIT.sub("?", sql))
    return element("SQL_COMMAND", query + element("RESULT", rows))


def run(world: World, shapes: Shapes, sql: str) -> None:
    """Run a statement, whose effect is forgotten.

    Raises:
        Failure: it cannot be run.
    """
    _on(world, shapes, _WRITING, lambda connection: str(connection.execute(sql).rowcount))


def _on(
    world: World, shapes: Shapes, actions: set[int], work: Callable[[sqlite3.Connection], str]
) -> str:
    connection = sqlite3.connect(":memory:")
    try:
        _fill(connection, world, shapes)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        connection.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in actions else sqlite3.SQLITE_DENY
        )
        connection.set_progress_handler(lambda: 1, _STEPS)
        return work(connection)
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        raise Failure(Code.INTERNAL, f"Error executing SQL command: {error}") from error
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection, world: World, shapes: Shapes) -> None:
    for table, kind in _TABLES.items():
        connection.execute(
            f"CREATE TABLE {table} (oid INTEGER PRIMARY KEY, name TEXT, body TEXT, uid INTEGER, "
            "gid INTEGER, owner_u INTEGER, group_u INTEGER, other_u INTEGER, state INTEGER)"
        )
        connection.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # our own name
            [
                (
                    thing.id, thing.name,
                    extended(shapes, thing) if kind == VM else shapes.one(kind, thing),
                    thing.uid, thing.gid, *map(int, thing.mode[::3]),
                    thing.more.get("state", 0),
                )
                for thing in world.all(kind)
            ],
        )  # fmt: skip


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return _UNFIT.sub("?", str(value))
