"""One connection of a server: the handshake, a request without waiting for its peer, the answer.

What is small, head and body, is collected while nobody waits for it. Of a larger body only the
head is, and whoever then reads the body waits no longer than `_PATIENCE` and `_RATE` say.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Protocol

from pelagos.core.web.tls import PEER_CERTIFICATE, Terms

log = logging.getLogger(__name__)

#: Bytes of a request's line and headers together; more is refused.
HEAD_LIMIT = 64 * 1024
#: Bytes of a body that are collected before a worker gets the request. Forms and reports are
#: smaller; each waiting peer may cost as much memory.
BODY_AHEAD = 64 * 1024
#: Seconds that a worker waits for a peer in one request, all its waits together…
_PATIENCE = 20.0
#: … and one more for each so many bytes that the peer sent, or took: 64 kbit/s.
_RATE = 8 * 1024
_PIECE = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r?$")
_EXPECTS = re.compile(rb"(?im)^expect(?=:[ \t]*100-continue[ \t]*\r?$)")
_HANDSHAKE_RECORD = b"\x16"


class PeerGone(ConnectionError):
    """The peer closed the connection, or took too long, while it was served."""


class NotHttp(Exception):
    """The peer speaks TLS where HTTP is expected."""


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


class _Patience:
    """How long a worker still waits for a peer: a while, and longer the more it moves."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._left = _PATIENCE

    def wait(self, move: Callable[[], int]) -> int:
        """Receive or send; how many bytes moved.

        Raises:
            PeerGone: the peer closed the connection, or its time is over.
        """
        begun = time.monotonic()
        try:
            self._sock.settimeout(max(self._left, 0.001))
            moved = move()
        except OSError as error:
            raise PeerGone(str(error)) from error
        spent = time.monotonic() - begun
        self._left = min(self._left + moved / _RATE, _PATIENCE) - spent
        if self._left <= 0:
            raise PeerGone("too slow")
        return moved


class _Source(io.RawIOBase):
    """What a peer sent: first what was read while waiting, then what the socket receives."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        self.held = bytearray()
        self.patience = _Patience(sock)
        self.resting = False  # then nothing is received

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.held:
            count = min(len(buffer), len(self.held))
            buffer[:count] = self.held[:count]
            del self.held[:count]
            return count
        if self.resting:
            return None
        return self.patience.wait(lambda: self._sock.recv_into(buffer))


class _Sink:
    """Sends all that it is given."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.patience = _Patience(sock)

    def write(self, data: bytes) -> int:
        left = memoryview(data)
        while left:
            left = left[self.patience.wait(lambda: self._sock.send(left)) :]  # noqa: B023 - at once
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
        self.announced: int | None = (
            0  # bytes of the body, None when the head does not say it well
        )
        self.thrown_away = 0  # bytes, since all is said
        self._head = 0  # bytes of the request's head, once it is whole
        self._looked = 0  # bytes in which the end of the head is not
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
        # A peer under Nagle's algorithm sends its request only when its part of the handshake is
        # acknowledged, and we have nothing to say that would carry the acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
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
            NotHttp: it speaks TLS.
        """
        held = self._source.held
        while not self._is_whole(held):
            piece = self.socket.recv(_PIECE)
            if not piece:
                raise PeerGone("closed")
            held += piece
            if held.startswith(_HANDSHAKE_RECORD):
                raise NotHttp
        return True

    def _is_whole(self, held: bytearray) -> bool:
        """Whether a worker can begin: head and body are here, or the body is a large one."""
        if not self._head:
            end = _END.search(held, max(0, self._looked - 3))
            self._looked = len(held)
            if end is None:
                return len(held) > HEAD_LIMIT
            self._head = end.end()
            self._look_at_head(held)
        if self.announced is None or self.announced > BODY_AHEAD:
            return True
        return len(held) >= self._head + self.announced

    def _look_at_head(self, held: bytearray) -> None:
        head = bytes(held[: self._head])
        told = {int(one) for one in _LENGTH.findall(head)}
        self.announced = told.pop() if len(told) == 1 else None if told else 0
        self.deadline = max(self.deadline, time.monotonic() + self.server.timeout)
        waits = self.announced and self.announced <= BODY_AHEAD
        if waits and (expects := _EXPECTS.search(held, 0, self._head)):
            held[expects.start() : expects.end()] = b"X-Told"  # once is enough
            with contextlib.suppress(OSError):
                self.socket.send(_CONTINUE)

    def rest(self) -> None:
        """Between two requests: keep what was read too much."""
        self._source.resting = True
        ahead = self.rfile.read1(_PIECE) or b""
        self._source.resting = False
        self._source.held[:0] = ahead
        self.announced, self._head, self._looked = 0, 0, 0

    @property
    def size(self) -> int:
        """Bytes that it has sent and that nobody has read."""
        return len(self._source.held)

    def forget(self) -> None:
        """Let go of what it has sent: nobody will read it."""
        self._source.held.clear()

    @property
    def spoke(self) -> bool:
        """Whether the peer has begun a request."""
        return bool(self._source.held)

    def communicate(self) -> bool:
        """Answer one request; whether the connection is kept for another."""
        self._source.patience = _Patience(self.socket)
        self.wfile.patience = _Patience(self.socket)
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
        self.socket.close()
