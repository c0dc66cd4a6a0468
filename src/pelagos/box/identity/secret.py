"""Passwords as hashes that are dear to guess, and tokens as hashes that are quick to find."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

_COST = {"n": 2**14, "r": 8, "p": 1}
_SALT_BYTES = 16


def hashed(password: str) -> str:
    """What is kept of a password.

    >>> fits("swordfish", hashed("swordfish")), fits("sworfish", hashed("swordfish"))
    (True, False)
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${_text(salt)}${_text(_stretched(password, salt))}"


def fits(password: str, kept: str | None) -> bool:
    """Whether the password is the one; takes as long when nothing is kept."""
    _, salt, digest = (kept or f"scrypt${_text(bytes(_SALT_BYTES))}$").split("$")
    made = _stretched(password, base64.b64decode(salt))
    return hmac.compare_digest(made, base64.b64decode(digest)) and kept is not None


def new_token() -> str:
    """A token that nobody guesses."""
    return f"pb-{secrets.token_urlsafe(33)}"


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _stretched(password: str, salt: bytes) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, dklen=32, **_COST)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
