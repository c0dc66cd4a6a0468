"""A certificate authority in a folder, and what it issues. Its keys are EC P-256."""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pelagos.core.certificate.pieces import (
    NAME_LIMIT,
    CertificateError,
    alternative_name,
    key_to_pem,
    key_usage,
    read_certificate,
    read_file,
    read_key,
    requested_key,
    subject_name,
    subject_part,
    to_pem,
    utc,
)
from pelagos.core.files import write_atomic

#: How long an authority lasts; a leaf never outlives it.
_AUTHORITY_LIFETIME = timedelta(days=3650)
#: A certificate begins so much before it is issued: the peer's clock may be slow.
_SKEW = timedelta(minutes=5)
_NONCE = 12
_SEALED = "sealed-1."


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was just made.

    Attributes:
        certificate: PEM.
        key: PEM (PKCS 8), or None when the asker made it and sent only a request.
        serial: lower-case hexadecimal.
        expires: seconds since the epoch.
    """

    certificate: str
    key: str | None = field(repr=False)
    serial: str
    expires: float


class Authority:
    """A certificate authority whose certificate and key are `ca.pem` and `ca.key` in a folder.

    Attributes:
        certificate: PEM.
        fingerprint: SHA-256 of the certificate's DER form, lower-case hexadecimal.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key
        self.certificate = to_pem(certificate)
        self.fingerprint = certificate.fingerprint(hashes.SHA256()).hex()

    def __repr__(self) -> str:
        return f"Authority({subject_part(self._certificate, NameOID.COMMON_NAME)!r})"

    @classmethod
    def open(cls, folder: Path, *, name: str, now: float) -> Authority:
        """The authority in a folder; a new one when the folder has none yet.

        Args:
            name: common name of a new one.
            now: seconds since the epoch.

        Raises:
            CertificateError: only half of it is there, it is broken, readable by everybody, or
                does not hold at this time.
        """
        certificate, key = folder / "ca.pem", folder / "ca.key"
        if not (certificate.exists() and key.exists()):
            with _writing(folder):
                _complete(folder, name, now)
        return cls(*_load(certificate, key, now))

    def issue(
        self,
        common_name: str,
        unit: str,
        *,
        now: float,
        lifetime: float,
        request: str | None = None,
    ) -> Issued:
        """A client certificate.

        Args:
            common_name: who it is for; what a request says of itself does not count.
            unit: the kind of owner, as the organizational unit.
            lifetime: seconds; cut at the end of the authority itself.
            request: a signing request (PEM) whose key is certified; without, a key is made.

        Raises:
            CertificateError: the request or the name cannot be used.
        """
        subject = subject_name(common_name, unit)
        return self._issue(subject, ExtendedKeyUsageOID.CLIENT_AUTH, now, lifetime, request)

    def issue_server(self, names: Sequence[str], *, now: float, lifetime: float) -> Issued:
        """A server's certificate for DNS names and IP addresses, the most important first.

        The authority's own certificate follows it in the text, so that a client that knows no more
        than its fingerprint gets it from the server.

        Raises:
            CertificateError: no name, or one that is neither.
        """
        if not names:
            raise CertificateError(
                "a server's certificate needs a name",
                hint="give the host names and addresses under which it is asked",
            )
        alternatives = x509.SubjectAlternativeName([alternative_name(name) for name in names])
        subject = subject_name(names[0][:NAME_LIMIT], "")
        usage = ExtendedKeyUsageOID.SERVER_AUTH
        issued = self._issue(subject, usage, now, lifetime, None, alternatives)
        return replace(issued, certificate=issued.certificate + self.certificate)

    def _issue(  # all of it stands in the certificate
        self,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        now: float,
        lifetime: float,
        request: str | None,
        alternatives: x509.SubjectAlternativeName | None = None,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1()) if request is None else None
        public = key.public_key() if key else requested_key(request or "")
        begins, expires = utc(now) - _SKEW, utc(now) + timedelta(seconds=lifetime)
        expires = min(expires, self._certificate.not_valid_after_utc)
        if expires <= begins:
            raise CertificateError(
                "a certificate cannot end before it begins",
                hint="give a lifetime above 0, and check this computer's clock",
            )
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(expires)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority, critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return Issued(
            certificate=to_pem(made),
            key=key_to_pem(key) if key else None,
            serial=f"{made.serial_number:x}",
            expires=made.not_valid_after_utc.timestamp(),
        )

    def seal(self, text: str) -> str:
        """The text encrypted and authenticated, for keeping where others may read."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher().encrypt(nonce, text.encode(), None)
        return _SEALED + base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, text: str) -> str:
        """What was sealed by this authority.

        Raises:
            CertificateError: another authority sealed it, or it was altered.
        """
        try:
            if not text.startswith(_SEALED):
                raise ValueError  # noqa: TRY301  # one error for all of it
            sealed = base64.b64decode(text.removeprefix(_SEALED), altchars=b"-_", validate=True)
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], None).decode()
        except (ValueError, binascii.Error, InvalidTag):
            raise CertificateError(
                "a sealed text cannot be opened: another authority sealed it, or it was altered",
                hint="use the authority's folder that belongs to this database",
            ) from None

    def secret(self, purpose: str) -> bytes:
        """32 bytes for one purpose, always the same; they tell nothing of the authority's key."""
        return self._derived(f"pelagos secret 1 {purpose}")

    def _cipher(self) -> AESGCM:
        return AESGCM(self._derived("pelagos seal 1"))

    def _derived(self, purpose: str) -> bytes:
        secret = self._key.private_numbers().private_value.to_bytes(66, "big")
        return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret)


