"""This computer as a member of a plane elsewhere: how it joined, and as whom it comes since.

node/token          its token, written last; none where it came with a certificate alone
node/joined.sha256  the digests of the one-time token that it joined with and of the token it got
node/brought.sha256 the digest of the certificate that it came with; see `bringing`
node/identity.pem   its key and its certificate in one file, 0600, replaced in one step
node/authority.pem  the authority that the master's certificate must come from
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import time

from pelagos.core.certificate import CertificateError, Described, describe, make_request
from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.core.http import ClientTls
from pelagos.plane.data_folder import DataFolder
from pelagos.slap import joining
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import MasterUnreachable, SlapError
from pelagos.slap.identity_calls import Membership

log = logging.getLogger(__name__)

#: Seconds between two looks at the certificate: often enough for one that lasts a day.
PERIOD = 600.0
#: The part of its life after which a certificate is renewed.
RENEW_AFTER = 2 / 3
#: What brings a computer back whose credentials are void.
JOIN_AGAIN = (
    "let this computer join again: `pelagos computer add NAME --again` at the plane, then "
    "`pelagos node run TOKEN` here"
)
_TIMEOUT = 20.0


def is_due(certificate: Described, now: float) -> bool:
    """Whether to renew a certificate: two thirds of its life are over."""
    life = certificate.expires - certificate.begins
    return now >= certificate.begins + life * RENEW_AFTER


def identity_file(folder: DataFolder) -> Path:
    """Holds the key and the certificate of this computer."""
    return folder.node / "identity.pem"


def has_joined(folder: DataFolder) -> bool:
    """Whether this is the data of a computer of a plane elsewhere, and of no plane of its own."""
    is_plane = (folder.path / "token").exists() or folder.database.exists()
    return has_credentials(folder) and not is_plane


def has_credentials(folder: DataFolder) -> bool:
    """Whether this computer has a token or a certificate of its own."""
    return (folder.node / "token").exists() or identity_file(folder).exists()


def how_to_start(folder: DataFolder) -> str:
    """The command that runs what belongs on this data."""
    return "pelagos node run" if has_joined(folder) else "pelagos up"


def certificate_of(folder: DataFolder) -> Described | None:
    """What this computer's certificate says; None when it has none.

    Raises:
        PelagosError: the file cannot be read.
    """
    path = identity_file(folder)
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise PelagosError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}",
            hint=JOIN_AGAIN,
        ) from error
    try:
        return describe(text[text.find("-----BEGIN CERTIFICATE") :])
    except CertificateError as error:
        raise PelagosError(f"{path} holds no certificate: {error}", hint=JOIN_AGAIN) from error


def member_tls(folder: DataFolder, now: float) -> ClientTls | None:
    """Whom to trust and as whom to come.

    A certificate that has ended is left at home, because the master would end the handshake with
    it; the token still says who we are, and fetches the next certificate.
    """
    tls = folder.client_tls()
    certificate = certificate_of(folder)
    if tls is None or certificate is None or certificate.expires <= now:
        return tls
    return ClientTls(authority=tls.authority, certificate=identity_file(folder))


# ---- joining ------------------------------------------------------------------------------------


def join(folder: DataFolder, text: str, name: str | None, default_name: str) -> str:
    """Join a plane with a one-time token; the name of this computer there.

    Nothing is kept unless the master agreed; a computer that had joined before takes new
    credentials and keeps its partitions.

    Args:
        folder: made already, and held by the caller.
        text: the token.
        name: of this computer; None: the one that the token says, or else the default.
        default_name: for a token that says none.

    Raises:
        PelagosError: the token is none, was used or has ended; the master cannot be reached, or
            is not the one that made the token; the disk refuses the result.
    """
    token = joining.decode(text)
    if token.kind == "person":
        raise PelagosError(
            "this token is for a person, not for a computer; it stays good",
            hint="ask for one for this computer: pelagos computer add NAME",
        )
    if token.kind not in {"", "computer"}:
        raise PelagosError(
            f"this token is for a {token.kind}, not for a computer; it was not used",
            hint="ask for one for this computer: pelagos computer add NAME",
        )
    former = folder.endpoints().computer_id if has_credentials(folder) else ""
    wished = name or former or default_name
    key, request = make_request(wished)
    _check_writable(folder, key)
    tls = ClientTls(fingerprint=token.fingerprint) if token.fingerprint else None
    client = SlapClient(token.url, timeout=_TIMEOUT, tls=tls)
    try:
        member = client.join(token.secret, name=wished, request=request)
    except MasterUnreachable as error:
        raise PelagosError(
            f"this computer has not joined: {error.message}",
            hint=f"{error.hint or 'see that the master runs'}; the token stays good meanwhile",
        ) from error
    except SlapError as error:
        raise PelagosError(
            f"this computer has not joined: {error.message}",
            hint=error.hint or "ask for a new token: pelagos computer add NAME",
        ) from error
    finally:
        client.close()
    _check_member(member, former)
    try:
        mark = f"{_digest(token.secret)} {_digest(member.token)}"
        write_atomic(_mark(folder), mark, mode=0o600)  # says nothing until its token is there, too
        _keep(folder, token.url, member, key, pinned=token.fingerprint is not None)
    except OSError as error:
        raise PelagosError(
            f"the master has taken {member.name} in, but that cannot be written: {error}",
            hint=f"make room in {folder.path}; the token is used up, so then {JOIN_AGAIN}",
        ) from error
    return member.name


def has_used(folder: DataFolder, text: str) -> bool:
    """Whether this computer joined with this very token, so that it need not join again.

    Not when it ended before it had written all that joining brought.

    Raises:
        PelagosError: it is no token to join with.
    """
    token = joining.decode(text)
    own = folder.node_token()
    if own is None:
        return False
    try:
        mark = _mark(folder).read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return False
    used = _digest(token.secret)
    return mark in ([used], [used, _digest(own)])  # the first: as it was written formerly


def _mark(folder: DataFolder) -> Path:
    return folder.node / "joined.sha256"


def brought_mark(folder: DataFolder) -> Path:
    """Holds the digest of the certificate that this computer came with."""
    return folder.node / "brought.sha256"


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _check_writable(folder: DataFolder, key: str) -> None:
    """See before the token is used up that what it brings can be kept."""
    path = folder.node / ".joining"
    try:
        write_atomic(path, key * 8, mode=0o600)
        path.unlink()
    except OSError as error:
        raise PelagosError(
            f"cannot write to {folder.node}: {error.strerror}",
            hint="make room there or give another folder with --data; the token stays good",
        ) from error


def _check_member(member: Membership, former: str) -> None:
    if member.kind != "computer":
        raise PelagosError(
            f"the token was for the {member.kind} {member.name}, not for a computer, and is used "
            "up",
            hint="ask for one for this computer: pelagos computer add NAME",
        )
    if former and former != member.name:
        raise PelagosError(
            f"this data folder is that of the computer {former}, and the token was for "
            f"{member.name}; it is used up",
            hint=f"ask for one with `pelagos computer add {former} --again`, or give another "
            "folder with --data",
        )


def _keep(folder: DataFolder, url: str, member: Membership, key: str, *, pinned: bool) -> None:
    # With the system's trust where the token tells no fingerprint.
    note(folder, url, member.name, member.authority if pinned else None)
    brought_mark(folder).unlink(missing_ok=True)
    if member.certificate is not None:
        keep_identity(folder, key, member.certificate)
    folder.keep_node_token(member.token)


def note(folder: DataFolder, url: str, name: str, authority: str | None) -> None:
    """Keep where the master is, this computer's name there, and whom to trust.

    Args:
        authority: PEM; None: those that the system trusts.
    """
    path = folder.node / "authority.pem"
    if authority is not None:
        write_atomic(path, authority, mode=0o644)
    known = "" if authority is None else str(path)
    folder.note(master_url=url, authority=known, computer_id=name)


def keep_identity(folder: DataFolder, key: str, certificate: str) -> None:
    """Keep both in one file; raises `OSError`."""
    write_atomic(identity_file(folder), f"{key.rstrip()}\n{certificate}", mode=0o600)


# ---- renewal ------------------------------------------------------------------------------------


class IdentityRenewer:
    """A thread that renews this computer's certificate in time, until `stop`.

    Clients that are open take the new one with their next connection.

    Args:
        folder: whose.
        master_url: where.
        clock: tells the time in Unix seconds.
        period: seconds between two looks.
    """

    def __init__(
        self,
        folder: DataFolder,
        master_url: str,
        *,
        clock: Callable[[], float] = time,
        period: float = PERIOD,
    ) -> None:
        self._folder = folder
        self._url = master_url
        self._clock = clock
        self._period = period
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="identity", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with contextlib.suppress(PelagosError):  # said already, and tried again
                self.see_to()
            if self._ending.wait(self._period):
                return

    def see_to(self) -> bool:
        """Renew the certificate when its time has come; whether it was.

        Raises:
            PelagosError: it could not be renewed; it is logged, too.
        """
        try:
            certificate = certificate_of(self._folder)
            now = self._clock()
            if certificate is None or not is_due(certificate, now):
                return False
            self._renew(certificate, now)
        except PelagosError as error:
            log.error("this computer's certificate cannot be renewed: %s; %s", error, error.hint)  # noqa: TRY400 - its own words
            raise
        log.info("this computer's certificate was renewed")
        return True

    def _renew(self, certificate: Described, now: float) -> None:
        key, request = make_request(certificate.common_name)
        tls = member_tls(self._folder, now)
        token = self._folder.node_token()
        client = SlapClient(self._url, token=token, timeout=_TIMEOUT, tls=tls)
        try:
            issued = client.renew_certificate(request)
            keep_identity(self._folder, key, issued.certificate)
        except (SlapError, OSError) as error:
            ended = certificate.expires <= now
            what = "has ended" if ended else "will end"
            raise PelagosError(
                f"the certificate of {certificate.common_name} {what}, and the next one cannot "
                f"be fetched: {error}",
                hint=JOIN_AGAIN if ended else "it is tried again by itself",
            ) from error
        finally:
            client.close()

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(timeout=5)
