"""One connection of a server: the handshake, the head of a request without waiting, the answer."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import ssl
import time
from typing import Any, Protocol

from pelagos.core.web.tls import PEER_CERTIFICATE, Terms

log = logging.getLogger(__name__)

#: Bytes of a request's line and headers together; more is refused.
HEAD_LIMIT = 64 * 1024
_PIECE = 64 * 1024
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
        while not _whole(held):
            piece = self.socket.recv(_PIECE)
            if not piece:
                raise PeerGone("closed")
            held = self._source.held = held + piece
            if held.startswith(_HANDSHAKE_RECORD):
                raise NotHttp
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
        self.socket.close()


def _whole(held: bytes) -> bool:
    return b"\r\n\r\n" in held or b"\n\n" in held or len(held) > HEAD_LIMIT
