"""Real sockets with kept-open connections. The only door to urllib3."""

from __future__ import annotations

import urllib3
from urllib3 import exceptions

from pelagos.core.http.errors import HttpProtocolError, HttpTimeout, HttpUnreachable
from pelagos.core.http.types import Headers, Request, Response

#: Bytes of an answer that are read at the most.
BODY_LIMIT = 256 * 1024 * 1024


class PooledTransport:
    """A pool of connections per server, shared by all threads.

    A GET or HEAD whose connection ends before the whole answer is there is sent once more: the
    server may have closed a kept-open one meanwhile. Nothing else is retried here.
    """

    def __init__(self, *, pool_size: int = 10) -> None:
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=pool_size, retries=False)

    def send(self, request: Request) -> Response:
        """Send over a pooled connection."""
        try:
            return self._send(request)
        except HttpProtocolError as error:
            if error.retry_after is None or request.method not in {"GET", "HEAD"}:
                raise
            return self._send(request)

    def _send(self, request: Request) -> Response:
        try:
            answer = self._pool.request(
                request.method,
                request.url,
                body=request.body,
                headers=dict(request.headers),
                timeout=urllib3.Timeout(total=request.timeout),
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(BODY_LIMIT + 1, decode_content=True)
            finally:
                answer.release_conn()
        except exceptions.NewConnectionError as error:
            raise HttpUnreachable(
                f"nobody answers at {request.url}: {_reason(error)}", url=request.url
            ) from error
        except exceptions.TimeoutError as error:
            raise HttpTimeout(
                f"{request.url} gave no answer within {request.timeout:g} s", url=request.url
            ) from error
        except (exceptions.HTTPError, OSError) as error:
            raise HttpProtocolError(
                f"the answer of {request.url} broke off: {_reason(error)}", url=request.url
            ) from error
        if len(body) > BODY_LIMIT:
            raise HttpProtocolError(
                f"the answer of {request.url} is larger than {BODY_LIMIT:,} bytes",
                url=request.url,
                retry_after=None,
            )
        return Response(answer.status, Headers(dict(answer.headers)), body)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.clear()


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    text = getattr(cause, "strerror", None) or str(cause)
    return text or type(cause).__name__
