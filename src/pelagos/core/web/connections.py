"""The connections of a server: who is waited for, and who has said enough to be worked on.

One thread waits for all peers at once: for those that have just come, for TLS handshakes, for the
head of the next request, for the end of refused ones. It never blocks on one of them. A worker
thread gets a connection when a whole head is there, so that peers who are silent, slow or hang in
the handshake cost a socket each until their time is over, and nobody else's time.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import select
import socket
import ssl
import threading
import time
from typing import Any, Protocol

from pelagos.core.web.tls import PEER_CERTIFICATE, Terms, refusal_of_plain_http

log = logging.getLogger(__name__)

#: Bytes of a request's line and headers together; more is refused.
HEAD_LIMIT = 64 * 1024
#: Seconds that a peer may take for the TLS handshake.
HANDSHAKE_TIMEOUT = 10.0
#: Connections that are kept open between two requests; the next answer closes its own.
_KEPT = 1000
#: Seconds for which a refused peer may go on speaking until it has read why.
_LINGER = 2.0
_PIECE = 64 * 1024
_CHECK = 0.5
_HANDSHAKE_RECORD = b"\x16"
_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PeerGone(ConnectionError):
    """The peer closed the connection, or took too long, while it was served."""


class Handler(Protocol):
    """What reads a request from a connection and answers it."""

    ready: bool
    close_connection: bool
    sent_headers: bool

    def parse_request(self) -> None:
        """Read the head."""

    def respond(self) -> None:
        """Work and answer."""

    def simple_response(self, status: str) -> None:
        """Answer without the application."""


class _Source(io.RawIOBase):
    """What a peer sent: first what was read while waiting, then what the socket receives."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self.held = b""
        self.resting = False  # then nothing is received

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.held:
            count = min(len(buffer), len(self.held))
            buffer[:count], self.held = self.held[:count], self.held[count:]
            return count
        if self.resting:
            return None
        try:
            return self._sock.recv_into(buffer)
        except OSError as error:
            raise PeerGone(str(error)) from error


class _Sink:
    """Sends all that it is given; the timeout is for each piece that the peer takes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[self._sock.send(left) :]
        except OSError as error:
            raise PeerGone(str(error)) from error
        return len(data)


class Connection:
    """One peer. Belongs to the waiting thread or to one worker, never to both.

    The names without underscore are those that cheroot's request, gateway and worker use.
    """

    def __init__(self, server: Any, sock: socket.socket, peer: tuple[Any, ...]) -> None:
        self.server = server
        self.remote_addr, self.remote_port = peer[:2]
        self.ssl_env: dict[str, Any] = {}
        self.deadline = 0.0
        self.terms: Terms | None = None  # of a handshake that is not over
        self.ending = False  # all is said: only until the peer has read it
        self._until = 0.0
        self._use(sock)

    def _use(self, sock: socket.socket) -> None:
        self.socket = sock
        self._source = _Source(sock)
        self.rfile: Any = io.BufferedReader(self._source)
        self.wfile: Any = _Sink(sock)

    def secure(self, terms: Terms) -> bool:
        """Go on with the handshake; False when the peer does not speak TLS.

        Raises:
            BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError: the peer's turn.
            OSError: it failed.
        """
        sock = self.socket
        if not isinstance(sock, ssl.SSLSocket):
            first = sock.recv(1, socket.MSG_PEEK)
            if not first:
                raise PeerGone("closed")
            if first != _HANDSHAKE_RECORD:
                return False
            sock = terms.wrap(sock)
            self._use(sock)
        sock.do_handshake()
        self.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on"}
        shown = terms.shown(sock)
        if shown is not None:
            self.ssl_env[PEER_CERTIFICATE], self._until = shown
        self.terms = None
        return True

    def listen(self) -> bool:
        """Take what the peer has sent, without waiting; whether the head of a request is whole.

        Raises:
            BlockingIOError, ssl.SSLWantReadError: not yet.
            PeerGone: and never will be.
        """
        held = self._source.held
        while not _whole(held):
            piece = self.socket.recv(_PIECE)
            if not piece:
                raise PeerGone("closed")
            held = self._source.held = held + piece
        return True

    def rest(self) -> None:
        """Between two requests: keep what was read too much."""
        self._source.resting = True
        ahead = self.rfile.read1(_PIECE) or b""
        self._source.resting = False
        self._source.held = ahead + self._source.held

    @property
    def spoke(self) -> bool:
        """Whether the peer has begun a request."""
        return bool(self._source.held)

    def communicate(self) -> bool:
        """Answer one request; whether the connection is kept for another."""
        self.socket.settimeout(self.server.timeout)
        if self._until and time.time() >= self._until:
            self.ssl_env.pop(PEER_CERTIFICATE, None)
        request: Handler = self.server.make_request(self)
        try:
            request.parse_request()
            if request.ready:
                request.respond()
                return not request.close_connection
            self.ending = True
        except PeerGone as error:
            log.debug("%s went away: %s", self.remote_addr, error)
        except Exception:  # an application that is not Flask's, or an answer that breaks WSGI
            log.exception("the application failed")
            if not request.sent_headers:
                with contextlib.suppress(PeerGone):
                    request.simple_response("500 Internal Server Error")
        return False

    def close(self) -> None:
        """Give back the socket; of a refused peer only when it has read why."""
        if self.ending and self.server.linger(self):
            return
        self.rfile.close()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        self.socket.close()


def _whole(held: bytes) -> bool:
    return b"\r\n\r\n" in held or b"\n\n" in held or len(held) > HEAD_LIMIT


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
        connection.deadline = time.monotonic() + _LINGER
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
        else:
            self._server.requests.put(connection)

    def _refuse(self, connection: Connection, last_words: bytes = b"") -> None:
        """Say so, and close when it was read: at once, the peer's system would throw it away."""
        connection.ending = True
        with contextlib.suppress(OSError):
            connection.socket.send(last_words)
        connection.close()

    def _drain(self, connection: Connection) -> None:
        try:
            while socket.socket.recv(connection.socket, _PIECE):
                pass
        except BlockingIOError:
            self._watch(connection)
        except OSError:
            _drop(connection)
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
