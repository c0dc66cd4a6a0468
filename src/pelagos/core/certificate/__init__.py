"""X.509: a certificate authority in a folder, what it issues, and what a certificate says.

The only door to cryptography. Knows nothing of who may have which certificate, nor of sockets. No
key ever stands in a repr, a log or an error.
"""

from pelagos.core.certificate.authority import Authority, Issued, save_pair
from pelagos.core.certificate.pieces import (
    CertificateError,
    Described,
    describe,
    make_request,
    text_dump,
)

__all__ = [
    "Authority",
    "CertificateError",
    "Described",
    "Issued",
    "describe",
    "make_request",
    "save_pair",
    "text_dump",
]
