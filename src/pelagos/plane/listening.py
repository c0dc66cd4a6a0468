"""An HTTP server at the address that it had in the last run: others have kept that address."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.core.web import Server, ServerTls

log = logging.getLogger(__name__)

_OF_THE_PORT = frozenset({errno.EADDRINUSE, errno.EACCES})
"""What another port helps against."""


def listen(
    app: Callable[..., Any],
    host: str,
    port: int,
    former_url: str,
    *,
    section: str,
    threads: int = 16,
    tls: ServerTls | None = None,
) -> Server:
    """A server that has started.

    Args:
        app: the WSGI application.
        host: address to listen on.
        port: 0 takes the port of `former_url`, or a free one when that is taken meanwhile.
        former_url: where the same program answered before; empty when it never did.
        section: where its port is set, and whose option `--SECTION-port` is.
        threads: how many requests are worked on at once.
        tls: speak HTTPS.

    Raises:
        PelagosError: the address cannot be had.
    """
    former = former_url.rpartition(":")[2]
    if port == 0 and former.isdigit():
        try:
            return _started(Server(app, host, int(former), threads=threads, tls=tls))
        except PelagosError as error:
            log.warning("%s; taking a free port instead", error)
    try:
        return _started(Server(app, host, port, threads=threads, tls=tls))
    except PelagosError as error:
        if getattr(error.__cause__, "errno", None) not in _OF_THE_PORT:
            raise
        raise PelagosError(
            error.message,
            hint=f"{error.hint}: pelagos up --{section}-port PORT,\n"
            f"or for good: pelagos config set {section}.port PORT",
        ) from error


def _started(server: Server) -> Server:
    server.start()
    return server
