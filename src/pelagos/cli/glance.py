"""One quick look at the master: a GET with the standard library's socket alone.

Commands that only list must answer at once, and completion must not be felt; loading the pool,
the typed decoder and the model costs more than the whole answer. Only the plain case is
handled: HTTP, status 200, JSON. For everything else `look` gives None and the caller asks
through `SlapClient`, which words every failure.
"""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

_LIMIT = 64 * 1024 * 1024


def look(
    url: str,
    path: str,
    token: str | None,
    timeout: float,
    header: str = "Authorization: Bearer",
) -> Any:
    """What the server at `url` answers to GET `path`, or None when that is not plain.

    Args:
        url: of the master, or of the directory.
        path: below it, quoted, with its query.
        token: who asks.
        timeout: seconds for the connection and for each wait on the answer.
        header: what the token is sent behind.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or "@" in parts.netloc:
        return None
    if not f"{parts.netloc}{parts.path}{path}{token}".isprintable():
        return None
    # HTTP/1.0: the server closes when it is done, and does not send the body in chunks.
    lines = [
        f"GET {parts.path.rstrip('/')}/{path} HTTP/1.0",
        f"Host: {parts.netloc}",
        "Accept: application/json",
        *([f"{header} {token}"] if token else []),
    ]
    try:
        request = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
        host: Any = parts.hostname.encode("ascii")  # text would load the IDNA tables
        with socket.create_connection((host, parts.port or 80), timeout) as link:
            link.sendall(request)
            answer = _all(link)
        return _content(answer)
    except (OSError, ValueError):  # ValueError: not ASCII, or no JSON
        return None


def _all(link: socket.socket) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := link.recv(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > _LIMIT:
            raise ValueError(size)
    return b"".join(chunks)


def _content(answer: bytes) -> Any:
    head, blank, body = answer.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in fields:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    is_plain = not headers.keys() & {"transfer-encoding", "content-encoding"}
    whole = headers.get("content-length", str(len(body))) == str(len(body))
    if not (blank and is_plain and whole and status.split(" ")[1:2] == ["200"]):
        return None
    return json.loads(body)
