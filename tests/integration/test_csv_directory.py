"""Contacts in files and of a web service, asked over HTTP as a person's program asks."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.directory.errors import SourceError
from pelagos.directory.folding import fold
from pelagos.directory.index import Table, decode, read_csv

pytestmark = pytest.mark.integration

STAFF = "id|first|last|tel\n1|Céline|Dupont|2041\n2|Bob|Ünal|2042\n3|Zoé||\n"
GUESTS = "first,last,tel\nCeline,Guest,3001\n"
ODD = "\x00\t\n\r \"',;|*%_()\\[]{}<>&#?=+/.:@~^$\x1b\x1f\x7f\x85\xa0"
ODD += "\u00ad\u200b\u202e\u2028\ufeff\uffff"
LETTERS = "abCÉéß\u0130\u0131\u017føŁ中\u0430нあ한\u0301\U0001f600"


def web(environ: dict[str, Any], start: Any) -> list[bytes]:
    """A web service with two contacts."""
    rows = [("w1", "Célia", "4001"), ("w2", "Bob", "4002")]
    asked = parse_qs(environ["QUERY_STRING"], keep_blank_values=True)
    term = next(iter(asked.values()), [""])[0]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["ref", "first", "tel"])
    wanted = fold(term)
    writer.writerows(r for r in rows if any(wanted in fold(cell) for cell in r[1:]))
    start("200 OK", [("Content-Type", "text/csv; charset=utf-8")])
    return [text.getvalue().encode()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "staff.csv").write_text(STAFF, encoding="utf-8")
    (tmp_path / "guests.csv").write_text(GUESTS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def asked(folder: Path) -> Iterator[Any]:
    """Asks a directory over these files and the web service: `asked(path)` gives the JSON."""
    service = Server(web, threads=4)
    service.start()
    named = {"format_columns": {"name": "{first} {last}", "phone": "{tel}", "reverse": "{first}"}}
    sources = {
        "staff": {
            "type": "csv", "file": str(folder / "staff.csv"), "separator": "|",
            "unique_column": "id", "searched_columns": ["first", "last"],
            "first_matched_columns": ["tel"], **named,
        },
        "guests": {
            "type": "csv", "file": f"file://{folder}/guests.csv", "searched_columns": ["first"],
            "first_matched_columns": ["tel"], **named,
        },
        "web": {
            "type": "csv_ws", "lookup_url": f"{service.url}/people", "timeout": 10,
            "searched_columns": ["first"], "first_matched_columns": ["tel"],
            "unique_column": "ref", **named,
        },
    }  # fmt: skip
    profiles = {
        "all": {"sources": list(sources), "timeout": 30},
        "files": {"sources": ["staff", "guests"], "timeout": 30},
        "trial": {"sources": ["trial"], "timeout": 30},
    }
    sources["trial"] = {"type": "sample", "format_columns": {"name": "{firstname}"}}
    columns = [{"title": "Name", "field": "name"}, {"title": "Phone", "field": "phone"}]
    config = {
        "sources": sources,
        "services": {"lookup": profiles, "reverse": profiles},
        "views": {
            "displays": {"people": columns},
            "profile_to_display": dict.fromkeys(profiles, "people"),
        },
    }  # fmt: skip
    with Directory(config, verify=lambda _token: {"acls": ["#"]}) as directory:
        assert directory.status.failures == ()
        client = directory.app.test_client()

        def ask(path: str) -> Any:
            answer = client.get(f"/0.1/directories/{path}", headers={"X-Auth-Token": "t"})
            return answer.json if answer.status_code == 200 else answer.status_code

        yield ask
    service.stop()


def names(answer: Any) -> list[str]:
    return [result["column_values"][0] for result in answer["results"]]


@pytest.mark.parametrize("term", ["CELIN", "célin", "elin", "c\u0327e\u0301lin"])
def test_neither_case_nor_accents_matter_in_terms_or_contacts(asked: Any, term: str) -> None:
    found = asked(f"lookup/all?term={quote(term)}")
    assert names(found) == ["Céline Dupont", "Celine Guest"]


def test_only_what_was_configured_is_searched_in_each_source(asked: Any) -> None:
    assert names(asked("lookup/all?term=guest")) == []
    assert names(asked("lookup/all?term=unal")) == ["Bob Ünal"]
    assert names(asked("lookup/all?term=bob")) == ["Bob Ünal", "Bob"]


def test_a_source_without_unique_column_is_searched_and_its_entries_have_no_id(asked: Any) -> None:
    results = asked("lookup/all?term=celine")["results"]
    assert [r["relations"]["source_entry_id"] for r in results] == ["1", None]


def test_an_empty_cell_is_null(asked: Any) -> None:
    assert asked("lookup/all?term=zo")["results"][0]["column_values"] == ["Zoé", None]


def test_a_changed_file_is_seen_by_the_next_lookup(asked: Any, folder: Path) -> None:
    assert names(asked("lookup/files?term=dora")) == []
    (folder / "guests.csv").write_text("first,last,tel\nDora,Late,1\n", encoding="utf-8")
    assert names(asked("lookup/files?term=dora")) == ["Dora Late"]
    (folder / "guests.csv").unlink()
    gone = asked("lookup/files?term=")
    assert names(gone) == ["Céline Dupont", "Bob Ünal", "Zoé"]
    assert [s["verdict"] for s in gone["sources"]] == ["answered", "failed"]
    assert "No such file" in gone["sources"][1]["error"]


def test_a_number_is_found_in_files_and_at_the_service(asked: Any) -> None:
    for exten, source in (("2041", "staff"), ("3001", "guests"), ("4002", "web")):
        assert asked(f"reverse/all/me?exten={exten}")["source"] == source
    assert asked("reverse/all/me?exten=204")["display"] is None


def test_the_sample_answers_whatever_is_asked(asked: Any) -> None:
    assert names(asked("lookup/trial?term=anything")) == ["John"]
    assert asked("reverse/trial/me?exten=1")["fields"]["number"] == "555"


def test_six_thousand_hostile_terms_are_answered_as_a_linear_search_would(asked: Any) -> None:
    chance = random.Random(64)
    rows = list(csv.DictReader(io.StringIO(STAFF), delimiter="|"))
    for _ in range(6_000):
        alphabet = chance.choice((ODD, LETTERS, ODD + LETTERS, "celinbo"))
        term = "".join(chance.choices(alphabet, k=chance.randrange(1, 12)))
        answer = asked(f"lookup/files?term={quote(term)}")
        if answer == 400:  # control characters
            assert any(c in term for c in "\x00\t\n\r\x1b\x1f\x7f\x85"), ascii(term)
            continue
        found = {r["relations"]["source_entry_id"] for r in answer["results"]} - {None}
        needle = fold(term.strip())
        expected = {
            row["id"] for row in rows if any(needle in fold(row[c]) for c in ("first", "last"))
        }
        assert found == expected, ascii(term)


def test_six_thousand_hostile_files_are_read_or_refused() -> None:
    chance = random.Random(65)
    heads = ("id,a\n", "id;a;b\r\n", '"id","a"\n', "\ufeffid,a\n", "a\n", "")
    for _ in range(6_000):
        alphabet = chance.choice((ODD, LETTERS + ',"\n', ODD + LETTERS, '",\n\r;ab'))
        text = chance.choice(heads) + "".join(chance.choices(alphabet, k=chance.randrange(0, 60)))
        data = text.encode() + bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
        codec = chance.choice(("utf-8", "utf-8", "cp1252", "utf-16", "shift_jis"))
        try:
            found = read_csv(io.StringIO(decode(data, codec), newline=""), chance.choice(",;|\t"))
            table = Table.of_lines(
                found.columns, found, searched=["a", "id"], first_matched=["a"], unique="id"
            )
        except SourceError:
            continue
        everything = table.search("")
        for row in everything:
            if row.get("a"):
                assert row in table.search(row["a"]), ascii(text)
                assert table.first_match(row["a"]) is not None, ascii(text)
            if row.get("id"):
                assert row in table.list([row["id"]]), ascii(text)
