"""The directory's store under rivals, kills, a database that goes and comes, and a full disk."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from pelagos.core.errors import ConfigError
from pelagos.directory.errors import DuplicateError, SchemaError
from pelagos.directory.store import DirectoryStore, NewContact, schema
from pelagos.directory.store.engine import CONNECTIONS
from pelagos.directory.views import stored
from support import mortal_store
from support.directory_site import DirectorySite
from support.postgresql import Server

pytestmark = pytest.mark.integration

LOOKUP = "/directories/lookup/default?term=a"


@pytest.fixture
def site(store_url: str) -> Iterator[DirectorySite]:
    with DirectorySite(store_url) as site:
        yield site


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call gave, all begun together; an error is given, too."""
    start = threading.Barrier(len(calls))
    given: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        start.wait(30)
        try:
            given[place] = calls[place]()
        except Exception as error:  # noqa: BLE001  # a thread's error would be lost
            given[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    return given


def test_of_many_who_store_the_same_at_once_one_does(store_url: str) -> None:
    with DirectoryStore(store_url) as one, DirectoryStore(store_url) as two:
        same = NewContact.of({"name": "same"})
        calls = [store.personal("ada").add for store in (one, two) for _ in range(8)]
        given = at_once([lambda add=add: add(same) for add in calls])
        kinds = Counter(type(what).__name__ for what in given)
        assert kinds == {"Contact": 1, DuplicateError.__name__: 15}
        assert one.personal("ada").size() == two.personal("ada").size() == 1


def test_many_writers_of_one_list_lose_nothing(store_url: str) -> None:
    with DirectoryStore(store_url) as one, DirectoryStore(store_url) as two:

        def write(store: DirectoryStore, who: int) -> None:
            contacts = store.personal("ada")
            for number in range(20):
                contact = contacts.add(NewContact.of({"name": f"{who} {number}"}))
                if number % 4 == 0:
                    contacts.remove(contact.uuid)
                elif number % 4 == 1:
                    contacts.replace(contact.uuid, NewContact.of({"name": f"{who} {number}!"}))

        given = at_once([lambda s=s, n=n: write(s, n) for n, s in enumerate((one, two) * 4)])
        assert given == [None] * 8
        kept = [contact.attributes["name"] for contact in one.personal("ada").all()]
        wanted = [f"{who} {n}{'!' * (n % 4 == 1)}" for who in range(8) for n in range(20) if n % 4]
        assert sorted(kept) == sorted(wanted) and two.personal("ada").size() == len(wanted)


def test_the_same_file_imported_by_many_at_once_makes_no_twins(store_url: str) -> None:
    news = [NewContact.of({"name": f"contact {number}"}) for number in range(300)]
    with DirectoryStore(store_url) as one, DirectoryStore(store_url) as two:
        book = one.phonebooks.create("sea", "clients")
        lists = [store.phonebook("sea", book.id) for store in (one, two) * 3]
        mixed = [random.Random(seed).sample(news, 300) for seed in range(6)]
        given = at_once(
            [lambda c=c, m=m: c.add_many(m) for c, m in zip(lists, mixed, strict=True)]
        )
        assert sum(addition.is_new for additions in given for addition in additions) == 300
        assert one.phonebook("sea", book.id).size() == 300
        kept = one.phonebook("sea", book.id).all()
        assert len({contact.attributes["name"] for contact in kept}) == 300


def test_what_was_acknowledged_survives_a_kill(store_url: str) -> None:
    with DirectoryStore(store_url) as store:
        for round_ in range(6):
            ids, files = kill_after(store_url, f"p{round_}", random.Random(round_).randint(1, 40))
            kept = {contact.uuid for contact in store.personal(f"p{round_}").all()}
            assert ids <= kept and len(kept - ids) <= 1
            size = store.personal(f"p{round_}").size()
            assert size == len(kept)
            books = [b for b in store.phonebooks.all("sea") if b.name == f"p{round_}"]
            rows = store.phonebook("sea", books[0].id)
            assert rows.size() == len(rows.all())
            assert rows.size() in {files * mortal_store.MANY, (files + 1) * mortal_store.MANY}


def kill_after(url: str, person: str, lines: int) -> tuple[set[str], int]:
    """Let a program store contacts until it has told of so many things, and kill it."""
    command = [sys.executable, str(Path(mortal_store.__file__)), url, person]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
    words = [line.split() for line in told if line.endswith("\n")]
    return {word[1] for word in words if word[0] == "one"}, words.count(["many"])


def test_a_restarted_database_is_used_at_the_next_request(own_postgresql: Server) -> None:
    with DirectorySite(own_postgresql.url()) as site:
        contact = site.post("/personal", {"firstname": "Ada"}).json
        assert len(site.get(LOOKUP).json["results"]) == 1
        own_postgresql.stop()
        own_postgresql.start()
        assert site.get("/personal").json == {"items": [contact]}
        assert site.put("/directories/favorites/mine/7").status == 204
        assert len(site.get(LOOKUP).json["results"]) == 1


def test_a_database_that_is_away_is_told_and_comes_back(own_postgresql: Server) -> None:
    own_postgresql.stop(signal.SIGKILL)
    with DirectorySite(own_postgresql.url()) as site:  # starts all the same
        for _ in range(2):
            for answer in (
                site.get("/personal"), site.post("/personal", {"a": "b"}),
                site.put("/directories/favorites/mine/7"), site.get("/tenants/sea/phonebooks"),
                site.upload("/personal/import", "a\nb\n"), site.delete("/personal"),
                site.get("/directories/favorites/default"),
            ):  # fmt: skip
                assert answer.status == 503, answer.text
                assert "database" in answer.reasons and "a-password" not in answer.text
            lookup = site.get(LOOKUP)
            assert lookup.status == 200
            assert lookup.json["sources"][0]["verdict"] in {"failed", "open"}
            own_postgresql.start()
            assert site.post("/personal", {"a": "b"}).status in {201, 409}
            assert site.get("/personal").json["items"][0]["a"] == "b"
            own_postgresql.stop()


@contextlib.contextmanager
def full_disk(site: DirectorySite, url: str) -> Iterator[None]:
    """Have the database itself say that it cannot grow: with SQLite's own limit, or by raising
    the error of PostgreSQL.
    """
    if url.startswith("sqlite"):
        is_full = True

        def limit(connection: sa.Connection) -> None:
            count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            pages = count if is_full else 1_000_000_000
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        sa.event.listen(site.store._database._engine, "begin", limit)
        yield
        is_full = False
        return
    make = (
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
        " 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON directory_contacts"
        " FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(make.encode())
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION full_disk() CASCADE")


def test_a_full_disk_is_507_and_changes_nothing(site: DirectorySite, store_url: str) -> None:
    there = site.post("/personal", {"firstname": "Ada"}).json
    large = "".join(f"name {number}{'x' * 200}\n" for number in range(2000))
    with full_disk(site, store_url):
        refused = site.upload("/personal/import", f"firstname\n{large}")
        assert refused.status == 507 and "full" in refused.reasons
        assert site.get("/personal").json == {"items": [there]}
        assert site.get(LOOKUP).status == 200
    assert len(site.upload("/personal/import", f"firstname\n{large}").json["created"]) == 2000


def test_a_database_that_another_program_holds_is_503(tmp_path: Path) -> None:
    path = tmp_path / "directory.db"
    with DirectoryStore(f"sqlite:///{path}", busy_timeout=0.1) as store:
        store.personal("ada").add(NewContact.of({"a": "b"}))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="busy") as refused:
            store.personal("ada").clear()
        assert refused.value.status == 503  # type: ignore[attr-defined]
        assert store.personal("ada").size() == 1
        other.execute("ROLLBACK")
        other.close()
        store.personal("ada").clear()
        assert store.personal("ada").size() == 0


def test_those_who_wait_for_a_database_that_hangs_are_bounded(site: DirectorySite) -> None:
    entered, release = threading.Semaphore(0), threading.Event()

    def hang() -> None:
        with site.store._database.read():
            entered.release()
            release.wait(90)

    hung = [threading.Thread(target=hang) for _ in range(CONNECTIONS)]
    for thread in hung:
        thread.start()
    try:
        for _ in hung:
            assert entered.acquire(timeout=60)
        began = time.monotonic()
        answer = site.get("/personal")
        assert answer.status == 503 and "busy" in answer.reasons
        assert time.monotonic() - began < 60
    finally:
        release.set()
        for thread in hung:
            thread.join(60)
    assert site.get("/personal").status == 200


def test_nobody_queues_for_a_database_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://joe:a-password@127.0.0.1:{silent.getsockname()[1]}/x"
        with DirectorySite(f"{url}?connect_timeout=4") as site:
            began = time.monotonic()
            answers = at_once([lambda: site.get("/personal")] * 8)
            elapsed = time.monotonic() - began
    assert [answer.status for answer in answers] == [503] * 8
    assert elapsed < 16  # in turn, they would take 32 s


def test_many_may_open_an_empty_database_at_once(store_url: str) -> None:
    def open_and_write(who: int) -> None:
        with DirectoryStore(store_url) as store:
            store.personal("ada").add(NewContact.of({"n": str(who)}))

    assert at_once([lambda n=n: open_and_write(n) for n in range(6)]) == [None] * 6
    with DirectoryStore(store_url) as store:
        assert store.personal("ada").size() == 6


def test_a_newer_database_is_refused_and_an_older_one_brought_up(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DirectoryStore(store_url) as store:
        store.personal("ada").add(NewContact.of({"a": "b"}))
    done = []
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    monkeypatch.setattr(schema, "MIGRATIONS", {schema.SCHEMA_VERSION: done.append})
    for _ in range(2):
        with DirectoryStore(store_url) as store:
            assert store.personal("ada").size() == 1
    assert len(done) == 1
    monkeypatch.undo()
    with pytest.raises(SchemaError, match="newer"):
        DirectoryStore(store_url)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", schema.SCHEMA_VERSION + 1)
    with DirectoryStore(store_url) as store, store._database.change() as connection:
        version = schema.facts.c.name == "schema_version"
        former = str(schema.SCHEMA_VERSION - 1)
        connection.execute(sa.update(schema.facts).where(version).values(value=former))


@pytest.mark.parametrize(
    "url",
    ["nonsense", "mysql://a:s3cret@b/c", "sqlite://", "sqlite:///:memory:", "postgresql+x://u/d",
     "sqlite:////nowhere/at/all.db", "://", ""],
)  # fmt: skip
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    if url == "postgresql+x://u/d":
        DirectoryStore(url).close()  # our driver is used, whatever is named; nobody answers there
        return
    with pytest.raises(ConfigError) as refused:
        DirectoryStore(url)
    assert "s3cret" not in str(refused.value) and refused.value.hint


def test_a_file_is_not_read_beyond_its_limit(
    site: DirectorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "MAX_FILE", 3_000_000)
    row = f"name,{'x' * 90}\n"
    files = {
        size: "firstname,note\n" + row * (size // len(row)) for size in (2_500_000, 4_000_000)
    }
    assert site.upload("/personal/import", files[4_000_000]).status == 413
    assert site.upload("/personal/import", files[2_500_000]).status == 201
    assert len(site.get("/personal").json["items"]) == 1
    assert site.call("POST", "/personal", data=b" " * 1_100_000).status == 413
