"""A Flask application whose every error leaves as `{"error": {"code", "message", "hint"}}`.

With a fitting status, and never as a traceback.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from pelagos.core import wire
from pelagos.core.errors import PelagosError

log = logging.getLogger(__name__)


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
    log.error("a handler of %s %s failed", request.method, quote(request.path), exc_info=error)
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
    path = quote(request.path)  # a line break in it would begin a line of its own
    log.debug("%s %s -> %s, %.1f ms", request.method, path, response.status, elapsed_ms)
    return response
