"""A computer comes with a certificate that the plane issued before, and without a token."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.core.http import ClientTls
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.membership import (
    brought_mark,
    has_credentials,
    identity_file,
    keep_identity,
    note,
)
from pelagos.slap.client import SlapClient

_TIMEOUT = 20.0


def bring(folder: DataFolder, url: str, certificate: Path, key: Path, trust: Path | None) -> str:
    """Come with a certificate; the computer's name.

    Nothing is kept unless the master knows the certificate as a computer's, one that has no token
    there: calls to its agent would be sealed with a key of the token.

    Args:
        folder: made already, and held by the caller.
        url: of the master; https.
        certificate: PEM file.
        key: PEM file of its key.
        trust: PEM file of the authority that the master's certificate comes from; None: those
            that this system trusts.

    Raises:
        PelagosError: the files cannot be used, or the master does not take them.
    """
    _check(folder, url)
    said, secret, authority = _text(certificate), _text(key), _trusted(trust)
    client = SlapClient(url, timeout=_TIMEOUT, tls=ClientTls(trust, certificate, key))
    try:
        identity = client.identity()
        kind, name = str(identity.get("kind")), str(identity.get("name"))
        former = folder.endpoints().computer_id if has_credentials(folder) else ""
        if kind != "computer" or former not in ("", name):
            raise PelagosError(
                f"{certificate} is the certificate of the {kind} {name}"
                + (f", and this is the data of {former}" if former else ""),
                hint="issue one for this computer: pelagos computer certificate NAME --issue DIR",
            )
        client.call_key()
    finally:
        client.close()
    try:
        note(folder, url, name, authority)
        keep_identity(folder, secret, said)
        write_atomic(brought_mark(folder), _digest(said), mode=0o600)
    except OSError as error:
        raise PelagosError(
            f"cannot write to {folder.node}: {error.strerror}", hint="make room there"
        ) from error
    return name


def brought_before(
    folder: DataFolder, url: str, certificate: Path, trust: Path | None
) -> str | None:
    """The computer's name when it came with this very certificate already; None when not.

    It may have been renewed since, or revoked after that, so what is kept stays. Where the master
    is and whom to trust is taken as it is said now.

    Args:
        folder: made already, and held by the caller.
        url: of the master; https.
        certificate: PEM file.
        trust: as for `bring`.

    Raises:
        PelagosError: the files cannot be used.
    """
    if (folder.node / "token").exists() or not identity_file(folder).exists():
        return None
    try:
        known = brought_mark(folder).read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return None
    if known != _digest(_text(certificate)):
        return None
    _check(folder, url)
    name = folder.endpoints().computer_id
    note(folder, url, name, _trusted(trust))
    return name


def _digest(certificate: str) -> str:
    return sha256(certificate.encode()).hexdigest()


def _check(folder: DataFolder, url: str) -> None:
    if not url.startswith("https:"):
        raise PelagosError(
            f"a certificate says who comes only over HTTPS, and the master is at {url}",
            hint="give the master's address with --master-url https://HOST:PORT",
        )
    token = folder.node / "token"
    if token.exists():
        raise PelagosError(
            f"this computer has joined with a token, which goes before a certificate: {token}",
            hint="run it as it is: pelagos node run; to come with a certificate alone, revoke all "
            "that it has, issue a certificate, and remove that file",
        )


def _trusted(path: Path | None) -> str | None:
    return None if path is None else _text(path)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise PelagosError(f"cannot read {path}: {why}", hint="give a PEM file") from error
