"""A connected socket, plain or encrypted, that never waits once it is released."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from typing import Any, Final

#: Bytes read at once; larger reads cost more in fresh memory than they save in calls.
CHUNK: Final = 65_536


class Stream:
    """A plain socket. Reading belongs to one thread; writing to one at a time.

    Attributes:
        has_more: whether there may be more to read without a sign from the operating system.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.has_more = False

    def fileno(self) -> int:
        """For polling."""
        return self._link.fileno()

    def wait_for(self, seconds: float) -> None:
        """Let reads and writes wait as long, during the handshake."""
        self._link.settimeout(seconds)

    def release(self) -> None:
        """From now on, nothing waits."""
        self._link.setblocking(False)

    def read(self) -> bytes | None:
        """Some bytes; none: the peer has ended it; None: nothing is there now."""
        try:
            data = self._link.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            self.has_more = False
            return None
        self.has_more = len(data) == CHUNK
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Write what goes without waiting; how many bytes that were."""
        try:
            return self._link.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def write_all(self, data: bytes) -> None:
        """Write all of it, as long as `wait_for` said."""
        self._link.sendall(data)

    def break_off(self) -> None:
        """Let every reader and writer find it ended, from any thread."""
        with contextlib.suppress(OSError):
            # Below TLS: its own goodbye would wait for the peer.
            socket.socket.shutdown(self._link, socket.SHUT_RDWR)

    def close(self) -> None:
        """Give it back; only the thread that polls it does so."""
        with contextlib.suppress(OSError):
            self._link.close()


class TlsStream(Stream):
    """An encrypted socket: reading and writing share a state, so they exclude each other."""

    def __init__(self, link: ssl.SSLSocket) -> None:
        super().__init__(link)
        self._state = threading.Lock()

    def read(self) -> bytes | None:
        """As in Stream; a record at a time."""
        with self._state:
            try:
                data = self._link.recv(CHUNK)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self.has_more = False
                return None
            except ssl.SSLEOFError:
                return b""
        self.has_more = True
        return data

    def write_all(self, data: bytes) -> None:
        """As in Stream; a peer that has ended it is asked why."""
        try:
            super().write_all(data)
        except (ssl.SSLEOFError, ConnectionError):
            self._link.recv(1)  # a broker that wants a certificate says so after the handshake
            raise ConnectionResetError("the broker ended the connection") from None

    def write(self, data: bytes | memoryview) -> int:
        """As in Stream."""
        with self._state:
            try:
                return self._link.send(data)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return 0


def dial(host: str, port: int, context: ssl.SSLContext | None, timeout: float) -> Stream:
    """Connect.

    Raises:
        OSError: nobody answers in time, or not as the certificate should.
    """
    deadline = time.monotonic() + timeout
    problem: OSError | None = None
    places = _resolve(host, port, timeout)
    for number, place in enumerate(places):
        share = (deadline - time.monotonic()) / (len(places) - number)
        try:
            return _reach(place, host, context, time.monotonic() + share)
        except OSError as error:
            problem = error
    raise problem or OSError(f"{host} has no address")


_Place = tuple[Any, Any, int, str, Any]


def _reach(place: _Place, host: str, context: ssl.SSLContext | None, limit: float) -> Stream:
    family, kind, protocol, _, address = place
    link = socket.socket(family, kind, protocol)  # fails where the system lacks IPv6
    try:
        link.settimeout(_until(limit))
        link.connect(address)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if context is None:
            return Stream(link)
        link.settimeout(_until(limit))
        return TlsStream(context.wrap_socket(link, server_hostname=host))
    except OSError:
        link.close()
        raise


def _until(limit: float) -> float:
    return max(limit - time.monotonic(), 0.001)


def _resolve(host: str, port: int, timeout: float) -> list[_Place]:
    """The addresses of a host; the operating system's resolver knows no limit of time."""
    with contextlib.suppress(OSError, UnicodeError):
        flags = socket.AI_NUMERICHOST
        return list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, flags))
    # Not a SimpleQueue: in Python 3.11 its time-out is missed when a signal comes just then.
    answers: queue.Queue[list[_Place] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, name="amqp-resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise TimeoutError(f"the name {host!r} was not resolved within {timeout:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
