"""Exchanges with real Synnefo 0.21 servers, as they were recorded, sent to a box instead.

`tests/data/synnefo` holds the recordings; their ids, tokens and addresses are replaced by those of
the box, in requests and in what is expected.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).parents[1] / "data" / "synnefo"
_START = re.compile(r"(?m)^(?:GET|HEAD|PUT|POST|DELETE|COPY|MOVE|PATCH) \S+ HTTP/1\.1$")
_SEPARATOR = "---- response ----\n"
_NOT_BYTES = re.compile(r"<\d+ bytes, starts |\.\.\. \(\d+ bytes\)")
#: Headers that say nothing of what was done, or speak of the connection.
_UNTOLD = frozenset({
    "connection", "content-length", "date", "server", "transfer-encoding", "expires",
    "last-modified", "keep-alive", "x-openstack-request-id",
})  # fmt: skip
_NEW = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|"
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?|\b\d{10}\.\d+|"
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]{8} GMT"
)


@dataclass(frozen=True)
class Exchange:
    """A request and what was answered; header names in lower case."""

    label: str
    method: str
    path: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    body: str = field(repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether the recording holds all bytes that were sent."""
        return not _NOT_BYTES.search(self.request_body.decode("latin-1"))

    @property
    def has_body(self) -> bool:
        """Whether the recording holds all bytes that were answered."""
        return not _NOT_BYTES.search(self.body)


def exchanges(name: str, translate: Mapping[str, str]) -> list[Exchange]:
    """Those of one recording, with every key of `translate` replaced by its value."""
    text = (FOLDER / name).read_bytes().decode("latin-1")
    for key, value in translate.items():
        text = text.replace(key, value)
    return list(_parsed(text))


def _parsed(text: str) -> Iterator[Exchange]:
    starts = [found.start() for found in _START.finditer(text)]
    ends = [*starts[1:], len(text)]
    before = text[: starts[0]]
    for start, end in zip(starts, ends, strict=True):
        sent, found, answered = text[start:end].partition(_SEPARATOR)
        if not found:
            continue
        label = before.strip().rsplit("\n", 1)[-1].removeprefix("# ")
        answered, comment = _without_comment(answered)
        head, _, body = sent.partition("\n\n")
        first, *lines = head.split("\n")
        told, _, reply = answered.partition("\n\n")
        status, *named = told.split("\n")
        method, path, _ = first.split(" ")
        yield Exchange(
            label, method, path, dict(_headers(lines)), body.strip("\n").encode("latin-1"),
            int(status.split(" ")[1]), {key.lower(): it for key, it in _headers(named)},
            reply.strip("\n"),
        )  # fmt: skip
        before = comment


def _without_comment(answered: str) -> tuple[str, str]:
    """The answer, and the line about the next exchange that follows it."""
    stripped = answered.rstrip("\n")
    kept, _, last = stripped.rpartition("\n")
    return (kept, last) if last.startswith("# ") else (answered, "")


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


@dataclass(frozen=True)
class Replayed:
    """What a box answered to a recorded request."""

    exchange: Exchange
    status: int
    headers: Mapping[str, str]
    body: bytes

    def differences(self) -> list[str]:
        """In what it differs from the recording, but for ids and dates."""
        found = []
        if self.status != self.exchange.status:
            found.append(f"status {self.status}, recorded {self.exchange.status}: {self.body!r}")
        found += _compared("header", self.exchange.headers, self.headers)
        if self.exchange.has_body:
            wanted, made = self.exchange.body, self.body.decode("latin-1")
            if _plain(wanted) != _plain(made):
                found.append(f"body {made[:600]!r}, recorded {wanted[:600]!r}")
        return found


def _compared(what: str, wanted: Mapping[str, str], made: Mapping[str, str]) -> list[str]:
    found = []
    for name in sorted({*wanted, *made} - _UNTOLD):
        one, other = (_neutral(told[name]) if name in told else None for told in (wanted, made))
        if name == "x-object-version":
            one, other = bool(one), bool(other)
        if one != other:
            found.append(f"{what} {name}: {made.get(name)!r}, recorded {wanted.get(name)!r}")
    return found


def _plain(text: str) -> Any:
    try:
        return _without_news(json.loads(text))
    except ValueError:
        return _neutral(re.sub(r"\s+", " ", text)).strip()


def _without_news(value: Any, key: str = "") -> Any:
    if key == "versions" and isinstance(value, list):
        return len(value)
    if isinstance(value, dict):
        return {name: _without_news(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_news(one) for one in value]
    if key == "x_object_version":
        return "a version"
    return _neutral(value) if isinstance(value, str) else value


def _neutral(text: str) -> str:
    text = re.sub(r"/public/\w{20,22}", "/public/ID", text)
    text = re.sub(r"boundary=\w+", "boundary=B", text)
    return _NEW.sub("NEW", text)


def replay(url: str, exchange: Exchange) -> Replayed:
    """Send a recorded request."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    skipped = {"host", "connection", "content-length", "transfer-encoding"}
    connection.putrequest(
        exchange.method, exchange.path, skip_accept_encoding=True, skip_host=False
    )
    for name, value in exchange.request_headers.items():
        if name.lower() not in skipped:
            connection.putheader(name, value.encode("latin-1"))
    body = exchange.request_body
    names = {name.lower() for name in exchange.request_headers}
    if "transfer-encoding" in names:
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(iter([body]), encode_chunked=True)
    else:
        if "content-length" in names:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
    try:
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Replayed(exchange, answer.status, told, answer.read())
    finally:
        connection.close()
