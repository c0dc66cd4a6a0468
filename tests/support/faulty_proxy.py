"""A TCP proxy whose answers go wrong at a byte of one's choice, as long as one wishes."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from typing import Self

#: Closing a socket then resets its connection.
_AT_ONCE = struct.pack("ii", 1, 0)


class FaultyProxy:
    """Forwards to a port of this machine; use it as a context.

    Attributes:
        cut_after: bytes of an answer after which its connection ends; None: answers are whole.
        about: what a question holds whose answer is meant.
        is_reset: it ends by a reset instead of an orderly end.
        pause: seconds before each byte of an answer.
        cuts: connections that it has ended.
        longest: bytes of the longest answer so far.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut_after: int | None = None
        self.about = b""
        self.is_reset = False
        self.pause = 0.0
        self.cuts = 0
        self.longest = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            with self._lock:
                self._open |= {client, server}
            with contextlib.suppress(OSError):
                self._forward(client, server)
            with self._lock:
                self._open -= {client, server}

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        sent, is_meant = 0, False  # of the answer that is under way
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for source in ready:
                piece = source.recv(65536)
                if not piece:
                    return
                if source is client:
                    if piece.startswith((b"GET ", b"POST ", b"PUT ")):  # and not only its body
                        is_meant = self.about in piece
                    sent = 0
                    server.sendall(piece)
                elif not self._answer(client, piece, sent, is_meant=is_meant):
                    return
                else:
                    sent += len(piece)

    def _answer(self, client: socket.socket, piece: bytes, sent: int, *, is_meant: bool) -> bool:
        """Pass on a part of an answer; whether all of it."""
        self.longest = max(self.longest, sent + len(piece))
        limit = self.cut_after if is_meant else None
        if limit is None or sent + len(piece) <= limit:
            self._send(client, piece)
            return True
        self._send(client, piece[: max(0, limit - sent)])
        self.cuts += 1
        if self.is_reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        return False

    def _send(self, client: socket.socket, piece: bytes) -> None:
        if not self.pause:
            client.sendall(piece)
            return
        for byte in piece:
            time.sleep(self.pause)
            client.sendall(bytes([byte]))
