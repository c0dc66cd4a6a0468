"""X.509: a certificate authority in a folder, what it issues, and what a certificate says.

The only door to cryptography. Knows nothing of who may have which certificate, nor of sockets.
Keys are EC P-256; no key ever stands in a repr, a log or an error.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic

#: How long an authority lasts; a leaf never outlives it.
_AUTHORITY_LIFETIME = timedelta(days=3650)
#: A certificate begins so much before it is issued: the peer's clock may be slow.
_SKEW = timedelta(minutes=5)
#: Characters of a common name (X.520, ub-common-name).
_NAME_LIMIT = 64
#: Bytes of a PEM that is read; a wrong file may be of any size.
_PEM_LIMIT = 256 * 1024
_RSA_BITS = 2048
_EC_BITS = 256
_NONCE = 12
_SEALED = "sealed-1."

_BROKEN = (ValueError, TypeError, UnsupportedAlgorithm)  # what the library says of a bad text


class CertificateError(PelagosError):
    """A certificate, key or request cannot be used."""


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


class Authority:
    """A certificate authority whose certificate and key are `ca.pem` and `ca.key` in a folder.

    Attributes:
        certificate: PEM.
        fingerprint: SHA-256 of the certificate's DER form, lower-case hexadecimal.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key
        self.certificate = _pem(certificate)
        self.fingerprint = certificate.fingerprint(hashes.SHA256()).hex()

    def __repr__(self) -> str:
        return f"Authority({_subject(self._certificate, NameOID.COMMON_NAME)!r})"

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
        subject = _name(common_name, unit)
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
        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        subject = _name(names[0][:_NAME_LIMIT], "")
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
        public = key.public_key() if key else _requested_key(request or "")
        begins, expires = _time(now) - _SKEW, _time(now) + timedelta(seconds=lifetime)
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
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(authority, critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return Issued(
            certificate=_pem(made),
            key=_key_pem(key) if key else None,
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

    def _cipher(self) -> AESGCM:
        secret = self._key.private_numbers().private_value.to_bytes(66, "big")
        derive = HKDF(hashes.SHA256(), length=32, salt=None, info=b"pelagos seal 1")
        return AESGCM(derive.derive(secret))


def describe(certificate: str | bytes) -> Described:
    """What a certificate says, given as PEM or DER.

    Raises:
        CertificateError: it is not a certificate.
    """
    read = _read_certificate(certificate, "this")
    return Described(
        serial=f"{read.serial_number:x}",
        common_name=_subject(read, NameOID.COMMON_NAME),
        unit=_subject(read, NameOID.ORGANIZATIONAL_UNIT_NAME),
        begins=read.not_valid_before_utc.timestamp(),
        expires=read.not_valid_after_utc.timestamp(),
        fingerprint=read.fingerprint(hashes.SHA256()).hex(),
    )


def make_request(common_name: str) -> tuple[str, str]:
    """A new key and a signing request for it, both PEM; the key is for a file of mode 0600."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name, ""))
    request = builder.sign(key, hashes.SHA256())
    return _key_pem(key), request.public_bytes(serialization.Encoding.PEM).decode()


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


def text_dump(certificate: str) -> str:
    """A certificate as text for people, and then its PEM.

    Laid out as `openssl x509 -text` did it, with the e-mail address behind the common name: the
    registration command of SlapOS takes a computer's id from there.
    """
    read = _read_certificate(certificate, "this")
    common_name = _subject(read, NameOID.COMMON_NAME)
    address = _subject(read, NameOID.EMAIL_ADDRESS)
    unit = _subject(read, NameOID.ORGANIZATIONAL_UNIT_NAME)
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
    return "\n".join(lines) + "\n" + _pem(read)


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
        write_atomic(waiting, _pem(made), mode=0o644)
        write_atomic(key, _key_pem(private), mode=0o600)
    waiting.replace(certificate)


def _fits(certificate: Path, key: Path) -> bool:
    if not certificate.exists():
        return False
    public = _read_certificate(_read(certificate), str(certificate)).public_key()
    return public == _read_key(key).public_key()


def _make_authority(name: str, now: float) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name, "")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now) - _SKEW)
        .not_valid_after(_time(now) + _AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()), key


def _load(
    certificate: Path, key: Path, now: float
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    read, private = _read_certificate(_read(certificate), str(certificate)), _read_key(key)
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
    if not read.not_valid_before_utc <= _time(now) < read.not_valid_after_utc:
        raise CertificateError(
            f"{certificate} holds from {read.not_valid_before_utc:%Y-%m-%d %H:%M} to "
            f"{read.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and now it is "
            f"{_time(now):%Y-%m-%d %H:%M}",
            hint="check this computer's clock; if it is right, move ca.pem and ca.key away for a "
            "new authority, with which all certificates must be issued anew",
        )
    return read, private


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    text = _read(path)
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


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_PEM_LIMIT)
    except OSError as error:
        raise CertificateError(
            f"cannot read {path}: {error.strerror}", hint="run as the user who owns the file"
        ) from error


def _unwritable(where: object, error: OSError) -> CertificateError:
    return CertificateError(
        f"cannot write {where}: {error.strerror}",
        hint="choose a folder that this user may write, on a disk with room",
    )


# ---- pieces of X.509 ----------------------------------------------------------------------------


def _requested_key(
    request: str,
) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
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


def _read_certificate(data: str | bytes, what: str) -> x509.Certificate:
    raw = data.encode() if isinstance(data, str) else data
    try:
        if b"-----BEGIN" in raw:
            return x509.load_pem_x509_certificate(raw)
        return x509.load_der_x509_certificate(raw)
    except _BROKEN as error:
        raise CertificateError(
            f"{what} is not a certificate", hint="give an X.509 certificate as PEM"
        ) from error


def _name(common_name: str, unit: str) -> x509.Name:
    if not common_name or len(common_name) > _NAME_LIMIT or not common_name.isprintable():
        raise CertificateError(
            f"{common_name[:_NAME_LIMIT]!r} cannot be the name in a certificate",
            hint=f"use 1 to {_NAME_LIMIT} printable characters",
        )
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    return x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name: str) -> x509.GeneralName:
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


def _subject(certificate: x509.Certificate, part: x509.ObjectIdentifier) -> str:
    values = certificate.subject.get_attributes_for_oid(part)
    return str(values[0].value) if values else ""


def _usage(*, authority: bool) -> x509.KeyUsage:
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


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
