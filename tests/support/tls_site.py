"""A server on HTTPS with an authority and client certificates of its own."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.http import ClientTls, HttpClient
from pelagos.core.web import Server, ServerTls

DAY = 86_400.0


@dataclass
class Site:
    """An authority, a server and the client certificates of a test."""

    folder: Path
    authority: Authority
    server: Server
    port: int

    def trust(self, certificate: str | None = None) -> ClientTls:
        pair = (
            (self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
            if certificate
            else (None, None)
        )
        return ClientTls(self.folder / "ca/ca.pem", *pair)

    def issue(self, name: str, lifetime: float = DAY, authority: Authority | None = None) -> str:
        """A client certificate in the site's folder; its serial."""
        issuer = authority or self.authority
        issued = issuer.issue(name, "computer", now=time.time(), lifetime=lifetime)
        save_pair(issued, self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return issued.serial

    def client(self, certificate: str | None = None) -> HttpClient:
        return HttpClient(self.server.url, tls=self.trust(certificate), timeout=60)

    def ask(self, certificate: str | None = None, path: str = "who") -> str:
        with contextlib.closing(self.client(certificate)) as client:
            return client.request("GET", path).text

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)


def serve_tls(
    folder: Path,
    app: Callable[..., Any],
    *,
    client_authority: bool = True,
    names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    lifetime: float = DAY,
) -> Site:
    """Start a server whose certificate has these names; the caller stops it."""
    authority = Authority.open(folder / "ca", name="tests", now=time.time())
    issued = authority.issue_server(names, now=time.time(), lifetime=lifetime)
    tls = ServerTls(
        folder / "server.pem",
        folder / "server.key",
        folder / "ca/ca.pem" if client_authority else None,
    )
    save_pair(issued, tls.certificate, tls.key)
    server = Server(app, tls=tls, threads=4)
    server.start()
    return Site(folder, authority, server, server.port)
