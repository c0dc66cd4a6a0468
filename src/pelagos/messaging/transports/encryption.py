"""The TLS of a connection to a broker."""

from __future__ import annotations

import ssl
from typing import Final

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports.address import Tls

#: OpenSSL's numbers for a certificate of another host, of another address, and one that is over.
_OTHER_HOST: Final = (62, 64)
_EXPIRED: Final = 10
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE")
#: How what a TLS port says begins, an alert or an answer to a greeting.
_TLS_RECORDS: Final = (b"\x15\x03", b"\x16\x03")


def _no_password() -> bytes:
    """Without this, OpenSSL would ask at the terminal for that of an encrypted key, and wait."""
    return b""


def make_context(tls: Tls) -> ssl.SSLContext:
    """What the files and choices of an address mean.

    Raises:
        BusUrlError: a file cannot be read or holds no certificate or key.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise BusUrlError(
            f"the certificates of the bus URL cannot be used: {error}",
            hint="ca, cert and key name files in PEM form that this user may read,"
            " and a key is not encrypted",
        ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def speaks_tls(data: bytes) -> bool:
    """Whether a peer that was spoken to without TLS answered with it."""
    return data.startswith(_TLS_RECORDS)


class PlainlyWrongError(OSError):
    """The port does not answer who speaks to it without TLS as a broker does.

    Attributes:
        hint: what to do.
    """

    def __init__(self, *, tls: bool) -> None:
        super().__init__(
            "the port speaks TLS" if tls else "it ended the connection without a word"
        )
        maybe = "see whether it speaks AMQP there; if over TLS, begin the URL with amqps:"
        self.hint = "begin the URL with amqps:" if tls else maybe


def explain(error: BaseException) -> tuple[str, str] | None:
    """What went wrong about encryption, and what to do; None when it is about something else."""
    if isinstance(error, PlainlyWrongError):
        return str(error), error.hint
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}", _cure(error.verify_code)
    if not isinstance(error, ssl.SSLError):
        return None
    reason = error.reason or ""
    if reason in _NO_TLS or isinstance(error, ssl.SSLEOFError):
        hint = "name the port of its TLS (most often 5671), or begin the URL with amqp:"
        return "the port speaks no TLS", hint
    if "ALERT" in reason:  # said by the broker
        said = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return (
            f"it refuses our TLS: {said}",
            "where it asks for a certificate: cert=FILE, key=FILE",
        )
    return None


def _cure(code: int) -> str:
    if code in _OTHER_HOST:
        return "name the host in the URL as the certificate does"
    if code == _EXPIRED:
        return "renew the broker's certificate"
    return "name its authority's certificate in the URL: ca=FILE"
