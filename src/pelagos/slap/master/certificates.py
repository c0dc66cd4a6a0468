"""Certificates of people, computers and partitions: issued, renewed, revoked, given again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pelagos.core.certificate import Authority, CertificateError, Issued
from pelagos.slap.errors import AuthenticationError, BadRequest, NotFoundError
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import check_changeable, seated, unknown_computer
from pelagos.slap.master.store import Reader, StoredCertificate, StoredComputer
from pelagos.slap.master.tokens import check_not_last
from pelagos.slap.master.visibility import Scope, scope

log = logging.getLogger(__name__)

#: Characters of a common name (X.520); who holds a certificate is known by its serial number.
_NAME_LIMIT = 64
#: Certificates that are kept of one holder who renews. 5: two are of use, and he may err thrice.
_MOST = 5


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What is told of a certificate in listings; times are Unix seconds."""

    serial: str
    kind: str
    name: str
    created: float
    expires: float
    revoked: float | None


class Certificates(UseCases):
    """What this master's authority issues.

    A certificate is active until it ends or is revoked. A holder has one that is, and two of them
    during a renewal.
    """

    def authority(self) -> Authority:
        """The authority.

        Raises:
            NotFoundError: this master has none.
        """
        authority = self._desk.authority
        if authority is None:
            raise NotFoundError(
                "this master has no certificate authority",
                status=404,
                hint="callers are known by their tokens here",
            )
        return authority

    def generate_certificate(
        self, kind: Kind, name: str, identity: Identity, request: str | None = None
    ) -> Issued:
        """The first certificate of a computer or person, or the next after a revocation.

        Args:
            kind: of the holder.
            name: of the holder.
            identity: who asks.
            request: a signing request (PEM), so that the key stays where it was made.

        Raises:
            NotFoundError: there is no such holder, or its certificate is still active.
            BadRequest: the request cannot be used.
        """
        with self._desk.change(identity) as change:
            _check_holder(change.store, kind, name, change.scope)
            if (active := change.store.active_certificate(kind, name, change.now)) is not None:
                raise NotFoundError(
                    f"the certificate of the {kind} {name} is still active (serial "
                    f"{active.serial}), and its key is not kept here",
                    status=404,
                    hint="renew it with itself, or revoke it first: "
                    f"pelagos {kind} certificate {name} --revoke",
                )
            return self._issue(change, kind, name, request)

    def renew_certificate(self, identity: Identity, request: str | None = None) -> Issued:
        """The caller's next certificate; the former holds on for a while, so that nothing stops.

        Raises:
            BadRequest: the request cannot be used.
            AuthenticationError: the caller's credentials were revoked meanwhile.
        """
        kind, name = identity.kind, identity.name
        with self._desk.change(identity) as change:
            if not change.store.has_credentials(kind, name, change.now):
                raise AuthenticationError(
                    f"the credentials of the {kind} {name} were revoked",
                    status=401,
                    hint=f"an operator lets it join again: pelagos {kind} add {name} --again",
                )
            until = change.now + self._desk.settings.certificate_overlap
            change.store.shorten_certificates(kind, name, change.now, until)
            issued = self._issue(change, kind, name, request)
            change.store.bound_certificates(kind, name, _MOST - 1, issued.serial)
            return issued

    def revoke_certificate(self, kind: Kind, name: str, identity: Identity) -> int:
        """End all that lets a holder in: refused from the next call on. Tells how many.

        Token, certificates and one-time tokens; those of a computer's partitions, too.

        Raises:
            NotFoundError: there is no such holder, or it has no credentials.
            Conflict: he is the last operator.
        """
        with self._desk.change(identity) as change:
            computer = _check_holder(change.store, kind, name, change.scope)
            if computer is not None:
                count = shut_out(change, computer)
            else:
                check_not_last(change, name)
                count = change.store.void(kind, [name], change.now)
            if not count:
                raise NotFoundError(
                    f"the {kind} {name} has no credentials",
                    status=404,
                    hint=f"pelagos {kind} certificate {name} --issue DIR issues a certificate",
                )
            _tell(change, "certificate.revoked", kind, name, "all its credentials are void")
            return count

    def revoke_serial(self, serial: str, identity: Identity) -> None:
        """End one certificate.

        Raises:
            NotFoundError: there is none of this number that is active.
        """
        unknown = NotFoundError(
            f"there is no active certificate {serial[:50]}",
            status=404,
            hint="GET /v1/certificates lists those that there are",
        )
        with self._desk.change(identity) as change:
            found = change.store.certificate(serial)
            if found is None:
                raise unknown
            kind = Kind(found.kind)
            if kind is Kind.PARTITION:
                computer_id, _, partition_id = found.name.rpartition("/")
                seated(change.store, computer_id, partition_id, change.scope)
            else:
                _check_holder(change.store, kind, found.name, change.scope)
            if not change.store.revoke_certificate(serial, change.now):
                raise unknown
            _tell(change, "certificate.revoked", kind, found.name, f"{serial} revoked")

    def certificates(self, identity: Identity) -> list[CertificateFacts]:
        """Those that the identity may revoke, the newest first."""
        sees = scope(identity)
        with self._desk.store.read() as reader:
            found = reader.certificates()
            if not sees.is_unlimited:
                computers = {
                    item.computer_id
                    for item in reader.computers()
                    if sees.may_change_computer(item)
                }
                found = [item for item in found if _is_of(item, identity, computers)]
        return [
            CertificateFacts(
                item.serial, item.kind, item.name, item.created, item.expires, item.revoked
            )
            for item in found
        ]

    def partition_certificate(
        self, computer_id: str, partition_id: str, identity: Identity
    ) -> dict[str, str]:
        """Certificate and key of the instance in a partition: the same ones until near their end.

        Both are empty for a free partition, and when this master has no authority.

        Raises:
            NotFoundError: there is no such partition, or another's instance is in it.
        """
        name, lifetime = f"{computer_id}/{partition_id}", self._desk.settings.certificate_lifetime
        with self._desk.store.read() as reader:
            instance = seated(reader, computer_id, partition_id, scope(identity))
            known = reader.active_certificate(Kind.PARTITION, name, self._now() + lifetime / 3)
        if instance is None or self._desk.authority is None:
            return {"certificate": "", "key": ""}
        if known is not None and (pair := self._opened(known)) is not None:
            return pair
        with self._desk.change(identity) as change:
            instance = seated(change.store, computer_id, partition_id, change.scope)
            until = change.now + lifetime / 3
            known = change.store.active_certificate(Kind.PARTITION, name, until)
            if known is not None and (pair := self._opened(known)) is not None:
                return pair  # another call was faster
            if instance is None:
                return {"certificate": "", "key": ""}
            issued = self._issue(change, Kind.PARTITION, name, None, keep_key=True)
        return {"certificate": issued.certificate, "key": issued.key or ""}

    def _opened(self, known: StoredCertificate) -> dict[str, str] | None:
        if known.sealed_key is None:
            return None
        try:
            key = self.authority().unseal(known.sealed_key)
        except CertificateError as error:
            log.warning("the kept key of %s is of no use: %s", known.name, error)
            return None
        return {"certificate": known.certificate, "key": key}

    def _issue(
        self,
        change: Change,
        kind: Kind,
        name: str,
        request: str | None,
        *,
        keep_key: bool = False,
    ) -> Issued:
        authority = self.authority()
        try:
            issued = authority.issue(
                name[-_NAME_LIMIT:],
                kind,
                now=change.now,
                lifetime=self._desk.settings.certificate_lifetime,
                request=request,
            )
        except CertificateError as error:
            raise BadRequest(error.message, status=400, hint=error.hint) from error
        sealed = authority.seal(issued.key) if keep_key and issued.key else None
        change.store.add_certificate(
            StoredCertificate(
                serial=issued.serial,
                kind=kind,
                name=name,
                created=change.now,
                expires=issued.expires,
                revoked=None,
                certificate=issued.certificate,
                sealed_key=sealed,
            )
        )
        _tell(change, "certificate.issued", kind, name, f"{issued.serial} issued")
        return issued


