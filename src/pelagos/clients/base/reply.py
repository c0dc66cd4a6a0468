"""An answer of a cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import unquote

from pelagos.clients.errors import WrongAnswer, from_transport
from pelagos.core import plain_json
from pelagos.core.http import Headers, HttpError
from pelagos.core.http.types import BODY_LIMIT, Stream

_PIECE = 1024 * 1024


class Reply:
    """An answer; its body whole, or still to be read (`stream=True`).

    Bodies that are still to be read must be read to the end, or given back by `release`; `with`
    does so, too.

    Attributes:
        status: HTTP status.
        headers: header fields, found without regard to case; their values as text, where the
            service sent UTF-8.
    """

    __slots__ = ("_content", "_json", "_stream", "headers", "status", "url")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        body: bytes | Stream,
        *,
        url: str = "",
        quoted: Iterable[str] = (),
    ) -> None:
        self.status = status
        self.headers = _readable(headers, tuple(name.lower() for name in quoted))
        self.url = url
        self._content = body if isinstance(body, bytes) else None
        self._stream = None if isinstance(body, bytes) else body
        self._json: Any = _UNREAD

    def __repr__(self) -> str:
        return f"Reply({self.status}, {self.url!r})"

    @property
    def status_code(self) -> int:
        """HTTP status."""
        return self.status

    @property
    def content(self) -> bytes:
        """The whole body.

        Raises:
            ClientError: the rest of it did not come, or it is too large for memory.
        """
        if self._content is None:
            pieces = []
            size = 0
            for piece in self.iter_bytes():
                size += len(piece)
                if size > BODY_LIMIT:
                    self.release()
                    raise WrongAnswer(
                        f"the answer of {self.url} is larger than {BODY_LIMIT:,} bytes",
                        hint="read it in pieces",
                    )
                pieces.append(piece)
            self._content = b"".join(pieces)
        return self._content

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 become replacement characters."""
        return self.content.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            WrongAnswer: it is none.
        """
        if self._json is _UNREAD:
            try:
                self._json = plain_json.decode(self.content)
            except plain_json.WireError as error:
                raise WrongAnswer(
                    f"{self.url} did not answer in JSON: {error}",
                    self.status,
                    hint="check that the address is that of the service",
                ) from error
        return self._json

    def member(self, key: str) -> Any:
        """What the JSON object of the body has under a key.

        Raises:
            WrongAnswer: it is no JSON object, or has no such key.
        """
        data = self.json
        if not isinstance(data, dict) or key not in data:
            raise WrongAnswer(
                f"{self.url} answered without {key!r}",
                self.status,
                hint="check that the address is that of the service, and its version",
            )
        return data[key]

    def record(self, key: str) -> dict[str, Any]:
        """The JSON object that the JSON object of the body has under a key.

        Raises:
            WrongAnswer: there is none.
        """
        found = self.member(key)
        if not isinstance(found, dict):
            raise WrongAnswer(f"{self.url} answered {key!r} that is no record", self.status)
        return found

    def listing(self, key: str) -> list[dict[str, Any]]:
        """The JSON objects that the JSON object of the body has in a list under a key.

        Raises:
            WrongAnswer: there is no such list.
        """
        found = self.member(key)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise WrongAnswer(
                f"{self.url} answered {key!r} that is no list of records", self.status
            )
        return found

    def iter_bytes(self, size: int = _PIECE) -> Iterator[bytes]:
        """The body in pieces of at most so many bytes.

        Raises:
            ClientError: the rest of it did not come.
        """
        if self._stream is None:
            content = self._content or b""
            for start in range(0, len(content), size):
                yield content[start : start + size]
            return
        stream = self._stream
        try:
            while piece := stream.read(size):
                yield piece
        except HttpError as error:
            raise from_transport(error) from error
        finally:
            self.release()

    def release(self) -> None:
        """Give the connection back; what was not read is lost. Harmless when all is read."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_UNREAD = object()


def _readable(headers: Mapping[str, str], quoted: tuple[str, ...]) -> Headers:
    """Header fields with their values as text, the quoted ones unquoted."""
    ready: dict[str, str] = {}
    for name, value in headers.items():
        text = value
        if not text.isascii():
            try:
                text = text.encode("latin-1").decode()
            except UnicodeError:
                text = value
        if quoted and name.lower().startswith(quoted):
            text = unquote(text)
        ready[name] = text
    return Headers(ready)
