"""The one-time token with which a computer or a person joins a plane, as text. Pure.

`pelagos-join.` and then base64url of a JSON object: where the master is, the fingerprint of its
certificate authority, and a secret that is good once. Who has it joins, so it is a secret itself.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from pelagos.core import wire
from pelagos.core.errors import PelagosError

PREFIX = "pelagos-join."
#: Characters of a token that is looked at; real ones have about 200.
_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class JoinToken:
    """What a one-time token says.

    Attributes:
        url: address of the master.
        secret: good once, for a short time.
        fingerprint: SHA-256 (hexadecimal) of the master's certificate authority; None when the
            master speaks plain HTTP, or has a certificate that everybody trusts.
        kind: of who joins, computer or person; empty when it was not said.
    """

    url: str
    secret: str = field(repr=False)
    fingerprint: str | None = None
    kind: str = ""


def encode(token: JoinToken) -> str:
    """The token as one word.

    >>> decode(encode(JoinToken("https://m:8443", "s", "ab"))).url
    'https://m:8443'
    """
    text = base64.urlsafe_b64encode(wire.encode(token)).decode().rstrip("=")
    return f"{PREFIX}{text}"


def decode(text: str) -> JoinToken:
    """What the word says.

    Raises:
        PelagosError: it is not such a token; quotes nothing of it.
    """
    text = text.strip()
    body = text.removeprefix(PREFIX)
    if body == text or len(text) > _LIMIT:
        raise _wrong()
    try:
        read = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        found: JoinToken = wire.decode(read, JoinToken)
    except (binascii.Error, ValueError, wire.WireError):
        raise _wrong() from None  # the cause might quote the secret
    if not found.url or not found.secret:
        raise _wrong()
    return found


def secret_of(text: str) -> str:
    """The secret of a token, or the text itself when it is no such token."""
    return decode(text).secret if text.startswith(PREFIX) else text


def _wrong() -> PelagosError:
    return PelagosError(
        "this is not a token to join with",
        hint=f"it begins with {PREFIX!r} and comes from `pelagos computer add NAME` or "
        "`pelagos person add NAME`; copy the whole word",
    )
