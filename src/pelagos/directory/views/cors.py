"""Pages of other origins that may use the API in a person's browser (the Fetch standard's CORS).

A pre-flight carries no token and needs none: Flask answers OPTIONS of every route by itself, and
what is added here says what the browser may send.
"""

from __future__ import annotations

from flask import Flask, Response, request

from pelagos.directory.settings.cors import Cors


def install(cors: Cors, app: Flask) -> None:
    """Say what pages of others may do in every answer of an application."""
    if cors.is_enabled:
        app.after_request(lambda answer: _say(cors, answer))


def _say(cors: Cors, answer: Response) -> Response:
    origin = request.headers.get("Origin")
    is_open = "*" in cors.origins
    if not is_open:
        answer.vary.add("Origin")
    if origin is None or not (is_open or origin in cors.origins):
        return answer
    answer.headers["Access-Control-Allow-Origin"] = "*" if is_open else origin
    if cors.supports_credentials:
        answer.headers["Access-Control-Allow-Credentials"] = "true"
    if cors.expose_headers:
        answer.headers["Access-Control-Expose-Headers"] = ", ".join(cors.expose_headers)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        served = answer.allow  # the methods of the route
        answer.headers["Access-Control-Allow-Methods"] = ", ".join(
            method for method in cors.methods if method in served or not served
        )
        answer.headers["Access-Control-Allow-Headers"] = ", ".join(cors.allow_headers)
        if cors.max_age is not None:
            answer.headers["Access-Control-Max-Age"] = str(cors.max_age)
    return answer
