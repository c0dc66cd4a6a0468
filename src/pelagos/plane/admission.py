"""A person joins a plane with a one-time token: trust its authority, take the credentials.

A computer that joins is in `membership`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pelagos.core.certificate import describe
from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.core.http import ClientTls
from pelagos.slap import joining
from pelagos.slap.client import SlapClient
from pelagos.slap.identity_calls import Membership


@dataclass(frozen=True, slots=True)
class Entered:
    """A membership and how its master is reached: over HTTPS, `authority` is its PEM file."""

    url: str
    membership: Membership
    authority: Path | None


def enter(text: str, *, authority: Path, timeout: float = 30.0) -> Entered:
    """Use a person's one-time token. Only the certificate of the master's authority is kept here.

    Args:
        text: the token as it was printed.
        authority: file for the authority's certificate; written when the master has its own.
        timeout: seconds for each answer of the master.

    Raises:
        PelagosError: the text is no such token, or one for a computer.
        SlapError: the master cannot be reached, is not the one of the token, or refuses it.
    """
    token = joining.decode(text)
    if token.kind == "computer":
        raise PelagosError(
            "this token is for a computer, not for a person; it stays good",
            hint="run there: pelagos node run TOKEN",
        )
    tls = None
    if token.fingerprint is not None:
        _keep_authority(token.url, token.fingerprint, authority, timeout)
        tls = ClientTls(authority=authority, fingerprint=token.fingerprint)
    client = SlapClient(token.url, timeout=timeout, tls=tls)
    try:
        membership = client.join(token.secret)
    finally:
        client.close()
    return Entered(token.url, membership, authority if tls else None)


def _keep_authority(url: str, fingerprint: str, path: Path, timeout: float) -> None:
    client = SlapClient(url, timeout=timeout, tls=ClientTls(fingerprint=fingerprint))
    try:
        found = client.authority()
    finally:
        client.close()
    if describe(found.certificate).fingerprint != fingerprint:
        raise PelagosError(
            f"the authority of {url} is not the one that the token names",
            hint="ask for a new token; if it happens again, somebody stands between",
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, found.certificate, mode=0o644)
