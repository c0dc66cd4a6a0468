"""OneServer over real sockets: time, threads, resets, TLS."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pelagos.one import OneServer, errors
from support.one_answers import sample, text_answer
from support.tls_site import serve_tls

VERSION = text_answer("7.5.80")
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
)


def whole(body: bytes) -> bytes:
    return HEAD % len(body) + body


class Daemon:
    """Answers each connection by a function, and then closes it, as oned does."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.count = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.count += 1
        try:
            with connection:
                received = b""
                while b"</methodCall>" not in received:
                    received += connection.recv(65536)
                self._answer(connection)
        except OSError:
            pass  # the client went away

    def close(self) -> None:
        self._listener.close()

    def one(self, **how: object) -> OneServer:
        return OneServer(f"http://127.0.0.1:{self.port}/RPC2", "a:b", environment={}, **how)  # type: ignore[arg-type]


@pytest.fixture
def daemon() -> Iterator[Callable[[Callable[[socket.socket], None]], Daemon]]:
    made: list[Daemon] = []

    def make(answer: Callable[[socket.socket], None]) -> Daemon:
        made.append(Daemon(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[[Callable[[socket.socket], None]], Daemon]


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_server_that_says_nothing_is_left_in_time(daemon: Make) -> None:
    over = threading.Event()
    here = daemon(lambda _: over.wait(30) and None)
    began = time.monotonic()
    with here.one(timeout=0.3) as one, pytest.raises(errors.OneTimeoutException):
        one.vm.info(1)
    assert time.monotonic() - began < 25 and here.count == 1
    assert socket.getdefaulttimeout() is None
    over.set()


def test_a_server_that_drips_is_left_in_time(daemon: Make) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in whole(text_answer("x" * 10_000)):
            connection.sendall(bytes([byte]))
            time.sleep(0.01)

    here = daemon(drip)
    began = time.monotonic()
    with here.one(timeout=0.5) as one, pytest.raises(errors.OneTimeoutException):
        one.vm.info(1)
    assert time.monotonic() - began < 50


def test_32_threads_share_one_server_and_its_connections(daemon: Make) -> None:
    lock, at_once, most = threading.Lock(), [0], [0]

    def answer(connection: socket.socket) -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.002)
        with lock:
            at_once[0] -= 1
        connection.sendall(whole(VERSION))

    here = daemon(answer)
    with here.one(connections=8) as one, ThreadPoolExecutor(32) as threads:
        assert set(threads.map(lambda _: one.system.version(), range(320))) == {"7.5.80"}
    assert 1 < most[0] <= 8


def test_resets_are_survived_by_calls_that_change_nothing(daemon: Make) -> None:
    numbers = iter(range(1_000))

    def answer(connection: socket.socket) -> None:
        if next(numbers) % 3 == 0:
            reset(connection)
        else:
            connection.sendall(whole(VERSION))

    here = daemon(answer)
    with here.one() as one:
        assert [one.system.version() for _ in range(6)] == ["7.5.80"] * 6
        numbers = iter([0])
        with pytest.raises(errors.OneBrokenException):
            one.vm.allocate("NAME=x")


def test_a_cut_answer_is_an_error(daemon: Make) -> None:
    body = whole(text_answer(sample("vmpool_info_100.xml")))
    here = daemon(lambda connection: connection.sendall(body[:100_000]))
    with here.one(retries=0) as one, pytest.raises(errors.OneException):
        one.vmpool.info(-2, -1, -1, -1)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}/RPC2"
    with (
        OneServer(uri, "a:b", environment={}, retries=0) as one,
        pytest.raises(errors.OneUnreachableException) as caught,
    ):
        one.system.version()
    assert caught.value.__cause__ is not None


def test_over_tls_whom_to_trust(tmp_path: Path) -> None:
    def app(_: object, start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(VERSION)))])
        return [VERSION]

    site = serve_tls(tmp_path, app, client_authority=False)
    authority = str(tmp_path / "ca/ca.pem")

    def ask(**how: Any) -> str:
        with OneServer(f"{site.server.url}/RPC2", "a:b", environment={}, **how) as one:
            return one.system.version()

    try:
        assert ask(https_verify=authority) == "7.5.80"
        assert ask(context=ssl.create_default_context(cafile=authority)) == "7.5.80"
        assert ask(https_verify=False) == "7.5.80"
        for how in ({}, {"context": ssl.create_default_context()}):
            with pytest.raises(errors.OneTlsException) as caught:
                ask(**how)
        assert "https_verify" in (caught.value.hint or "")
    finally:
        site.server.stop()
