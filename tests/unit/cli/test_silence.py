"""A server that hangs is told from one that works for long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from pelagos.cli import silence
from pelagos.cli.silence import WatchedTransport
from pelagos.core.http import HttpTimeout, Request
from pelagos.core.http.transports.lean import LeanTransport

DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"


class Server:
    """Answers short questions, when it does; the long one after so many of them."""

    def __init__(self, *, answers: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self.short = 0
        self._answers = answers
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        long, _ = self._listening.accept()
        with long:
            while self._answers:
                short, _ = self._listening.accept()
                with short:
                    if not short.recv(4096):
                        return
                    self.short += 1
                    short.sendall(DONE)
                if self.short == self._answers:
                    long.sendall(DONE)
                    return
            long.recv(4096)
            long.recv(4096)  # its end

    def end(self) -> None:
        self._thread.join(20)
        self._listening.close()


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[LeanTransport]:
    monkeypatch.setattr(silence, "_SILENT", 0.02)
    monkeypatch.setattr(silence, "_SHORT", 0.5)
    made = LeanTransport()
    yield made
    made.close()


def test_a_server_that_works_for_long_is_waited_for(transport: LeanTransport):
    server = Server(answers=2)
    answer = WatchedTransport(transport, server.url).send(Request("GET", server.url + "x"))
    server.end()
    assert answer.body == b"done" and server.short == 2


def test_the_same_holds_for_what_is_streamed(transport: LeanTransport):
    server = Server(answers=1)
    stream = WatchedTransport(transport, server.url).open(Request("GET", server.url + "x"))
    assert stream.read(9) == b"done"
    stream.close()
    server.end()


def test_a_server_that_leaves_even_a_short_question_unanswered_is_not_waited_for(
    transport: LeanTransport,
):
    server = Server(answers=0)
    with pytest.raises(HttpTimeout, match="does not answer, not even") as caught:
        WatchedTransport(transport, server.url).send(Request("POST", server.url + "x"))
    server.end()
    assert f"plane at {server.url.rstrip('/')} does" in caught.value.message
    assert "may still do" in caught.value.message
    assert "pelagos doctor" in str(caught.value.hint)


def test_what_shall_take_short_keeps_its_own_time(transport: LeanTransport):
    server = Server(answers=0)
    with pytest.raises(HttpTimeout, match=r"within 0\.3 s"):
        WatchedTransport(transport, server.url).send(Request("GET", server.url, timeout=0.3))
    server.end()
