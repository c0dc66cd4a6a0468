"""The box's Swift answers as a real one does: status, fields that clients read, bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from support.box_site import Reply, ask
from support.openstack_services import OpenStack

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

#: Method, path below the account, body, header fields; in this order.
STORY: tuple[tuple[str, str, Any, dict[str, str]], ...] = (
    ("GET", "", None, {}),
    ("GET", "?format=json", None, {}),
    ("GET", "/none", None, {}),
    ("HEAD", "/none", None, {}),
    ("PUT", "/c", None, {}),
    ("PUT", "/c", None, {"X-Container-Meta-Color": "blue"}),
    ("HEAD", "/c", None, {}),
    ("GET", "/c", None, {}),
    ("GET", "/c?format=json", None, {}),
    ("POST", "/c", None, {"X-Remove-Container-Meta-Color": "x"}),
    ("PUT", "/c/a", b"hello", {"Content-Type": "text/plain", "X-Object-Meta-Who": "ann"}),
    ("PUT", "/c/dir/b", b"", {}),
    ("PUT", "/c/%C3%BC%20y", b"x", {}),
    ("PUT", "/c/a", b"hello", {"ETag": "0" * 32}),
    ("PUT", "/c/a", b"no", {"If-None-Match": "*"}),
    ("PUT", "/none/a", b"x", {}),
    ("HEAD", "/c/a", None, {}),
    ("GET", "/c/a", None, {}),
    ("GET", "/c/a", None, {"Range": "bytes=1-2"}),
    ("GET", "/c/a", None, {"Range": "bytes=-2"}),
    ("GET", "/c/a", None, {"Range": "bytes=9-"}),
    ("GET", "/c/a", None, {"Range": "nonsense"}),
    ("GET", "/c/a", None, {"If-None-Match": "5d41402abc4b2a76b9719d911017c592"}),
    ("GET", "/c/a", None, {"If-Match": "other"}),
    ("GET", "/c/a", None, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    ("GET", "/c/none", None, {}),
    ("GET", "/c", None, {}),
    ("GET", "/c?delimiter=/", None, {}),
    ("GET", "/c?prefix=dir/&format=json", None, {}),
    ("GET", "/c?limit=1", None, {}),
    ("GET", "/c?marker=a&end_marker=e", None, {}),
    ("GET", "/c?reverse=true", None, {}),
    ("GET", "/c?limit=100000", None, {}),
    ("GET", "/c?limit=x", None, {}),
    ("POST", "/c/a", None, {"X-Object-Meta-New": "1"}),
    ("POST", "/c/none", None, {"X-Object-Meta-New": "1"}),
    ("HEAD", "/c/a", None, {}),
    ("PUT", "/c/copy", None, {"X-Copy-From": "/c/a"}),
    ("PUT", "/c/copy", None, {"X-Copy-From": "/c/none"}),
    ("PUT", "/c/copy", None, {"X-Copy-From": "c"}),
    ("COPY", "/c/a", None, {"Destination": "c/copy2", "X-Object-Meta-More": "2"}),
    ("HEAD", "/c/copy2", None, {}),
    ("PUT", "/c/m?multipart-manifest=put", b"{", {}),
    ("PUT", "/c/m?multipart-manifest=put", [{"path": "/c/a"}, {"path": "/c/copy"}], {}),
    ("PUT", "/c/m2?multipart-manifest=put", [{"path": "/c/none"}], {}),
    ("PUT", "/c/m2?multipart-manifest=put", [{"path": "/c/a", "etag": "0" * 32}], {}),
    ("HEAD", "/c/m", None, {}),
    ("GET", "/c/m", None, {}),
    ("GET", "/c/m", None, {"Range": "bytes=3-6"}),
    ("DELETE", "/c", None, {}),
    ("DELETE", "/c/none", None, {}),
    ("DELETE", "/c/a", None, {}),
    ("GET", "/c/m", None, {}),
    ("DELETE", "/c/m", None, {}),
    ("PUT", "/" + "n" * 257, None, {}),
    ("PUT", "/c/" + "n" * 1025, b"x", {}),
    ("PUT", "/c/x", b"x", {"X-Object-Meta-" + "k" * 129: "v"}),
    ("PUT", "/c/x", b"x", {"X-Object-Meta-K": "v" * 257}),
    ("PUT", "/c/x", b"x", {"X-Delete-At": "1"}),
    ("PUT", "/c/x", b"x", {"X-Delete-After": "soon"}),
    ("PUT", "/q", None, {"X-Container-Meta-Quota-Bytes": "3"}),
    ("PUT", "/q/big", b"1234", {}),
    ("PUT", "/p", None, {"X-Storage-Policy": "none"}),
    ("PATCH", "/c/copy", None, {}),
)  # fmt: skip

_FIELDS = (
    "content-disposition", "content-length", "content-range", "content-type",
    "etag", "x-container-bytes-used", "x-container-meta-", "x-container-object-count",
    "x-copied-from", "x-object-meta-", "x-static-large-object",
)  # fmt: skip
#: Of these the names are compared alone.
_OF_THE_PLACE = ("x-copied-from-account", "x-copied-from-last-modified")
#: What says nothing of an answer: which program gave it, and how the connection goes on.
_ELSEWHERE = frozenset({"connection", "server", "vary"})
#: Where a real one has its words from the middle of something, and the box a page.
_PAGES = frozenset({"allow", "content-length", "content-type"})
_CHANGING = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+")


def told(reply: Reply) -> dict[str, Any]:
    """An answer without what is another one each time; of one that brings nothing no body."""
    kind = reply.headers.get("content-type", "")
    brings = reply.status in {200, 206} and not kind.startswith("text/html")
    names = sorted(set(reply.headers) - _ELSEWHERE - (frozenset() if brings else _PAGES))
    if reply.status == 422:
        names = [one for one in names if one != "last-modified"]  # a real one dates what is not
    if not brings:
        return {"status": reply.status, "names": names}
    headers = {
        name: value
        for name, value in reply.headers.items()
        if name.startswith(_FIELDS) and name not in _OF_THE_PLACE
    }
    body: Any = reply.content
    if kind.startswith("application/json") and body.startswith(b"["):
        body = json.loads(_CHANGING.sub(b"...", body))
        del headers["content-length"]
    return {"status": reply.status, "names": names, "headers": headers, "body": body}


class Account:
    """Somebody's, at one of the two."""

    def __init__(self, place: Box | OpenStack) -> None:
        person = place.person("story")
        settings = CloudSettings(
            place.auth_url,
            username=person.name,
            password=person.password,
            project_name=person.project,
        )
        cloud = Cloud(settings=settings)
        self.url, self.token = cloud.endpoint("object-store"), cloud.access.token

    def tell(self) -> list[dict[str, Any]]:
        return [
            told(ask(self.url, method, path, body, token=self.token, **headers))
            for method, path, body, headers in STORY
        ]


@pytest.fixture(scope="module")
def both(openstack: OpenStack) -> Iterator[list[tuple[dict[str, Any], dict[str, Any]]]]:
    with Box() as box:
        yield list(zip(Account(box).tell(), Account(openstack).tell(), strict=True))


@pytest.mark.parametrize("number", range(len(STORY)), ids=lambda n: " ".join(STORY[n][:2])[:40])
def test_the_box_answers_as_a_real_swift(
    both: list[tuple[dict[str, Any], dict[str, Any]]], number: int
) -> None:
    ours, real = both[number]
    assert ours == real
