"""Peers that send their bodies slowly, or never: more of them than a server has threads."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.web import Server, connection, connections, make_app
from pelagos.slap import master
from support.tls_site import serve_tls

pytestmark = pytest.mark.integration

THREADS = 4
LARGE = 300_000


def app(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Reads the body where the path says so, and answers with its length."""
    size = len(environ["wsgi.input"].read()) if environ["PATH_INFO"] == "/read" else 0
    body = f"{size} bytes".encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@dataclass
class Place:
    """A server, and how its peers reach it."""

    server: Server
    context: ssl.SSLContext | None

    def connect(self) -> socket.socket:
        peer = socket.create_connection(("127.0.0.1", self.server.port), timeout=60)
        if self.context is not None:
            peer = self.context.wrap_socket(peer, server_hostname="127.0.0.1")
        return peer

    def begin(self, path: str, length: object, more: str = "") -> socket.socket:
        """A peer that has sent its head and the first byte of a body."""
        peer = self.connect()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {length}\r\n\r\n"
        peer.sendall(head.encode() + b"x")
        return peer

    def ask(self, path: str = "/", body: bytes = b"") -> bytes:
        with self.connect() as peer:
            length = len(body)
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}"
            )
            peer.sendall(head.encode() + b"\r\n\r\n" + body)
            return heard(peer)


