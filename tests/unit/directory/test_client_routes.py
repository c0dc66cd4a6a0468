"""directory.client: every route is asked as the interface says; events come as they are sent."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import wire
from pelagos.core.http import HttpClient, Request, Response
from pelagos.directory import DirectoryClient
from pelagos.directory.client.exchange import read_events, refusal
from pelagos.directory.errors import (
    BadTermError,
    DirectoryUnreachable,
    DuplicateError,
    NotThereError,
    UnknownProfileError,
)
from pelagos.directory.views.event_stream import event

ROWS = {"column_headers": ["N"], "column_types": ["name"], "results": [], "sources": []}
CONTACT = {"id": "7", "firstname": "Ines"}


class Echo:
    """Answers everything with one body, and keeps what was asked."""

    def __init__(self, body: Any = None, status: int = 200) -> None:
        self.answer = Response(status, {}, b"" if body is None else wire.encode(body))
        self.asked: list[Request] = []

    def send(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answer

    def close(self) -> None:
        pass


def asked_of(body: Any, status: int = 200) -> tuple[DirectoryClient, Echo]:
    echo = Echo(body, status)
    http = HttpClient("http://d:1/prefix", transport=echo)
    return DirectoryClient("http://d:1/prefix", "t0ken", http=http), echo


KINDS = "/backends/a%2Fb/sources"
BOOKS = "/tenants/a%2Fb/phonebooks"
IMPORTED = {"created": [CONTACT], "failed": []}
PAGE = {"items": [CONTACT], "total": 9}
LIST = {"items": [CONTACT]}
REVERSE = {"display": None, "exten": "1", "source": None, "fields": {}}
SOURCES = {"items": [{"name": "a", "backend": "csv", "is_loaded": False, "error": "no"}]}
MADE = {"name": "a/b", "uuid": "u", "is_kept": True}
CHECKED = {"items": [{"name": "a", "backend": "csv", "verdict": "late", "ms": 3.5}]}


@pytest.mark.parametrize(
    ("call", "body", "method", "path"),
    [
        (lambda d: d.headers("p"), ROWS, "GET", "/directories/lookup/p/headers"),
        (lambda d: d.reverse("1", "p", "u/1"), REVERSE, "GET", "/directories/reverse/p/u%2F1"),
        (lambda d: d.favorites("p"), ROWS, "GET", "/directories/favorites/p"),
        (lambda d: d.add_favorite("a/b", "ü"), None, "PUT", "/directories/favorites/a%2Fb/%C3%BC"),
        (lambda d: d.remove_favorite("a", "1"), None, "DELETE", "/directories/favorites/a/1"),
        (lambda d: d.personal_rows("p"), ROWS, "GET", "/directories/personal/p"),
        (lambda d: d.personal.list(), LIST, "GET", "/personal"),
        (lambda d: d.personal.get("7"), CONTACT, "GET", "/personal/7"),
        (lambda d: d.personal.create({"a": "b"}), CONTACT, "POST", "/personal"),
        (lambda d: d.personal.edit("7", {"a": "b"}), CONTACT, "PUT", "/personal/7"),
        (lambda d: d.personal.remove("7"), None, "DELETE", "/personal/7"),
        (lambda d: d.personal.purge(), None, "DELETE", "/personal"),
        (lambda d: d.personal.import_csv(b"a\n1"), IMPORTED, "POST", "/personal/import"),
        (lambda d: d.phonebooks("a/b").list(search="x"), PAGE, "GET", BOOKS),
        (lambda d: d.phonebooks("a/b").get(4), CONTACT, "GET", f"{BOOKS}/4"),
        (lambda d: d.phonebooks("a/b").create("n"), CONTACT, "POST", BOOKS),
        (lambda d: d.phonebooks("a/b").edit(4, "n"), CONTACT, "PUT", f"{BOOKS}/4"),
        (lambda d: d.phonebooks("a/b").remove(4), None, "DELETE", f"{BOOKS}/4"),
        (lambda d: d.sources_of("a/b").list(), LIST, "GET", KINDS),
        (lambda d: d.sources_of("a/b").create(MADE), MADE, "POST", KINDS),
        (lambda d: d.sources_of("a/b").edit("u", MADE), None, "PUT", f"{KINDS}/u"),
        (lambda d: d.sources_of("a/b").remove("u"), None, "DELETE", f"{KINDS}/u"),
        (lambda d: d.phonebooks("a/b").contacts(4).list(), PAGE, "GET", f"{BOOKS}/4/contacts"),
        (lambda d: d.phonebooks("a/b").contacts(4).get("7"), CONTACT, "GET",
         f"{BOOKS}/4/contacts/7"),
        (lambda d: d.phonebooks("a/b").contacts(4).create({"a": 1}), CONTACT, "POST",
         f"{BOOKS}/4/contacts"),
        (lambda d: d.phonebooks("a/b").contacts(4).edit("7", {"a": 1}), CONTACT, "PUT",
         f"{BOOKS}/4/contacts/7"),
        (lambda d: d.phonebooks("a/b").contacts(4).remove("7"), None, "DELETE",
         f"{BOOKS}/4/contacts/7"),
        (lambda d: d.phonebooks("a/b").contacts(4).import_csv(b"a\n1", "cp1252"), IMPORTED, "POST",
         f"{BOOKS}/4/contacts/import"),
        (lambda d: d.sources(), SOURCES, "GET", "/sources"),
        (lambda d: d.check(["a", "b"]), CHECKED, "GET", "/sources/check"),
        (lambda d: d.config(), {"views": {}}, "GET", "/config"),
    ],
)  # fmt: skip
def test_every_call_goes_to_its_route(call: Any, body: Any, method: str, path: str) -> None:
    directory, echo = asked_of(body, 204 if body is None else 200)
    call(directory)
    [sent] = echo.asked
    assert (sent.method, urlsplit(sent.url).path) == (method, f"/prefix/0.1{path}")
    assert sent.headers["X-Auth-Token"] == "t0ken"


def test_answers_are_values() -> None:
    [source] = asked_of(SOURCES)[0].sources()
    assert (source.is_loaded, source.error) == (False, "no")
    [fact] = asked_of(CHECKED)[0].check()
    assert (fact.verdict, fact.ms, fact.error, fact.said) == ("late", 3.5, None, ())
    page = asked_of(PAGE)[0].phonebooks("t").list()
    assert (page.items, page.total) == ((CONTACT,), 9)
    failed = {"created": [], "failed": [{"line": 3, "errors": ["bad"]}]}
    [row] = asked_of(failed)[0].personal.import_csv(b"").failed
    assert (row.line, row.errors) == (3, ("bad",))
    [row] = (
        asked_of({"created": [], "failed": [{"a": "b"}]})[0]
        .phonebooks("t")
        .contacts(1)
        .import_csv(b"")
        .failed
    )
    assert row.contact == {"a": "b"}


def test_a_query_and_a_charset_arrive() -> None:
    directory, echo = asked_of(PAGE)
    directory.phonebooks("t").list(search="ü&x", limit=5, order=None)
    assert parse_qsl(urlsplit(echo.asked[0].url).query) == [("search", "ü&x"), ("limit", "5")]
    directory, echo = asked_of(IMPORTED)
    directory.personal.import_csv(b"\xe9", "cp1252")
    assert echo.asked[0].body == b"\xe9"
    assert echo.asked[0].headers["Content-Type"] == "text/csv; charset=cp1252"


def test_what_is_missing_is_named_for_what_it_is() -> None:
    body = {"reason": ["gone"]}
    with pytest.raises(UnknownProfileError):
        asked_of(body, 404)[0].favorites("nope")
    for call in (
        lambda d: d.personal.get("1"),
        lambda d: d.remove_favorite("a", "1"),
        lambda d: d.phonebooks("t").get(1),
    ):
        with pytest.raises(NotThereError, match="gone"):
            call(asked_of(body, 404)[0])
    with pytest.raises(DuplicateError):
        asked_of(body, 409)[0].add_favorite("a", "1")


def test_the_lines_of_a_refused_file_are_told() -> None:
    lines = [{"line": 3, "errors": ["too long", "no number"]}, {"line": 5, "errors": ["empty"]}]
    with pytest.raises(BadTermError) as caught:
        asked_of({"reason": lines}, 400)[0].personal.import_csv(b"")
    assert caught.value.reasons == ("line 3: too long; no number", "line 5: empty")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["reason", "message", "error"]), json_values), json_values)
def test_a_refusal_of_any_shape_is_an_error_with_words(body: dict[str, Any], other: Any) -> None:
    for document in (body, other):
        data = json.dumps(document).encode()
        error = refusal(Response(418, {}, data))
        assert str(error) or error.args is not None
        assert error.status == 418


@given(
    st.lists(st.tuples(st.sampled_from(["a", "source"]), json_values), max_size=6),
    st.integers(1, 40),
    st.booleans(),
)
def test_events_are_the_same_however_they_are_cut(
    events: list[tuple[str, Any]], size: int, crlf: bool
) -> None:
    stream = b"".join(b": a comment\n" + event(name, data) for name, data in events)
    if crlf:
        stream = stream.replace(b"\n", b"\r\n")
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert list(read_events(pieces)) == events


def test_data_of_several_lines_is_one_value() -> None:
    assert list(read_events([b"data: [1,\ndata: 2]\n\nevent: x\n\ndata: 3\n"])) == [
        ("message", [1, 2])
    ]


@pytest.mark.parametrize("stream", [b"data: {\n\n", b"data: \xff\n\n"])
def test_an_event_that_is_no_json_is_no_directorys(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        list(read_events([stream]))


def test_nobody_there_is_said_of_a_stream_too() -> None:
    with pytest.raises(DirectoryUnreachable):
        next(DirectoryClient("http://127.0.0.1:9", "t").stream("a"))
