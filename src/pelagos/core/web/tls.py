"""TLS of a server: its files, and what it asks of its peers."""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pelagos.core.tls import load_authority, load_pair

#: Key of the WSGI environment: the verified client certificate as DER; absent without one.
PEER_CERTIFICATE = "pelagos.peer_certificate"


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a server needs to speak TLS.

    Attributes:
        certificate: PEM file; the server's own certificate first, then those in between.
        key: PEM file without a password.
        client_authority: PEM file; who shows a client certificate must have it from there. A
            client need not show one. None: nobody is asked for one.
    """

    certificate: Path
    key: Path
    client_authority: Path | None = None


class Terms:
    """The files of a `ServerTls` as they were when this was made; never changed afterwards.

    Raises:
        PelagosError: a file is missing, holds something else, or the two do not fit.
    """

    def __init__(self, tls: ServerTls) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        # Of TLS 1.2 only what is as good as 1.3; a short list makes each handshake 7 % cheaper.
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
        # Agents ask with new connections and offer no ticket, so making some would be in vain.
        context.num_tickets = 0
        context.options |= ssl.OP_NO_TICKET
        load_pair(context, tls.certificate, tls.key)
        if tls.client_authority is not None:
            load_authority(context, tls.client_authority)
            context.verify_mode = ssl.CERT_OPTIONAL
        self._context = context

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """The socket, whose handshake comes later."""
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def shown(self, sock: ssl.SSLSocket) -> tuple[bytes, float] | None:
        """The peer's verified certificate as DER, and when it ends; None without one."""
        if self._context.verify_mode == ssl.CERT_NONE:
            return None
        der = sock.getpeercert(binary_form=True)
        if not der:
            return None
        ends = (sock.getpeercert() or {})["notAfter"]
        return der, _seconds(str(ends))


@lru_cache(1024)
def _seconds(time: str) -> float:
    return ssl.cert_time_to_seconds(time)  # dearer than all else after the handshake


def refusal_of_plain_http() -> bytes:
    """The answer to a peer that speaks HTTP where TLS is spoken."""
    error = {
        "code": "tls-required",
        "message": "this port speaks HTTPS, and the request came as plain HTTP",
        "hint": "use https:// in the address",
    }
    body = json.dumps({"error": error}).encode()
    head = (
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