def shut_out(change: Change, computer: StoredComputer) -> int:
    """Void all credentials of a computer and of what runs on it; tells how many."""
    names = [
        f"{computer.computer_id}/{slot.partition_id}"
        for slot in change.store.partitions(computer.key)
    ]
    inside = change.store.void(Kind.PARTITION, names, change.now)
    return inside + change.store.void(Kind.COMPUTER, [computer.computer_id], change.now)


def _tell(change: Change, event: str, kind: Kind, name: str, said: str) -> None:
    where = name.rpartition("/")[0] if kind is Kind.PARTITION else name
    about = causes.plain("ok", f"certificate of the {kind} {name}: {said}", change.now)
    change.record(event, name, name, about, where=where)


def _check_holder(reader: Reader, kind: Kind, name: str, sees: Scope) -> StoredComputer | None:
    """Pass, when this scope may have certificates issued to a person or computer: that one."""
    if kind is Kind.COMPUTER:
        check_changeable(reader, name, sees)
        if (computer := reader.computer(name)) is None:
            raise unknown_computer(name)
        return computer
    if kind is not Kind.PERSON:
        raise BadRequest(
            f"certificates of a {kind} are not asked for here",
            status=400,
            hint="a partition's is at getComputerPartitionCertificate, and ends with its instance",
        )
    if reader.person(name) is None or not (sees.is_unlimited or sees.actor == f"person:{name}"):
        raise NotFoundError(
            f"there is no person {name}", status=404, hint="pelagos person list shows them all"
        )
    return None


def _is_of(item: StoredCertificate, identity: Identity, computers: set[str]) -> bool:
    match item.kind:
        case Kind.PERSON:
            return identity.kind is Kind.PERSON and item.name == identity.name
        case Kind.COMPUTER:
            return item.name in computers
        case _:
            return item.name.rpartition("/")[0] in computers
