"""The WSGI server; the only door to cheroot. Its waiting for peers is ours, in `connections`."""

from __future__ import annotations

import errno
import io
import logging
import socket
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from cheroot import server, wsgi

from pelagos.core.errors import PelagosError
from pelagos.core.web.chunked import ChunkedBody
from pelagos.core.web.connection import BODY_AHEAD, HEAD_LIMIT, Connection
from pelagos.core.web.connections import Connections
from pelagos.core.web.tls import ServerTls, Terms

log = logging.getLogger(__name__)

#: What to do when an address cannot be had.
_HINTS = {
    errno.EADDRINUSE: "choose another port, or 0 for a free one",
    errno.EACCES: "choose a port above 1023, or 0 for a free one",
    errno.EADDRNOTAVAIL: "choose an address of this computer, e.g. 127.0.0.1; `ip address` lists",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
}


class _Request(server.HTTPRequest):
    """Sends head and beginning of an answer together, and bounds what it reads.

    Apart, head and body are two packets, and the peer wakes up twice: a third of a small answer's
    time. A body must say its length, unless the server takes chunks: these are then read by
    `ChunkedBody`, as cheroot would hold a whole chunk in memory, however large it is said to be.
    """

    _head = b""

    def send_headers(self) -> None:
        self._leave_body()
        wfile = self.conn.wfile
        self.conn.wfile = held = io.BytesIO()
        try:
            super().send_headers()
        finally:
            self.conn.wfile = wfile
        self._head = held.getvalue()
        if self.chunked_write:
            self._send_head()

    def write(self, chunk: bytes) -> None:
        head, self._head = self._head, b""
        super().write(head + chunk if head else chunk)

    def respond(self) -> None:
        if self.chunked_read:
            if self.server.takes_chunks and b"Content-Length" not in self.inheaders:
                self._respond_to_chunks()
            else:
                self._refuse("411 Length Required", "Send the body with its Content-Length.")
            return
        if int(self.inheaders.get(b"Content-Length", 0)) != self.conn.announced:
            # Read in another way than by those who collected it: nobody shall wait for it.
            self._refuse("400 Bad Request", "Send one Content-Length, in digits.")
            return
        super().respond()
        self._send_head()  # of an answer without a body

    def _respond_to_chunks(self) -> None:
        self.rfile = ChunkedBody(self.conn.rfile)
        self.server.gateway(self).respond()
        if self.ready and not self.sent_headers:
            self.sent_headers = True
            self.send_headers()
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")
        self._send_head()

    def _leave_body(self) -> None:
        """What nobody wanted of a body must not pass for the next request.

        What was collected is here already. For the rest no thread waits: the connection ends with
        the answer, which the peer hears while what it still says is thrown away.
        """
        left = getattr(self.rfile, "remaining", 0)
        if left <= 0:
            return
        if not self.chunked_read and (self.conn.announced or 0) <= BODY_AHEAD:
            self.rfile.read(left)
        else:
            self.close_connection = self.conn.ending = True

    def _refuse(self, status: str, message: str) -> None:
        self.close_connection = self.conn.ending = True  # what is unread is no request
        self.simple_response(status, message)

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head:
            self.conn.wfile.write(head)


class _WsgiServer(wsgi.Server):
    """cheroot's server with our way of waiting for peers.

    Its own hands each new connection to a worker that then waits for the peer to speak, and makes
    the TLS handshakes in the thread that accepts.
    """

    terms: Terms | None = None
    takes_chunks = False

    def prepare(self) -> None:
        # The workers start as this returns, so the queue must be theirs before.
        queue: SimpleQueue[Any] = SimpleQueue()
        self.requests._queue = queue  # noqa: SLF001  # written in C, and as good here
        self.requests.get = queue.get
        super().prepare()
        self._connections.close()
        self._connections: Connections = Connections(self)

    def make_request(self, connection: Connection) -> _Request:
        """What reads and answers the next request of a connection."""
        return _Request(self, connection)

    def linger(self, connection: Connection) -> bool:
        """See `Connections.linger`."""
        return self._connections.linger(connection)

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        """Into our log; a peer that went away in the middle is its own affair, not our error."""
        log.log(min(level, logging.WARNING), "%s", msg.strip(), exc_info=traceback)


class Server:
    """Serves a WSGI application from a thread of this process.

    Args:
        app: any WSGI application.
        host: address to listen on.
        port: 0 chooses a free one.
        threads: how many requests are worked on at once.
        takes_chunks: whether bodies may come in chunks, of which nobody knows how long they get;
            the application bounds what it reads.
        tls: speak HTTPS; a verified client certificate stands in the WSGI environment under
            `PEER_CERTIFICATE`, as DER, for as long as it holds.

    Raises:
        PelagosError: from `start`, when the address cannot be had or a file of `tls` cannot be
            used; says which and why.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        threads: int = 16,
        takes_chunks: bool = False,
        tls: ServerTls | None = None,
    ) -> None:
        self._asked = (host, port)
        self._tls = tls
        self._server = _WsgiServer(
            (host, port),
            app,
            numthreads=threads,
            server_name="pelagos",
            request_queue_size=128,
            timeout=30,
            shutdown_timeout=2,
        )
        self._server.max_request_header_size = HEAD_LIMIT
        self._server.takes_chunks = takes_chunks
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Bind, then serve in the background; returns when connections are accepted."""
        host, port = self._asked
        self.renew_certificate()
        try:
            # cheroot leaks its socket when it cannot bind, so a probe goes first. It also lets a
            # port be bound anew after kill -9 only if it was asked for by number, so the probe
            # chooses the free one.
            with socket.create_server((host, port), family=_family(host)) as probe:
                self._server.bind_addr = (host, probe.getsockname()[1])
            self._server.prepare()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise PelagosError(
                f"cannot listen on {host}:{port}: {'the port is taken' if taken else error}",
                hint=_HINTS.get(error.errno or 0, "choose an address and port of this computer"),
            ) from error
        self._thread = threading.Thread(target=self._server.serve, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is listened on; known after `start`."""
        return int(self._server.bind_addr[1])

    @property
    def url(self) -> str:
        """`http://HOST:PORT` of this server, or `https://…`; known after `start`."""
        host = str(self._server.bind_addr[0])
        scheme = "https" if self._tls else "http"
        return (
            f"{scheme}://[{host}]:{self.port}" if ":" in host else f"{scheme}://{host}:{self.port}"
        )

    def renew_certificate(self) -> None:
        """Read the files of TLS again, for the connections from now on; open ones go on.

        Raises:
            PelagosError: they cannot be used; the former ones stay in use.
        """
        if self._tls is not None:
            self._server.terms = Terms(self._tls)

    def alive(self) -> bool:
        """Whether its thread still accepts requests."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop accepting, let running requests end (2 s at most), release the port."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
