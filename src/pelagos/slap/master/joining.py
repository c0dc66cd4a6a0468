"""Joining: one-time tokens for computers and people, and computers that people ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from pelagos.core.certificate import Issued
from pelagos.slap.errors import AuthenticationError, BadRequest, NotFoundError, Unauthorized
from pelagos.slap.master import causes
from pelagos.slap.master.admission import Claim, Way, decide
from pelagos.slap.master.auth import Identity, Kind, Role, digest_of, operators_only
from pelagos.slap.master.certificates import Certificates
from pelagos.slap.master.desk import Change
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import check_changeable
from pelagos.slap.master.store import StoredComputer, StoredInvitation, StoredPerson
from pelagos.slap.master.tokens import Tokens, check_free, check_name

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
        _check_guest(kind, name, identity)
        longest = min(lifetime or self._desk.settings.invitation_lifetime, _LONGEST)
        secret = self._desk.new_token()
        with self._desk.change(identity) as change:
            _check_still(change, identity)
            if name is not None:
                self._check_claim(change, kind, name, Claim.AGAIN if again else Claim.NEW)
            known = _known(change, kind, name)
            owner = "" if identity.is_operator else identity.actor
            if isinstance(known, StoredComputer):
                if again:
                    check_changeable(change.store, known.computer_id, change.scope)
                owner = known.owner
            if isinstance(known, StoredPerson):
                role = role or Role(known.role)
            invitation = StoredInvitation(
                kind=kind,
                name=name,
                role=(role or Role.TENANT) if kind is Kind.PERSON else None,
                owner=owner,
                created=change.now,
                expires=change.now + longest,
                invited_by=identity.actor,
                again=again,
            )
            change.store.add_invitation(digest_of(secret), invitation)
            about = name or identity.name
            said = causes.plain("ok", f"a {kind} was invited: {name or '(any)'}", change.now)
            change.record(f"{kind}.invited", about, about, said, where=name)
        return secret, invitation.expires

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
            invitation = _used(change, secret)
            kind, name = Kind(invitation.kind), invitation.name or name
            if name is None:
                raise BadRequest(
                    f"the {kind} that joins has no name", status=400, hint="send one as `name`"
                )
            check_name(name, f"a {kind}")
            self._let_in(change, kind, name, invitation)
            token = self._put(change, kind, name)
            issued = None if request is None else self._issue(change, kind, name, request)
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
            return self._titled(change, title, owner, Claim.OWN)

    def computer_token(self, identity: Identity) -> str:
        """A one-time token with which one computer of the caller registers itself."""
        return self.invite(Kind.COMPUTER, identity)[0]

    def register_with(self, secret: str, title: str) -> Issued:
        """A computer registers itself with a one-time token: its certificate and key.

        Raises:
            Unauthorized: the token was used, has ended, or was never given.
            BadRequest: the title cannot be used.
            Conflict: there is a computer of that title, and the token is not one for it to join
                again; the token stays good.
        """
        check_name(title, "a computer")
        with self._desk.change(None) as change:
            invitation = _used(change, secret)
            if invitation.kind != Kind.COMPUTER:
                raise _bad_token()
            name = invitation.name
            if name is None:
                name = self._titled(change, title, invitation.owner, Claim.NEW)
            else:
                self._let_in(change, Kind.COMPUTER, name, invitation)
            return self._issue(change, Kind.COMPUTER, name, None)

    def certify_person_with(self, secret: str) -> Issued:
        """A person fetches a certificate and its key with a one-time token.

        Raises:
            Unauthorized: the token was used, has ended, or was never given.
            Conflict: the name was taken meanwhile; the token stays good.
        """
        with self._desk.change(None) as change:
            invitation = _used(change, secret)
            if invitation.kind != Kind.PERSON or invitation.name is None:
                raise _bad_token()
            self._let_in(change, Kind.PERSON, invitation.name, invitation)
            return self._issue(change, Kind.PERSON, invitation.name, None)

    # ---- the ways in -------------------------------------------------------------------------

    def _let_in(self, change: Change, kind: Kind, name: str, invitation: StoredInvitation) -> None:
        """Make known who joins, or void all that let in the one who had the name before."""
        is_again = invitation.again and invitation.name is not None
        way = self._check_claim(change, kind, name, Claim.AGAIN if is_again else Claim.NEW)
        if kind is Kind.PERSON:
            self._put_person(change, name, Role(invitation.role or Role.TENANT))
        elif way is Way.CREATE:
            change.store.add_computer(name, change.now, owner=invitation.owner, title=name)
        change.store.void(kind, [name], change.now)
        said = causes.plain("ok", "joined with a one-time token", change.now)
        change.record(f"{kind}.joined", name, name, said, where=name)

    def _titled(self, change: Change, title: str, owner: str, claim: Claim) -> str:
        known = change.store.computer_titled(owner, title)
        way = decide(claim, is_known=known is not None)
        if known is not None:
            if way is Way.ADMIT:
                return known
            raise self._taken(change, Kind.COMPUTER, known)
        computer_id = f"COMP-{self._desk.new_id()[:12]}"
        change.store.add_computer(computer_id, change.now, owner=owner, title=title)
        said = causes.plain("ok", f"registered as {title}", change.now)
        change.record("computer.registered", computer_id, title, said, where=computer_id)
        return computer_id

    def _check_claim(self, change: Change, kind: Kind, name: str, claim: Claim) -> Way:
        is_known = _known(change, kind, name) is not None
        way = decide(claim, is_known=is_known)
        if way is not Way.REFUSE:
            if way is Way.CREATE and kind is Kind.PERSON:
                check_free(change, name)
            return way
        if is_known:
            raise self._taken(change, kind, name)
        raise NotFoundError(
            f"there is no {kind} {name} that could join again",
            status=404,
            hint=f"pelagos {kind} list shows them all; one that is new, or was removed, joins "
            "without --again",
        )

    def _taken(self, change: Change, kind: Kind, name: str) -> Conflict:
        is_active = change.store.active_certificate(kind, name, change.now) is not None
        still_active = f"{_STILL_ACTIVE} " if is_active else ""
        return Conflict(
            f"{still_active}there is a {kind} {name} already",
            status=409,
            hint=f"choose another name, or let it join again: pelagos {kind} add {name} --again",
        )


def _check_guest(kind: Kind, name: str | None, identity: Identity) -> None:
    """Pass, when somebody of this kind and name can be invited by that one."""
    if kind not in (Kind.PERSON, Kind.COMPUTER) or (name is None and kind is Kind.PERSON):
        raise BadRequest(
            f"a {kind} {'without a name ' if name is None else ''}cannot be invited",
            status=400,
            hint="invite a computer, or a person by name",
        )
    if kind is Kind.PERSON:
        operators_only(identity)
    if name is not None:
        check_name(name, f"a {kind}")


def _check_still(change: Change, identity: Identity) -> None:
    """Pass, when a person is still who he was when the call came."""
    person = change.store.person(identity.name)
    if person is None or person.role != identity.role:
        raise AuthenticationError(
            f"{identity.name} was removed, or has another role now",
            status=401,
            hint="ask an operator of this plane",
        )


def _known(change: Change, kind: Kind, name: str | None) -> StoredComputer | StoredPerson | None:
    if name is None:
        return None
    return change.store.person(name) if kind is Kind.PERSON else change.store.computer(name)


def _used(change: Change, secret: str) -> StoredInvitation:
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
