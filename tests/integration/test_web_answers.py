"""Answers of every shape over a real socket: heads and bodies that travel together."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

import pytest

from pelagos.core.web import Server

pytestmark = pytest.mark.integration

LARGE = b"0123456789abcdef" * 100_000


def app(environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
    def pieces() -> Iterator[bytes]:
        yield b"one"
        yield b""
        yield b"two"

    match environ["PATH_INFO"]:
        case "/small":
            start("200 OK", [("Content-Length", "5")])
            return [b"hello"]
        case "/large":
            start("200 OK", [("Content-Length", str(len(LARGE)))])
            return [LARGE[:70_000], LARGE[70_000:]]
        case "/pieces":
            start("200 OK", [])  # no length: chunked
            return pieces()
        case "/no-pieces":
            start("200 OK", [])
            return []
        case "/nothing":
            start("204 No Content", [])
            return []
        case "/unchanged":
            start("304 Not Modified", [("ETag", '"1"')])
            return []
    raise ValueError("this path fails before it answers")


@pytest.fixture
def connection() -> Iterator[http.client.HTTPConnection]:
    server = Server(app)
    server.start()
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        yield connection
    finally:
        connection.close()
        server.stop()


def test_each_shape_of_answer_is_whole_on_one_connection(connection: http.client.HTTPConnection):
    for method, path, status, body in (
        ("GET", "/small", 200, b"hello"),
        ("GET", "/large", 200, LARGE),
        ("GET", "/pieces", 200, b"onetwo"),
        ("GET", "/no-pieces", 200, b""),
        ("GET", "/nothing", 204, b""),
        ("GET", "/unchanged", 304, b""),
        ("HEAD", "/small", 200, b""),
        ("GET", "/small", 200, b"hello"),
    ):
        connection.request(method, path)
        answer = connection.getresponse()
        assert (path, answer.status, answer.read()) == (path, status, body)


def test_a_failure_before_the_head_is_a_500(connection: http.client.HTTPConnection):
    connection.request("GET", "/fails")
    assert connection.getresponse().status == 500


def test_a_small_answer_is_one_packet(connection: http.client.HTTPConnection):
    with socket.create_connection((connection.host, connection.port), timeout=10) as peer:
        peer.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        first = peer.recv(65536)
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert first.endswith(b"\r\n\r\nhello")
