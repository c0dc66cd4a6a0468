"""A database of schema 1 is brought to the present one, with all that is in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pelagos.slap import master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master.auth import digest_of
from pelagos.slap.master.store import schema
from pelagos.slap.model import InstanceRequest
from support.slap_site import ADMIN, COMPUTER, URL

pytestmark = pytest.mark.integration

#: The tables as the first version made them.
SCHEMA_1 = Path(__file__).parents[1] / "data" / "schema-1.sql"
CAUSE = '{"code":"ok","message":"fine","since":5.0}'
TOKEN = "the-token-of-ann"


def old_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA_1.read_text())

    def add(table: str, **values: Any) -> None:
        marks = ", ".join("?" * len(values))
        names = ", ".join(values)
        connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values())
        )

    add("facts", name="schema_version", value="1")
    add("facts", name="name", value="the-site")
    add("tokens", digest=digest_of(TOKEN), kind="person", name="ann", created=1.0)
    add("tokens", digest="c" * 64, kind="computer", name=COMPUTER, created=1.0)
    add("computers", id=1, computer_id=COMPUTER, created=1.0, last_seen=9.0, revision=7)
    for slot in range(3):
        add(
            "partitions",
            id=slot + 1,
            computer_key=1,
            partition_id=f"slappart{slot}",
            position=slot,
            offered=1,
            addresses='[{"interface":"lo","address":"127.0.0.1","netmask":"255.0.0.0"}]',
        )
    add(
        "supplies",
        id=1,
        computer_key=1,
        url=URL,
        requested_state="available",
        status="available",
        cause=CAUSE,
    )
    for key, title, scope, ended in (
        (1, "web", "", None),
        (2, "gone", None, 6.0),
        (3, "child", "SOFTINST-1", None),
    ):
        add(
            "instances",
            id=key,
            guid=f"SOFTINST-{key}",
            title=title,
            scope=scope,
            root_key=1 if key == 3 else None,
            requester_key=1 if key == 3 else None,
            owner="person:ann",
            shared=0,
            release_url=URL,
            software_type="default",
            wished_state="started",
            parameters='{"colour":"blue"}',
            connection='{"url":"http://x/"}',
            filters="{}",
            partition_key=None if ended else key,
            timestamp=key,
            changed_timestamp=key,
            changed_revision=3,
            status="destroyed" if ended else "started",
            cause=CAUSE,
            wiped=0,
            created=2.0,
            ended=ended,
        )
        add(
            "events",
            at=2.0,
            kind="instance.requested",
            subject=f"SOFTINST-{key}",
            reference=title,
            actor="person:ann",
            cause=CAUSE,
        )
    add("usages", computer_id=COMPUTER, at=3.0, report="<journal/>")
    connection.commit()
    connection.close()


def structure(path: Path) -> dict[str, Any]:
    """Columns, whether they may be empty, and indexes of each table."""
    connection = sqlite3.connect(path)
    try:
        return {
            table.name: (
                {
                    row[1]: bool(row[3])
                    for row in connection.execute(f"PRAGMA table_info({table.name})")
                },
                {
                    row[1]
                    for row in connection.execute(f"PRAGMA index_list({table.name})")
                    if not row[1].startswith("sqlite_")
                },
            )
            for table in schema.metadata.sorted_tables
        }
    finally:
        connection.close()


def test_a_database_of_schema_1_keeps_all_and_becomes_as_a_new_one(tmp_path: Path):
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    old_database(old)
    master.Master(f"sqlite:///{new}").close()
    one = master.Master(f"sqlite:///{old}", settings=master.MasterSettings(silent_after=1e12))
    try:
        services = {item.reference: item for item in one.service.services()}
        assert set(services) == {"web", "child"}
        assert services["web"].connection == {"url": "http://x/"}
        assert services["child"].requester_guid == "SOFTINST-1"
        assert one.service.computer(COMPUTER).free_count == 1
        found = one.service.identify(TOKEN)
        assert found is not None and (found.name, found.is_operator) == ("ann", True)
        assert [event.subject for event in one.service.events()][:3] == [
            f"SOFTINST-{key}" for key in (1, 2, 3)
        ]
        # The same wish of the same person is the same service; another person's is another's.
        ann = master.person("ann")
        again = one.service.request(
            InstanceRequest("web", URL, parameters={"colour": "blue"}), ann
        )
        assert again.guid == "SOFTINST-1"
        assert one.service.request(InstanceRequest("web", URL), ADMIN).guid != again.guid
        with pytest.raises(ResourceNotReady):
            one.service.request(InstanceRequest("more", URL), ann)
    finally:
        one.close()
    assert structure(old) == structure(new)
    connection = sqlite3.connect(old)
    version = connection.execute("SELECT value FROM facts WHERE name = 'schema_version'")
    assert version.fetchone() == (str(schema.SCHEMA_VERSION),)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    master.Master(f"sqlite:///{old}").close()  # and once more, with nothing left to do


def test_a_migration_that_fails_leaves_the_old_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "old.db"
    old_database(path)
    before = structure_of_file(path)

    def broken(connection: Any) -> None:
        whole(connection)
        raise RuntimeError("half done")

    whole = schema.MIGRATIONS[2]
    monkeypatch.setitem(schema.MIGRATIONS, 2, broken)
    with pytest.raises(RuntimeError, match="half done"):
        master.Master(f"sqlite:///{path}")
    assert structure_of_file(path) == before
    monkeypatch.undo()
    one = master.Master(f"sqlite:///{path}")
    assert len(one.service.services()) == 2
    one.close()


def structure_of_file(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    finally:
        connection.close()
