"""People, tokens, invitations and certificates: reading and changing their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pelagos.slap.master.store import schema
from pelagos.slap.master.store.owners import OwnerReader, OwnerWriter

_tokens, _people = schema.tokens.c, schema.people.c
_invitations, _certificates = schema.invitations.c, schema.certificates.c

#: Seconds after its end that a certificate is kept, so that its holder is told what happened. 30
#: days: who was away for so long is told that the master does not know it, and no less helped.
_KEPT_AFTER = 30 * 86400.0
#: Names in one statement, far below any database's limit.
_NAMES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person; `role` is a text of `auth.Role`."""

    name: str
    role: str
    created: float


@dataclass(frozen=True, slots=True)
class StoredInvitation:
    """What a one-time token entitles to.

    Attributes:
        name: of who joins; None: whoever joins chooses it.
        role: of a person.
        owner: of a computer; "" for the site's.
        invited_by: who gave it, as events name him.
        again: for one that is known already.
    """

    kind: str
    name: str | None
    role: str | None
    owner: str
    created: float
    expires: float
    invited_by: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """One that was issued; times are Unix seconds."""

    serial: str
    kind: str
    name: str
    created: float
    expires: float
    revoked: float | None
    certificate: str
    sealed_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a token or a certificate.

    Attributes:
        role: a person's; None of a person who was removed.
        expires: of a certificate.
        revoked: of a certificate.
    """

    kind: str
    name: str
    role: str | None
    expires: float | None = None
    revoked: float | None = None


# No parameter, for these queries have one each.
_PERSON: sa.ColumnElement[str] = sa.literal_column("'person'")
# Asked at each call.
HOLDER_OF_TOKEN = (
    sa.select(_tokens.kind, _tokens.name, _people.role)
    .select_from(schema.tokens)
    .outerjoin(schema.people, (_people.name == _tokens.name) & (_tokens.kind == _PERSON))
    .where(_tokens.digest == sa.bindparam("id"))
)
HOLDER_OF_CERTIFICATE = (
    sa.select(
        _certificates.kind,
        _certificates.name,
        _people.role,
        _certificates.expires,
        _certificates.revoked,
    )
    .select_from(schema.certificates)
    .outerjoin(
        schema.people, (_people.name == _certificates.name) & (_certificates.kind == _PERSON)
    )
    .where(_certificates.serial == sa.bindparam("id"))
)


class IdentityReader(OwnerReader):
    """The reading half; a base of `Reader`."""

    def people(self) -> list[StoredPerson]:
        """All, by name."""
        found = self._connection.execute(sa.select(schema.people).order_by(_people.name))
        return [StoredPerson(row.name, row.role, row.created) for row in found]

    def person(self, name: str) -> StoredPerson | None:
        """One."""
        found = sa.select(schema.people).where(_people.name == name)
        row = self._connection.execute(found).first()
        return None if row is None else StoredPerson(row.name, row.role, row.created)

    def token_digest(self, kind: str, name: str) -> str | None:
        """The SHA-256 (hexadecimal) of the token that it holds, None without one."""
        found = sa.select(_tokens.digest).where(_tokens.kind == kind, _tokens.name == name)
        digest: str | None = self._connection.execute(found).scalar()
        return digest

    def operators(self) -> frozenset[str]:
        """The people who may do everything, as rows name their owner."""
        found = sa.select(_people.name).where(_people.role == "operator")
        return frozenset(f"person:{row.name}" for row in self._connection.execute(found))

    def certificates(
        self, kind: str | None = None, name: str | None = None
    ) -> list[StoredCertificate]:
        """Those of one holder, or of a kind, or all; the newest first."""
        query = sa.select(schema.certificates)
        if kind is not None:
            query = query.where(_certificates.kind == kind)
        if name is not None:
            query = query.where(_certificates.name == name)
        query = query.order_by(_certificates.created.desc(), _certificates.serial)
        return [_certificate(row) for row in self._connection.execute(query)]

    def certificate(self, serial: str) -> StoredCertificate | None:
        """One."""
        query = sa.select(schema.certificates).where(_certificates.serial == serial)
        row = self._connection.execute(query).first()
        return None if row is None else _certificate(row)

    def active_certificate(self, kind: str, name: str, now: float) -> StoredCertificate | None:
        """The holder's that lasts longest, None when all have ended or were revoked."""
        query = sa.select(schema.certificates).where(*_active(kind, [name], now))
        query = query.order_by(_certificates.expires.desc(), _certificates.serial).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else _certificate(row)

    def has_credentials(self, kind: str, name: str, now: float) -> bool:
        """Whether the holder has a token or an active certificate."""
        token = sa.exists().where(_tokens.kind == kind, _tokens.name == name)
        certificate = sa.exists().where(*_active(kind, [name], now))
        return bool(self._connection.execute(sa.select(token | certificate)).scalar())


