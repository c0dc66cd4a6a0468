"""The contract of a transport."""

from __future__ import annotations

from typing import Protocol

from pelagos.core.http.types import Request, Response, Stream


class Transport(Protocol):
    """Carries requests; safe to share between threads."""

    def send(self, request: Request) -> Response:
        """Send and return the whole answer, decoded from gzip; redirects are not followed.

        Raises:
            HttpUnreachable, HttpTimeout, HttpProtocolError, HttpTlsError: see
                `pelagos.core.http.errors`.
            ValueError: the request has characters that HTTP cannot write; nothing was sent.
        """

    def open(self, request: Request) -> Stream:
        """Send and return when the headers are here; the caller reads the body and closes it.

        Raises:
            the same as `send`.
        """

    def close(self) -> None:
        """Give back what is held open."""
