"""Passcodes that go with the time (RFC 6238): six digits, new each half minute. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

#: Seconds for which a passcode is shown.
STEP = 30.0
#: How many of the passcodes before the one that is shown now are good, too.
_FORMER = 1
_DIGITS = 6


def read_secret(text: str) -> bytes:
    """A secret as people pass it on, in base 32 with or without padding.

    Raises:
        ValueError: it is none.
    """
    bare = text.strip().replace(" ", "").upper().rstrip("=")
    try:
        found = base64.b32decode(bare + "=" * (-len(bare) % 8))
    except binascii.Error as error:
        raise ValueError(f"it is not written in base 32: {error}") from error
    if not found:
        raise ValueError("it is empty")
    return found


def passcode(secret: bytes, at: float) -> str:
    """What is shown at a time, in seconds since 1970.

    >>> passcode(b"12345678901234567890", 59.0)
    '287082'
    """
    return _at_step(secret, int(at // STEP))


def fitting_step(secret: bytes, told: str, at: float) -> int | None:
    """The step of time that a passcode is of, when it is still good; else None."""
    now = int(at // STEP)
    found = None
    for step in range(now - _FORMER, now + 1):
        if hmac.compare_digest(_at_step(secret, step).encode(), told.encode()):
            found = step
    return found


def _at_step(secret: bytes, step: int) -> str:
    digest = hmac.digest(secret, max(step, 0).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"
