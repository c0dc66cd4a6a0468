"""A directory behind a real server, asked by the real client: files, strangers, one that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.web import Server
from pelagos.directory import Directory, DirectoryClient
from pelagos.directory.errors import (
    BadTermError,
    DirectoryUnreachable,
    TokenError,
    UnknownProfileError,
)
from support.directory import BACKENDS, Hung, Raising, config, offer

pytestmark = pytest.mark.integration

DEADLINE = 2.0  # long enough for healthy sources on a machine that is busy


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("id;first;last;tel\n1;Céline;Dupont;2041\n2;Bob;Boss;\n", encoding="utf-8")
    return path


@pytest.fixture
def server(people: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    class Hanging(Hung):
        release = threading.Event()

    offer(monkeypatch, BACKENDS, hung=Hanging, raising=Raising)
    sources = {
        "staff": {
            "type": "csv", "file": str(people), "separator": ";", "unique_column": "id",
            "searched_columns": ["first", "last"], "format_columns": {"name": "{first} {last}"},
        },
        "crm": {"type": "raising"},
        "ldap": {"type": "hung"},
        "typo": {"type": "cvs"},
    }  # fmt: skip
    whole = config(sources, timeout=DEADLINE)
    whole["services"]["lookup"]["healthy"] = {"sources": ["staff"], "timeout": 60}
    whole["views"]["profile_to_display"]["healthy"] = "people"
    with Directory(whole, verify=_verify) as directory:
        server = Server(directory.app)
        server.start()
        try:
            yield server
        finally:
            Hanging.release.set()
            server.stop()


def _verify(token: str) -> Mapping[str, Any] | None:
    return {"xivo_user_uuid": "u-1"} if token == "good" else None


@pytest.fixture
def client(server: Server) -> Iterator[DirectoryClient]:
    client = DirectoryClient(server.url, "good")
    yield client
    client.close()


def test_one_hung_one_failing_and_one_misspelt_source_spoil_nothing(
    client: DirectoryClient,
) -> None:
    begin = time.monotonic()
    answer = client.lookup("celine")
    elapsed = time.monotonic() - begin
    assert [row.column_values for row in answer.results] == [("Céline Dupont",)]
    assert answer.results[0].relations["source_entry_id"] == "1"
    assert [(s.name, s.verdict) for s in answer.sources] == [
        ("staff", "answered"), ("crm", "failed"), ("ldap", "late"), ("typo", "failed"),
    ]  # fmt: skip
    assert answer.sources[2].error == "no answer within 2 s"
    assert DEADLINE <= elapsed < DEADLINE + 30


def test_many_askers_of_a_hung_source_starve_no_other_and_grow_no_threads(
    server: Server, client: DirectoryClient
) -> None:
    verdicts: list[dict[str, str]] = []

    def ask() -> None:
        asker = DirectoryClient(server.url, "good")
        answers = [asker.lookup("bob") for _ in range(5)]
        verdicts.extend({s.name: s.verdict for s in answer.sources} for answer in answers)
        asker.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(verdicts) == 40
    assert all(v["staff"] == "answered" for v in verdicts)
    assert {v["crm"] for v in verdicts} == {"failed", "open"}, "asked, then left alone"
    assert {"late"} < {v["ldap"] for v in verdicts} <= {"late", "busy", "open"}
    assert client.lookup("bob", "healthy").is_complete
    fanout_threads = [t for t in threading.enumerate() if t.name == "fanout"]
    assert len(fanout_threads) <= 16 * 3


def test_a_changed_file_is_found_at_the_next_question(
    client: DirectoryClient, people: Path
) -> None:
    assert client.lookup("dora", "healthy").sources[0].verdict == "empty"
    people.write_text("id;first;last\n7;Dóra;Kiss\n", encoding="utf-8")
    assert client.lookup("DORA", "healthy").results[0].column_values == ("Dóra Kiss",)
    people.unlink()
    (verdict,) = client.lookup("dora", "healthy").sources
    assert verdict.verdict == "failed" and "No such file" in str(verdict.error)


@pytest.mark.parametrize(
    "term", ["*)(uid=*", "'; DROP TABLE x;--", "%", "_", "{0.__class__}", "<a>&", "é" * 256]
)
def test_a_hostile_term_finds_nothing_and_breaks_nothing(
    client: DirectoryClient, term: str
) -> None:
    answer = client.lookup(term, "healthy")
    assert answer.term == term and answer.results == () and answer.is_complete


def test_refusals_reach_the_person(server: Server, client: DirectoryClient) -> None:
    with pytest.raises(BadTermError, match="at most 256"):
        client.lookup("x" * 5000)
    with pytest.raises(BadTermError, match="not text"):
        client.lookup("a\0b")
    with pytest.raises(UnknownProfileError, match="did you mean `healthy`"):
        client.lookup("a", "helthy")
    for token in (None, "bad"):
        with pytest.raises(TokenError):
            DirectoryClient(server.url, token).lookup("a")


def test_a_directory_that_is_not_there_is_named(server: Server) -> None:
    url = server.url
    server.stop()
    with pytest.raises(DirectoryUnreachable) as caught:
        DirectoryClient(url, "good").lookup("a")
    assert url.removeprefix("http://") in str(caught.value)
