"""The connections of a server: who is waited for, and who has said enough to be worked on.

One thread waits for all peers at once: for those that have just come, for TLS handshakes, for the
next request, for the end of refused ones. It never blocks on one of them. A worker thread gets a
connection when the request is there with its body, so that peers who are silent, slow or hang in
the handshake cost a socket and some memory each until their time is over, and nobody else's time.
Only of a body above `BODY_AHEAD` the worker itself reads, when the application asks for it: that
is a moment after it knows whom it speaks with, and `connection` bounds how long it waits.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import select
import socket
import ssl
import threading
import time
from typing import Any

from pelagos.core.web.connection import BODY_AHEAD, Connection, NotHttp
from pelagos.core.web.tls import Terms, refusal_of_plain_http

log = logging.getLogger(__name__)

#: Seconds that a peer may take for the TLS handshake.
HANDSHAKE_TIMEOUT = 10.0
#: Connections that are kept open between two requests; the next answer closes its own.
_KEPT = 1000
#: Seconds for which a refused peer may go on speaking until it has read why.
_LINGER = 2.0
#: Seconds, and bytes, for which a peer may finish a body that nobody wants.
_LINGER_SENDING = 30.0
_LINGER_BYTES = 64 * 1024 * 1024
#: Bytes of unfinished requests that are kept altogether; above that the largest go.
_HELD = 64 * 1024 * 1024
_PIECE = 64 * 1024
_CHECK = 0.5
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NOT_TLS = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Connections:
    """All connections of a server that no worker has.

    Args:
        server: what has `socket`, `timeout`, `ready`, `terms` and the workers' queue `requests`.

    Its methods have the names by which cheroot's server calls them.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self._waiting: dict[int, Connection] = {}
        self._poll = select.epoll()
        self._wake, self._woken = socket.socketpair()
        self._listener: socket.socket = server.socket
        self._listener.setblocking(False)
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(self._woken, select.EPOLLIN)
        self._stopped = threading.Event()
        self._running = False

    # ---- for the server's threads ---------------------------------------------------------------

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether one more may wait for its next request."""
        return len(self._waiting) < _KEPT

    def put(self, connection: Connection) -> None:
        """Take back a connection whose request is answered."""
        connection.rest()
        connection.socket.settimeout(0)
        connection.deadline = time.monotonic() + self._server.timeout
        self._listen(connection)

    def linger(self, connection: Connection) -> bool:
        """Close it when its peer has read what was said; False when it must close at once."""
        if self._stopped.is_set():
            return False
        try:
            socket.socket.shutdown(connection.socket, socket.SHUT_WR)
            connection.socket.settimeout(0)
        except OSError:
            return False
        is_sending = (connection.announced or 0) > BODY_AHEAD
        connection.deadline = time.monotonic() + (_LINGER_SENDING if is_sending else _LINGER)
        self._watch(connection)
        return True

    def stop(self) -> None:
        """End `run`; returns when it has ended."""
        self._stopped.set()
        self._wake.send(b"x")
        while self._running:
            time.sleep(0.001)

    def close(self) -> None:
        """Give back all connections; after `stop`."""
        while self._waiting:
            with contextlib.suppress(KeyError):
                _drop(self._waiting.popitem()[1])
        for held in (self._poll, self._wake, self._woken):
            held.close()

    # ---- the waiting thread ---------------------------------------------------------------------

    def run(self, _interval: float) -> None:
        """Wait for peers until `stop`."""
        self._running = True
        check = time.monotonic() + _CHECK
        try:
            while not self._stopped.is_set():
                for number, _ in self._poll.poll(_CHECK):
                    if number == self._listener.fileno():
                        self._accept()
                    elif connection := self._waiting.pop(number, None):
                        self._advance(connection)
                now = time.monotonic()
                if now >= check:
                    check = now + _CHECK
                    self._expire(now)
                    self._shed()
        finally:
            self._running = False

    def _accept(self) -> None:
        try:
            sock, peer = self._listener.accept()
        except OSError as error:
            if error.errno in _FULL:
                self._make_room(error)
            return  # else the peer has gone again
        sock.settimeout(0)
        connection = Connection(self._server, sock, peer)
        timeout = self._server.timeout
        if self._server.terms is not None:
            connection.terms = self._server.terms
            timeout = min(timeout, HANDSHAKE_TIMEOUT)
        connection.deadline = time.monotonic() + timeout
        self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        """As far as the peer has spoken."""
        if connection.ending:
            self._drain(connection)
        elif connection.terms is not None:
            self._handshake(connection, connection.terms)
        else:
            self._listen(connection)

    def _handshake(self, connection: Connection, terms: Terms) -> None:
        try:
            secured = connection.secure(terms)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(connection)
        except ssl.SSLWantWriteError:
            self._watch(connection, select.EPOLLOUT)
        except ssl.SSLError as error:
            log.info("no TLS with %s: %s", connection.remote_addr, error.reason or error)
            self._refuse(connection)
        except OSError as error:
            log.debug("%s went away during the handshake: %s", connection.remote_addr, error)
            _drop(connection)
        else:
            if secured:
                connection.deadline = time.monotonic() + self._server.timeout
                self._listen(connection)
            else:
                log.info("%s speaks plain HTTP where TLS is spoken", connection.remote_addr)
                self._refuse(connection, refusal_of_plain_http())

    def _listen(self, connection: Connection) -> None:
        try:
            connection.listen()
        except (BlockingIOError, ssl.SSLWantReadError):
            self._watch(connection)
        except ssl.SSLWantWriteError:
            self._watch(connection, select.EPOLLOUT)
        except OSError as error:
            log.debug("%s went away: %s", connection.remote_addr, error)
            _drop(connection)
        except NotHttp:
            log.info("%s speaks TLS where plain HTTP is spoken", connection.remote_addr)
            self._refuse(connection, _NOT_TLS)
        else:
            self._server.requests.put(connection)

    def _refuse(self, connection: Connection, last_words: bytes = b"") -> None:
        """Say so, and close when it was read: at once, the peer's system would throw it away."""
        connection.ending = True
        connection.forget()
        with contextlib.suppress(OSError):
            connection.socket.send(last_words)
        connection.close()

    def _drain(self, connection: Connection) -> None:
        try:
            taken = len(socket.socket.recv(connection.socket, _PIECE))
            connection.thrown_away += taken
            speaks = taken > 0 and connection.thrown_away < _LINGER_BYTES
        except BlockingIOError:
            speaks = True
        except OSError:
            speaks = False
        if speaks:
            self._watch(connection)
        else:
            _drop(connection)

    def _watch(self, connection: Connection, events: int = select.EPOLLIN) -> None:
        """Wait for the peer's next word; the connection is the waiting thread's then."""
        number = connection.socket.fileno()
        self._waiting[number] = connection
        try:
            try:
                self._poll.modify(number, events | select.EPOLLONESHOT)
            except FileNotFoundError:
                self._poll.register(number, events | select.EPOLLONESHOT)
        except (OSError, ValueError):  # closed by `close`
            self._waiting.pop(number, None)
            _drop(connection)

    def _expire(self, now: float) -> None:
        for number, connection in list(self._waiting.items()):
            if connection.deadline <= now and self._waiting.pop(number, None) is not None:
                if connection.terms is None and connection.spoke and not connection.ending:
                    self._refuse(connection, _LATE)
                else:
                    _drop(connection)

    def _shed(self) -> None:
        """Keep what unfinished requests hold within bounds."""
        waiting = list(self._waiting.items())
        held = sum(connection.size for _, connection in waiting)
        waiting.sort(key=lambda item: item[1].size)
        while held > _HELD and waiting:
            number, largest = waiting.pop()
            if self._waiting.pop(number, None) is not None:
                held -= largest.size
                self._refuse(largest, _LATE)

    def _make_room(self, error: OSError) -> None:
        """Another peer wants in and there is no socket left: the one nearest its end goes."""
        log.warning("no room for another connection: %s", error.strerror)
        waiting = list(self._waiting.items())
        number, nearest = min(waiting, key=lambda item: item[1].deadline, default=(-1, None))
        if nearest is not None and self._waiting.pop(number, None) is not None:
            _drop(nearest)
        else:
            self._stopped.wait(0.1)


def _drop(connection: Connection) -> None:
    connection.ending = False
    connection.close()
