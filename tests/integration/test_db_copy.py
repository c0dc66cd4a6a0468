"""A site copied between databases, and back."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.plane import db_copy
from pelagos.slap import master
from pelagos.slap.master.errors import Conflict, SchemaError, StoreError
from pelagos.slap.master.store import copying, schema
from pelagos.slap.model import InstanceRequest, InstanceState
from support.plane import PELAGOS
from support.postgresql import PASSWORD
from support.slap_site import ADMIN, COMPUTER, URL, Site

pytestmark = pytest.mark.integration


def ignore(_table: str, _rows: int, _total: int) -> None:
    pass


def furnished(folder: Path) -> Site:
    """A site with something in most tables, tangled as it can be."""
    folder.mkdir(exist_ok=True)
    site = Site(folder, partitions=30)
    site.supply()
    root = site.request("röot", parameters={"clé": "värde\n\t", "n": "1"})
    child = site.child(root, "child")
    site.child(child, "grandchild")
    for number in range(5):
        site.request(f"shared-{number}", shared=True)
    site.publish(root, {"url": "http://[::1]/", "password": "s3cret"})
    site.report(root)
    site.fail(child, "broken\n" * 50)
    gone = site.request("gone")
    site.set_state("gone", "destroyed")
    site.report(gone, "destroyed")
    site.refusal("late", url="/none/software.cfg")
    site.service.seen(COMPUTER)
    site.service.rename(root.computer_id, root.partition_id, "renamed", ADMIN)
    return site


def rows_of(path: Path) -> dict[str, list[Any]]:
    connection = sqlite3.connect(path)
    try:
        return {
            table.name: connection.execute(
                f"SELECT {', '.join(column.name for column in table.columns)} FROM {table.name}"
                f" ORDER BY {', '.join(column.name for column in table.primary_key.columns)}"
            ).fetchall()
            for table in schema.metadata.sorted_tables
        }
    finally:
        connection.close()


def tables_of(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    return [row[0] for row in found]


def test_a_site_goes_to_postgresql_and_back_and_is_the_same(tmp_path: Path, postgresql_url: str):
    site = furnished(tmp_path / "first")
    etag = site.service.full_computer(COMPUTER).etag
    site.close()
    before = rows_of(site.path)
    there = db_copy.run(str(site.path), postgresql_url, ignore)
    back = tmp_path / "back.db"
    assert db_copy.run(postgresql_url, f"sqlite:///{back}", ignore) == there
    assert rows_of(back) == before == rows_of(site.path)
    assert {item.table: item.rows for item in there} == {k: len(v) for k, v in before.items()}
    assert before["instances"] and before["events"] and before["partitions"]
    assert back.stat().st_mode & 0o777 == 0o600

    # It works on in both, and what is new gets keys of its own.
    for url in (postgresql_url, f"sqlite:///{back}"):
        one = master.Master(url, settings=master.MasterSettings(silent_after=1e12))
        try:
            assert one.service.full_computer(COMPUTER).etag == etag
            last = one.service.events(after=-1)[0].id
            assert one.service.identify(site.person_token) is not None
            wish = InstanceRequest("new", URL)
            assert one.service.request(wish, ADMIN).title == "new"
            assert one.service.events(after=-1)[0].id > last
            one.service.set_state("new", InstanceState.STOPPED, ADMIN)
        finally:
            one.close()


def test_progress_is_told(tmp_path: Path):
    site = furnished(tmp_path)
    site.close()
    told: list[tuple[str, int, int]] = []
    db_copy.run(str(site.path), str(tmp_path / "b.db"), lambda *said: told.append(said))
    ends = {table: (rows, total) for table, rows, total in told}
    assert len(ends) == len(schema.metadata.tables)
    assert all(rows == total for rows, total in ends.values())


def test_a_copy_that_fails_leaves_the_target_empty(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
):
    site = furnished(tmp_path)
    site.close()

    def broken(table: str, _rows: int, _total: int) -> None:
        if table == "instances":
            raise PelagosError("it ends here")

    file = tmp_path / "half.db"
    for target in (postgresql_url, f"sqlite:///{file}"):
        with pytest.raises(PelagosError, match="it ends here"):
            db_copy.run(str(site.path), target, broken)
    assert tables_of(postgresql_url) == []
    assert not file.exists()
    # What is not like the original is not kept either.
    count = 0

    def changed(digest: Any, _rows: Any) -> None:
        nonlocal count
        count += 1
        digest.update(str(count).encode())

    monkeypatch.setattr(copying, "_add", changed)
    with pytest.raises(StoreError, match="not like the original"):
        db_copy.run(str(site.path), postgresql_url, ignore)
    assert tables_of(postgresql_url) == []


def test_what_cannot_be_copied_is_refused(tmp_path: Path, postgresql_url: str):
    site = furnished(tmp_path)
    with pytest.raises(PelagosError, match="no database"):
        db_copy.run(str(tmp_path / "none.db"), postgresql_url, ignore)
    other = master.Master(postgresql_url)
    with pytest.raises(StoreError, match="a master runs"):
        db_copy.run(str(site.path), postgresql_url, ignore)
    with pytest.raises(StoreError, match="a master runs"):
        db_copy.run(postgresql_url, str(tmp_path / "new.db"), ignore)
    other.close()
    site.close()
    with pytest.raises(Conflict, match="not empty"):
        db_copy.run(str(site.path), postgresql_url, ignore)
    with pytest.raises(Conflict, match="not empty"):
        db_copy.run(postgresql_url, str(site.path), ignore)
    with pytest.raises(ConfigError):
        db_copy.run(str(site.path), "oracle://x/y", ignore)
    connection = sqlite3.connect(site.path)
    connection.execute("UPDATE facts SET value = '1' WHERE name = 'schema_version'")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match="schema 1"):
        db_copy.run(str(site.path), str(tmp_path / "new.db"), ignore)
    assert not (tmp_path / "new.db").exists()


def test_the_command_prints_what_it_copied(tmp_path: Path, postgresql_url: str):
    site = furnished(tmp_path)
    site.close()
    words = [PELAGOS, "db", "copy", site.path, postgresql_url, "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    copied = {item["table"]: item for item in json.loads(done.stdout)}
    assert copied["computers"]["rows"] == 1
    assert len(copied["instances"]["sha256"]) == 64
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert again.returncode and "not empty" in again.stderr
    assert PASSWORD not in again.stderr


def test_the_ways_to_write_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    site = Site(tmp_path)
    site.close()
    last = f"sqlite:{site.path}"
    forms = (f"sqlite:{tmp_path}/0.db", f"sqlite:////{tmp_path}/1.db", "sqlite:///2.db", "3.db")
    for number, text in enumerate((*forms, "sqlite:4.db")):
        db_copy.run(last, text, ignore)
        assert (tmp_path / f"{number}.db").is_file(), text
        last = text


def test_the_same_database_twice_is_refused(tmp_path: Path):
    site = Site(tmp_path)
    site.close()
    with pytest.raises(PelagosError, match="are the same database"):
        db_copy.run(str(site.path), f"sqlite:///{site.path}", ignore)
    url = "postgresql://x@127.0.0.1:1/y"
    with pytest.raises(PelagosError, match="are the same database"):
        db_copy.run(url, url, ignore)


@pytest.mark.parametrize("is_target", [True, False])
def test_a_file_of_another_kind_is_named_and_not_touched(tmp_path: Path, is_target: bool):
    site = Site(tmp_path)
    site.close()
    foreign = tmp_path / "notes.txt"
    foreign.write_text("not a database, only notes")
    pair = (site.path, foreign) if is_target else (foreign, tmp_path / "new.db")
    with pytest.raises(PelagosError, match=r"notes\.txt is not a SQLite database"):
        db_copy.run(*map(str, pair), ignore)
    assert foreign.read_text() == "not a database, only notes"
    assert not (tmp_path / "new.db").exists()


def test_a_wrong_password_is_said_to_be_one(tmp_path: Path, postgresql_url: str):
    site = Site(tmp_path)
    site.close()
    wrong = postgresql_url.replace(PASSWORD, "wr0ng")
    with pytest.raises(StoreError, match="does not let this user in") as caught:
        db_copy.run(str(site.path), wrong, ignore)
    assert "password" in (caught.value.hint or "")
    assert "wr0ng" not in str(caught.value)
