import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pelagos.clients.base import Client, pages, records
from pelagos.clients.errors import WrongAnswer
from pelagos.core.http import FakeTransport, Request, Response

URL = "http://cloud/v2"


def client(answer: Any) -> tuple[Client, FakeTransport]:
    fake = FakeTransport({"GET /v2/things": answer})
    return Client(URL, "T", http=fake), fake


def paged(total: int, size: int, link: Any) -> Any:
    def answer(request: Request) -> Response:
        query = parse_qs(urlsplit(request.url).query)
        start = int(query.get("marker", ["0"])[0])
        end = min(start + min(size, int(query.get("limit", ["999"])[0])), total)
        body: dict[str, Any] = {"things": [{"id": str(one)} for one in range(start, end)]}
        if end < total:
            body.update(link(f"http://internal:1/other/things?status=A%26B&marker={end}"))
        return Response(200, {}, json.dumps(body).encode())

    return answer


LINKS = [
    lambda url: {"things_links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": url}]},
    lambda url: {"next": url},
    lambda url: {"next": url.removeprefix("http://internal:1")},
    lambda url: {"links": {"next": url, "self": "x", "previous": None}},
]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("total", [0, 1, 3, 4, 10])
def test_every_kind_of_link_is_followed_to_the_end(link: Any, total: int):
    asker, fake = client(paged(total, 3, link))
    assert [one["id"] for one in records(asker, "/things", "things", {"status": "A&B"})] == [
        str(one) for one in range(total)
    ]
    assert all(one.url.startswith("http://cloud/v2/things") for one in fake.requests)
    if total > 3:
        assert "status=A%26B" in fake.requests[-1].url


def test_a_limit_bounds_what_comes_whatever_the_pages():
    asker, fake = client(paged(10, 3, LINKS[0]))
    assert [len(page) for page in pages(asker, "/things", "things", limit=4)] == [3, 1]
    assert "limit=4" in fake.requests[0].url


def test_pages_in_circles_are_an_error():
    body = b'{"things": [{"id": "1"}], "next": "/things?marker=1"}'
    asker, _ = client(Response(200, {}, body))
    with pytest.raises(WrongAnswer, match="circles"):
        records(asker, "/things", "things")


@pytest.mark.parametrize("body", [b"[]", b'{"things": null}', b'{"things": {}}', b'{"x": []}'])
def test_what_is_no_list_is_an_error(body: bytes):
    asker, _ = client(Response(200, {}, body))
    with pytest.raises(WrongAnswer, match="things"):
        records(asker, "/things", "things")


@pytest.mark.parametrize("link", [5, [], {"next": 5}, [{"rel": "next"}], ["x"], "?"])
def test_a_broken_link_ends_the_list(link: Any):
    body = {"things": [{"id": 1}], "things_links": link, "links": link}
    asker, fake = client(Response(200, {}, json.dumps(body).encode()))
    assert records(asker, "/things", "things") == [{"id": 1}]
    assert len(fake.requests) == 1


def test_bare_lists_go_on_behind_the_last_name_and_pass_over_folders():
    listing: dict[str, Any] = {
        "": [{"name": "a"}, {"subdir": "b/"}],
        "b/\U0010ffff": [{"name": "c"}],
        "c": [],
    }

    def answer(request: Request) -> Response:
        marker = parse_qs(urlsplit(request.url).query).get("marker", [""])[0]
        return Response(200, {}, json.dumps(listing[marker]).encode())

    asker, _ = client(answer)
    assert records(asker, "/things", None, {"format": "json"}) == [
        {"name": "a"},
        {"subdir": "b/"},
        {"name": "c"},
    ]


def test_an_empty_page_without_content_ends_a_listing():
    asker, _ = client(Response(204, {}, b""))
    assert records(asker, "/things", None, success=(200, 204)) == []
