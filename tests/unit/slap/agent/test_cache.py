"""A cache that is slow or gone costs a while, and no more than that."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pelagos.slap.agent.cache import BinaryCache, CacheMiss
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.agent.layout import Layout

KEY = "a" * 128
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"


class Peer:
    """A server that does with each connection what the test says."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with one:
                    one.recv(65536)
                    self._behave(one)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(60)


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    made = Peer(request.param)
    yield made
    made.close()


def drip(one: socket.socket) -> None:
    one.sendall(HEAD)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        one.sendall(b"x")
        time.sleep(0.05)


def cut(one: socket.socket) -> None:
    one.sendall(HEAD + b"x")


def fetch(peer: Peer, folder: Path, limit: float) -> str:
    use = CacheUse(peer.url, peer.url, timeout=5.0, total_timeout=limit)
    cache = BinaryCache(use, Layout(folder))
    with pytest.raises(CacheMiss) as missed:
        cache._download(KEY, folder / "part", threading.Event())
    return missed.value.message


@pytest.mark.parametrize("peer", [drip], indirect=True)
def test_an_archive_that_comes_in_drops_is_given_up(peer: Peer, tmp_path: Path) -> None:
    began = time.monotonic()
    assert "within 1 s" in fetch(peer, tmp_path, 1.0)
    assert time.monotonic() - began < 25


@pytest.mark.parametrize("peer", [cut], indirect=True)
def test_attempts_are_apart(peer: Peer, tmp_path: Path) -> None:
    began = time.monotonic()
    assert "could not be fetched" in fetch(peer, tmp_path, 1.5)
    assert 0.4 < time.monotonic() - began < 25
    assert 2 <= peer.connections <= 3
