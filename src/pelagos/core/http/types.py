"""A request and its answer as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

#: Bytes of an answer's body that are read at the most, unless a request says otherwise.
BODY_LIMIT = 64 * 1024 * 1024


class Headers(Mapping[str, str]):
    """Header fields, looked up without regard to case.

    What came more than once is one value, joined with ", " (RFC 9110, 5.3).

    >>> Headers({"ETag": "x"}).get("etag")
    'x'
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, str] | None = None) -> None:
        self._items = {name.lower(): value for name, value in (items or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._items)})"  # names only: values may be secret


@dataclass(frozen=True, slots=True)
class ClientTls:
    """Whom a client trusts, and as whom it comes.

    Attributes:
        authority: PEM file; the server's certificate must be from there. None: from an authority
            that this system trusts.
        certificate: PEM file of the client's own certificate, when it comes with one.
        key: PEM file of its key, without a password; None when that is in the same file.
        fingerprint: SHA-256 (hexadecimal) of the authority's certificate. With `authority` the
            file must hold that one; without, the server must send it along and be from there.
        is_verified: False believes any server, and so anyone between; only for those who asked
            for just that.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    fingerprint: str | None = None
    is_verified: bool = True


@dataclass(frozen=True, slots=True)
class Watch:
    """What is done while a server leaves a request without an answer.

    Attributes:
        after: seconds of silence until it is done first; then twice as long each time.
        look: gives what ends the waiting; None to go on.
    """

    after: float
    look: Callable[[], Exception | None]


@dataclass(frozen=True, slots=True)
class Request:
    """What a transport sends; `url` carries no credentials, `headers` may (so `repr` omits them).

    Attributes:
        body: bytes, or a file that is sent from its position to its end, with Content-Length.
        timeout: seconds from the first attempt to connect to the end of the answer; of a stream
            (`Transport.open`), to the end of its headers, and then for each piece.
        is_timed_whole: the timeout is for all of a stream, too.
        limit: bytes of an answer's body that are read at the most; a stream has no limit.
        watch: for who waits at a terminal; only `LeanTransport` looks, and not through a proxy.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | IO[bytes] | None = field(default=None, repr=False)
    timeout: float = 60.0
    limit: int = BODY_LIMIT
    is_timed_whole: bool = False
    watch: Watch | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self, into: Any = Any) -> Any:
        """The body as JSON of the given type; raises `WireError`."""
        from pelagos.core import wire  # noqa: PLC0415  # who reads no JSON does not pay for it

        return wire.decode(self.body, into)

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.body.decode("utf-8", "replace")


class Stream(Protocol):
    """An answer whose body is still to be read, as it was sent: nothing is unpacked."""

    status: int
    headers: Mapping[str, str]

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end of the body.

        Raises:
            HttpTimeout, HttpProtocolError: the rest came too late, or not at all.
        """

    def close(self) -> None:
        """Give the connection back, or end it when the body was not read to its end."""
