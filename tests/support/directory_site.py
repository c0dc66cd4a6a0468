"""A directory with a store, asked in process as its users ask over HTTP."""

from __future__ import annotations

import json as codec
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pelagos.directory import Directory
from pelagos.directory.store import DirectoryStore

#: Tokens and whose they are; "nobody" is valid and no person's.
PERSONS = {"ada": "uuid-ada", "bob": "uuid-bob", "nobody": None}

COLUMNS = [
    {"title": "First", "field": "firstname", "type": "name"},
    {"title": "Last", "field": "lastname"},
    {"title": "Number", "field": "number", "type": "number"},
    {"title": "Mail", "field": "email", "default": "none"},
    {"title": "Fav", "field": "favorite", "type": "favorite"},
    {"title": "Mine", "field": "personal", "type": "personal"},
]


@dataclass(frozen=True)
class Answer:
    status: int
    data: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return codec.loads(self.data)

    @property
    def text(self) -> str:
        return self.data.decode()

    @property
    def reasons(self) -> str:
        return str(self.json["reason"])


class RecordingBus:
    """Keeps what is published, and hands out what a test says was heard."""

    def __init__(self) -> None:
        self.published: list[tuple[str, str, Mapping[str, Any]]] = []
        self.handlers: dict[str, Any] = {}

    def publish(self, name: str, routing_key: str, body: Mapping[str, Any]) -> None:
        self.published.append((name, routing_key, body))

    def subscribe(self, routing_key: str, handler: Any) -> None:
        self.handlers[routing_key] = handler


class DirectorySite:
    """A directory whose profile `default` has all sources in all services."""

    def __init__(
        self, url: str, sources: Mapping[str, Any] | None = None, *, bus: Any = None, **more: Any
    ) -> None:
        given = {"mine": {"type": "personal"}} if sources is None else dict(sources)
        profile = {"default": {"sources": list(given), "timeout": 20}}
        self.store = DirectoryStore(url)
        services = {name: dict(profile) for name in ("lookup", "reverse", "favorites")}
        views = {"displays": {"all": COLUMNS}, "profile_to_display": {"default": "all"}}
        config = {"sources": given, "services": services, "views": views, **more}
        self.directory = Directory(config, verify=verify, store=self.store, bus=bus)
        self._http = self.directory.app.test_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.directory.close()
        self.store.close()

    def call(
        self, method: str, path: str, token: str | None = "ada", json: Any = None, **more: Any
    ) -> Answer:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["X-Auth-Token"] = token
        if json is not None:
            more["data"] = codec.dumps(json)
            headers.setdefault("Content-Type", "application/json")
        answer = self._http.open(f"/0.1{path}", method=method, headers=headers, **more)
        return Answer(answer.status_code, answer.data, answer.headers)

    def get(self, path: str, token: str | None = "ada", **more: Any) -> Answer:
        return self.call("GET", path, token, **more)

    def post(self, path: str, json: Any = None, token: str | None = "ada", **more: Any) -> Answer:
        return self.call("POST", path, token, json, **more)

    def put(self, path: str, json: Any = None, token: str | None = "ada", **more: Any) -> Answer:
        return self.call("PUT", path, token, json, **more)

    def delete(self, path: str, token: str | None = "ada", **more: Any) -> Answer:
        return self.call("DELETE", path, token, **more)

    def upload(self, path: str, text: str | bytes, charset: str = "", **more: Any) -> Answer:
        kind = f"text/csv; charset={charset}" if charset else "text/csv"
        data = text.encode() if isinstance(text, str) else text
        return self.call("POST", path, data=data, headers={"Content-Type": kind}, **more)


def verify(token: str) -> Mapping[str, Any] | None:
    if token not in PERSONS:
        return None
    return {"token": token, "auth_id": token, "xivo_user_uuid": PERSONS[token], "tenant": "sea"}
