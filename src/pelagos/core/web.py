"""HTTP for servers: a Flask application with JSON errors, and the WSGI server that runs it.

The only door to cheroot. Every error leaves as `{"error": {"code", "message", "hint"}}` with a
fitting status, never as a traceback.
"""

from __future__ import annotations

import errno
import io
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from cheroot import server, wsgi
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from pelagos.core import wire
from pelagos.core.errors import PelagosError

log = logging.getLogger(__name__)

#: Bytes of a request's line and headers together; more is refused.
_HEAD_LIMIT = 64 * 1024
#: Bytes of a body that nobody wanted which are still read, and thrown away, before the answer.
_DRAINED = 64 * 1024 * 1024
_PIECE = 64 * 1024
#: What to do when an address cannot be had.
_HINTS = {
    errno.EADDRINUSE: "choose another port, or 0 for a free one",
    errno.EACCES: "choose a port above 1023, or 0 for a free one",
    errno.EADDRNOTAVAIL: "choose an address of this computer, e.g. 127.0.0.1; `ip address` lists",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}


class WebError(PelagosError):
    """What a handler raises to answer with an error.

    Attributes:
        status: the HTTP status.
        code: stable kebab-case name.
        extra: further keys beside "error" in the body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that carries plain data, dataclasses or lists of them as JSON."""
    return Response(wire.encode(value), status, dict(headers or {}), "application/json")


def error_answer(error: WebError) -> Response:
    """The one shape that errors have on the wire."""
    body = {
        "error": {"code": error.code, "message": error.message, "hint": error.hint},
        **error.extra,
    }
    return json_answer(body, error.status, error.headers)


def make_app(name: str, *, max_body: int = 1024 * 1024) -> Flask:
    """A Flask application that answers every error as JSON and logs each request at debug level.

    Args:
        name: import name of the calling package.
        max_body: bytes that a request may carry; more is answered with 413.
    """
    app = Flask(name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body
    app.config["MAX_FORM_MEMORY_SIZE"] = max_body
    app.url_map.strict_slashes = False
    app.register_error_handler(WebError, error_answer)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)
    if log.isEnabledFor(logging.DEBUG):
        app.before_request(_note_start)
        app.after_request(_log_answer)
    return app


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {}
    if status == 405 and (allowed := getattr(error, "valid_methods", None)):  # noqa: PLR2004  # RFC 9110
        headers["Allow"] = ", ".join(sorted(allowed))
    name = (error.name or "error").lower().replace(" ", "-")
    code = "too-large" if status == 413 else name  # noqa: PLR2004  # RFC 9110
    message = error.description or error.name or "the request cannot be served"
    return error_answer(WebError(status, code, message, headers=headers))


def _unexpected(error: Exception) -> Response:
    log.error("a handler of %s %s failed", request.method, request.path, exc_info=error)
    return error_answer(
        WebError(
            500,
            "internal-error",
            "the server failed while it worked on this request; nothing was changed",
            hint="the server's log has the details",
        )
    )


def _note_start() -> None:
    g.started = time.perf_counter()


def _log_answer(response: Response) -> Response:
    elapsed_ms = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
    log.debug("%s %s -> %s, %.1f ms", request.method, request.path, response.status, elapsed_ms)
    return response


class _Request(server.HTTPRequest):
    """Sends head and beginning of an answer together, and bounds what it reads.

    Apart, head and body are two packets, and the peer wakes up twice: a third of a small answer's
    time. A body must say its length: of one that comes in chunks cheroot would hold a whole chunk
    in memory, however large it is said to be.
    """

    _head = b""

    def send_headers(self) -> None:
        self._drain()
        wfile = self.conn.wfile
        self.conn.wfile = held = io.BytesIO()
        try:
            super().send_headers()
        finally:
            self.conn.wfile = wfile
        self._head = held.getvalue()
        if self.chunked_write:
            self._send_head()

    def write(self, chunk: bytes) -> None:
        head, self._head = self._head, b""
        super().write(head + chunk if head else chunk)

    def respond(self) -> None:
        if self.chunked_read:
            self.close_connection = True  # what is left unread must not pass for a request
            self.simple_response("411 Length Required", "Send the body with its Content-Length.")
            return
        super().respond()
        self._send_head()  # of an answer without a body

    def _drain(self) -> None:
        """Read what the peer still sends: it hears our answer only when it may finish speaking.

        cheroot would do it, too, but all at once.
        """
        left = getattr(self.rfile, "remaining", 0)
        if left > _DRAINED:
            left, self.close_connection = _DRAINED, True
        while left > 0 and (piece := self.rfile.read(min(left, _PIECE))):
            left -= len(piece)

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.conn.wfile.write(head)


class _Connection(server.HTTPConnection):
    RequestHandlerClass = _Request


class _WsgiServer(wsgi.Server):
    ConnectionClass = _Connection

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Into our log; a peer that went away in the middle is its own affair, not our error."""
        log.log(min(level, logging.WARNING), "%s", msg.strip(), exc_info=traceback)


class Server:
    """Serves a WSGI application from a thread of this process.

    Args:
        app: any WSGI application.
        host: address to listen on.
        port: 0 chooses a free one.
        threads: how many requests are worked on at once.

    Raises:
        PelagosError: from `start`, when the address cannot be had; says which and why.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        threads: int = 16,
    ) -> None:
        self._asked = (host, port)
        self._server = _WsgiServer(
            (host, port),
            app,
            numthreads=threads,
            server_name="pelagos",
            request_queue_size=128,
            timeout=30,
            shutdown_timeout=2,
        )
        self._server.max_request_header_size = _HEAD_LIMIT
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind, then serve in the background; returns when connections are accepted."""
        host, port = self._asked
        try:
            # cheroot leaks its socket when it cannot bind, so a probe goes first. It also lets a
            # port be bound anew after kill -9 only if it was asked for by number, so the probe
            # chooses the free one.
            with socket.create_server((host, port), family=_family(host)) as probe:
                self._server.bind_addr = (host, probe.getsockname()[1])
            self._server.prepare()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise PelagosError(
                f"cannot listen on {host}:{port}: {'the port is taken' if taken else error}",
                hint=_HINTS.get(error.errno or 0, "choose an address and port of this computer"),
            ) from error
        self._thread = threading.Thread(target=self._server.serve, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on; known after `start`."""
        return int(self._server.bind_addr[1])

    @property
    def url(self) -> str:
        """`http://HOST:PORT` of this server; known after `start`."""
        host = str(self._server.bind_addr[0])
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def alive(self) -> bool:
        """Whether its thread still accepts requests."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop accepting, let running requests end (2 s at most), release the port."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
