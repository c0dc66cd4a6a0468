"""Who is known: people, computers and partitions get their tokens here. Each is shown once."""

from __future__ import annotations

from pelagos.slap.errors import BadRequest
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, Role, digest_of
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import seated

_NAME_LIMIT = 200


class Tokens(UseCases):
    """The making and replacing of tokens."""

    def create_person(self, name: str, role: Role = Role.OPERATOR) -> str:
        """A new token for a person; a former one of that name is void at once.

        Raises:
            BadRequest: the name cannot be used.
        """
        _check_name(name, "a person")
        with self._desk.change(None) as change:
            change.store.put_person(name, role, change.now)
            token = self._put(change, Kind.PERSON, name)
            said = causes.plain("ok", f"a token was made for {name}", change.now)
            change.record("person.token-made", name, name, said)
        return token

    def register_computer(self, computer_id: str) -> str:
        """Make a computer known, or known again: a new token, a former one is void at once.

        Raises:
            BadRequest: the id cannot be used.
        """
        _check_name(computer_id, "a computer")
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
        return self.holder(digest_of(token))

    def holder(self, digest: str) -> Identity | None:
        """Whose token has this digest; None when nobody's."""
        with self._desk.store.read() as reader:
            found = reader.token(digest)
        if found is None:
            return None
        kind, name, role = found
        return Identity(Kind(kind), name, None if role is None else Role(role))

    def _put(self, change: Change, kind: Kind, name: str) -> str:
        token = self._desk.new_token()
        change.tokens_changed = True
        change.store.put_token(kind, name, digest_of(token), change.now)
        return token


def _check_name(name: str, what: str) -> None:
    if not name or len(name) > _NAME_LIMIT or not name.isprintable() or name != name.strip():
        raise BadRequest(
            f"{name[:40]!r} cannot be the name of {what}",
            status=400,
            hint=f"use up to {_NAME_LIMIT} printable characters",
        )
