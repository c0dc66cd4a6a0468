"""Words between two who share a secret: nobody else can read them, or make them up.

A door to cryptography. AES-256-GCM (NIST SP 800-38D) with a random nonce, which is good for some
2**32 messages of one key.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pelagos.core.errors import PelagosError

_NONCE = 12  # bytes


class SealError(PelagosError):
    """It was not sealed with this key for this purpose, or was changed on the way."""


def derive(secret: bytes, purpose: str) -> bytes:
    """A key (32 bytes) for one purpose, of which another purpose's tells nothing."""
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def seal(key: bytes, words: bytes, about: str) -> bytes:
    """Words that only holders of the key can read.

    Args:
        key: 32 bytes.
        words: any number of them.
        about: what they are about, not part of them; who opens them must say the same.
    """
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, words, about.encode())


def unseal(key: bytes, sealed: bytes, about: str) -> bytes:
    """What was sealed.

    Raises:
        SealError: with another key, about something else, or it was changed.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise SealError(
            "this was not sealed by who should have sealed it",
            hint="the two may hold different secrets, or somebody else wrote it",
        ) from error
