"""What a binary cache is kept in: two stores, of archives and of what is said of them.

`core.http.transfer.Transfers` is one, over HTTP. Another answers as it does: with the statuses of
RFC 9110, and `HttpError` where there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import IO, Protocol

from pelagos.core.http.types import Response


class Incoming(Protocol):
    """An answer whose body is still to be read."""

    @property
    def status(self) -> int:
        """Of HTTP: 200, 206 when it begins at the offset, 404, 416."""

    def pieces(self) -> Iterator[bytes]:
        """The body; raises `HttpError` when it is cut."""


class Store(Protocol):
    """One of the two. Safe to share between threads."""

    def get(self, path: str, *, offset: int = 0) -> AbstractContextManager[Incoming]:
        """What is kept under a name, from an offset on.

        Raises:
            HttpError: there is no answer.
        """

    def send(
        self,
        method: str,
        path: str,
        body: IO[bytes] | bytes,
        *,
        length: int | None = None,
        content_type: str = "application/octet-stream",
    ) -> Response:
        """Keep something: an archive with POST, which answers its SHA-512, an entry with PUT.

        Raises:
            HttpError: there is no answer.
        """