def save_pair(issued: Issued, certificate: Path, key: Path) -> None:
    """Write a new certificate (0644) and its key (0600), each in one step, the key first.

    A reader in between sees a certificate of another key: servers and clients of `pelagos.core`
    then go on with what they have until the pair fits.

    Raises:
        CertificateError: it came without a key, or cannot be written.
    """
    if issued.key is None:
        raise CertificateError(
            "the certificate was issued for a request, so its key is not known here",
            hint="the one who made the request has the key",
        )
    try:
        write_atomic(key, issued.key, mode=0o600)
        write_atomic(certificate, issued.certificate, mode=0o644)
    except OSError as error:
        raise _unwritable(error.filename or certificate.parent, error) from error


# ---- an authority's files -----------------------------------------------------------------------


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Only one process at a time makes an authority in a folder, which is there then."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        os.close(handle)


def _complete(folder: Path, name: str, now: float) -> None:
    """Make the two files, or finish what was cut off; the certificate's file is the last.

    A new certificate waits beside its place until the key is there, so that being killed anywhere
    leaves a folder that is either without an authority or can be finished.
    """
    certificate, key, waiting = folder / "ca.pem", folder / "ca.key", folder / ".ca.pem"
    if certificate.exists() and key.exists():
        return  # another process was faster
    if certificate.exists() or key.exists():
        if certificate.exists() or not _fits(waiting, key):
            there, lost = (certificate, key) if certificate.exists() else (key, certificate)
            raise CertificateError(
                f"{there} is there, but not {lost.name}: one is of no use without the other",
                hint=f"put {lost.name} back from a backup, or move {there.name} away for a new "
                "authority, with which all certificates must be issued anew",
            )
    else:
        made, private = _make_authority(name, now)
        write_atomic(waiting, to_pem(made), mode=0o644)
        write_atomic(key, key_to_pem(private), mode=0o600)
    waiting.replace(certificate)


def _fits(certificate: Path, key: Path) -> bool:
    if not certificate.exists():
        return False
    public = read_certificate(read_file(certificate), str(certificate)).public_key()
    return public == read_key(key).public_key()


def _make_authority(name: str, now: float) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = subject_name(name, "")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc(now) - _SKEW)
        .not_valid_after(utc(now) + _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()), key


def _load(
    certificate: Path, key: Path, now: float
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    read, private = read_certificate(read_file(certificate), str(certificate)), read_key(key)
    if read.public_key() != private.public_key():
        raise CertificateError(
            f"{certificate} and {key.name} do not belong together",
            hint="put both back from the same backup",
        )
    try:
        is_authority = read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise CertificateError(
            f"{certificate} is not the certificate of an authority",
            hint="put the authority's own certificate there",
        )
    if not read.not_valid_before_utc <= utc(now) < read.not_valid_after_utc:
        raise CertificateError(
            f"{certificate} holds from {read.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{read.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and now it is "
            f"{utc(now):%Y-%m-%d %H:%M}",
            hint="check this computer's clock; if it is right, move ca.pem and ca.key away for a "
            "new authority, with which all certificates must be issued anew",
        )
    return read, private


def _unwritable(where: object, error: OSError) -> CertificateError:
    return CertificateError(
        f"cannot write {where}: {error.strerror}",
        hint="choose a folder that this user may write, on a disk with room",
    )
