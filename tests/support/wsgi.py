"""A WSGI application asked inside this process, as one caller."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from pelagos.slap import marshal


class Caller:
    """Asks with one token, as `Bearer`, or as an address with a credential in it would."""

    def __init__(self, app: Flask, token: str, *, basic: bool = False) -> None:
        self._client = app.test_client()
        if basic:
            token = base64.b64encode(f"x:{token}".encode()).decode()
        self.headers = {"Authorization": f"{'Basic' if basic else 'Bearer'} {token}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: str) -> Any:
        return self.ask("GET", path, headers=headers, query_string=query)

    def post(self, path: str, **form: str) -> TestResponse:
        return self.ask("POST", path, data=form)

    def call(self, method: str, headers: Mapping[str, str] | None = None, **sent: Any) -> Any:
        """One method of the JSON-RPC interface: its answer's object."""
        return self.ask("POST", method, json=sent, headers=headers).get_json()

    def marshalled(self, path: str, **query: str) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.data
        return marshal.loads(answer.data)

    def ask(
        self, verb: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> TestResponse:
        sent = self.headers | dict(headers or {})
        return self._client.open(f"/{path}", method=verb, headers=sent, **more)
