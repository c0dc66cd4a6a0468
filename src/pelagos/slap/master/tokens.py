"""Who is known: people, computers and partitions get their tokens here. Each is shown once."""

from __future__ import annotations

from pelagos.slap.errors import AuthenticationError, BadRequest
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, Role, digest_of
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.finding import seated
from pelagos.slap.master.store import Holdings

_NAME_LIMIT = 200
#: Names of services that an error lists.
LISTED = 5


class Tokens(UseCases):
    """The making and replacing of tokens."""

    def create_person(self, name: str, role: Role = Role.OPERATOR) -> str:
        """A new token for a person; former credentials of that name are void at once.

        Raises:
            BadRequest: the name cannot be used.
            Conflict: the last operator would become a tenant, or a former person of that name
                has left something.
        """
        check_name(name, "a person")
        with self._desk.change(None) as change:
            return self._make_person(change, name, role)

    def restore_operator(self, name: str) -> str | None:
        """A new token for an operator, for the one who runs the master's machine.

        None when others are operators and this one is none (any more): they decide then.
        """
        with self._desk.change(None) as change:
            operators = change.store.operators()
            if operators and f"{Kind.PERSON}:{name}" not in operators:
                return None
            return self._make_person(change, name, Role.OPERATOR)

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

    def _make_person(self, change: Change, name: str, role: Role) -> str:
        self._put_person(change, name, role)
        change.store.void(Kind.PERSON, [name], change.now)
        token = self._put(change, Kind.PERSON, name)
        said = causes.plain("ok", f"a token was made for {name}", change.now)
        change.record("person.token-made", name, name, said)
        return token

    def _put_person(self, change: Change, name: str, role: Role) -> None:
        """Make a person known, or give a known one another role."""
        actor = f"{Kind.PERSON}:{name}"
        if change.store.person(name) is None:
            check_free(change, name)
            change.store.disown(actor)
            change.store.forget_certificates(Kind.PERSON, name)
        elif role is not Role.OPERATOR and actor in change.store.operators():
            check_not_last(change, name)
            change.store.drop_invitations(actor)  # more than he may give now
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
    if what == "a computer" and ("/" in name or "\\" in name or not name.strip(".")):
        raise BadRequest(
            f"{name[:40]!r} cannot be the name of {what}",
            status=400,
            hint="use letters, digits, dots, dashes and underscores",
        )


def check_free(change: Change, name: str) -> None:
    """Pass, when nothing is left of a former person of this name.

    Raises:
        Conflict: something is, and who gets the name would own it.
    """
    left = change.store.holdings(f"{Kind.PERSON}:{name}", LISTED)
    if left:
        raise Conflict(
            f"a former {name} still owns {listed(left)}",
            status=409,
            hint=f"wait until they are gone, or: pelagos person hand-over {name} NAME; pelagos "
            f"person remove {name} --destroy",
        )


def check_not_last(change: Change, name: str) -> None:
    """Pass, when there is another operator, or this one is none.

    Raises:
        Conflict: there is not.
    """
    if change.store.operators() == {f"{Kind.PERSON}:{name}"}:
        raise Conflict(
            f"{name} is the last operator, and a plane without one cannot be kept",
            status=409,
            hint="make another one first: pelagos person add NAME",
        )


def listed(holdings: Holdings) -> str:
    """What somebody owns, in words.

    >>> listed(Holdings(7, ("a", "b"), ("rack",)))
    '7 services (a, b and 5 more) and the computers rack'
    """
    parts = []
    if holdings.count:
        more = holdings.count - len(holdings.services)
        names = ", ".join(holdings.services) + (f" and {more} more" if more else "")
        parts.append(f"{holdings.count} services ({names})")
    if holdings.computers:
        parts.append(f"the computers {', '.join(holdings.computers)}")
    return " and ".join(parts)
