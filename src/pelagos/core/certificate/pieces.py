"""What a certificate, key or signing request says, and the pieces of which one is made."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from pelagos.core.errors import PelagosError

#: Characters of a common name (X.520, ub-common-name).
NAME_LIMIT = 64
#: Bytes of a PEM that is read; a wrong file may be of any size.
_PEM_LIMIT = 256 * 1024
_RSA_BITS = 2048
_EC_BITS = 256

_BROKEN = (ValueError, TypeError, UnsupportedAlgorithm)  # what the library says of a bad text


class CertificateError(PelagosError):
    """A certificate, key or request cannot be used."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a certificate says of itself; nobody has checked who signed it.

    Attributes:
        serial: lower-case hexadecimal.
        unit: the kind of its owner (OU): person, computer or partition; "" without one.
        begins: seconds since the epoch.
        expires: seconds since the epoch.
        fingerprint: SHA-256 of its DER form, lower-case hexadecimal.
    """

    serial: str
    common_name: str
    unit: str
    begins: float
    expires: float
    fingerprint: str


def describe(certificate: str | bytes) -> Described:
    """What a certificate says, given as PEM or DER.

    Raises:
        CertificateError: it is not a certificate.
    """
    read = read_certificate(certificate, "this")
    return Described(
        serial=f"{read.serial_number:x}",
        common_name=subject_part(read, NameOID.COMMON_NAME),
        unit=subject_part(read, NameOID.ORGANIZATIONAL_UNIT_NAME),
        begins=read.not_valid_before_utc.timestamp(),
        expires=read.not_valid_after_utc.timestamp(),
        fingerprint=read.fingerprint(hashes.SHA256()).hex(),
    )


def make_request(common_name: str) -> tuple[str, str]:
    """A new key and a signing request for it, both PEM; the key is for a file of mode 0600."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject_name(common_name, ""))
    request = builder.sign(key, hashes.SHA256())
    return key_to_pem(key), request.public_bytes(serialization.Encoding.PEM).decode()


def text_dump(certificate: str) -> str:
    """A certificate as text for people, and then its PEM.

    Laid out as `openssl x509 -text` did it, with the e-mail address behind the common name: the
    registration command of SlapOS takes a computer's id from there.
    """
    read = read_certificate(certificate, "this")
    common_name = subject_part(read, NameOID.COMMON_NAME)
    address = subject_part(read, NameOID.EMAIL_ADDRESS)
    unit = subject_part(read, NameOID.ORGANIZATIONAL_UNIT_NAME)
    rest = f", OU={unit}" if unit else ""
    lines = (
        "Certificate:",
        "    Data:",
        f"        Version: {read.version.value + 1} ({read.version.value:#x})",
        f"        Serial Number: {read.serial_number:x}",
        f"        Issuer: {read.issuer.rfc4514_string()}",
        "        Validity",
        f"            Not Before: {read.not_valid_before_utc:%b %d %H:%M:%S %Y} GMT",
        f"            Not After : {read.not_valid_after_utc:%b %d %H:%M:%S %Y} GMT",
        f"        Subject: CN={common_name}/emailAddress={address}{rest}",
    )
    return "\n".join(lines) + "\n" + to_pem(read)


def read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM file that is its owner's alone; no error quotes what the file holds."""
    text = read_file(path)
    if path.stat().st_mode & 0o027:
        raise CertificateError(
            f"others than its owner may use the key {path}", hint=f"chmod 600 {path}"
        )
    try:
        key = serialization.load_pem_private_key(text, None)
    except _BROKEN:
        raise _no_key(path) from None  # the cause might quote what it read
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> CertificateError:
    return CertificateError(
        f"{path} does not hold an EC key as PEM without a password",
        hint="put the key back from a backup",
    )


def read_file(path: Path) -> bytes:
    """The beginning of a file: more than a PEM ever is."""
    try:
        with path.open("rb") as file:
            return file.read(_PEM_LIMIT)
    except OSError as error:
        raise CertificateError(
            f"cannot read {path}: {error.strerror}", hint="run as the user who owns the file"
        ) from error


def requested_key(
    request: str,
) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    """The key that a signing request (PEM) proves to have, if it is strong enough."""
    try:
        read = x509.load_pem_x509_csr(request.encode()[:_PEM_LIMIT])
        sound = read.is_signature_valid
        key = read.public_key()
    except _BROKEN:
        raise CertificateError(
            "this is not a certificate signing request as PEM",
            hint="send what `openssl req -new` writes",
        ) from None
    if not sound:
        raise CertificateError(
            "the signing request's signature is wrong: who sent it does not have its key",
            hint="make a new request with the key",
        )
    if (
        isinstance(key, ed25519.Ed25519PublicKey)
        or (isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= _EC_BITS)
        or (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS)
    ):
        return key
    raise CertificateError(
        "the signing request's key is too weak, or of a kind that is not accepted",
        hint=f"use an EC key of {_EC_BITS} bits (P-256), Ed25519, or RSA of {_RSA_BITS} bits",
    )


def read_certificate(data: str | bytes, what: str) -> x509.Certificate:
    """A certificate from PEM or DER; the error calls it `what`."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificate(raw)
        return x509.load_der_x509_certificate(raw)
    except _BROKEN as error:
        raise CertificateError(
            f"{what} is not a certificate", hint="give an X.509 certificate as PEM"
        ) from error


def subject_name(common_name: str, unit: str) -> x509.Name:
    """Whom a certificate is for; no unit when it is empty."""
    if not common_name or len(common_name) > NAME_LIMIT or not common_name.isprintable():
        raise CertificateError(
            f"{common_name[:NAME_LIMIT]!r} cannot be the name in a certificate",
            hint=f"use 1 to {NAME_LIMIT} printable characters",
        )
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    return x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def alternative_name(name: str) -> x509.GeneralName:
    """A server's name: a DNS name, also with letters beyond ASCII, or an IP address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        pass
    try:
        return x509.DNSName(name.encode("idna").decode())
    except ValueError as error:  # UnicodeError is one
        raise CertificateError(
            f"{name!r} is neither a host name nor an IP address",
            hint="write a host name like master.example.com, or an address like 10.0.0.1",
        ) from error


def subject_part(certificate: x509.Certificate, part: x509.ObjectIdentifier) -> str:
    """One part of whom a certificate is for; "" without it."""
    values = certificate.subject.get_attributes_for_oid(part)
    return str(values[0].value) if values else ""


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """What a key is for: an authority's signs certificates, all others sign handshakes."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def utc(seconds: float) -> datetime:
    """Seconds since the epoch as X.509 has them: whole, in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC)


def to_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A key as PEM (PKCS 8) without a password: for a file of mode 0600."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
