"""What every transport of core.http does, the fake and the real one alike."""

import contextlib
import functools
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from flask import Response as FlaskResponse

from pelagos.core.http import (
    FakeTransport,
    HttpClient,
    HttpProtocolError,
    HttpTimeout,
    HttpUnreachable,
    Request,
    Response,
)
from pelagos.core.http.transports.lean import LeanTransport
from pelagos.core.http.transports.pooled import PooledTransport
from pelagos.core.web import Server, make_app
from support.tls_site import serve_tls


def routes() -> Flask:
    app = make_app(__name__)

    @app.route("/echo", methods=["GET", "POST"])
    def echo() -> FlaskResponse:
        return FlaskResponse(
            request.get_data(), 201, {"X-Seen": request.headers.get("X-Send", "")}
        )

    @app.get("/zipped")
    def zipped() -> FlaskResponse:
        return FlaskResponse(gzip.compress(b"plain"), 200, {"Content-Encoding": "gzip"})

    return app


REAL = {"pooled": PooledTransport, "lean": LeanTransport}


@pytest.fixture(params=["fake", "pooled", "pooled-tls", "lean", "lean-tls"])
def http(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HttpClient]:
    if request.param == "fake":

        def echo(sent: Request) -> Response:
            return Response(201, {"X-Seen": sent.headers.get("X-Send", "")}, sent.body or b"")

        table = {"POST /echo": echo, "GET /echo": echo, "GET /zipped": Response(200, {}, b"plain")}
        yield HttpClient("http://fake", transport=FakeTransport(table))
        return
    kind = REAL[request.param.removesuffix("-tls")]
    if request.param.endswith("-tls"):
        site = serve_tls(tmp_path, routes())
        site.issue("someone")
        transport = kind(tls=site.trust("someone"))
        with contextlib.closing(HttpClient(site.server.url, transport=transport)) as client:
            yield client
        site.server.stop()
        return
    server = Server(routes())
    server.start()
    client = HttpClient(server.url, transport=kind())
    yield client
    client.close()
    server.stop()


def test_body_status_and_headers_arrive(http: HttpClient):
    answer = http.request("POST", "echo", json={"a": 1}, headers={"X-Send": "hi"})
    assert (answer.status, answer.json(), answer.headers["x-seen"]) == (201, {"a": 1}, "hi")


def test_an_answer_is_decoded_from_gzip(http: HttpClient):
    assert http.request("GET", "zipped").body == b"plain"


def test_threads_share_one_client(http: HttpClient):
    answers: list[bytes] = []

    def ask(n: int) -> None:
        for _ in range(5):
            answers.append(http.request("POST", "echo", form={"n": str(n)}).body)  # noqa: PERF401

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"n={n}".encode() for n in range(8) for _ in range(5))


@pytest.fixture(params=list(REAL.values()), ids=list(REAL))
def real(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_a_stream_is_read_in_pieces_and_its_connection_used_again(real: Any):
    server = Server(routes())
    server.start()
    transport = real()
    for size in (0, 1, 700_000):
        body = b"x" * size
        stream = transport.open(Request("POST", f"{server.url}/echo", {"X-Send": "hi"}, body))
        pieces = list(iter(functools.partial(stream.read, 100_000), b""))
        stream.close()
        assert (stream.status, stream.headers["x-seen"]) == (201, "hi")
        assert b"".join(pieces) == body and all(len(piece) <= 100_000 for piece in pieces)
    given_up = transport.open(Request("POST", f"{server.url}/echo", {}, b"y" * 700_000))
    assert given_up.read(10) == b"y" * 10
    given_up.close()
    with pytest.raises(HttpProtocolError, match="broke off"):
        given_up.read(10)
    assert transport.send(Request("POST", f"{server.url}/echo", {}, b"z")).body == b"z"
    transport.close()
    server.stop()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", HttpProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", HttpProtocolError),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", None),
    ],
    ids=["short", "no-last-chunk", "to-the-end", "chunked"],
)
def test_a_stream_knows_whether_it_is_whole(
    listener: socket.socket, real: Any, answer: bytes, error: Any
):
    def serve() -> None:
        peer, _ = listener.accept()
        asked = b""
        with peer:
            while not asked.endswith(b"\r\n\r\nq"):  # what is not read would become a reset
                asked += peer.recv(4096)
            peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    transport = real()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    stream = transport.open(Request("POST", url, {}, b"q", 60.0))
    read = b""
    with contextlib.nullcontext() if error is None else pytest.raises(error, match="broke off"):
        while piece := stream.read(1):
            read += piece
    assert read in ({b"ab"} if error is None else {b"", b"a", b"ab"})
    stream.close()
    transport.close()
    thread.join()


