"""A Pithos in memory, behind the interface of a transport.

It is small, and strict about what servers are strict about, their oddities included.
"""
# ruff: noqa: C901, PLR0911, PLR0912  # a whole server on one page

from __future__ import annotations

import copy
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from pelagos.clients.pithos.hashing import block_hash, top_hash, zero_hash
from pelagos.core.http import Headers, Request, Response
from pelagos.core.http.transports.fake import FakeStream

Fault = Callable[[Request], Response | None]

_KNOWN = {
    *("format", "hashmap", "update", "version", "until", "delimiter", "limit", "marker"),
    *("prefix", "path", "meta", "shared", "public", "ignore_content_type"),
}


@dataclass
class Version:
    number: int
    time: float
    hashes: list[str]
    size: int
    headers: dict[str, str]


@dataclass
class Container:
    objects: dict[str, list[Version]] = field(default_factory=dict)
    current: dict[str, Version] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class FakePithos:
    """One account's storage.

    Args:
        block_size: bytes of a block.
        page: entries of a listing at the most.
        fault: answers in the server's place, or raises, or returns None.

    Attributes:
        requests: what came, oldest first.
    """

    url = "http://pithos/v1"

    def __init__(
        self,
        block_size: int = 4,
        *,
        page: int = 10_000,
        fault: Fault | None = None,
        tags_by_md5: bool = False,
    ) -> None:
        self.block_size = block_size
        self.tags_by_md5 = tags_by_md5
        self.page = page
        self.fault = fault
        self.requests: list[Request] = []
        self.accounts: dict[str, dict[str, Container]] = {}
        self.blocks: dict[str, bytes] = {}
        self.lock = threading.RLock()
        self.time = 1_700_000_000.0
        self.number = 0

    def count(self, method: str, word: str = "") -> int:
        """Requests of a method whose URL has a word."""
        return sum(one.method == method and word in one.url for one in self.requests)

    def posted(self) -> list[bytes]:
        """The blocks that were sent."""
        return [
            _body(one)
            for one in self.requests
            if one.method == "POST" and "Content-Range" not in one.headers
        ]

    # ---- as a transport

    def send(self, request: Request) -> Response:
        if request.body is not None and not isinstance(request.body, bytes):
            body = request.body.read()
            assert len(body) == int(request.headers["Content-Length"])
            request = Request(request.method, request.url, request.headers, body, request.timeout)
        with self.lock:
            self.requests.append(request)
        answer = self.fault(request) if self.fault else None
        if answer is None:
            with self.lock:
                answer = self._answer(request)
        return Response(answer.status, Headers(answer.headers), answer.body)

    def open(self, request: Request) -> FakeStream:
        answer = self.send(request)
        return FakeStream(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        pass

    # ---- the service

    def _answer(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        assert parts.path.startswith("/v1"), parts.path
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        assert not set(query) - _KNOWN, f"unknown parameters in {request.url}"
        names = [unquote(one) for one in parts.path.removeprefix("/v1/").split("/", 2)]
        headers = Headers(request.headers)
        assert headers.get("x-auth-token") == "token"
        if "until" in query and not query["until"].isdigit():
            return _fault(400, "badRequest", "until is no whole number")
        containers = self.accounts.setdefault(names[0], {})
        if len(names) == 1:
            return self._account(request, query, containers)
        if len(names) == 2:
            return self._container(request, query, headers, containers, names[1])
        if names[1] not in containers:
            return _fault(404, "itemNotFound", "Container does not exist")
        return self._object(request, query, headers, containers, names[1], names[2])

    def _account(
        self, request: Request, query: dict[str, str], containers: dict[str, Container]
    ) -> Response:
        if request.method == "HEAD":
            return Response(204, {"X-Account-Container-Count": str(len(containers))}, b"")
        if request.method == "POST":
            return Response(202, {}, b"")
        return self._listed(
            [{"name": name, "count": len(one.current)} for name, one in containers.items()], query
        )

    def _container(
        self,
        request: Request,
        query: dict[str, str],
        headers: Headers,
        containers: dict[str, Container],
        name: str,
    ) -> Response:
        if request.method == "PUT":
            is_new = name not in containers
            containers.setdefault(name, Container())
            return Response(201 if is_new else 202, {}, b"")
        if name not in containers:
            return _fault(404, "itemNotFound", "Container does not exist")
        here = containers[name]
        if request.method == "HEAD":
            told = {
                "X-Container-Block-Size": str(self.block_size),
                "X-Container-Block-Hash": "sha256",
            }
            return Response(204, {**told, **here.headers}, b"")
        if request.method == "POST":
            return self._post_blocks(request, headers, here)
        if request.method == "DELETE":
            return self._delete_container(query, containers, name)
        return self._list(query, here)

    def _post_blocks(self, request: Request, headers: Headers, here: Container) -> Response:
        body = _body(request)
        if headers.get("content-type") != "application/octet-stream" or not body:
            here.headers |= {
                k.title(): v for k, v in headers.items() if k.startswith("x-container-")
            }
            return Response(202, {}, b"")
        return _json(
            202,
            [
                self._keep(body[i : i + self.block_size])
                for i in range(0, len(body), self.block_size)
            ],
        )

    def _keep(self, block: bytes) -> str:
        name = block_hash(block)
        self.blocks[name] = block.rstrip(b"\0")
        return name

    def _delete_container(
        self, query: dict[str, str], containers: dict[str, Container], name: str
    ) -> Response:
        here = containers[name]
        if "until" in query:
            for versions in here.objects.values():
                versions[:] = [
                    one
                    for one in versions
                    if one.time > int(query["until"]) or one in here.current.values()
                ]
        elif "delimiter" in query:
            here.current.clear()
        elif here.current:
            return _fault(409, "conflict", "Container is not empty")
        else:
            del containers[name]
        return Response(204, {}, b"")

    def _list(self, query: dict[str, str], here: Container) -> Response:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        if "path" in query:
            prefix, delimiter = query["path"].rstrip("/") + "/", "/"
        found: dict[str, dict[str, object]] = {}
        for name, version in here.current.items():
            if not name.startswith(prefix) or name <= query.get("marker", ""):
                continue
            rest = name[len(prefix) :]
            if delimiter and delimiter in rest:
                if "path" not in query:  # comes again behind its own name, as on real servers
                    folder = prefix + rest.partition(delimiter)[0] + delimiter
                    found[folder] = {"subdir": folder}
                continue
            found[name] = {"name": name, "bytes": version.size, "x_object_version": version.number}
        return self._listed([found[key] for key in sorted(found)], query)

    def _listed(self, entries: list[dict[str, object]], query: dict[str, str]) -> Response:
        assert query.get("format") == "json"
        limit = int(query.get("limit") or self.page) or self.page
        after = [
            one for one in entries if "subdir" in one or str(one["name"]) > query.get("marker", "")
        ]
        return _json(200, after[: min(limit, self.page)])

    # ---- objects

    def _object(
        self,
        request: Request,
        query: dict[str, str],
        headers: Headers,
        containers: dict[str, Container],
        where: str,
        name: str,
    ) -> Response:
        here = containers[where]
        if request.method == "PUT":
            return self._put(request, query, headers, containers, here, name)
        if query.get("version") == "list":
            if name not in here.objects:
                return _fault(404, "itemNotFound", "Object does not exist")
            return _json(
                200, {"versions": [[one.number, f"{one.time:f}"] for one in here.objects[name]]}
            )
        version = here.current.get(name)
        if "version" in query:
            number = query["version"]
            version = next(
                (one for one in here.objects.get(name, []) if str(one.number) == number), None
            )
        if version is None:
            return _fault(404, "itemNotFound", "Object does not exist")
        if request.method == "DELETE":
            return self._delete(query, here, name)
        if request.method == "POST":
            return self._post(request, query, headers, containers, here, name)
        return self._get(request, query, headers, version)

    def _told(self, version: Version) -> dict[str, str]:
        digest = tag = top_hash(version.hashes) if version.size else zero_hash()
        if self.tags_by_md5:
            tag = hashlib.md5(self._content(version), usedforsecurity=False).hexdigest()
        return {
            "Content-Length": str(version.size),
            "Content-Type": "application/octet-stream",
            "ETag": tag,
            "X-Object-Hash": digest,
            "X-Object-Version": str(version.number),
            **version.headers,
        }

    def _content(self, version: Version) -> bytes:
        blocks = [self.blocks[name].ljust(self.block_size, b"\0") for name in version.hashes]
        return b"".join(blocks)[: version.size]

    def _get(
        self, request: Request, query: dict[str, str], headers: Headers, version: Version
    ) -> Response:
        told = self._told(version)
        if headers.get("if-match", told["ETag"]) not in {told["ETag"], "*"}:
            return _fault(412, "preconditionFailed", "Resource ETag does not match")
        if headers.get("if-none-match") in {told["ETag"], "*"}:
            return Response(304, told, b"")
        if request.method == "HEAD":
            return Response(200, told, b"")
        if "hashmap" in query:
            assert query["hashmap"] == ""
            assert query.get("format") == "json"
            body = {
                "block_hash": "sha256",
                "block_size": self.block_size,
                "bytes": version.size,
                "hashes": version.hashes or [zero_hash()],
            }
            return Response(200, {**told, "Content-Length": "9"}, json.dumps(body).encode())
        data = self._content(version)
        if "range" not in headers:
            return Response(200, told, data)
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", headers["range"])
        assert span, headers["range"]
        start, end = map(int, span.groups())
        if end >= version.size or start > end:
            return _fault(416, "rangeNotSatisfiable", "Requested range exceeds object limits")
        return Response(
            206, {**told, "Content-Length": str(end - start + 1)}, data[start : end + 1]
        )

    def _put(
        self,
        request: Request,
        query: dict[str, str],
        headers: Headers,
        containers: dict[str, Container],
        here: Container,
        name: str,
    ) -> Response:
        former = here.current.get(name)
        if headers.get("if-none-match") == "*" and former:
            return _fault(412, "preconditionFailed", "Resource exists")
        if "if-match" in headers and (
            not former or self._told(former)["ETag"] != headers["if-match"]
        ):
            return _fault(412, "preconditionFailed", "Resource ETag does not match")
        for kind in ("copy", "move"):
            if source := headers.get(f"x-{kind}-from"):
                assert source.startswith("/")
                where, _, found = unquote(source[1:]).partition("/")
                if where not in containers or found not in containers[where].current:
                    return _fault(404, "itemNotFound", "Object does not exist")
                old = containers[where].current[found]
                if number := headers.get("x-source-version"):
                    old = next(
                        one
                        for one in containers[where].objects[found]
                        if str(one.number) == number
                    )
                if kind == "move":
                    del containers[where].current[found]
                return self._store(here, name, list(old.hashes), old.size, dict(old.headers))
        body = _body(request)
        if "content-type" not in headers:
            return _fault(411, "lengthRequired", "Missing Content-Type header")
        kept = {
            k.title(): v
            for k, v in headers.items()
            if k.startswith(("x-object-meta-", "content-type"))
        }
        if "x-object-sharing" in headers:
            kept["X-Object-Sharing"] = headers["x-object-sharing"]
        if headers.get("x-object-public") == "true":
            kept["X-Object-Public"] = "http://pithos/public/abc"
        if "hashmap" not in query:
            data = body
            hashes = [
                self._keep(data[i : i + self.block_size])
                for i in range(0, len(data), self.block_size)
            ]
            return self._store(here, name, hashes, len(data), kept)
        told = json.loads(body)
        hashes, size = told["hashes"], told["bytes"]
        if len(hashes) != -(-size // self.block_size):
            return _fault(400, "badRequest", "Size and hashes do not match")
        assert all(one == one.lower() for one in hashes)
        if missing := [one for one in dict.fromkeys(hashes) if one not in self.blocks]:
            return _json(409, missing)
        return self._store(here, name, hashes, size, kept)

    def _store(
        self, here: Container, name: str, hashes: list[str], size: int, headers: dict[str, str]
    ) -> Response:
        self.number += 1
        self.time += 1.5
        version = Version(self.number, self.time, hashes, size, headers)
        here.objects.setdefault(name, []).append(version)
        here.current[name] = version
        told = self._told(version)
        return Response(201, {"ETag": told["ETag"], "X-Object-Version": str(version.number)}, b"")

    def _delete(self, query: dict[str, str], here: Container, name: str) -> Response:
        if "until" in query:  # takes the present one, too
            kept = [one for one in here.objects[name] if one.time > int(query["until"])]
            here.objects[name] = kept
            if here.current.get(name) not in kept:
                here.current.pop(name, None)
            return Response(204, {}, b"")
        for other in [
            one for one in here.current if "delimiter" in query and one.startswith(f"{name}/")
        ]:
            del here.current[other]
        del here.current[name]
        return Response(204, {}, b"")

    def _post(
        self,
        request: Request,
        query: dict[str, str],
        headers: Headers,
        containers: dict[str, Container],
        here: Container,
        name: str,
    ) -> Response:
        version = here.current[name]
        source = headers.get("x-source-object")
        if headers.get("content-type") != "application/octet-stream" and not source:
            return self._post_headers(query, headers, version)
        if "update" not in query:
            version.headers.clear()
        span = re.fullmatch(
            r"bytes (?:(\d+)-(\d*)|(\*))/(\d+|\*)", headers.get("content-range", "")
        )
        if not span:
            return _fault(416, "rangeNotSatisfiable", "Invalid Content-Range header")
        old = self._content(version)
        start = len(old) if span[3] else int(span[1])
        if start > len(old):
            return _fault(416, "rangeNotSatisfiable", "Supplied offset is beyond object limits")
        data = _body(request)
        length = len(data) if span[3] or not span[2] else int(span[2]) - start + 1
        if source:
            where, _, found = unquote(source.removeprefix("/")).partition("/")
            data = self._content(containers[where].current[found])
            if length > len(data):
                return _fault(400, "badRequest", "Object length is smaller than range length")
            data = data[:length]
        elif length != len(data):
            return _fault(400, "badRequest", "Content length does not match range length")
        new = old[:start] + data + old[start + len(data) :]
        if "x-object-bytes" in headers:
            new = new[: int(headers["x-object-bytes"])]
        hashes = [
            self._keep(new[i : i + self.block_size]) for i in range(0, len(new), self.block_size)
        ]
        answer = self._store(here, name, hashes, len(new), copy.copy(version.headers))
        return Response(204, answer.headers, b"")

    def _post_headers(self, query: dict[str, str], headers: Headers, version: Version) -> Response:
        if "update" not in query:
            version.headers = {
                k: v for k, v in version.headers.items() if not k.startswith("X-Object-Meta-")
            }
        for key, value in headers.items():
            if key.startswith("x-object-meta-") or key == "x-object-sharing":
                version.headers[key.title()] = value
                if not value:
                    del version.headers[key.title()]
        if "x-object-public" in headers:
            assert headers["x-object-public"] in {"true", "false"}
            version.headers.pop("X-Object-Public", None)
            if headers["x-object-public"] == "true":
                version.headers["X-Object-Public"] = "http://pithos/public/abc"
        return Response(202, {}, b"")


def _body(request: Request) -> bytes:
    return request.body if isinstance(request.body, bytes) else b""


def _json(status: int, data: object) -> Response:
    return Response(
        status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(data).encode()
    )


def _fault(status: int, name: str, message: str) -> Response:
    return _json(status, {name: {"message": message, "code": status, "details": ""}})
