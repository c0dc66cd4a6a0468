"""A strict wazo-auth: knows its tokens, checks what it is asked, and counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from flask import Flask, Response, request

from pelagos.core.web import Server
from pelagos.directory.auth.acl import Access, is_allowed


class WazoAuth:
    """`GET` and `HEAD /0.1/token/<token>` of documented answers; all else is 500.

    Args:
        tokens: the `data` of each token.
        tells_rights: whether `GET` tells the rights, too; else only HEAD knows them, as the mock
            of the ancestor's tests has it.
    """

    def __init__(self, tokens: Mapping[str, Mapping[str, Any]], *, tells_rights: bool) -> None:
        self.tokens = {name: dict(data) for name, data in tokens.items()}
        self.tells_rights = tells_rights
        self.asked: list[str] = []
        app = Flask(__name__)
        app.add_url_rule(
            "/0.1/token/<token>", "token", self._token, methods=["GET"], strict_slashes=True
        )
        self._app = app
        self.server = Server(app)
        self.server.start()

    @property
    def url(self) -> str:
        return f"{self.server.url.rstrip('/')}/0.1"

    def _token(self, token: str) -> Response:
        self.asked.append(f"{request.method} {token} {request.args.get('scope', '')}".strip())
        data = self.tokens.get(token)
        if data is None:
            return Response('{"reason": ["No such token"], "status_code": 404}', 404)
        if request.method == "HEAD":
            scope, tenant = request.args.get("scope"), request.args.get("tenant")
            reaches = tenant in {None, *data.get("tenants", ())}
            owner = {str(data["auth_id"])}
            fits = scope is None or is_allowed(data["acl"], Access(scope, {}), owner)
            return Response("", 204 if fits and reaches else 403)
        hidden = {"tenants"} if self.tells_rights else {"tenants", "acl"}
        shown = {key: value for key, value in data.items() if key not in hidden}
        body = json.dumps({"data": {"token": token, **shown}})
        return Response(body, 200, mimetype="application/json")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.server.stop()