class IdentityWriter(IdentityReader, OwnerWriter):
    """The writing half; a base of `Writer`."""

    def remove_person(self, name: str) -> bool:
        """Forget a person; tell whether there was one."""
        done = self._connection.execute(sa.delete(schema.people).where(_people.name == name))
        return bool(done.rowcount)

    def void(self, kind: str, names: Sequence[str], now: float) -> int:
        """End all that lets these holders in: tokens, certificates, and one-time tokens for them.

        Returns:
            How many there were.
        """
        count = 0
        for at in range(0, len(names), _NAMES_AT_ONCE):
            some = names[at : at + _NAMES_AT_ONCE]
            # What is not asked for again need not be kept.
            revoked = sa.update(schema.certificates).where(*_active(kind, some, now))
            for statement in (
                sa.delete(schema.tokens).where(_tokens.kind == kind, _tokens.name.in_(some)),
                sa.delete(schema.invitations).where(
                    _invitations.kind == kind, _invitations.name.in_(some)
                ),
                revoked.values(revoked=now, sealed_key=None),
            ):
                count += self._connection.execute(statement).rowcount
        return count

    def add_invitation(self, digest: str, invitation: StoredInvitation) -> None:
        """Keep a one-time token by its digest, and forget those that have ended."""
        self._connection.execute(
            sa.delete(schema.invitations).where(_invitations.expires <= invitation.created)
        )
        self._connection.execute(
            sa.insert(schema.invitations).values(
                digest=digest,
                kind=invitation.kind,
                name=invitation.name,
                role=invitation.role,
                owner=invitation.owner,
                created=invitation.created,
                expires=invitation.expires,
                invited_by=invitation.invited_by,
                again=invitation.again,
            )
        )

    def use_invitation(self, digest: str, now: float) -> StoredInvitation | None:
        """Take a one-time token; None when nobody gave it, it ended, or it was taken before."""
        done = self._connection.execute(
            sa.update(schema.invitations)
            .where(
                _invitations.digest == digest,
                _invitations.used.is_(None),
                _invitations.expires > now,
            )
            .values(used=now)
        )
        if not done.rowcount:
            return None
        query = sa.select(schema.invitations).where(_invitations.digest == digest)
        row = self._connection.execute(query).one()
        return StoredInvitation(
            kind=row.kind,
            name=row.name,
            role=row.role,
            owner=row.owner,
            created=row.created,
            expires=row.expires,
            invited_by=row.invited_by,
            again=row.again,
        )

    def drop_invitations(self, actor: str, *, besides_own: bool = False) -> None:
        """Void those that somebody gave, or only those for what would not be his own."""
        query = sa.delete(schema.invitations).where(_invitations.invited_by == actor)
        if besides_own:
            query = query.where(_invitations.owner != actor)
        self._connection.execute(query)

    def add_certificate(self, new: StoredCertificate) -> None:
        """Keep what was issued, and forget what ended long ago."""
        self._connection.execute(
            sa.delete(schema.certificates).where(
                _certificates.expires <= new.created - _KEPT_AFTER
            )
        )
        self._connection.execute(
            sa.insert(schema.certificates).values(
                serial=new.serial,
                kind=new.kind,
                name=new.name,
                created=new.created,
                expires=new.expires,
                revoked=new.revoked,
                certificate=new.certificate,
                sealed_key=new.sealed_key,
            )
        )

    def shorten_certificates(self, kind: str, name: str, now: float, expires: float) -> None:
        """Have a holder's active certificates end earlier than they say themselves."""
        self._connection.execute(
            sa.update(schema.certificates)
            .where(*_active(kind, [name], now), _certificates.expires > expires)
            .values(expires=expires)
        )

    def bound_certificates(self, kind: str, name: str, most: int, serial: str) -> None:
        """Forget a holder's certificates but for one and the newest of the others.

        What is forgotten is refused.
        """
        mine = (
            _certificates.kind == kind,
            _certificates.name == name,
            _certificates.serial != serial,
        )
        newest = (
            sa.select(_certificates.serial)
            .where(*mine)
            .order_by(_certificates.created.desc(), _certificates.serial)
            .limit(most)
        )
        self._connection.execute(
            sa.delete(schema.certificates).where(*mine, _certificates.serial.not_in(newest))
        )

    def forget_certificates(self, kind: str, name: str) -> None:
        """Forget all of a holder."""
        self._connection.execute(
            sa.delete(schema.certificates).where(
                _certificates.kind == kind, _certificates.name == name
            )
        )

    def revoke_certificate(self, serial: str, now: float) -> bool:
        """Revoke one; whether it was active."""
        query = sa.update(schema.certificates).where(
            _certificates.serial == serial,
            _certificates.revoked.is_(None),
            _certificates.expires > now,
        )
        return bool(self._connection.execute(query.values(revoked=now, sealed_key=None)).rowcount)


def _active(kind: str, names: Sequence[str], now: float) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _certificates.kind == kind,
        _certificates.name.in_(names),
        _certificates.revoked.is_(None),
        _certificates.expires > now,
    )


def _certificate(row: sa.Row[Any]) -> StoredCertificate:
    return StoredCertificate(
        serial=row.serial,
        kind=row.kind,
        name=row.name,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        certificate=row.certificate,
        sealed_key=row.sealed_key,
    )
