"""A small Nova beside a box: servers in pages and flavours, for tokens of the box's Keystone."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pelagos.box import Box, Person
from pelagos.core.web import Server

from .box_site import ask

PAGE = 1000


class Nova:
    """Serves `/v2.1/servers/detail` and `/v2.1/flavors`.

    Attributes:
        servers: whole records, in their order.
        mood: "well"; or "hung", "endless", "garbage", or a status that is answered.
        link_base: where the next page is said to be; a proxy's name may be the wrong one.
        asked: path and query of each request that came in.
        tokens: that came, in their order.
        arrived: set once somebody has asked.
        gate: what is asked in the mood "hung" waits for it.
    """

    def __init__(self, box: Box, person: Person) -> None:
        self.box, self.person = box, person
        self.servers: list[dict[str, Any]] = []
        self.flavors = [{"id": "f1", "name": "small"}]
        self.mood: str | int = "well"
        self.link_base = "http://elsewhere.example/v2.1"
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens: list[str] = []
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self._server = Server(self._app, threads=32)
        self._server.start()

    @property
    def url(self) -> str:
        return f"{self._server.url}/v2.1"

    @property
    def lists(self) -> int:
        """How often the servers were asked for from the beginning."""
        return sum(p == "/v2.1/servers/detail" and "marker" not in q for p, q in self.asked)

    def environ(self, folder: Path, **more: Any) -> dict[str, str]:
        """What names this cloud `work`, in a file of the folder."""
        settings = {
            "auth_url": self.box.auth_url, "username": self.person.name,
            "password": self.person.password, "project_name": self.person.project, "timeout": 30,
            **more,
        }  # fmt: skip
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        text = "\n".join(["[cloud.named.work]", *lines])
        text += f"\n[cloud.named.work.endpoints]\ncompute = {json.dumps(self.url)}\n"
        path = folder / "config.toml"
        path.write_text(text)
        return {"PELAGOS_CONFIG": str(path), "HOME": str(folder)}

    def revoke(self) -> None:
        """End the token that came last, at the box's Keystone."""
        token = self.tokens[-1]
        gone = ask(self.box.auth_url, "DELETE", "/auth/tokens", token=token, X_Subject_Token=token)
        assert gone.status == 204

    def stop(self) -> None:
        self.gate.set()
        self._server.stop()

    def _app(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        token = environ.get("HTTP_X_AUTH_TOKEN", "")
        self.asked.append((environ["PATH_INFO"], query))
        self.tokens.append(token)
        self.arrived.set()
        status, body = self._answer(environ["PATH_INFO"], query, token)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        more = [("Retry-After", "30")] if status == 503 else []
        fields = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
        start(f"{status} Said", fields + more)
        return [data]

    def _answer(self, path: str, query: Mapping[str, str], token: str) -> tuple[int, Any]:
        if self.mood == "hung":
            self.gate.wait(60)
        if isinstance(self.mood, int):
            return self.mood, {"fault": {"code": self.mood, "message": "not today"}}
        if self.mood == "garbage":
            return 200, b"\xff<html>{"
        known = ask(self.box.auth_url, "GET", "/auth/tokens", token=token, X_Subject_Token=token)
        if known.status != 200:
            return 401, {"unauthorized": {"code": 401, "message": "Authentication required"}}
        return self._of(path, query)

    def _of(self, path: str, query: Mapping[str, str]) -> tuple[int, Any]:
        if path == "/v2.1/flavors":
            return 200, {"flavors": self.flavors}
        if path != "/v2.1/servers/detail":
            return 404, {"itemNotFound": {"code": 404, "message": "no"}}
        if "all_tenants" in query and self.person.name != "admin":
            return 403, {"forbidden": {"code": 403, "message": "Policy doesn't allow it"}}
        return 200, self._page(query)

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        ids = [one["id"] for one in self.servers]
        is_going_on = "marker" in query and self.mood != "endless"
        first = ids.index(query["marker"]) + 1 if is_going_on else 0
        size = min(int(query.get("limit", PAGE)), PAGE)
        found = self.servers[first : first + size]
        page: dict[str, Any] = {"servers": found}
        if first + size < len(ids) or self.mood == "endless":
            on = urlencode({**query, "marker": found[-1]["id"], "limit": size})
            page["servers_links"] = [
                {"rel": "next", "href": f"{self.link_base}/servers/detail?{on}"}
            ]
        return page


def server(number: int | str, name: str, *addresses: str, **more: Any) -> dict[str, Any]:
    """A server as Nova shows one; an address behind a `+` is a floating one."""
    cards = [
        {
            "addr": address.lstrip("+"),
            "version": 6 if ":" in address else 4,
            "OS-EXT-IPS:type": "floating" if address.startswith("+") else "fixed",
        }
        for address in addresses
    ]
    return {
        "id": str(number), "name": name, "status": "ACTIVE", "tenant_id": "p1",
        "addresses": {"private": cards} if cards else {}, "flavor": {"id": "f1", "links": []},
        "image": {"id": "i1"}, "key_name": None, "created": "2026-01-02T03:04:05Z", **more,
    }  # fmt: skip


@contextlib.contextmanager
def serving(name: str = "demo") -> Iterator[Nova]:
    with Box() as box:
        nova = Nova(box, box.person(name))
        try:
            yield nova
        finally:
            nova.stop()
