"""TLS of a client: contexts that follow their files, and what went wrong in plain words."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pelagos.core.errors import PelagosError
from pelagos.core.http.errors import HttpError, HttpTlsError, HttpUnreachable
from pelagos.core.http.types import ClientTls
from pelagos.core.tls import load_authority, load_pair

log = logging.getLogger(__name__)

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_AUTHORITY_HINT = (
    "give the certificate of the master's authority, ca/ca.pem in its data folder: pelagos config "
    "set plane.authority FILE, or PELAGOS_AUTHORITY; `pelagos join` does it by itself"
)
_CLOCK_HINT = "look at the clocks of both computers; then renew the server's certificate"

#: OpenSSL's reasons for not believing the server → (problem, what is so, what to do).
_VERIFY: Mapping[int, tuple[str, str, str]] = {
    9: ("server-not-yet-valid", "the server's certificate is dated in the future", _CLOCK_HINT),
    10: ("server-expired", "the server's certificate has expired", _CLOCK_HINT),
    62: ("wrong-name", "the server's certificate is for other names", ""),
    64: ("wrong-name", "the server's certificate is for other addresses", ""),
}
_UNKNOWN = (
    "unknown-authority",
    "the server's certificate is not from an authority that is trusted here",
    _AUTHORITY_HINT,
)
_RENEW = "fetch a new certificate for this client from the master"
#: Alerts that the server sends, and what the handshake stumbles over otherwise.
_ALERTS: Mapping[str, tuple[str, str, str]] = {
    "CERTIFICATE_EXPIRED": ("own-expired", "the server says our certificate has expired", _RENEW),
    "CERTIFICATE_REVOKED": ("own-revoked", "the server says our certificate is revoked", _RENEW),
    "UNKNOWN_CA": (
        "own-unknown",
        "the server does not know the authority that issued our certificate",
        "use a certificate that this server's authority issued",
    ),
    "CERTIFICATE_REQUIRED": (
        "own-missing",
        "the server wants a client certificate",
        "give a client certificate and its key",
    ),
    "BAD_CERTIFICATE": ("own-refused", "the server refuses our certificate", _RENEW),
    "CERTIFICATE_UNKNOWN": ("own-refused", "the server refuses our certificate", _RENEW),
    "WRONG_VERSION_NUMBER": (
        "no-tls",
        "the server does not speak TLS there",
        "use http:// in the address, or the port where the server speaks HTTPS",
    ),
    "PROTOCOL_VERSION": (
        "too-old",
        "the server speaks only versions of TLS that are no longer safe",
        "let the server speak TLS 1.2 or later",
    ),
}
_OTHER = ("handshake", "no secure connection came about", "look into the server's log")


class Contexts:
    """TLS contexts for new connections, made anew when a file has changed.

    A file that cannot be used keeps the former context in use: it may be half of a renewal.
    Safe to share between threads.
    """

    def __init__(self, tls: ClientTls) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._seen: tuple[object, ...] | None = None
        self._context: ssl.SSLContext | None = None
        self._pinned: str | None = None

    def current(self, url: str, timeout: float) -> ssl.SSLContext:
        """The context for a connection to this address.

        Raises:
            HttpTlsError: a file cannot be used, or the pinned authority is not that server's.
        """
        with self._lock:
            seen = tuple(_state(path) for path in self._files())
            if self._context is not None and seen == self._seen:
                return self._context
            try:
                self._context = self._make(url, timeout)
            except PelagosError as error:
                if self._context is None:
                    raise _as_http(error, url) from error
                log.warning("still with the former certificate: %s", error)
            self._seen = seen
            return self._context

    def _files(self) -> list[Path]:
        tls = self._tls
        return [path for path in (tls.authority, tls.certificate, tls.key) if path is not None]

    def _make(self, url: str, timeout: float) -> ssl.SSLContext:
        tls = self._tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION
        if not tls.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif tls.fingerprint is not None:
            if self._pinned is None or tls.authority is not None:
                self._pinned = _pinned(tls.authority, tls.fingerprint, url, timeout)
            context.load_verify_locations(cadata=self._pinned)
        elif tls.authority is not None:
            load_authority(context, tls.authority)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        if tls.certificate is not None:
            load_pair(context, tls.certificate, tls.key)
        return context


def _state(path: Path) -> tuple[int, ...] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return (seen.st_ino, seen.st_mtime_ns, seen.st_size)


def _pinned(authority: Path | None, fingerprint: str, url: str, timeout: float) -> str:
    """The authority's certificate with that fingerprint, as PEM: of the file or of the server."""
    wanted = fingerprint.replace(":", "").strip().lower()
    if authority is None:
        found, where = _sent_by(url, timeout), "the server's chain"
    else:
        found, where = _held_by(authority), str(authority)
    for der in found:
        if hashlib.sha256(der).hexdigest() == wanted:
            return ssl.DER_cert_to_PEM_cert(der)
    raise HttpTlsError(
        f"no certificate in {where} has the fingerprint {wanted}",
        url=url,
        problem="unknown-authority",
        hint="compare it with the one that the master shows; somebody else may answer there",
    )


def _held_by(path: Path) -> list[bytes]:
    try:
        text = path.read_text("ascii", "replace")
    except OSError as error:
        raise PelagosError(
            f"cannot read {path}: {error.strerror}",
            hint="check the path, and that this user may read the file",
        ) from error
    try:
        return [ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(text)]
    except ValueError:
        return []


def _sent_by(url: str, timeout: float) -> list[bytes]:
    """The certificates that a server shows. Nothing is sent to it, and nothing believed yet."""
    place = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = (place.hostname or "", place.port or 443)
    try:
        with (
            socket.create_connection(address, timeout=timeout) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname) as sock,
        ):
            if hasattr(sock, "get_unverified_chain"):  # Python 3.13
                return list(sock.get_unverified_chain())
            chain = sock._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001  # 3.11, 3.12
            return [ssl.PEM_cert_to_DER_cert(entry.public_bytes()) for entry in chain]
    except ssl.SSLError as error:
        raise tls_error(error, url) from error
    except TimeoutError:
        raise
    except OSError as error:
        raise HttpUnreachable(
            f"nobody answers at {url}: {error.strerror or error}",
            url=url,
            hint="check that it runs there, and the address",
        ) from error


def _as_http(error: PelagosError, url: str) -> PelagosError:
    if isinstance(error, HttpError):
        return error
    return HttpTlsError(error.message, url=url, problem="wrong-file", hint=error.hint)


def tls_error(error: BaseException, url: str) -> HttpTlsError:
    """What an error of OpenSSL means for the caller of this address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem, text, hint = _VERIFY.get(error.verify_code, _UNKNOWN)
        if problem == "wrong-name":
            host = urlsplit(url).hostname
            hint = f"ask by a name that it has, or let its certificate name {host}, too"
    else:
        reason = str(getattr(error, "reason", None) or "")
        found = (told for name, told in _ALERTS.items() if reason.endswith(name))
        problem, text, hint = next(found, _OTHER)
        if problem == _OTHER[0]:
            text = f"{text} ({reason.replace('_', ' ').lower() or error})"
    return HttpTlsError(f"{url}: {text}", url=url, problem=problem, hint=hint)