@pytest.mark.parametrize("is_timed_whole", [True, False])
def test_a_stream_that_drips_is_late_only_as_a_whole(
    listener: socket.socket, real: Any, is_timed_whole: bool
):
    gone = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
            for _ in range(12):
                gone.wait(0.08)
                peer.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    transport = real()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    stream = transport.open(Request("POST", url, {}, b"q", 0.5, is_timed_whole=is_timed_whole))
    if is_timed_whole:
        with pytest.raises(HttpTimeout, match=r"within 0.5 s"):
            list(iter(functools.partial(stream.read, 1), b""))
    else:
        assert b"".join(iter(lambda: stream.read(1), b"")) == b"x" * 12
    gone.set()
    stream.close()
    transport.close()
    thread.join()


def test_nobody_there_is_unreachable_and_worth_another_try():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        port = silent.getsockname()[1]
        for client in (
            HttpClient(f"http://127.0.0.1:{port}"),
            HttpClient(f"http://127.0.0.1:{port}", transport=LeanTransport()),
            HttpClient(f"http://127.0.0.1:{port}", transport=FakeTransport()),
        ):
            with pytest.raises(HttpUnreachable, match=f":{port}") as caught:
                client.request("GET", "x")
            assert caught.value.retry_after is not None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_peer_that_never_answers_is_a_timeout(listener: socket.socket, real: Any):
    client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", transport=real())
    with pytest.raises(HttpTimeout, match=r"within 0.2 s"):
        client.request("GET", "x", timeout=0.2)
    client.close()


def test_an_answer_that_is_cut_is_a_protocol_error(listener: socket.socket, real: Any):
    def cut() -> None:
        for _ in range(2):  # a GET is sent once more
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    thread = threading.Thread(target=cut)
    thread.start()
    client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", transport=real())
    with pytest.raises(HttpProtocolError, match="broke off"):
        client.request("GET", "x")
    client.close()
    thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("at_once", "drop"),
    [(HEAD, b"x"), (CHUNKS, b"1\r\nx\r\n"), (CHUNKS, b"0"), (b"", b"H")],
    ids=["body", "chunks", "chunk-head", "status-line"],
)
def test_a_peer_that_drips_is_a_timeout(
    listener: socket.socket, at_once: bytes, drop: bytes, real: Any
):
    gone = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            peer.recv(4096)
            peer.sendall(at_once)
            while not gone.wait(0.05):
                peer.sendall(drop)

    thread = threading.Thread(target=drip)
    thread.start()
    client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", transport=real())
    started = time.monotonic()
    with pytest.raises(HttpTimeout, match=r"within 0.3 s") as caught:
        client.request("GET", "x", timeout=0.3)
    assert 0.3 <= time.monotonic() - started < 30
    assert caught.value.hint
    gone.set()
    thread.join()
    client.close()


def test_a_connection_is_used_again_after_an_answer_with_little_time(http: HttpClient):
    http.request("GET", "echo", timeout=1.0)
    body = {"a": "x" * 500_000}
    assert http.request("POST", "echo", form=body, timeout=5.0).body.endswith(b"xxx")


def test_an_answer_may_be_as_large_as_its_request_says(http: HttpClient):
    assert http.request("GET", "zipped", limit=5).body == b"plain"
    with pytest.raises(HttpProtocolError, match="larger than 4 bytes") as caught:
        http.request("GET", "zipped", limit=4)
    assert caught.value.hint


def test_an_answer_that_is_too_large_is_not_fetched_twice(listener: socket.socket, real: Any):
    served = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            served.append(peer.recv(4096))
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlarge")

    thread = threading.Thread(target=serve)
    thread.start()
    client = HttpClient(
        f"http://127.0.0.1:{listener.getsockname()[1]}", transport=real(), timeout=5
    )
    with pytest.raises(HttpProtocolError, match="larger than 4 bytes") as caught:
        client.request("GET", "x", limit=4)
    thread.join()
    client.close()
    assert caught.value.retry_after is None
    assert len(served) == 1


def test_a_connection_that_the_server_has_ended_is_not_used_again(
    listener: socket.socket, real: Any
):
    """What is no GET is sent once; so it must not go into a connection that is over."""
    ended = threading.Event()

    def serve() -> None:
        for _ in range(2):
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            ended.set()

    thread = threading.Thread(target=serve)
    thread.start()
    client = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", transport=real())
    assert client.request("GET", "x").text == "ok"
    assert ended.wait(60)
    assert client.request("POST", "x").text == "ok"
    thread.join()
    client.close()
