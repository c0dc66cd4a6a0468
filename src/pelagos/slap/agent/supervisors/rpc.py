"""Calls to a supervisord over its Unix socket: XML-RPC with a limit in time and in size."""

from __future__ import annotations

import http.client
import socket
import xml.parsers.expat
import xmlrpc.client
from pathlib import Path
from typing import Any

from pelagos.slap.agent.errors import SupervisorError

ANSWER_LIMIT = 16 << 20

NO_SUCH_NAME = 10
ALREADY_STARTED = 60
ALREADY_ADDED = 90


class RpcFault(SupervisorError):
    """The supervisor refused one call.

    Attributes:
        code: one of the numbers above, or another of supervisord's.
    """

    def __init__(self, method: str, code: int, text: str) -> None:
        super().__init__(f"The supervisor refused {method}: {text}")
        self.code = code


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Rpc:
    """One supervisord, addressed by its socket. Immutable; a connection per call."""

    def __init__(self, path: Path, *, timeout: float) -> None:
        self._path = path
        self._timeout = timeout

    def call(self, method: str, *arguments: object, timeout: float | None = None) -> Any:
        """The result of one call.

        Raises:
            RpcFault: the supervisor refused.
            SupervisorError: it cannot be reached, or its answer cannot be read.
        """
        body = xmlrpc.client.dumps(arguments, method).encode()  # type: ignore[arg-type]  # plain data
        connection = _UnixConnection(self._path, timeout or self._timeout)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            content = answer.read(ANSWER_LIMIT + 1)
        except (OSError, http.client.HTTPException) as error:
            raise SupervisorError(
                f"The supervisor at {self._path} does not answer ({error}).",
                hint="Its log is supervisord.log in the node's log folder.",
                retry_after=1.0,
            ) from error
        finally:
            connection.close()
        return _read(method, answer.status, content)


def _read(method: str, status: int, content: bytes) -> Any:
    if status != http.client.OK or len(content) > ANSWER_LIMIT:
        raise SupervisorError(
            f"The supervisor answered {method} with status {status} and {len(content)} bytes."
        )
    try:
        result, _ = xmlrpc.client.loads(content)
    except xmlrpc.client.Fault as fault:
        raise RpcFault(method, int(fault.faultCode), str(fault.faultString)) from fault
    except (xmlrpc.client.Error, xml.parsers.expat.ExpatError, ValueError) as error:
        raise SupervisorError(f"The supervisor's answer to {method} cannot be read.") from error
    return result[0] if result else None
