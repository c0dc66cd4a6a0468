"""New keys for SSH. A door to cryptography, like `certificate`."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048


def new_pair(comment: str = "") -> tuple[str, str]:
    """A new RSA key: the line of `authorized_keys`, and the private half in PEM."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return f"{line.decode()} {comment}".strip(), private.decode()
