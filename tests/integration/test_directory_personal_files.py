"""Personal contacts imported from and exported to CSV over HTTP, on SQLite and PostgreSQL."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from support.directory_site import Answer, DirectorySite

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient_shelves")]

IMPORT = "/personal/import"
EXPORT = "/personal?format=text/csv"


@pytest.fixture
def site(store_url: str) -> Iterator[DirectorySite]:
    with DirectorySite(store_url) as site:
        yield site


def plain(contacts: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in contact.items() if k != "id"} for contact in contacts]


@pytest.mark.parametrize(
    ("file", "charset"),
    [
        (b"", ""), (b"\r\n", ""), (b"\xef\xbb\xbf", ""), (b"name,number\n", ""),
        (b"name,,number\na,b,c\n", ""), (b"name\na,b\nc,d\n", ""), (b"name,number\n,\n", ""),
        (b'name\n"never closed\n', ""), ("name\né\n".encode("cp1252"), ""),
        ("name\né\n".encode(), "ascii"), (b"name\na\n", "no-such-charset"),
        (b"name\na\n", "hex"), (b"name\na\n", "idna"), (b"name,name\na,b\n", ""),
        (b"id\n7\n", ""),
    ],
)  # fmt: skip
def test_a_file_with_nothing_good_is_refused_and_nothing_is_stored(
    site: DirectorySite, file: bytes, charset: str
) -> None:
    answer = site.upload(IMPORT, file, charset)
    assert answer.status == 400
    assert isinstance(answer.json["reason"], list) and answer.json["reason"]
    assert site.get("/personal").json == {"items": []}


def test_good_rows_are_stored_and_bad_ones_named_by_their_lines(site: DirectorySite) -> None:
    answer = site.upload(IMPORT, "name,number\na,1\nb\nc,3\nd,4,5\ne,6\n")
    assert answer.status == 201
    assert plain(answer.json["created"]) == [
        {"name": "a", "number": "1"}, {"name": "c", "number": "3"}, {"name": "e", "number": "6"},
    ]  # fmt: skip
    assert [failure["line"] for failure in answer.json["failed"]] == [3, 5]
    assert all(failure["errors"] for failure in answer.json["failed"])
    assert site.get("/personal").json["items"] == answer.json["created"]


def test_lines_are_counted_as_an_editor_counts_them(site: DirectorySite) -> None:
    file = 'name,note\r\na,"two\r\nlines"\r\n\r\nb\r\nc,"x""y"\r\n'
    answer = site.upload(IMPORT, file)
    assert plain(answer.json["created"]) == [
        {"name": "a", "note": "two\r\nlines"}, {"name": "c", "note": 'x"y'},
    ]  # fmt: skip
    assert [failure["line"] for failure in answer.json["failed"]] == [5]


def test_only_bad_rows_are_told_with_their_lines(site: DirectorySite) -> None:
    answer = site.upload(IMPORT, "name\na,b\n")
    assert answer.status == 400
    (reason,) = answer.json["reason"]
    assert reason["line"] == 2 and reason["errors"]


@pytest.mark.parametrize("charset", ["cp1252", "ISO-8859-1", "utf-8", "utf-16"])
def test_the_charset_of_the_request_is_used(site: DirectorySite, charset: str) -> None:
    answer = site.upload(IMPORT, "name\nCéline\n".encode(charset), charset)
    assert plain(answer.json["created"]) == [{"name": "Céline"}]


def test_utf_8_is_understood_with_and_without_a_mark(site: DirectorySite) -> None:
    for file in ("name\nZoë\n".encode(), "name\nZoé\n".encode("utf-8-sig")):
        assert site.upload(IMPORT, file).json["created"][0]["name"].startswith("Zo")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_says_what_parts_the_values(site: DirectorySite, separator: str) -> None:
    answer = site.upload(IMPORT, f"name{separator}number\nAda{separator}1\n")
    assert plain(answer.json["created"]) == [{"name": "Ada", "number": "1"}]


def test_what_is_there_already_is_no_error_and_keeps_its_id(site: DirectorySite) -> None:
    there = site.post("/personal", {"name": "a"}).json
    answer = site.upload(IMPORT, "name\na\nb\nb\n")
    assert answer.status == 201 and answer.json["failed"] == []
    first, second, twin = answer.json["created"]
    assert first == there and second == twin
    assert site.get("/personal").json["items"] == [there, second]
    assert site.upload(IMPORT, "name\na\nb\n").json["created"] == [there, second]


def test_an_id_in_the_file_is_kept_and_one_that_is_taken_fails_its_line_only(
    site: DirectorySite,
) -> None:
    site.upload(IMPORT, "id,name\nhers,Ada\n", token="bob")
    answer = site.upload(IMPORT, "id,name\nhers,Ada\nhers,Eve\nother,Zoe\n")
    assert answer.status == 201
    assert answer.json["created"] == [
        {"id": "hers", "name": "Ada"},
        {"id": "other", "name": "Zoe"},
    ]
    assert [failure["line"] for failure in answer.json["failed"]] == [3]
    assert site.get("/personal/hers", "bob").json == {"id": "hers", "name": "Ada"}


def test_an_export_of_nothing_has_no_body(site: DirectorySite) -> None:
    answer = site.get(EXPORT)
    assert answer.status == 204 and answer.data == b""


def export(site: DirectorySite) -> list[dict[str, Any]]:
    text = site.get(EXPORT).text
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_export_has_all_attributes_and_can_be_imported_again(site: DirectorySite) -> None:
    for contact in ({"name": "Zoë, A", "b": '1 "x"'}, {"name": "two\nlines", "a": " 2 "}):
        site.post("/personal", contact)
    answer = site.get(EXPORT)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *_ = answer.text.split("\r\n")
    assert header == "a,b,id,name" and answer.text.endswith("\r\n")
    assert [row["a"] for row in export(site)] == ["", " 2 "]
    before = site.get("/personal").json
    assert site.upload(IMPORT, answer.data).json["created"] == before["items"]
    site.delete("/personal")
    assert site.upload(IMPORT, answer.data).json == {"created": before["items"], "failed": []}
    assert site.get("/personal").json == before and site.get(EXPORT).data == answer.data


def test_the_content_type_decides_over_the_parameter(site: DirectorySite) -> None:
    site.post("/personal", {"name": "a"})

    def kind(path: str, content_type: str | None) -> str:
        headers = {} if content_type is None else {"Content-Type": content_type}
        answer: Answer = site.get(path, headers=headers)
        return str(answer.headers["Content-Type"]).partition(";")[0]

    assert kind(EXPORT, None) == "text/csv"
    assert kind(EXPORT, "application/json") == "application/json"
    assert kind("/personal", "text/csv") == "text/csv"
    assert kind("/personal", None) == "application/json"
    assert kind("/personal?format=other", None) == "application/json"


@pytest.mark.parametrize("kind", ["personal", "phonebook"])
def test_a_file_is_stored_whole_or_not_at_all_when_that_is_asked(
    site: DirectorySite, kind: str
) -> None:
    place = "/personal"
    if kind == "phonebook":
        number = site.post("/tenants/sea/phonebooks", {"name": "crew"}).json["id"]
        place = f"/tenants/sea/phonebooks/{number}/contacts"
    whole = f"{place}/import?all_or_nothing=true"
    answer = site.upload(whole, "name,number\na,1\nb\nc,3\nd,4,5\n")
    assert answer.status == 400
    assert [row["line"] for row in answer.json["reason"]] == [3, 5]
    assert site.get(place).json["items"] == []
    good = "name,number\na,1\nc,3\n"
    assert site.upload(whole, good).status in {200, 201}
    again = site.upload(whole, good)
    assert again.status in {200, 201} and again.json["failed"] == []
    assert len(site.get(place).json["items"]) == 2
    assert site.upload(f"{place}/import?all_or_nothing=perhaps", good).status == 400


def test_an_id_that_is_taken_keeps_all_others_out_when_that_is_asked(site: DirectorySite) -> None:
    site.upload(IMPORT, "id,name\n7,a\n")
    answer = site.upload(f"{IMPORT}?all_or_nothing=true", "id,name\n8,b\n7,other\n")
    assert answer.status == 400 and [row["line"] for row in answer.json["reason"]] == [3]
    assert plain(site.get("/personal").json["items"]) == [{"name": "a"}]
