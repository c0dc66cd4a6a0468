"""Backups of the master's database in object storage, made while the master runs."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.cli.failures import NOT_FOUND
from pelagos.core.clock import ManualClock
from pelagos.slap import master
from support.cloud_lines import Lines
from support.slap_site import Site

pytestmark = pytest.mark.integration

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture(params=["swift", "pithos"])
def lines(request: pytest.FixtureRequest, box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=tmp_path.name[-40:], clock=ManualClock(NOW))
    found.environ["PELAGOS_CLOUD"] = request.param
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    made = Site(tmp_path / "site", partitions=300)
    made.supply()
    for number in range(20):
        made.request(f"service-{number}", parameters={"clé": "värde", "n": str(number)})
    yield made
    made.close()


def references(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT title FROM instances")}
    finally:
        connection.close()


def test_a_running_master_is_backed_up_and_restored(
    lines: Lines, site: Site, tmp_path: Path
) -> None:
    key, target = tmp_path / "plane.key", tmp_path / "restored/master.db"
    target.parent.mkdir()
    database = f"sqlite:///{site.path}"
    made = lines.done(
        "db", "backup", "backups/plane", "--database", database, "--key", key, "-j"
    ).data
    assert key.stat().st_mode & 0o777 == 0o600
    assert made[0]["is_sealed"]
    assert made[0]["name"].startswith("20270115T080000Z-")
    site.request("later")
    raw = lines.done("object", "cat", f"backups/plane/{made[0]['name']}").raw
    assert b"service-3" not in raw
    assert raw[:2] != b"\x1f\x8b"
    lines.done("db", "restore", "backups/plane", "latest", target, "--key", key)
    assert references(target) == {f"service-{number}" for number in range(20)}
    again = Site(target.parent, partitions=0)  # a master runs on it
    assert again.service is not None
    again.close()
    refused = lines.run("db", "restore", "backups/plane", "latest", target, "--key", key)
    assert refused.code != 0
    assert "not empty" in refused.err
    other = tmp_path / "other.key"
    other.write_text("x" * 64)
    for words in ((), ("--key", other)):
        wrong = lines.run("db", "restore", "backups/plane", "latest", tmp_path / "no.db", *words)
        assert wrong.code != 0
        assert "key" in wrong.err
        assert not (tmp_path / "no.db").exists()


def test_a_database_on_postgresql_is_backed_up_while_a_master_runs(
    lines: Lines, postgresql_url: str, tmp_path: Path
) -> None:
    running = master.Master(postgresql_url)
    try:
        running.service.create_person("admin")
        made = lines.done("db", "backup", "backups", "--database", postgresql_url, "-j").data
        target = tmp_path / "from-postgresql.db"
        lines.done("db", "restore", "backups", made[0]["name"], target)
        held = lines.run("db", "restore", "backups", "latest", postgresql_url)
        assert held.code != 0  # it is not empty, and a master runs on it
    finally:
        running.close()
    connection = sqlite3.connect(target)
    try:
        assert [row[0] for row in connection.execute("SELECT name FROM people")] == ["admin"]
    finally:
        connection.close()


def test_old_backups_go_and_other_objects_stay(lines: Lines, site: Site) -> None:
    database = f"sqlite:///{site.path}"
    missing = lines.run("db", "restore", "backups", "latest", lines.home / "x.db")
    assert missing.code == NOT_FOUND
    for number in range(4):
        lines.clock = ManualClock(NOW + 3600 * number)
        site.request(f"more-{number}")
        lines.done("db", "backup", "backups", "--database", database, "--keep", "2")
    lines.done("object", "upload", "-", "backups/notes.txt", stdin=b"mine")
    listed = lines.done("db", "backups", "backups", "-j").data
    assert [one["made"] for one in listed] == [NOW + 3 * 3600, NOW + 2 * 3600]
    lines.done("db", "backup", "backups", "--database", database, "--keep", "1")
    names = {one["name"] for one in lines.done("object", "list", "backups", "-j").data}
    assert "notes.txt" in names
    assert len(names) == 2


def test_a_damaged_backup_is_refused_and_leaves_nothing(
    lines: Lines, site: Site, tmp_path: Path
) -> None:
    database = f"sqlite:///{site.path}"
    made = lines.done("db", "backup", "backups", "--database", database, "-j").data[0]
    place, target = f"backups/{made['name']}", tmp_path / "x.db"
    whole = lines.done("object", "cat", place).raw
    info = lines.done("object", "info", place, "-j").data["meta"]
    meta = [word for key, value in info.items() for word in ("--meta", f"{key}={value}")]
    middle = len(whole) // 2
    for data in (
        whole[:-20],
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        b"",
        b"garbage",
    ):
        lines.done("object", "upload", "-", place, "-f", *meta, stdin=data)
        refused = lines.run("db", "restore", "backups", made["name"], target)
        assert refused.code == 1
        assert "restore another one" in refused.err
        assert not target.exists()


def test_what_is_written_meanwhile_is_in_it_or_not(
    lines: Lines, site: Site, tmp_path: Path
) -> None:
    ended = threading.Event()
    written: list[str] = []

    def write() -> None:
        number = 0
        while not ended.is_set() and number < 250:
            site.request(f"meanwhile-{number}")
            written.append(f"meanwhile-{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            target = tmp_path / f"{number}.db"
            before = set(written)
            lines.clock = ManualClock(NOW + number)
            lines.done("db", "backup", "backups", "--database", f"sqlite:///{site.path}")
            lines.done("db", "restore", "backups", "latest", target)
            found = {name for name in references(target) if name.startswith("meanwhile")}
            assert before <= found <= {*written, f"meanwhile-{len(written)}"}
    finally:
        ended.set()
        writer.join()
