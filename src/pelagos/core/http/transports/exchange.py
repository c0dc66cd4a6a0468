"""HTTP/1.1 over one socket, as far as small requests need it: written, and read in time.

The standard library's client loads the e-mail package and TLS for what these lines do. Headers
and trailers have limits; what is no HTTP is an error.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pelagos.core.http.types import Watch

_LINE = 64 * 1024
_FIELDS = 200
_PIECE = 256 * 1024
_BAD = re.compile(r"[\r\n\0]")
_CODES_WITHOUT_BODY = frozenset({204, 304})
_INTERIM = 200
_SILENT_MOST = 30.0
"""Seconds between two looks of a watch."""


class BadAnswer(Exception):
    """What came is no HTTP, or broke off."""


class Answer(NamedTuple):
    """An answer, read to its end or to the limit.

    Attributes:
        fields: header fields, names in lower case; what came more than once is one value.
        is_last: whether the connection can be used no more.
    """

    status: int
    fields: Mapping[str, str]
    body: bytes
    is_last: bool


class Begun(NamedTuple):
    """An answer whose body is still to be read.

    Attributes:
        fields: as of `Answer`.
        pieces: the body as it comes in; taking all of them checks that it is whole.
        is_last: whether the connection can be used no more after the last piece.
    """

    status: int
    fields: Mapping[str, str]
    pieces: Iterator[bytes]
    is_last: bool


def written(method: str, target: str, host: str, fields: Mapping[str, str], size: int) -> bytes:
    """The head of a request.

    Raises:
        ValueError: it has characters that HTTP cannot write.
    """
    lines = [f"{method} {target} HTTP/1.1"]
    named = {name.lower() for name in fields}
    if "host" not in named:
        lines.append(f"Host: {host}")
    if "content-length" not in named and (size or method in {"POST", "PUT", "PATCH"}):
        lines.append(f"Content-Length: {size}")
    lines += [f"{name}: {value}" for name, value in fields.items()]
    if any(_BAD.search(line) for line in lines) or " " in target or not target.isascii():
        raise ValueError("the request has characters that HTTP cannot write")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Exchange:
    """Requests and answers over one connected socket, one after another."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._rest = b""
        self._deadline = 0.0
        self._each: float | None = None
        self._watch: Watch | None = None

    def is_quiet(self) -> bool:
        """Whether the other side has neither ended the connection nor sent what nobody wants."""
        watched = select.poll()
        watched.register(self.sock, select.POLLIN)
        return not watched.poll(0)

    def ask(
        self,
        head: bytes,
        body: bytes,
        *,
        method: str,
        limit: int,
        deadline: float,
        watch: Watch | None = None,
    ) -> Answer:
        """Send a request, and read its answer; of a longer body `limit` bytes.

        Raises:
            TimeoutError: it was not whole at the deadline (of the monotonic clock).
            BadAnswer: it is none, or broke off.
            OSError: the connection did.
        """
        begun = self.begin(head, body, method=method, deadline=deadline, watch=watch)
        found, have = [], 0
        for piece in begun.pieces:
            found.append(piece)
            have += len(piece)
            if have > limit:
                break
        content = b"".join(found)[:limit]
        is_last = begun.is_last or have > limit or self.has_more
        return Answer(begun.status, begun.fields, content, is_last)

    def begin(
        self,
        head: bytes,
        body: bytes,
        *,
        method: str,
        deadline: float,
        watch: Watch | None = None,
    ) -> Begun:
        """Send a request, and read the head of its answer.

        Raises:
            TimeoutError, BadAnswer, OSError: as of `ask`; of the body, when its pieces are taken.
        """
        self._deadline, self._each = deadline, None
        self._settle()
        self.sock.sendall(head + body if len(body) < _LINE else head)
        if len(body) >= _LINE:
            self.sock.sendall(body)
        self._watch = watch
        while True:
            version, status = self._status()
            fields = self._fields()
            if status >= _INTERIM:
                break
        self._watch = None
        is_last = self._is_last(version, fields)
        if method == "HEAD" or status in _CODES_WITHOUT_BODY:
            return Begun(status, fields, iter(()), is_last)
        if "chunked" in fields.get("transfer-encoding", "").lower():
            return Begun(status, fields, self._chunks(), is_last)
        if "content-length" in fields:
            size = _number(fields["content-length"], 10)
            return Begun(status, fields, self._exactly(size), is_last)
        return Begun(status, fields, self._to_the_end(), True)

    def wait_for_each(self, timeout: float) -> None:
        """From now on, the time is not for all of the answer but for each piece."""
        self._each = timeout

    @property
    def has_more(self) -> bool:
        """Whether more came than the answer: it would be taken for the next one."""
        return bool(self._rest)

    def _is_last(self, version: bytes, fields: Mapping[str, str]) -> bool:
        said = fields.get("connection", "").lower()
        return "close" in said or (version != b"HTTP/1.1" and "keep-alive" not in said)

    def _status(self) -> tuple[bytes, int]:
        version, _, rest = self._line().partition(b" ")
        code = rest[:3]
        if not version.startswith(b"HTTP/1.") or not code.isdigit():
            raise BadAnswer(f"it begins with {version[:40]!r}")
        return version, int(code)

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        for _ in range(_FIELDS):
            line = self._line()
            if not line:
                return fields
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise BadAnswer("a header field has no value")
            key, text = name.strip().lower(), value.strip()
            fields[key] = f"{fields[key]}, {text}" if key in fields else text
        raise BadAnswer("it has too many header fields")

    def _chunks(self) -> Iterator[bytes]:
        while size := _number(self._line().partition(b";")[0].decode("latin-1"), 16):
            yield from self._exactly(size)
            if self._line():
                raise BadAnswer("a chunk is longer than it says")
        self._fields()  # what may follow the body

    def _line(self) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > _LINE:
                raise BadAnswer("a line has no end")
            self._rest += self._received()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.removesuffix(b"\r")

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            have, self._rest = self._rest or self._received(), b""
            piece, self._rest = have[:size], have[size:]
            size -= len(piece)
            yield piece

    def _to_the_end(self) -> Iterator[bytes]:
        have, self._rest = self._rest, b""
        if have:
            yield have
        self._settle()
        while piece := self.sock.recv(_PIECE):
            yield piece
            self._settle()

    def _received(self) -> bytes:
        if self._watch is not None:
            self._watched(self._watch)
        self._settle()
        piece = self.sock.recv(_PIECE)
        if not piece:
            raise BadAnswer("the connection ended before the answer did")
        return piece

    def _watched(self, watch: Watch) -> None:
        """Wait for the next bytes, and look in between; or until the deadline."""
        if getattr(self.sock, "pending", int)():  # TLS has read them already
            return
        watched = select.poll()
        watched.register(self.sock, select.POLLIN)
        silent = watch.after
        while (left := self._deadline - time.monotonic()) > 0:
            if watched.poll(min(silent, left) * 1000):
                return
            end = watch.look() if silent < left else None
            if end is not None and not watched.poll(0):  # it may have come meanwhile
                raise end
            silent = min(silent * 2, _SILENT_MOST)

    def _settle(self) -> None:
        if self._each is not None:
            self.sock.settimeout(self._each)
            return
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)


def _number(text: str, base: int) -> int:
    try:
        found = int(text, base) if text.strip().isalnum() and text.isascii() else -1
    except ValueError:
        found = -1
    if found < 0:
        raise BadAnswer(f"{text[:40]!r} is no length")
    return found
