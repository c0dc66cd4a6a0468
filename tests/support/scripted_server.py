"""A server of raw bytes: what it answers to each request is written by the test."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Self


@dataclass
class Conversation:
    """One connection, as a script sees it.

    Attributes:
        number: 0 for the first connection.
        turn: 0 for the first request on it.
    """

    number: int
    turn: int
    sock: socket.socket
    head: bytes
    body: bytes

    def say(self, *pieces: bytes) -> None:
        """Send bytes; that the other has gone is no error."""
        with contextlib.suppress(OSError):
            for piece in pieces:
                self.sock.sendall(piece)


#: Answers a request; True keeps the connection open.
Script = Callable[[Conversation], bool]


@dataclass
class ScriptedServer:
    """Listens on a free port of this machine; use it as a context.

    Attributes:
        requests: the heads of all requests, oldest first.
    """

    script: Script
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(60)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(peer)
            place = (peer, self.connections)
            thread = threading.Thread(target=self._serve, args=place, daemon=True)
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), peer, peer.makefile("rb") as source:
            for turn in range(1000):
                head = _head(source)
                if not head:
                    return
                self.requests.append(head)
                length = next(
                    (
                        int(line.partition(b":")[2])
                        for line in head.splitlines()
                        if line.lower().startswith(b"content-length:")
                    ),
                    0,
                )
                if not self.script(Conversation(number, turn, peer, head, source.read(length))):
                    return


def _head(source: IO[bytes]) -> bytes:
    """The lines until an empty one; nothing at the end of the connection."""
    lines = []
    while (line := source.readline()) not in {b"", b"\r\n"}:
        lines.append(line)
    return b"".join(lines)


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer with its length."""
    fields = {"Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body
