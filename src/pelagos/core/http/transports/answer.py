"""An answer that must be whole in time, on the standard library's connections."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


class InTime(io.RawIOBase):
    """What a socket receives until a deadline, however slowly it drips."""

    def __init__(self, sock: socket.socket, timeout: float | None) -> None:
        super().__init__()
        self._sock = sock
        self._source = sock.makefile("rb", buffering=0)  # keeps the socket open while it is read
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def wait_for_each(self, timeout: float) -> None:
        """From now on, the time is not for all of it but for each piece."""
        self._deadline = None
        self._sock.settimeout(timeout)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What is there, waited for no longer than until the deadline."""
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        return self._source.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._source.close()
        super().close()


class _Socket:
    """A socket as `http.client` reads an answer from it: as a file."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(InTime(self._sock, self._sock.gettimeout()))


class Answer(http.client.HTTPResponse):
    """An answer whose timeout is for all of it, where the standard library's is for each wait."""

    def __init__(self, sock: socket.socket, *how: Any, **more: Any) -> None:
        super().__init__(_Socket(sock), *how, **more)  # type: ignore[arg-type]  # only makefile is used
