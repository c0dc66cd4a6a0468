"""Signatures over short texts: made with a private key, checked with certificates.

A door to cryptography, like `certificate`. Keys are RSA or elliptic-curve, in PEM; nothing here
shows one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pelagos.core.errors import ConfigError

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"
_SMALLEST_RSA = 2048


class Signer:
    """Signs with one private key. Its repr shows nothing of it."""

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> Signer:
        """The signer of a PEM file without a passphrase.

        Raises:
            ConfigError: it cannot be read, or holds no such key.
        """
        hint = "give an RSA or EC private key in PEM without a passphrase"
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise ConfigError(
                f"cannot read the key {path}: {error.strerror}", hint=hint
            ) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{path} does not hold a usable private key", hint=hint) from error
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _SMALLEST_RSA:
            return cls(key)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return cls(key)
        raise ConfigError(f"the key in {path} is not of a usable kind", hint=hint)

    def __repr__(self) -> str:
        return "Signer()"

    def sign(self, content: bytes) -> str:
        """A signature with SHA-256, base64."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            made = self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        else:
            made = self._key.sign(content, ec.ECDSA(hashes.SHA256()))
        return base64.b64encode(made).decode()

    def sign_old(self, content: bytes) -> str:
        """A signature with RSA and SHA-1 for readers that know no other; empty for an EC key."""
        if not isinstance(self._key, rsa.RSAPrivateKey):
            return ""
        made = self._key.sign(content, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - see above
        return base64.b64encode(made).decode()


class Verifier:
    """Checks signatures against some certificates; only their keys count, not their dates."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._keys = [certificate.public_key() for certificate in certificates]

    @classmethod
    def load(cls, path: Path) -> Verifier:
        """The verifier of the certificates in a file: PEM, one after the other.

        Raises:
            ConfigError: it cannot be read, or holds none.
        """
        hint = "give a file with certificates in PEM, one after the other"
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the certificates in {path}", hint=hint) from error
        try:
            found = [
                x509.load_pem_x509_certificate(
                    f"{_BEGIN}{part.partition(_END)[0]}{_END}\n".encode()
                )
                for part in text.split(_BEGIN)[1:]
            ]
        except ValueError as error:
            raise ConfigError(f"a certificate in {path} is damaged", hint=hint) from error
        if not found:
            raise ConfigError(f"{path} holds no certificate", hint=hint)
        return cls(found)

    def verifies(self, content: bytes, signature: str) -> bool:
        """Whether one of the certificates made this signature with SHA-256."""
        return self._verifies(content, signature, hashes.SHA256(), also_ec=True)

    def verifies_old(self, content: bytes, signature: str) -> bool:
        """Whether one of them made this signature with RSA and SHA-1."""
        return self._verifies(content, signature, hashes.SHA1(), also_ec=False)  # noqa: S303

    def _verifies(
        self, content: bytes, signature: str, digest: hashes.HashAlgorithm, *, also_ec: bool
    ) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        for key in self._keys:
            try:
                if isinstance(key, rsa.RSAPublicKey):
                    key.verify(raw, content, padding.PKCS1v15(), digest)
                    return True
                if also_ec and isinstance(key, ec.EllipticCurvePublicKey):
                    key.verify(raw, content, ec.ECDSA(digest))
                    return True
            except InvalidSignature:
                continue
        return False
