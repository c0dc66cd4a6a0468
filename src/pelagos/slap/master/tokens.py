"""Who is known: people, computers and partitions get their tokens here. Each is shown once."""

from __future__ import annotations

from pelagos.slap.errors import AuthenticationError, BadRequest, NotFoundError, Unauthorized
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, Role, digest_of
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import seated
from pelagos.slap.master.store import StoredPerson
from pelagos.slap.master.visibility import scope

_NAME_LIMIT = 200


class Tokens(UseCases):
    """The making and replacing of tokens."""

    def create_person(self, name: str, role: Role = Role.OPERATOR) -> str:
        """A new token for a person; a former one of that name is void at once.

        Raises:
            BadRequest: the name cannot be used.
            Conflict: the last operator would become a tenant.
        """
        check_name(name, "a person")
        with self._desk.change(None) as change:
            self._put_person(change, name, role)
            token = self._put(change, Kind.PERSON, name)
            said = causes.plain("ok", f"a token was made for {name}", change.now)
            change.record("person.token-made", name, name, said)
        return token

    def register_computer(self, computer_id: str) -> str:
        """Make a computer known, or known again: a new token, a former one is void at once.

        Raises:
            BadRequest: the id cannot be used.
        """
        check_name(computer_id, "a computer")
        with self._desk.change(None) as change:
            if change.store.computer(computer_id) is None:
                change.store.add_computer(computer_id, change.now)
            token = self._put(change, Kind.COMPUTER, computer_id)
            said = causes.plain("ok", "registered; its token was made", change.now)
            change.record("computer.registered", computer_id, computer_id, said)
        return token

    def partition_token(self, computer_id: str, partition_id: str, identity: Identity) -> str:
        """A new token for the instance in a partition; the former is void at once.

        Raises:
            NotFoundError: there is no such partition.
        """
        with self._desk.change(identity) as change:
            seated(change.store, computer_id, partition_id)
            return self._put(change, Kind.PARTITION, f"{computer_id}/{partition_id}")

    def identify(self, token: str) -> Identity | None:
        """Whose token it is; None when nobody's."""
        try:
            return self._desk.authenticator.identify(f"Bearer {token}")
        except AuthenticationError:
            return None

    # ---- people ------------------------------------------------------------------------------

    def people(self, identity: Identity | None = None) -> list[StoredPerson]:
        """All, by name; a tenant knows of himself only."""
        sees = scope(identity)
        with self._desk.store.read() as reader:
            return [
                item
                for item in reader.people()
                if sees.is_unlimited or sees.actor == f"{Kind.PERSON}:{item.name}"
            ]

    def remove_person(self, name: str, identity: Identity) -> int:
        """Void all of a person's credentials at once; tells how many services stay behind.

        They go on, and belong to whoever gets the name again; operators see and may destroy them.

        Raises:
            NotFoundError: there is no such person.
            Unauthorized: a tenant asks.
            Conflict: he is the last operator.
        """
        if not identity.is_operator:
            raise Unauthorized("only an operator may remove people", status=403)
        with self._desk.change(identity) as change:
            if change.store.person(name) is None:
                raise NotFoundError(
                    f"there is no person {name}",
                    status=404,
                    hint="pelagos person list shows them all",
                )
            _check_not_last(change, name)
            change.store.remove_person(name)
            change.store.drop_token(Kind.PERSON, name)
            change.store.revoke_certificates(Kind.PERSON, name, change.now)
            owner = f"{Kind.PERSON}:{name}"
            change.store.drop_invitations(owner, Kind.PERSON, name)
            said = causes.plain("ok", f"{name} was removed", change.now)
            change.record("person.removed", name, name, said)
            return sum(1 for item in change.store.live_instances() if item.owner == owner)

    def _put_person(self, change: Change, name: str, role: Role) -> None:
        if role is not Role.OPERATOR:
            _check_not_last(change, name)
        change.store.put_person(name, role, change.now)

    def _put(self, change: Change, kind: Kind, name: str) -> str:
        token = self._desk.new_token()
        change.store.put_token(kind, name, digest_of(token), change.now)
        return token


def check_name(name: str, what: str) -> None:
    """Pass, when it can be the name of that.

    Raises:
        BadRequest: it cannot.
    """
    if not name or len(name) > _NAME_LIMIT or not name.isprintable() or name != name.strip():
        raise BadRequest(
            f"{name[:40]!r} cannot be the name of {what}",
            status=400,
            hint=f"use up to {_NAME_LIMIT} printable characters",
        )


def _check_not_last(change: Change, name: str) -> None:
    if change.store.operators() == {f"{Kind.PERSON}:{name}"}:
        raise Conflict(
            f"{name} is the last operator, and a plane without one cannot be kept",
            status=409,
            hint="make another one first: pelagos person add NAME",
        )
