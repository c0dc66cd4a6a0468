"""The files of TLS, loaded with errors that say which one is wrong; for servers and clients."""

from __future__ import annotations

import ssl
from pathlib import Path

from pelagos.core.errors import PelagosError


def load_pair(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Load one's own certificate and key (None: the key is in the same file).

    Raises:
        PelagosError: says which file is wrong and why, and quotes nothing of it.
    """
    for path in (certificate, key or certificate):
        _check_readable(path)
    place = key or certificate
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        reason = str(error.reason or "")
        if "MISMATCH" in reason:
            raise PelagosError(
                f"the key in {place} is not that of the certificate in {certificate}",
                hint="put the certificate and the key there that were issued together",
            ) from None
        raise PelagosError(
            f"{certificate} and {place} do not hold a certificate and its key as PEM",
            hint="give the certificate's file and the file of its key, without a password",
        ) from None
    except (OSError, ValueError):
        raise PelagosError(
            f"{place} does not hold a key that can be used",
            hint="give the file of a key as PEM, without a password",
        ) from None


def load_authority(context: ssl.SSLContext, path: Path) -> None:
    """Trust the authorities of a PEM file, and no others.

    Raises:
        PelagosError: the file is missing or holds none.
    """
    _check_readable(path)
    try:
        context.load_verify_locations(path)
    except (OSError, ValueError):  # ssl.SSLError is one
        raise PelagosError(
            f"{path} does not hold the certificate of an authority",
            hint="give the authority's certificate as PEM, e.g. the master's ca.pem",
        ) from None


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise PelagosError(
            f"cannot read {path}: {error.strerror}",
            hint="check the path, and that this user may read the file",
        ) from error


def _no_password() -> str:
    raise ValueError("a password would be needed")
