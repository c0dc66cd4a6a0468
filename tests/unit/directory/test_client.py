"""directory.client: typed answers, and errors that say what to do."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.core import wire
from pelagos.core.http import FakeTransport, HttpClient, HttpUnreachable, Request, Response
from pelagos.directory import DirectoryClient
from pelagos.directory.errors import (
    BadTermError,
    DirectoryUnreachable,
    RequestError,
    TokenError,
    UnknownProfileError,
)

BODY = {
    "term": "ada",
    "column_headers": ["Name", None],
    "column_types": ["name", None],
    "results": [
        {"column_values": ["Ada", 7], "relations": {"source_entry_id": "1"}, "source": "crm"}
    ],
}


class Answering:
    """A transport that keeps the last request and gives one answer."""

    def __init__(self, answer: Response | Exception) -> None:
        self.answer = answer
        self.request: Request | None = None

    def send(self, request: Request) -> Response:
        self.request = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None:
        pass


def client(answer: Response | Exception | Any) -> tuple[DirectoryClient, Answering]:
    if not isinstance(answer, Response | Exception):
        answer = Response(200, {}, wire.encode(answer))
    transport = Answering(answer)
    http = HttpClient("http://directory:9489", transport=transport)
    return DirectoryClient("http://directory:9489", "t0ken", http=http), transport


def test_an_answer_is_typed_and_says_what_each_source_did() -> None:
    sources = [
        {"name": "crm", "verdict": "answered", "ms": 1.5},
        {"name": "ldap", "verdict": "late", "ms": 500, "error": "no answer within 0.5 s"},
        {"name": "new", "verdict": "stale", "ms": 0, "age": 7},
    ]
    directory, transport = client(BODY | {"sources": sources, "newer": True})
    answer = directory.lookup("ada", "sales team/é")
    assert answer.results[0].column_values == ("Ada", 7) and answer.results[0].source == "crm"
    assert [s.verdict for s in answer.sources] == ["answered", "late", "stale"]
    assert answer.sources[1].error == "no answer within 0.5 s" and not answer.is_complete
    assert transport.request is not None
    assert transport.request.url == (
        "http://directory:9489/0.1/directories/lookup/sales%20team%2F%C3%A9?term=ada"
    )
    assert transport.request.headers["X-Auth-Token"] == "t0ken"
    assert "t0ken" not in repr(directory)
    directory.close()


def test_a_directory_that_tells_no_verdicts_is_understood() -> None:
    answer = client(BODY)[0].lookup("ada")
    assert answer.sources == () and answer.is_complete


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadTermError), (401, TokenError), (404, UnknownProfileError), (503, RequestError)],
)
def test_a_refusal_carries_the_directorys_reasons(status: int, kind: type[RequestError]) -> None:
    body = {"reason": ["one", "two"], "timestamp": [1.0], "status_code": status}
    with pytest.raises(kind) as caught:
        client(Response(status, {}, wire.encode(body)))[0].lookup("a")
    assert caught.value.reasons == ("one", "two") and str(caught.value) == "one; two"
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"reason": {"x": 1}}', b"\xff"])
def test_a_refusal_in_another_shape_is_still_an_error_with_its_status(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        client(Response(502, {}, body))[0].lookup("a")
    assert caught.value.status == 502 and str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"results": 7}', b""])
def test_what_is_no_directory_is_named_as_such(body: bytes) -> None:
    with pytest.raises(DirectoryUnreachable, match="is not a directory"):
        client(Response(200, {}, body))[0].lookup("a")


def test_no_answer_says_what_to_do() -> None:
    error = HttpUnreachable("refused", url="http://directory:9489/")
    with pytest.raises(DirectoryUnreachable) as caught:
        client(error)[0].lookup("a")
    assert "refused" in str(caught.value) and "pelagos up" in str(caught.value.hint)


def test_a_shared_http_client_may_be_faked() -> None:
    route = "GET /0.1/directories/lookup/default"
    http = HttpClient(
        "http://d/", transport=FakeTransport({route: Response(200, {}, wire.encode(BODY))})
    )
    assert DirectoryClient("http://d/", http=http).lookup("ada").term == "ada"
