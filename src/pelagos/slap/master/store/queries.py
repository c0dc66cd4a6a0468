"""Reading: every question that a use case asks of the database."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from pelagos.core import wire
from pelagos.slap.master.store import schema, statements
from pelagos.slap.master.store.announcing import AnnouncingReader
from pelagos.slap.master.store.documents import SchemaReader
from pelagos.slap.master.store.identities import IdentityReader
from pelagos.slap.master.store.lean import Lean, Prepared
from pelagos.slap.master.store.making import (
    computer_of_row,
    event_of_row,
    instance_of_row,
    partition_of_row,
    supply_of_row,
)
from pelagos.slap.master.store.rows import (
    StoredComputer,
    StoredCrowd,
    StoredInstance,
    StoredPartition,
    StoredPlace,
    StoredSeat,
    StoredSupply,
)
from pelagos.slap.master.store.trimming import TrimmingReader
from pelagos.slap.master.store.usages import UsageReader
from pelagos.slap.model import (
    Event,
    InstanceStatus,
    ReleaseStatus,
)

_events = schema.events.c
#: What LIKE takes for something else than itself.
_LIKE, _ESCAPED = re.compile(r"[%_\\]"), r"\\\g<0>"


class Reader(IdentityReader, UsageReader, SchemaReader, TrimmingReader, AnnouncingReader):
    """Answers from one consistent state of the database; valid inside its `with` block only."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._lean = Lean(connection)

    # ---- computers ---------------------------------------------------------------------------

    def computer(self, computer_id: str) -> StoredComputer | None:
        """The computer of that id."""
        row = self._lean.first(statements.COMPUTER, {"computer": computer_id})
        return None if row is None else computer_of_row(row)

    def computers(self) -> list[StoredComputer]:
        """All computers, by id."""
        return [computer_of_row(row) for row in self._lean.rows(statements.ALL_COMPUTERS, {})]

    def places(
        self,
        url: str,
        owner: str,
        most: int,
        *,
        is_built: bool,
        computer_id: str | None = None,
        having: tuple[str, str] | None = None,
    ) -> list[StoredPlace]:
        """Computers that could take an instance of a release at once, the likeliest first.

        Args:
            url: the release that they were asked to supply.
            owner: of the instance; the site's computers and his own are found.
            most: how many at the most.
            is_built: those that have built it, or those that have not.
            computer_id: only this one.
            having: a property that they shall have announced; a few others may be found, too.
        """
        values: dict[str, Any] = {"url": url, "owner": owner, "most": most, "like": "%"}
        if having is not None:
            announced = wire.encode(dict([having])).decode()[1:-1]
            values["like"] = f"%{_LIKE.sub(_ESCAPED, announced)}%"
        if computer_id is None:
            statement = statements.BUILT if is_built else statements.UNBUILT
        else:
            statement = statements.BUILT_ON if is_built else statements.UNBUILT_ON
            values["computer"] = computer_id
        rows = self._lean.rows(statement, values)
        return [StoredPlace(computer_of_row(row[:-1]), ReleaseStatus(row[-1])) for row in rows]

    def property_sets(
        self, url: str, owner: str, computer_id: str | None = None
    ) -> list[dict[str, str]]:
        """What `supplying` computers announced of themselves, each different set once."""
        values = {"url": url, "owner": owner, "computer": computer_id}
        return [wire.decode(row[0]) for row in self._lean.rows(statements.PROPERTY_SETS, values)]

    def supplying(self, url: str, owner: str) -> list[StoredPlace]:
        """All computers asked to supply a release: the site's and the owner's, by id."""
        rows = self._lean.rows(statements.SUPPLYING, {"url": url, "owner": owner})
        return [StoredPlace(computer_of_row(row[:-1]), ReleaseStatus(row[-1])) for row in rows]

    def crowd(self, url: str, owner: str, named: int) -> StoredCrowd:
        """The computers of `supplying` that take new instances, counted.

        When none of them has room, the first are named.
        """
        values = {"url": url, "owner": owner, "most": named}
        count, roomy, slots = self._lean.first(statements.OPEN_COUNTS, values) or (0, 0, 0)
        if not count or roomy:
            return StoredCrowd(count, roomy, slots, ())
        names = [row[0] for row in self._lean.rows(statements.OPEN_NAMES, values)]
        return StoredCrowd(count, roomy, slots, tuple(names))

    def first_computer(
        self, owner: str, since: float, computer_id: str | None = None
    ) -> str | None:
        """The likeliest computer to supply something: the site's or the owner's, or only this one.

        One that was seen since then, takes new instances and has room; else the first by id.
        """
        values = {"owner": owner, "computer": computer_id, "since": since}
        row = self._lean.first(statements.FIRST_COMPUTER, values)
        return None if row is None else row[0]

    def capable_partitions(self, capability: str) -> dict[int, list[StoredPartition]]:
        """Computer key -> its free partitions with a capability, in the order of the format."""
        found: dict[int, list[StoredPartition]] = {}
        for row in self._lean.rows(statements.CAPABLE, {}):
            slot = partition_of_row(row)
            if capability in slot.capabilities:
                found.setdefault(row[1], []).append(slot)
        return found

    def capable_counts(self, capability: str) -> dict[int, int]:
        """Computer key -> number of its partitions with a capability, taken ones too."""
        found: dict[int, int] = {}
        for computer_key, capabilities in self._lean.rows(statements.ALL_CAPABLE, {}):
            if capability in wire.decode(capabilities):
                found[computer_key] = found.get(computer_key, 0) + 1
        return found

    def plain_counts(self) -> dict[int, int]:
        """Computer key -> number of its partitions without a capability, taken ones too."""
        return dict(self._lean.rows(statements.PLAIN_COUNTS, {}))

    def computers_among(self, computer_ids: Collection[str]) -> list[StoredComputer]:
        """Those of these ids that are known, by id."""
        rows = self._connection.execute(
            statements.COMPUTERS_AMONG, {"computers": list(computer_ids)}
        )
        return [computer_of_row(tuple(row)) for row in rows]

    def partitions(self, computer_key: int) -> list[StoredPartition]:
        """The partitions of a computer in the order of its format."""
        return self._partitions(statements.SLOTS, computer=computer_key)

    def all_partitions(self) -> dict[int, list[StoredPartition]]:
        """Computer key -> its partitions in the order of its format."""
        found: dict[int, list[StoredPartition]] = {}
        for row in self._lean.rows(statements.ALL_SLOTS, {}):
            found.setdefault(row[1], []).append(partition_of_row(row))
        return found

    def partition(self, computer_id: str, partition_id: str) -> StoredPartition | None:
        """One partition."""
        found = self._partitions(statements.SLOT, computer=computer_id, partition=partition_id)
        return found[0] if found else None

    def first_free(self, computer_key: int) -> StoredPartition | None:
        """The first free partition without a capability, in the order of the computer's format."""
        found = self._partitions(statements.FIRST_FREE, computer=computer_key)
        return found[0] if found else None

    def _partitions(self, statement: Prepared, **values: Any) -> list[StoredPartition]:
        return [partition_of_row(row) for row in self._lean.rows(statement, values)]

    # ---- supplies ----------------------------------------------------------------------------

    def supply(self, computer_id: str, url: str) -> StoredSupply | None:
        """One supply."""
        found = self._supplies(statements.SUPPLY, computer=computer_id, url=url)
        return found[0] if found else None

    def supplies(self) -> list[StoredSupply]:
        """All supplies, oldest first."""
        return self._supplies(statements.ALL_SUPPLIES)

    def supplies_of_release(self, url: str) -> list[StoredSupply]:
        """Those of one release."""
        return self._supplies(statements.SUPPLIES_OF_URL, url=url)

    def supplies_among(
        self, computer_ids: Collection[str], urls: Collection[str]
    ) -> list[StoredSupply]:
        """Those of any of these releases on any of these computers."""
        values = {"computers": list(computer_ids), "urls": list(urls)}
        rows = self._connection.execute(statements.SUPPLIES_AMONG, values)
        return [supply_of_row(tuple(row)) for row in rows]

    def supplies_of_computer(self, computer_key: int) -> list[StoredSupply]:
        """Those of one computer."""
        return self._supplies(statements.SUPPLIES_OF_COMPUTER, computer=computer_key)

    def _supplies(self, statement: Prepared, **values: Any) -> list[StoredSupply]:
        return [supply_of_row(row) for row in self._lean.rows(statement, values)]

    # ---- instances ---------------------------------------------------------------------------

    def instance(self, key: int) -> StoredInstance | None:
        """By row key; destroyed ones too."""
        return self._one(statements.BY_KEY, key=key)

    def instance_by_guid(self, guid: str) -> StoredInstance | None:
        """By guid; destroyed ones too."""
        return self._one(statements.BY_GUID, guid=guid)

    def instance_in_scope(self, scope: str, title: str) -> StoredInstance | None:
        """The live instance of that title: among an owner's roots or in one root's tree."""
        return self._one(statements.IN_SCOPE, scope=scope, title=title)

    def instance_in_partition(self, computer_id: str, partition_id: str) -> StoredInstance | None:
        """The instance that occupies a partition."""
        return self._one(statements.IN_PARTITION, computer=computer_id, partition=partition_id)

    def instances_named(self, title: str) -> list[StoredInstance]:
        """All of that title: live ones first, roots before descendants, then the newest."""
        found = self._many(statements.NAMED, title=title)
        return sorted(found, key=lambda row: (not row.is_live, row.root_key is not None, -row.key))

    def live_instances(self) -> list[StoredInstance]:
        """All that exist, oldest first."""
        return self._many(statements.ALL_LIVE)

    def live_page(self, after: int, limit: int, owner: str | None) -> list[StoredInstance]:
        """The next that exist, by key.

        Args:
            after: key of the last of the page before; 0 for the first page.
            limit: how many at the most.
            owner: only those that belong to it.
        """
        return self._many(statements.PAGE, after=after, limit=limit, owner=owner)

    def titles_of_children(self, keys: Sequence[int]) -> dict[int, list[str]]:
        """Key of a requester -> titles of its live children, oldest first."""
        found: dict[int, list[str]] = {}
        for row in self._connection.execute(statements.CHILDREN_TITLES, {"keys": keys}):
            found.setdefault(row.requester_key, []).append(row.title)
        return found

    def seats(self) -> dict[int, StoredSeat]:
        """Partition key -> who sits there."""
        rows = self._lean.rows(statements.SEATS, {})
        return {
            key: StoredSeat(title, guid, InstanceStatus(status), owner)
            for key, title, guid, status, owner in rows
        }

    def unallocated_instances(self) -> list[StoredInstance]:
        """Live instances without a place, oldest first."""
        return self._many(statements.UNALLOCATED)

    def instances_of_computer(self, computer_key: int) -> list[StoredInstance]:
        """Those that occupy a partition of the computer."""
        return self._many(statements.OF_COMPUTER, computer=computer_key)

    def shared_of_computer(self, computer_key: int) -> list[StoredInstance]:
        """Live shared instances whose host sits on the computer."""
        return self._many(statements.SHARED_OF_COMPUTER, computer=computer_key)

    def shared_of_host(self, host_key: int) -> list[StoredInstance]:
        """Live shared instances of one host."""
        return self._many(statements.SHARED_OF_HOST, host=host_key)

    def hosts(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Allocated instances that could serve shared ones of this release and type."""
        return self._many(statements.HOSTS, url=release_url, type=software_type)

    def hosts_to_be(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Instances that could serve shared ones of this release and type once they are placed."""
        return self._many(statements.HOSTS_TO_BE, url=release_url, type=software_type)

    def waiting_shared(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Shared instances of this release and type that nobody serves, oldest first."""
        return self._many(statements.WAITING_SHARED, url=release_url, type=software_type)

    def descendants(self, root_key: int) -> list[StoredInstance]:
        """Live instances of a tree without its root."""
        return self._many(statements.DESCENDANTS, root=root_key)

    def children(self, key: int) -> list[StoredInstance]:
        """Live instances that this one requested."""
        return self._many(statements.CHILDREN, requester=key)

    def _one(self, statement: Prepared, **values: Any) -> StoredInstance | None:
        row = self._lean.first(statement, values)
        return None if row is None else instance_of_row(row)

    def _many(self, statement: Prepared, **values: Any) -> list[StoredInstance]:
        return [instance_of_row(row) for row in self._lean.rows(statement, values)]

    # ---- events, tokens ----------------------------------------------------------------------

    def events(
        self,
        *,
        after: int,
        subjects: Sequence[str] = (),
        limit: int,
        owner: str | None = None,
    ) -> list[Event]:
        """Events with an id above `after`, oldest first; a negative one asks for the newest.

        Args:
            after: id of the last event that is known; -3 asks for the newest three.
            subjects: only events whose subject or reference is one of these.
            limit: how many at the most.
            owner: only events about what belongs to it.
        """
        query = sa.select(schema.events)
        if owner is not None:
            query = query.where(_events.owner == owner)
        if subjects:
            query = query.where(
                sa.or_(_events.subject.in_(subjects), _events.reference.in_(subjects))
            )
        if after < 0:
            rows = self._connection.execute(
                query.order_by(_events.id.desc()).limit(min(limit, -after))
            ).all()
            return [event_of_row(row) for row in reversed(rows)]
        query = query.where(_events.id > after).order_by(_events.id).limit(limit)
        return [event_of_row(row) for row in self._connection.execute(query)]

    def token(self, digest: str) -> tuple[str, str, str | None] | None:
        """(kind, name, a person's role) of the identity that holds the token of this digest."""
        row = self._connection.execute(statements.TOKEN, {"digest": digest}).first()
        return None if row is None else (row.kind, row.name, row.role)
