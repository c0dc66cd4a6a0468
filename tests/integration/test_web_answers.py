"""Answers of every shape over a real socket: heads and bodies that travel together."""

from __future__ import annotations

import contextlib
import http.client
import socket
import tracemalloc
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
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
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
    with socket.create_connection((connection.host, connection.port), timeout=60) as peer:
        peer.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        first = peer.recv(65536)
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert first.endswith(b"\r\n\r\nhello")


def talk(connection: http.client.HTTPConnection, head: bytes, piece: bytes, count: int) -> bytes:
    """What the server answers to a head and as many pieces of a body as it takes."""
    with socket.create_connection((connection.host, connection.port), timeout=60) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(head)
            for _ in range(count):
                peer.sendall(piece)
        return peer.recv(65536)


def test_a_head_without_end_is_refused_early(connection: http.client.HTTPConnection):
    with memory() as peak:
        answer = talk(connection, b"GET /small HTTP/1.1\r\nHost: x\r\nX: ", b"y" * 60_000, 2)
        assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400"))
    assert peak() < 4 << 20


def test_a_body_in_chunks_is_refused_unread(connection: http.client.HTTPConnection):
    head = b"POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n"
    assert talk(connection, head, b"", 0).startswith(b"HTTP/1.1 411")


def test_a_body_that_nobody_reads_takes_no_memory(connection: http.client.HTTPConnection):
    head = b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 33554432\r\n\r\n"
    with memory() as peak:
        answer = talk(connection, head, bytes(1 << 16), 512)
    assert answer.startswith(b"HTTP/1.1 200")
    assert peak() < 8 << 20


def test_a_connection_goes_on_after_a_body_that_nobody_read(
    connection: http.client.HTTPConnection,
):
    for _ in range(2):
        connection.request("POST", "/small", body=bytes(1 << 20))
        assert connection.getresponse().read() == b"hello"


@contextlib.contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """Tells the bytes that were allocated at the most inside the block."""
    peak = 0
    tracemalloc.start()
    try:
        yield lambda: peak
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
