"""The TLS of a connection to a broker."""

from __future__ import annotations

import ssl

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports.address import Tls


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
