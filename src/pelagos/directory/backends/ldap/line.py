"""The line to an LDAP server: TCP, TLS and deadlines, apart from the library that speaks LDAP.

The library connects, shakes hands and waits while it keeps all other Python code of the process
from running. So it never meets the network: it talks to a local socket, at whose other end only
whole messages (RFC 4511, 4.1.1) are put, after they have come, by whoever waits for them here.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pelagos.core.errors import PelagosError
from pelagos.core.tls import load_authority
from pelagos.directory.backends.ldap import message
from pelagos.directory.backends.ldap.settings import LdapSettings, Server
from pelagos.directory.errors import SourceError

#: Bytes of one message that are handed on; a larger entry is left out. The local socket holds it.
LARGEST_MESSAGE = 64 * 1024
#: Bytes that one answer may have; more is not what a person asked for.
LARGEST_ANSWER = 64 * 1024 * 1024

_CHUNK = 64 * 1024
_ENOUGH = 16  # bytes of a message that tell its kind
_LONGEST_PATH = 80  # bytes of the folder for temporary files; sockets take 108 in all
_STEP = 0.05  # seconds after which the library is asked again, whatever the sockets say
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"


class LineError(SourceError):
    """The server cannot be reached, does not answer, or breaks the line off.

    Attributes:
        is_late: whether it was silence; asking once more would only double the wait.
    """

    def __init__(self, message: str, *, hint: str | None = None, is_late: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_late = is_late


class TooManyError(SourceError):
    """There are more entries than the server gives at once; the line goes on."""


class Line:
    """One connection: `address` is where the library connects, `move` carries its messages.

    Args:
        remote: connected to the server; belongs to the line from now on.
    """

    def __init__(self, remote: socket.socket, server: Server) -> None:
        self._remote = remote
        self._server = server
        self._local: socket.socket | None = None
        self._arrived = bytearray()
        self._skipping = 0
        self._answer = 0
        self._expected = message.OF_BIND
        self.left_out = 0
        with contextlib.ExitStack() as undoing:
            undoing.callback(remote.close)
            folder = undoing.enter_context(_folder())
            self._listener = undoing.enter_context(socket.socket(socket.AF_UNIX))
            self.path = f"{folder}/s"
            self._listener.bind(self.path)
            self._listener.listen(1)
            self._listener.setblocking(False)
            self._ending = undoing.pop_all()

    def join(self) -> bool:
        """Take the library's connection, if it has come; whether it has."""
        if self._local is None:
            try:
                self._local, _ = self._listener.accept()
            except BlockingIOError:
                return False
            self._ending.callback(self._local.close)
            self._listener.close()
            Path(self.path).unlink(missing_ok=True)
        return True

    def begin(self, expected: frozenset[int]) -> None:
        """From here on one answer is awaited, of messages of these kinds."""
        self._expected = expected
        self._answer = 0
        self.left_out = 0

    def move(self, deadline: float) -> None:
        """Wait until there is something to carry, at most a moment, and carry it.

        Args:
            deadline: on the monotonic clock.

        Raises:
            LineError: it has passed, or the server has ended the line.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        local = self._local
        if local is None or self._hand_on(local):
            return
        try:
            self._carry(local, left)
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise self._lost(error.strerror or str(error)) from error
        self._hand_on(local)

    def _carry(self, local: socket.socket, left: float) -> None:
        ready: set[int] = set()
        if not self._has_buffered():
            ready = readable(self._remote.fileno(), local.fileno(), timeout=min(left, _STEP))
        if local.fileno() in ready:
            self._remote.settimeout(left)
            self._remote.sendall(local.recv(_CHUNK))
        if self._remote.fileno() in ready or self._has_buffered():
            self._receive(left)

    def _receive(self, left: float) -> None:
        self._remote.settimeout(left)
        data = self._remote.recv(_CHUNK)
        if not data:
            raise self._lost("it ended the connection")
        self._answer += len(data)
        if self._answer > LARGEST_ANSWER:
            raise self._lost(f"its answer has more than {LARGEST_ANSWER:,} bytes")
        self._arrived += data

    def _hand_on(self, local: socket.socket) -> bool:
        """Give whole messages to the library, as many as its socket holds; whether there were."""
        try:
            end = self._whole()
        except message.MessageError as error:
            raise self._lost(str(error)) from error
        if not end:
            return False
        local.sendall(self._arrived[:end])
        del self._arrived[:end]
        return True

    def _whole(self) -> int:
        """Where the messages end that have come whole and may be handed on."""
        self._skip()
        end = 0
        while (size := message.size(self._arrived, end)) is not None:
            if size > LARGEST_MESSAGE:
                if end or not self._leave_out(size):
                    break
                continue
            if end + size > min(len(self._arrived), LARGEST_MESSAGE):
                break
            message.check(bytes(self._arrived[end : end + size]), self._expected)
            end += size
        return end

    def _leave_out(self, size: int) -> bool:
        """Drop an entry that is too large to be handed on, as far as it has come."""
        if len(self._arrived) < _ENOUGH:
            return False
        if message.kind(self._arrived) != message.ENTRY:
            raise message.MessageError(f"it sent a message of {size:,} bytes")
        self.left_out += 1
        self._skipping = size
        self._skip()
        return True

    def _skip(self) -> None:
        gone = min(self._skipping, len(self._arrived))
        del self._arrived[:gone]
        self._skipping -= gone

    def _has_buffered(self) -> bool:
        return isinstance(self._remote, ssl.SSLSocket) and self._remote.pending() > 0

    def is_quiet(self) -> bool:
        """Whether the server has neither said nor ended anything while nobody asked."""
        try:
            self._remote.settimeout(0)
            self._remote.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False  # the end, or a notice that it comes

    def close(self) -> None:
        """Carry what the library said last, and hang up."""
        local = self._local
        if local is not None:
            with contextlib.suppress(OSError, ValueError):
                local.settimeout(0)
                self._remote.settimeout(_STEP)
                self._remote.sendall(local.recv(_CHUNK))
        self._ending.close()

    def _late(self) -> LineError:
        return LineError(
            f"{self._server} did not answer in time",
            hint="look whether it hangs, or set ldap_timeout and ldap_network_timeout, in seconds",
            is_late=True,
        )

    def _lost(self, reason: str) -> LineError:
        return LineError(f"{self._server}: {reason}")


def readable(*descriptors: int, timeout: float) -> set[int]:
    """Those from which something can be read, an end included, after `timeout` seconds at most."""
    poll = select.poll()  # unlike select, with any number of open files
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(timeout * 1000)}


def dial(settings: LdapSettings) -> Line:
    """A line to the first server that can be reached, TLS included where it is wanted.

    Raises:
        LineError: no one can; tells about the last.
    """
    for server in settings.servers[:-1]:
        with contextlib.suppress(LineError):
            return _dial(server, settings)
    return _dial(settings.servers[-1], settings)


def _dial(server: Server, settings: LdapSettings) -> Line:
    plain = _guarded(server, lambda: _connected(server, settings.network_timeout))
    try:
        if server.scheme == "ldaps" or settings.start_tls:
            plain.settimeout(settings.timeout)
            plain = _guarded(server, lambda: _secured(plain, server, settings))
    except BaseException:
        plain.close()
        raise
    try:
        return Line(plain, server)
    except OSError as error:
        raise LineError(f"cannot make a local socket: {error.strerror or error}") from error


def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of one's own whose path is short enough for a socket."""
    place = tempfile.gettempdir()
    return tempfile.TemporaryDirectory(
        prefix="pelagos-ldap-",
        dir=place if len(os.fsencode(place)) < _LONGEST_PATH else "/tmp",  # noqa: S108  # the folder in it is ours alone
    )


