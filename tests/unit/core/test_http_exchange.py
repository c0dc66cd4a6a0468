"""core.http: one exchange over a socket, whatever the other side sends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.core.http.transports.exchange import Answer, BadAnswer, Exchange, written


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def asked(answers: bytes, *, method: str = "GET", limit: int = 10_000) -> Answer:
    """What is read of these bytes, after which the other side ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=lambda: (theirs.sendall(answers), theirs.shutdown(1)))
        sender.start()
        try:
            deadline = time.monotonic() + 60
            return Exchange(ours).ask(b"", b"", method=method, limit=limit, deadline=deadline)
        finally:
            sender.join()


def test_a_body_has_the_length_that_it_says():
    got = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: 1\r\nx-a: 2\r\n\r\nbody")
    assert got == Answer(200, {"content-length": "4", "x-a": "1, 2"}, b"body", False)


def test_a_body_in_chunks_is_joined():
    got = asked(
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4;x=y\r\nbody\r\n3\r\n, t\r\n0\r\nTrailer: 1\r\n\r\n"
    )
    assert (got.status, got.body, got.is_last) == (201, b"body, t", False)


def test_a_body_without_a_length_goes_to_the_end():
    got = asked(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    assert (got.body, got.is_last) == (b"all of it", True)


def test_interim_answers_are_passed_over():
    got = asked(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
    assert (got.status, got.body, got.is_last) == (204, b"", False)


def test_an_answer_to_head_has_no_body():
    got = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", method="HEAD")
    assert (got.body, got.is_last) == (b"", False)


def test_what_comes_besides_is_not_the_next_answer():
    got = asked(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n")
    assert (got.body, got.is_last) == (b"ok", True)


@pytest.mark.parametrize("size", [b"100", b"ffff"])
def test_no_more_is_read_than_is_wanted(size: bytes):
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: 65535\r\n\r\n" + b"x" * 65535
    assert len(asked(plain, limit=10).body) == 10
    packed = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n" + b"x" * 65535
    )
    assert len(asked(packed, limit=10).body) == 10


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x15\x03\x01\x00\x02",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody more\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300,
        b"HTTP/1.1 200 OK\r\n" + b"a" * 200_000,
    ],
)
def test_what_is_no_whole_answer_is_refused(broken: bytes):
    with pytest.raises(BadAnswer):
        asked(broken)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_do_more_than_that(noise: bytes, is_begun: bool):
    head = b"HTTP/1.1 200 OK\r\n" if is_begun else b""
    try:
        got = asked(head + noise, limit=50)
    except BadAnswer:
        return
    assert len(got.body) <= 50


def test_a_silent_side_is_waited_for_until_the_deadline(pair: tuple[socket.socket, socket.socket]):
    with pytest.raises(TimeoutError):
        Exchange(pair[0]).ask(
            b"GET", b"", method="GET", limit=10, deadline=time.monotonic() + 0.05
        )


def test_a_head_says_host_and_length():
    head = written("POST", "/x?y=1", "h:80", {"X-A": "é"}, 3)
    assert head == b"POST /x?y=1 HTTP/1.1\r\nHost: h:80\r\nContent-Length: 3\r\nX-A: \xe9\r\n\r\n"
    assert b"Content-Length" not in written("GET", "/", "h", {}, 0)
    assert b"Content-Length: 0" in written("PUT", "/", "h", {}, 0)


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [("/a b", "x", "y"), ("/é", "x", "y"), ("/", "x\r\ny", "z"), ("/", "x", "y\nz: 1")],
)
def test_what_would_be_another_request_is_not_written(target: str, name: str, value: str):
    with pytest.raises(ValueError, match="cannot write"):
        written("GET", target, "h", {name: value}, 0)
