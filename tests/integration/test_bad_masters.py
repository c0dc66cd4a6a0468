"""A master that vanishes or talks nonsense stops no service, and the agent finds back to it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent_site import Site

BODY = """\
[service]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  exec sleep 1000
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
EMPTY = (
    b'<marshal><object id="i2" module="slapos.slap.slap" class="Computer"><tuple><string>COMP-1'
    b'</string></tuple><dictionary id="i3"><string>_computer_id</string><string>COMP-1</string>'
    b'<string>_computer_partition_list</string><list id="i4"/><string>_software_release_list'
    b'</string><list id="i5"/></dictionary></object></marshal>'
)

ANSWERS = {
    "garbage": [b"\x00\xff\x13 not HTTP at all\r\n\r\n"],
    "nothing": [],
    "cut in the middle": [HEAD + b"Content-Length: 5000\r\n\r\n<marshal><object id="],
    "a page for people": [HEAD + b"Content-Length: 20\r\n\r\n<html>welcome</html>"],
    "another document": [
        HEAD + b"Content-Length: 41\r\n\r\n<marshal><string>hello</string></marshal>"
    ],
    "unavailable": [b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"],
    "an empty computer": [HEAD + b"Content-Length: %d\r\n\r\n" % len(EMPTY) + EMPTY],
    "never ending": [HEAD + b"Content-Length: 500000\r\n\r\n", *([b"<"] * 200)],
}


class BadMaster:
    """Answers everything with the same bytes, piece by piece."""

    def __init__(self, port: int, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._stop = threading.Event()
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", port))
        self._socket.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                peer, _ = self._socket.accept()
            except TimeoutError:
                continue
            with peer, contextlib.suppress(OSError):
                peer.settimeout(5.0)
                peer.recv(65536)
                self.calls += 1
                for piece in self._pieces:
                    peer.sendall(piece)
                    if len(self._pieces) > 1 and self._stop.wait(0.05):
                        break

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(Path(tmp_path_factory.mktemp("bad")))
    try:
        made.start()
        made.order("a", made.release("one", "service", BODY))
        made.until("a", lambda s: s.status == "started", within=90.0)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("what", ANSWERS)
def test_services_go_on_and_the_agent_finds_back(site: Site, what: str) -> None:
    before = site.pids("a")
    name = site.partition("a").name
    port = site.server.port
    site.server.stop()
    bad = BadMaster(port, ANSWERS[what])
    try:
        assert site.agent is not None
        site.agent.wake()
        end = time.monotonic() + 40.0
        while bad.calls < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert bad.calls >= 1
        time.sleep(0.5)
        assert site.pids_of(name) == before
        assert (site.layout.instance / name / ".timestamp").exists()
    finally:
        bad.close()
        site.serve(port)
    site.until("a", lambda _: site.agent is not None and site.agent.status().cause.code == "ok")
    assert site.pids("a") == before
    assert site.service("a").status == "started"


def test_a_dead_service_is_started_again_without_a_master(site: Site) -> None:
    name = site.partition("a").name
    port = site.server.port
    site.server.stop()
    try:
        before = site.pids_of(name)["web"]
        assert before
        os.kill(before, 9)
        end = time.monotonic() + 45.0
        while site.pids_of(name).get("web") in {None, before} and time.monotonic() < end:
            time.sleep(0.05)
        assert site.pids_of(name)["web"] not in {None, before}
    finally:
        site.serve(port)
