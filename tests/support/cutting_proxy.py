"""A TCP proxy that cuts the first large answer in its middle, then behaves."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class CuttingProxy:
    """Forwards to a port of this machine; use it as a context.

    Args:
        port: where to.
        cut_after: bytes of one answer after which its connection is closed, once.
    """

    def __init__(self, port: int, *, cut_after: int) -> None:
        self._port = port
        self._cut_after = cut_after
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        """One connection after the other: each carries one exchange."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._port)) as server:
                up = threading.Thread(target=self._forward, args=(client, server), daemon=True)
                up.start()
                self._answer(server, client)
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                up.join(5)

    @staticmethod
    def _forward(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                client.sendall(piece)
                sent += len(piece)
                if sent > self._cut_after and not self.cuts:
                    self.cuts += 1
                    return
