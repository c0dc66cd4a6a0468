"""Joining: one-time tokens for computers and people, and computers that people ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from pelagos.core.certificate import Issued
from pelagos.slap.errors import BadRequest, NotFoundError, Unauthorized
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, Role, digest_of
from pelagos.slap.master.certificates import Certificates
from pelagos.slap.master.desk import Change
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import check_changeable
from pelagos.slap.master.store import StoredComputer, StoredInvitation, StoredPerson
from pelagos.slap.master.tokens import Tokens, check_name

#: A one-time token lasts no longer than this; seconds.
_LONGEST = 30 * 86400.0
#: What the ancestor's command looks for in a refusal.
_STILL_ACTIVE = "Certificate still active."


@dataclass(frozen=True, slots=True)
class Joined:
    """What one has who has joined: a token that lasts, and a certificate when he asked for one."""

    kind: str
    name: str
    token: str = field(repr=False)
    certificate: str | None = None


class Joining(Tokens, Certificates):
    """Who comes in, and how."""

    def invite(
        self,
        kind: Kind,
        identity: Identity,
        *,
        name: str | None = None,
        role: Role | None = None,
        lifetime: float | None = None,
        again: bool = False,
    ) -> tuple[str, float]:
        """A secret with which one computer or person joins, once; and when it ends.

        Args:
            kind: person or computer.
            identity: who invites. Operators invite people, and computers of the site; a
                tenant invites computers of his own.
            name: of who joins; None for a computer that says its name itself.
            role: of a person; tenant when None.
            lifetime: seconds; a day when None.
            again: for one that is known already: joining voids its former credentials.

        Raises:
            BadRequest: the name cannot be used, or a partition was to be invited.
            Unauthorized: a tenant may not invite people.
            Conflict: the name is taken, and not `again`.
            NotFoundError: `again`, and there is no such one.
        """
        if kind not in (Kind.PERSON, Kind.COMPUTER) or (name is None and kind is Kind.PERSON):
            raise BadRequest(
                f"a {kind} {'without a name ' if name is None else ''}cannot be invited",
                status=400,
                hint="invite a computer, or a person by name",
            )
        if kind is Kind.PERSON:
            _operators_only(identity)
        if name is not None:
            check_name(name, f"a {kind}")
        longest = min(lifetime or self._desk.settings.invitation_lifetime, _LONGEST)
        secret = self._desk.new_token()
        with self._desk.change(identity) as change:
            known = _known(change, kind, name)
            _check_again(change, kind, name, known, again=again)
            owner = "" if identity.is_operator else identity.actor
            if isinstance(known, StoredComputer):
                owner = known.owner
            if isinstance(known, StoredPerson):
                role = role or Role(known.role)
            ends = change.now + longest
            invitation = StoredInvitation(
                kind=kind,
                name=name,
                role=(role or Role.TENANT) if kind is Kind.PERSON else None,
                owner=owner,
                created=change.now,
                expires=ends,
            )
            change.store.add_invitation(digest_of(secret), invitation)
            about = name or identity.name
            said = causes.plain("ok", f"a {kind} was invited: {name or '(any)'}", change.now)
            change.record(f"{kind}.invited", about, about, said, where=name)
        return secret, ends

    def join(self, secret: str, *, name: str | None = None, request: str | None = None) -> Joined:
        """Take a one-time token: the computer or person becomes known, or known again.

        Former credentials of that name are void at once.

        Args:
            secret: the one-time token.
            name: of who joins, when the token does not say.
            request: a signing request (PEM) for a certificate.

        Raises:
            Unauthorized: the token was used, has ended, or was never given.
            BadRequest: the name or the request cannot be used.
            Conflict: the name was taken meanwhile.
        """
        with self._desk.change(None) as change:
            invitation = _taken(change, secret)
            kind, name = Kind(invitation.kind), invitation.name or name
            if name is None:
                raise BadRequest(
                    f"the {kind} that joins has no name", status=400, hint="send one as `name`"
                )
            check_name(name, f"a {kind}")
            self._admit(change, kind, name, invitation)
            token = self._put(change, kind, name)
            change.store.revoke_certificates(kind, name, change.now)
            issued = None if request is None else self._issue(change, kind, name, request)
            said = causes.plain("ok", "joined with a one-time token", change.now)
            change.record(f"{kind}.joined", name, name, said, where=name)
        return Joined(kind, name, token, None if issued is None else issued.certificate)

    # ---- as the ancestor does it -------------------------------------------------------------

    def request_computer(self, title: str, identity: Identity) -> str:
        """The id of the caller's computer of that title; a new one when there is none.

        Raises:
            BadRequest: the title cannot be used.
        """
        check_name(title, "a computer")
        owner = "" if identity.is_operator else identity.actor
        with self._desk.change(identity) as change:
            return self._owned(change, title, owner)

    def computer_token(self, identity: Identity) -> str:
        """A one-time token with which one computer of the caller registers itself."""
        return self.invite(Kind.COMPUTER, identity)[0]

    def register_with(self, secret: str, title: str) -> Issued:
        """A computer registers itself with a one-time token: its certificate and key.

        Raises:
            Unauthorized: the token was used, has ended, or was never given.
            BadRequest: the title cannot be used.
            Conflict: that computer's certificate is still active; the token stays good.
        """
        check_name(title, "a computer")
        with self._desk.change(None) as change:
            invitation = _taken(change, secret)
            if invitation.kind != Kind.COMPUTER:
                raise _bad_token()
            if invitation.name is None:
                name = self._owned(change, title, invitation.owner)
            else:
                name = invitation.name
                self._admit(change, Kind.COMPUTER, name, invitation)
            self._check_inactive(change, Kind.COMPUTER, name)
            return self._issue(change, Kind.COMPUTER, name, None)

    def certify_person_with(self, secret: str) -> Issued:
        """A person fetches a certificate and its key with a one-time token.

        Raises:
            Unauthorized: the token was used, has ended, or was never given.
            Conflict: the person's certificate is still active; the token stays good.
        """
        with self._desk.change(None) as change:
            invitation = _taken(change, secret)
            if invitation.kind != Kind.PERSON or invitation.name is None:
                raise _bad_token()
            self._admit(change, Kind.PERSON, invitation.name, invitation)
            self._check_inactive(change, Kind.PERSON, invitation.name)
            return self._issue(change, Kind.PERSON, invitation.name, None)

    def _owned(self, change: Change, title: str, owner: str) -> str:
        for computer in change.store.computers():
            if (computer.owner, computer.title) == (owner, title):
                return computer.computer_id
        computer_id = f"COMP-{self._desk.new_id()[:12]}"
        change.store.add_computer(computer_id, change.now, owner=owner, title=title)
        said = causes.plain("ok", f"registered as {title}", change.now)
        change.record("computer.registered", computer_id, title, said, where=computer_id)
        return computer_id

    def _admit(self, change: Change, kind: Kind, name: str, invitation: StoredInvitation) -> None:
        known = _known(change, kind, name)
        if known is not None and (invitation.name is None or known.created > invitation.created):
            raise Conflict(
                f"there is a {kind} {name} already",
                status=409,
                hint=f"choose another name, or let it join again: pelagos {kind} add {name} "
                "--again",
            )
        if kind is Kind.PERSON:
            self._put_person(change, name, Role(invitation.role or Role.TENANT))
        elif known is None:
            change.store.add_computer(name, change.now, owner=invitation.owner, title=name)

    def _check_inactive(self, change: Change, kind: Kind, name: str) -> None:
        if change.store.active_certificate(kind, name, change.now) is not None:
            raise Conflict(
                f"{_STILL_ACTIVE} It is that of the {kind} {name}",
                status=409,
                hint="choose another name, or revoke it first: "
                f"pelagos {kind} certificate {name} --revoke",
            )


def _known(change: Change, kind: Kind, name: str | None) -> StoredComputer | StoredPerson | None:
    if name is None:
        return None
    return change.store.person(name) if kind is Kind.PERSON else change.store.computer(name)


def _check_again(
    change: Change,
    kind: Kind,
    name: str | None,
    known: StoredComputer | StoredPerson | None,
    *,
    again: bool,
) -> None:
    if again and known is None:
        raise NotFoundError(
            f"there is no {kind} {name} that could join again",
            status=404,
            hint=f"pelagos {kind} list shows them all",
        )
    if known is None or name is None:
        return
    if not again:
        raise Conflict(
            f"there is a {kind} {name} already",
            status=409,
            hint=f"choose another name, or let it join again: pelagos {kind} add {name} --again",
        )
    if kind is Kind.COMPUTER:
        check_changeable(change.store, name, change.scope)


def _taken(change: Change, secret: str) -> StoredInvitation:
    invitation = change.store.use_invitation(digest_of(secret), change.now)
    if invitation is None:
        raise _bad_token()
    return invitation


def _bad_token() -> Unauthorized:
    return Unauthorized(
        "this one-time token was used, has ended, or was never given by this master",
        status=403,
        hint="ask an operator for another: pelagos computer add NAME, or pelagos person add NAME",
    )


def _operators_only(identity: Identity) -> None:
    if not identity.is_operator:
        raise Unauthorized(
            "only an operator may do this", status=403, hint="ask an operator of this plane"
        )
