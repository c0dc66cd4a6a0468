"""Who carries the requests of programs for the ancestor: one pool of the process, and its logs."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import IO, Any, Protocol

from pelagos.core.http import ClientTls, HttpClient, Request, Response
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.types import Stream

#: More than the debug level says.
DEBUGV = logging.DEBUG + 1

log = logging.getLogger("kamaki.clients")
sendlog = logging.getLogger("kamaki.clients.send")
recvlog = logging.getLogger("kamaki.clients.recv")

_SECRETS = frozenset({"x-auth-token", "x-subject-token", "x-storage-token", "authorization"})
#: What the first versions called the loggers.
_FORMER = {sendlog.name: "clients.send", recvlog.name: "clients.recv"}


class Choices(Protocol):
    """What a client says about its logs."""

    LOG_TOKEN: bool
    LOG_DATA: bool
    LOG_PID: bool


class SharedConnections:
    """The connections of all clients of the process, as the ancestor's were; safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[ClientTls, Transport] = {}
        self.tls = ClientTls()

    def trust(self, **changed: Any) -> None:
        """Over https, from now on, believe in these; see `ClientTls`."""
        with self._lock:
            self.tls = replace(self.tls, **changed)

    def _pool(self) -> Transport:
        with self._lock:
            found = self._pools.get(self.tls)
            if found is None:
                made = HttpClient("https://any.invalid", tls=self.tls).transport
                found = self._pools[self.tls] = made
            return found

    def send(self, request: Request) -> Response:
        """Send over a kept-open connection."""
        return self._pool().send(request)

    def open(self, request: Request) -> Stream:
        """Send, and leave the body on the connection."""
        return self._pool().open(request)

    def close(self) -> None:
        """Close idle connections; they are opened again when they are needed."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()


SHARED = SharedConnections()


class LoggingTransport:
    """Writes each exchange to the ancestor's loggers.

    Args:
        transport: who carries it.
        choices: what may be written besides; looked at with each request.
        loggers: for what is sent, and for what comes back.
    """

    def __init__(
        self,
        transport: Transport,
        choices: Choices,
        loggers: tuple[logging.Logger, logging.Logger] = (sendlog, recvlog),
    ) -> None:
        self._transport = transport
        self._choices = choices
        self._send, self._recv = loggers

    def send(self, request: Request) -> Response:
        """Carry and return the whole answer."""
        self.log_request(request)
        answer = self._transport.send(request)
        self._log_answer(request, answer.status, answer.headers, answer.body)
        return answer

    def open(self, request: Request) -> Stream:
        """Carry and leave the body to be read."""
        self.log_request(request)
        answer = self._transport.open(request)
        self._log_answer(request, answer.status, answer.headers, None)
        return answer

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def log_request(self, request: Request) -> None:
        """Write what is sent."""
        if not _is_heard(self._send):
            return
        self._write(self._send, request, f"{request.method} {request.url}")
        self._write_fields(self._send, request, request.headers)
        self._write_body(self._send, request, request.body)

    def _log_answer(
        self, request: Request, status: int, headers: Mapping[str, str], body: bytes | None
    ) -> None:
        if not _is_heard(self._recv):
            return
        self._write(self._recv, request, f"{status} {phrase(status)}")
        self._write_fields(self._recv, request, headers)
        self._write_body(self._recv, request, body)

    def _write_fields(
        self, logger: logging.Logger, request: Request, headers: Mapping[str, str]
    ) -> None:
        for name, value in headers.items():
            shown = self._shown(value) if name.lower() in _SECRETS else escape_ctrl_chars(value)
            self._write(logger, request, f"  {name}: {shown}")

    def _shown(self, secret: str) -> str:
        """A secret as a log may have it: at the most, which one it is."""
        if not self._choices.LOG_TOKEN:
            return "..."
        return f"... (sha256 {hashlib.sha256(secret.encode()).hexdigest()[:8]})"

    def _write_body(
        self, logger: logging.Logger, request: Request, body: bytes | IO[bytes] | None
    ) -> None:
        if not isinstance(body, bytes) or not body:
            return
        self._write(logger, request, f"data size: {len(body)}")
        if not self._choices.LOG_DATA:
            return
        text = body.decode("utf-8", "replace")
        for name, value in request.headers.items():
            if name.lower() in _SECRETS and value:
                text = text.replace(value, "...")
        self._write(logger, request, escape_ctrl_chars(text))

    def _write(self, logger: logging.Logger, request: Request, line: str) -> None:
        if self._choices.LOG_PID:
            line = f"{line} ({id(request)})"
        if logger.isEnabledFor(DEBUGV):
            logger.log(DEBUGV, "%s", line)
        for handler in _former_handlers(logger):
            record = logger.makeRecord(logger.name, DEBUGV, "", 0, "%s", (line,), None)
            if record.levelno >= handler.level:
                handler.handle(record)


def _is_heard(logger: logging.Logger) -> bool:
    return logger.isEnabledFor(DEBUGV) or bool(_former_handlers(logger))


def _former_handlers(logger: logging.Logger) -> list[logging.Handler]:
    """Handlers that a program has put on the loggers of the first versions, and on no others."""
    former = _FORMER.get(logger.name)
    if former is None:
        return []
    named = [logging.getLogger(former), logging.getLogger(former.partition(".")[0])]
    if not named[0].isEnabledFor(DEBUGV):
        return []
    return [handler for one in named for handler in one.handlers]


def phrase(status: int) -> str:
    """The words of a status: "Not Found"."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Status"


def escape_ctrl_chars(text: str) -> str:
    r"""A text without control characters but line ends and tabs.

    >>> escape_ctrl_chars("a\x1b[31mb\n") == "a\\x1b[31mb\n"
    True
    """
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )
