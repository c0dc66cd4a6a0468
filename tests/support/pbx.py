"""A telephone system as its sources see it: users, conference rooms, tokens; and its moods."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pelagos.directory.folding import fold

NAME, PASSWORD = "dird", "s3cret-of-the-pbx"
REALM = "XiVO REST server"


class FakePbx:
    """Serves `/1.1` of the old interface, or `/api/confd` and `/api/auth` of the new one.

    Attributes:
        mood: "well"; or "hung", "missing" (404), "broken" (500), "garbage", "cut", "huge".
        scheme: how a name is asked for: None, "basic", "digest" or "token".
        asked: path and query of each request to confd.
        tokens: those that are good.
    """

    def __init__(
        self, *, port: int = 0, scheme: str | None = None, tls: Path | None = None
    ) -> None:
        self.uuid = str(uuid.uuid4())
        self.users: list[dict[str, Any]] = []
        self.conferences: list[dict[str, Any]] = []
        self.mood = "well"
        self.scheme = scheme
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens: set[str] = set()
        self.token_count = 0
        self._thawed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.pem", tls / "server.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def old(self, **more: Any) -> dict[str, Any]:
        """`confd_config` of a source of back-end xivo."""
        return {"https": False, "host": "127.0.0.1", "port": self.port, "timeout": 20, **more}

    def new(self, **auth: Any) -> dict[str, Any]:
        """`auth` and `confd` of a source of back-end wazo."""
        place = {"https": False, "host": "127.0.0.1", "port": self.port, "timeout": 20}
        named = {} if "key_file" in auth else {"username": NAME, "password": PASSWORD}
        return {"auth": {**place, **named, **auth}, "confd": place}

    def stop(self) -> None:
        self._thawed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """What confd says."""
        self.asked.append((path, dict(query)))
        if self.mood == "hung":
            self._thawed.wait(30)
        status = {"missing": 404, "broken": 500}.get(self.mood, 200)
        if self.mood == "garbage":
            return 200, b"\xff<html>{"
        if self.mood == "list":
            return 200, b'[{"items": 1}]'
        if path == "infos":
            return status, json.dumps({"uuid": self.uuid}).encode()
        if path == "conferences":
            return status, _listed(self.conferences)
        if path != "users" or query.get("view") != "directory":
            return 404, b"{}"
        found = [u for u in self.users if _occurs(query.get("search", ""), u)]
        if "context" in query:
            found = [u for u in found if u.get("context") == query["context"]]
        return status, _listed(found)

    def token(self, authorization: str) -> tuple[int, bytes]:
        """What auth says when it is asked for a token."""
        if authorization != _basic():
            return 401, b'{"reason": ["Authentication Failed"]}'
        self.token_count += 1
        token = f"token-{self.token_count}"
        self.tokens.add(token)
        return 200, json.dumps({"data": {"token": token}}).encode()

    def lets_in(self, method: str, headers: Mapping[str, str], path: str) -> bool:
        sent = headers.get("Authorization") or ""
        if self.scheme == "token":
            return headers.get("X-Auth-Token") in self.tokens
        if self.scheme == "basic":
            return sent == _basic()
        return self.scheme != "digest" or _is_digest(sent, method, path)


def user(
    number: int, first: str, last: str, exten: str | None = None, **more: Any
) -> dict[str, Any]:
    """A user as confd shows one."""
    return {
        "id": number, "uuid": str(uuid.UUID(int=number)), "firstname": first, "lastname": last,
        "exten": exten, "line_id": number + 100, "agent_id": None, "userfield": "",
        "email": None, "description": None, "mobile_phone_number": None,
        "voicemail_number": None, "links": [], **more,
    }  # fmt: skip


def conference(number: int, name: str, extens: list[str], incalls: list[str]) -> dict[str, Any]:
    """A room as confd shows one."""
    return {
        "id": number,
        "name": name,
        "extensions": [{"exten": exten, "context": "internal"} for exten in extens],
        "incalls": [{"extensions": [{"exten": did, "context": "from-extern"}]} for did in incalls],
    }


@contextlib.contextmanager
def serving(**settings: Any) -> Iterator[FakePbx]:
    pbx = FakePbx(**settings)
    try:
        yield pbx
    finally:
        pbx.stop()


def _handler(pbx: FakePbx) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for the client

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            place = parts.path.removeprefix("/api/confd").removeprefix("/1.1/")
            if not pbx.lets_in("GET", self.headers, self.path):
                return self._say(401, b"{}", _challenge(pbx.scheme))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, body = pbx.answer(place, query)
            return self._say(status, body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/api/auth/0.1/token":
                return self._say(404, b"{}")
            return self._say(*pbx.token(self.headers.get("Authorization") or ""))

        def _say(self, status: int, body: bytes, challenge: str | None = None) -> None:
            with contextlib.suppress(OSError):
                _send(self, status, body, challenge)
                self.close_connection = pbx.mood == "cut"
                self.wfile.write(body[: len(body) // 2] if pbx.mood == "cut" else body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, challenge: str | None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    if challenge:
        handler.send_header("WWW-Authenticate", challenge)
    handler.end_headers()


def _listed(items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"total": len(items), "items": items}).encode()


def _occurs(term: str, item: Mapping[str, Any]) -> bool:
    """As the system searches: in more columns than anybody asked for, without accents."""
    names = f"{item.get('firstname')} {item.get('lastname')}"
    values = [*(str(v) for v in item.values() if v is not None), names]
    return any(fold(term) in fold(value) for value in values)


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()


def _challenge(scheme: str | None) -> str | None:
    nonce = f"{time.monotonic_ns():x}"
    return {
        "basic": f'Basic realm="{REALM}"',
        "digest": f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm=MD5',
    }.get(scheme or "")


def _is_digest(sent: str, method: str, path: str) -> bool:
    """RFC 7616, 3.4.1, as the standard words it."""
    if not sent.startswith("Digest "):
        return False
    pairs = (item.partition("=") for item in sent.removeprefix("Digest ").split(", "))
    said = {name: value.strip('"') for name, _, value in pairs}

    def h(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret, what = h(f"{NAME}:{REALM}:{PASSWORD}"), h(f"{method}:{path}")
    right = h(f"{secret}:{said['nonce']}:{said['nc']}:{said['cnonce']}:{said['qop']}:{what}")
    return said["uri"] == path and said["response"] == right