def heard(peer: socket.socket) -> bytes:
    """All that the server says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while piece := peer.recv(65536):
            said += piece
    return said


@pytest.fixture(params=["plain", "tls"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "tls":
        site = serve_tls(tmp_path, app)
        context = ssl.create_default_context(cafile=str(tmp_path / "ca/ca.pem"))
        place = Place(site.server, context)
    else:
        place = Place(Server(app, threads=THREADS), None)
        place.server.start()
    yield place
    place.server.stop()


def drip(peers: list[socket.socket], done: threading.Event) -> None:
    while not done.wait(0.05):
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.sendall(b" ")


@pytest.mark.parametrize(
    ("path", "length"), [("/read", 5000), ("/read", 65536), ("/unread", 5000), ("/unread", LARGE)]
)
def test_slow_bodies_hold_up_nobody(place: Place, path: str, length: int):
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(place.begin(path, length)) for _ in range(3 * THREADS)]
        done = threading.Event()
        dripping = threading.Thread(target=drip, args=(peers, done))
        dripping.start()
        try:
            for _ in range(3):
                begun = time.monotonic()
                assert place.ask().endswith(b"0 bytes")
                assert time.monotonic() - begun < 15
        finally:
            done.set()
            dripping.join()


def test_a_body_in_pieces_comes_whole_and_the_connection_is_kept(place: Place):
    with place.begin("/read", 40_000) as peer:
        for _ in range(39):
            time.sleep(0.002)
            peer.sendall(b"y" * 1000)
        peer.sendall(b"y" * 999 + b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab")
        said = b""
        while b"40000 bytes" not in said:
            said += peer.recv(4096)
        peer.sendall(b"cGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = heard(peer)
        assert b"3 bytes" in said and said.endswith(b"0 bytes")


def test_a_large_body_is_read_by_who_wants_it(place: Place):
    assert place.ask("/read", b"z" * LARGE).endswith(b"%d bytes" % LARGE)


def test_a_peer_that_is_too_slow_with_a_large_body_is_left(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "_PATIENCE", 0.3)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(place.begin("/read", LARGE)) for _ in range(THREADS)]
        done = threading.Event()
        dripping = threading.Thread(target=drip, args=(peers, done))
        dripping.start()
        try:
            time.sleep(0.1)
            begun = time.monotonic()
            assert place.ask().endswith(b"0 bytes")
            assert time.monotonic() - begun < 15
            assert all(b"200" not in heard(peer) for peer in peers)
        finally:
            done.set()
            dripping.join()


def test_a_peer_that_does_not_take_its_answer_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "_PATIENCE", 0.3)
    large = bytes(16 << 20)

    def pours(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/large":
            return app(environ, start)
        start("200 OK", [("Content-Length", str(len(large)))])
        return [large]

    place = Place(Server(pours, threads=THREADS), None)
    place.server.start()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(THREADS):
                peer = stack.enter_context(place.connect())
                peer.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            begun = time.monotonic()
            assert place.ask().endswith(b"0 bytes")
            assert time.monotonic() - begun < 15
    finally:
        place.server.stop()


def test_who_still_sends_hears_the_refusal(place: Place):
    """The answer comes at once; what the peer goes on to say is thrown away meanwhile."""
    with place.begin("/unread", 20_000_000) as peer:
        for _ in range(20):
            peer.sendall(b"x" * 999_999)
        said = heard(peer)
    assert b"Connection: close" in said and said.endswith(b"0 bytes")


def test_a_refused_peer_that_pours_without_end_is_cut_off(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "_LINGER_BYTES", 1 << 20)
    sent = 0
    with place.begin("/unread", 1 << 40) as peer, contextlib.suppress(OSError):
        while sent < 1000:
            peer.sendall(b"x" * 999_999)
            sent += 1
    assert sent < 1000


def test_who_asks_whether_to_send_is_told_before_a_thread_waits(place: Place):
    with contextlib.ExitStack() as stack:
        for _ in range(3 * THREADS):
            silent = stack.enter_context(place.connect())
            silent.sendall(
                b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                b"expect: 100-continue\r\n\r\n"
            )
        with place.connect() as peer:
            peer.sendall(
                b"POST /read HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n"
                b"Expect: 100-continue\r\n\r\n"
            )
            assert peer.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            peer.sendall(b"hello")
            said = heard(peer)
            assert said.startswith(b"HTTP/1.1 200") and said.endswith(b"5 bytes")


@pytest.mark.parametrize(
    "lengths", ["-5", "+5", "5_0", "5\r\nContent-Length: 6", "5, 5", "five", "5;", "\x0b5"]
)
def test_an_odd_length_is_refused_and_waits_for_nothing(place: Place, lengths: str):
    begun = time.monotonic()
    with place.begin("/read", lengths) as peer:
        assert heard(peer).startswith(b"HTTP/1.1 400")
    assert time.monotonic() - begun < 15


def test_unfinished_requests_are_kept_within_bounds(place: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "_HELD", 200_000)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(place.begin("/read", 60_000)) for _ in range(10)]
        for peer in peers:
            peer.sendall(b"x" * 50_000)
        waiting = place.server._server._connections
        deadline = time.monotonic() + 60
        while sum(one.size for one in list(waiting._waiting.values())) > 200_000:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert place.ask().endswith(b"0 bytes")


@pytest.mark.parametrize("path", ["/requestComputerPartition", "/v1/join", "/cache/sha", "/none"])
@pytest.mark.parametrize("length", [5000, LARGE])
def test_no_stranger_holds_up_a_master(tmp_path: Path, path: str, length: int):
    found = master.Master(f"sqlite:///{tmp_path}/m.db")
    place = Place(Server(found.app, threads=THREADS), None)
    place.server.start()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(3 * THREADS):
                stack.enter_context(
                    place.begin(path, length, "Content-Type: application/json\r\n")
                )
            with place.connect() as peer:
                begun = time.monotonic()
                peer.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert json.loads(heard(peer).rpartition(b"\r\n")[2]) == {"status": "ok"}
                assert time.monotonic() - begun < 15
    finally:
        place.server.stop()
        found.close()


def test_what_flask_refuses_for_its_size_is_heard():
    server = Server(make_app(__name__, max_body=1000), threads=THREADS)
    server.start()
    try:
        said = Place(server, None).ask("/none", b"x" * 5_000_000)
        assert b" 404 " in said
    finally:
        server.stop()