def _connected(server: Server, timeout: float) -> socket.socket:
    if server.scheme == "ldapi":
        local = socket.socket(socket.AF_UNIX)
        local.settimeout(timeout)
        try:
            local.connect(server.host)
        except BaseException:
            local.close()
            raise
        return local
    remote = socket.create_connection((server.host, server.port), timeout)
    remote.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    remote.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return remote


def _secured(plain: socket.socket, server: Server, settings: LdapSettings) -> socket.socket:
    if settings.start_tls:
        _start_tls(plain, server, settings.timeout)
        plain.settimeout(settings.timeout)
    return _context(settings.trust).wrap_socket(plain, server_hostname=server.host)


def _context(trust: Path | bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if isinstance(trust, Path):
        load_authority(context, trust)
    elif trust:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(plain: socket.socket, server: Server, timeout: float) -> None:
    """Ask for TLS on a plain connection (RFC 4511, 4.14)."""
    deadline = time.monotonic() + timeout
    plain.sendall(_START_TLS)
    answer = b""
    while (size := message.size(answer)) is None or len(answer) < size:
        plain.settimeout(max(0.001, deadline - time.monotonic()))
        data = plain.recv(4096)
        answer += data
        if not data or len(answer) > LARGEST_MESSAGE:
            raise LineError(f"{server}: it says nothing that has an end when asked for TLS")
    if len(answer) != size or message.code(answer) != 0:
        raise LineError(
            f"{server}: it does not begin TLS",
            hint="use ldaps:// in ldap_uri, if it has a port for TLS only",
        )


def _guarded(server: Server, act: Callable[[], socket.socket]) -> socket.socket:
    try:
        return act()
    except ssl.SSLCertVerificationError as error:
        raise LineError(
            f"{server}: its certificate is not trusted: {error.verify_message}",
            hint="set verify_certificate of this source to the file of its authority (PEM)",
        ) from error
    except TimeoutError as error:
        raise LineError(
            f"{server} cannot be reached in time",
            hint="look whether it runs, or set ldap_network_timeout, in seconds",
            is_late=True,
        ) from error
    except (OSError, UnicodeError) as error:
        raise LineError(
            f"{server} cannot be reached: {getattr(error, 'strerror', None) or error}",
            hint="check that it runs there, and ldap_uri",
        ) from error
    except message.MessageError as error:
        raise LineError(f"{server}: {error}", hint="check the port") from error
    except PelagosError as error:
        if isinstance(error, LineError):
            raise
        raise LineError(f"{server}: {error.message}", hint=error.hint) from error
