"""Who sees and who may change what. Pure: an identity and a row in, yes or no out.

| identity  | sees                                      | may change                  |
|-----------|-------------------------------------------|-----------------------------|
| operator  | everything                                | everything                  |
| tenant    | own trees, own computers; of the site's   | own trees, own computers    |
|           | computers that they are there             |                             |
| computer  | itself and what sits on it                | itself and what sits on it  |
| partition | its tree and its own place                | its own instance            |

What is not visible is not there: the answer is 404, so that nobody learns of another's things.
What shared instances send to their host, the host reads and who runs it: not the rest of its tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pelagos.slap.master.auth import Identity, Kind
from pelagos.slap.master.errors import Conflict
from pelagos.slap.master.store.rows import StoredComputer, StoredInstance


@dataclass(frozen=True, slots=True)
class Scope:
    """What one identity sees; made by `scope`.

    Attributes:
        actor: the identity, as rows name their owner.
        owner: only what belongs to it is to be listed; None for no restriction.
        computer_id: of a machine: the computer that it is, or sits on.
        partition_id: of a partition.
        tree: guid of the root of a partition's tree, when it was looked up.
    """

    actor: str
    owner: str | None
    computer_id: str | None = None
    partition_id: str | None = None
    tree: str | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether it sees and may change everything."""
        return self.owner is None

    def instance(self, row: StoredInstance) -> bool:
        """Whether it sees this instance, with its parameters and all that was said of it."""
        if self.owner is None or row.owner == self.actor:
            return True
        if self.computer_id is None:
            return False
        if self.partition_id is None:
            return row.computer_id == self.computer_id
        return row.root_guid == self.tree or self._sits_here(row)

    def serves(self, host: StoredInstance) -> bool:
        """Whether it reads what others sent to a host: as the host itself, or who runs it."""
        if self.owner is None or host.owner == self.actor:
            return True
        return self.computer_id is not None and (
            host.computer_id == self.computer_id and self.partition_id in (None, host.partition_id)
        )

    def computer(self, row: StoredComputer) -> bool:
        """Whether it knows of this computer, and of the releases on it."""
        if self.owner is None:
            return True
        if self.computer_id is not None:
            return row.computer_id == self.computer_id
        return row.owner in ("", self.actor)

    def may_change_computer(self, row: StoredComputer) -> bool:
        """Whether it may supply, format, bang or drain this computer, and read all its wishes."""
        if self.owner is None:
            return True
        if self.computer_id is not None:
            return self.partition_id is None and row.computer_id == self.computer_id
        return row.owner == self.actor

    def is_place(self, computer_id: str, partition_id: str) -> bool:
        """Whether it is a machine and this its own place: permitted before it comes here."""
        return computer_id == self.computer_id and self.partition_id in (None, partition_id)

    def _sits_here(self, row: StoredInstance) -> bool:
        # A shared instance is where its host is, and does not belong to the host's tree.
        here = (row.computer_id, row.partition_id) == (self.computer_id, self.partition_id)
        return here and not row.shared

    def choose(self, name: str, rows: Sequence[StoredInstance]) -> StoredInstance | None:
        """The one that this identity means by a name, None when it sees none of that name.

        What lives goes before what is gone, own ones before those of others.

        Args:
            name: for the error.
            rows: all of that title, the likeliest first.

        Raises:
            Conflict: several others have one of that name.
        """
        seen = [row for row in rows if self.instance(row)]
        for is_live in (True, False):
            some = [row for row in seen if row.is_live is is_live]
            own = [row for row in some if row.owner == self.actor]
            if own:
                return own[0]
            if len(owners := sorted({row.owner for row in some})) > 1:
                guids = ", ".join(f"{row.guid} ({row.owner})" for row in some)
                raise Conflict(
                    f"{name} is the name of services of {', '.join(owners)}",
                    status=409,
                    hint=f"name the one that you mean by its guid: {guids}",
                )
            if some:
                return some[0]
        return None


#: What the master itself sees, and whoever passes no identity inside this process.
EVERYTHING = Scope("master", None)


def scope(identity: Identity | None, tree: str | None = None) -> Scope:
    """What an identity sees; None, the master itself, sees everything.

    Args:
        identity: who asks.
        tree: of a partition, the guid of the root of its instance's tree. Without it the
            partition sees its own place only.
    """
    if identity is None:
        return EVERYTHING
    if identity.kind is Kind.PERSON:
        return Scope(identity.actor, None if identity.is_operator else identity.actor)
    return Scope(identity.actor, identity.actor, identity.computer_id, identity.partition_id, tree)


def may_place(owner: str, computer: StoredComputer) -> bool:
    """Whether instances of this owner are placed on a computer: the site's, or his own."""
    return computer.owner in ("", owner)


def may_be_served(owner: str, host: StoredInstance, operators: frozenset[str]) -> bool:
    """Whether shared instances of this owner are served by a host: his own, or an operator's.

    A host reads the parameters of those that it serves.
    """
    return host.owner == owner or host.owner in operators
