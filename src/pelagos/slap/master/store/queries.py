"""Reading: every question that a use case asks of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from pelagos.core import wire
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.documents import SchemaReader
from pelagos.slap.master.store.identities import IdentityReader
from pelagos.slap.master.store.rows import (
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredPlace,
    StoredSeat,
    StoredSupply,
)
from pelagos.slap.master.store.trimming import TrimmingReader
from pelagos.slap.master.store.usages import UsageReader
from pelagos.slap.model import (
    Address,
    Cause,
    Event,
    InstanceState,
    InstanceStatus,
    ReleaseStatus,
    SupplyState,
)

_computers, _partitions = schema.computers.c, schema.partitions.c
_supplies, _instances, _events = schema.supplies.c, schema.instances.c, schema.events.c
_root = schema.instances.alias("root")
_requester = schema.instances.alias("requester")
_host = schema.instances.alias("host")

_INSTANCES = sa.select(
    schema.instances,
    _root.c.title.label("root_title"),
    _root.c.guid.label("root_guid"),
    _root.c.wished_state.label("root_state"),
    _requester.c.guid.label("requester_guid"),
    _partitions.partition_id,
    _partitions.addresses,
    _computers.id.label("computer_key"),
    _computers.computer_id,
).select_from(
    schema.instances.join(
        _root, _root.c.id == sa.func.coalesce(_instances.root_key, _instances.id)
    )
    .outerjoin(_requester, _requester.c.id == _instances.requester_key)
    .outerjoin(_host, _host.c.id == _instances.host_key)
    .outerjoin(
        schema.partitions,
        _partitions.id == sa.func.coalesce(_instances.partition_key, _host.c.partition_key),
    )
    .outerjoin(schema.computers, _computers.id == _partitions.computer_key)
)
_LIVE = _instances.ended.is_(None)
_SEATED = _instances.partition_key.is_not(None)


def _instances_where(*where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return _INSTANCES.where(*where).order_by(_instances.id)


# Statements are built once: building one costs more than running it.
_BY_KEY = _instances_where(_instances.id == sa.bindparam("key"))
_BY_GUID = _instances_where(_instances.guid == sa.bindparam("guid"))
_NAMED = _instances_where(_instances.title == sa.bindparam("title"))
_IN_SCOPE = _instances_where(
    _instances.scope == sa.bindparam("scope"), _instances.title == sa.bindparam("title")
)
_IN_PARTITION = _instances_where(
    _SEATED,
    _computers.computer_id == sa.bindparam("computer"),
    _partitions.partition_id == sa.bindparam("partition"),
)
_ALL_LIVE = _instances_where(_LIVE)
_PAGE = (
    _ALL_LIVE.where(_instances.id > sa.bindparam("after"))
    .where(
        sa.or_(
            sa.bindparam("owner", type_=sa.Text).is_(None),
            _instances.owner == sa.bindparam("owner"),
        )
    )
    .limit(sa.bindparam("limit"))
)
_CHILDREN_TITLES = (
    sa.select(_instances.requester_key, _instances.title)
    .where(_LIVE, _instances.requester_key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(_instances.id)
)
_SEATS = sa.select(
    _instances.partition_key,
    _instances.title,
    _instances.guid,
    _instances.status,
    _instances.owner,
).where(_SEATED)
_UNALLOCATED = _instances_where(
    _LIVE, _instances.partition_key.is_(None), _instances.host_key.is_(None)
)
_OF_COMPUTER = _instances_where(_SEATED, _partitions.computer_key == sa.bindparam("computer"))
_SHARED_OF_COMPUTER = _instances_where(
    _LIVE,
    _instances.host_key.is_not(None),
    _partitions.computer_key == sa.bindparam("computer"),
)
_SHARED_OF_HOST = _instances_where(_LIVE, _instances.host_key == sa.bindparam("host"))
_HOSTS = _instances_where(
    _LIVE,
    _SEATED,
    _instances.release_url == sa.bindparam("url"),
    _instances.software_type == sa.bindparam("type"),
)
_HOSTS_TO_BE = _instances_where(
    _LIVE,
    _instances.partition_key.is_(None),
    _instances.shared.is_(False),
    _instances.release_url == sa.bindparam("url"),
    _instances.software_type == sa.bindparam("type"),
)
_WAITING_SHARED = _UNALLOCATED.where(
    _instances.shared,
    _instances.release_url == sa.bindparam("url"),
    _instances.software_type == sa.bindparam("type"),
)
_DESCENDANTS = _instances_where(_LIVE, _instances.root_key == sa.bindparam("root"))
_CHILDREN = _instances_where(_LIVE, _instances.requester_key == sa.bindparam("requester"))

_ALL_SUPPLIES = (
    sa.select(schema.supplies, _computers.computer_id)
    .join(schema.computers, _computers.id == _supplies.computer_key)
    .order_by(_supplies.id)
)
_SUPPLIES_OF_URL = _ALL_SUPPLIES.where(_supplies.url == sa.bindparam("url"))
_SUPPLIES_OF_COMPUTER = _ALL_SUPPLIES.where(_supplies.computer_key == sa.bindparam("computer"))
_SUPPLIES_AMONG = _ALL_SUPPLIES.where(
    _computers.computer_id.in_(sa.bindparam("computers", expanding=True)),
    _supplies.url.in_(sa.bindparam("urls", expanding=True)),
)
_SUPPLY = _SUPPLIES_OF_URL.where(_computers.computer_id == sa.bindparam("computer"))

_PARTITIONS = (
    sa.select(schema.partitions, _instances.id.label("instance_key"))
    .outerjoin(schema.instances, _instances.partition_key == _partitions.id)
    .order_by(_partitions.position, _partitions.id)
)
_ALL_SLOTS = _PARTITIONS.order_by(None).order_by(
    _partitions.computer_key, _partitions.position, _partitions.id
)
_SLOTS = _PARTITIONS.where(_partitions.computer_key == sa.bindparam("computer"))
_FIRST_FREE = _SLOTS.where(
    _partitions.offered, _partitions.capabilities == "[]", _instances.id.is_(None)
).limit(1)
_CAPABLE = _PARTITIONS.where(
    _partitions.offered, _partitions.capabilities != "[]", _instances.id.is_(None)
)
_SLOT = _PARTITIONS.where(
    _partitions.partition_id == sa.bindparam("partition"),
    _partitions.computer_key
    == sa.select(_computers.id)
    .where(_computers.computer_id == sa.bindparam("computer"))
    .scalar_subquery(),
)
_ALL_CAPABLE = sa.select(_partitions.computer_key, _partitions.capabilities).where(
    _partitions.offered, _partitions.capabilities != "[]"
)
_PLAIN_COUNTS = (
    sa.select(_partitions.computer_key, sa.func.count())
    .where(_partitions.offered, _partitions.capabilities == "[]")
    .group_by(_partitions.computer_key)
)
_ALL_COMPUTERS: sa.Select[Any] = sa.select(
    _computers.id,
    _computers.computer_id,
    _computers.created,
    _computers.last_seen,
    _computers.revision,
    _computers.owner,
    _computers.title,
    _computers.properties,
    _computers.draining,
    _computers.free,
).order_by(_computers.computer_id)
_SUPPLYING = (
    _ALL_COMPUTERS.add_columns(_supplies.status)
    .join(schema.supplies, _supplies.computer_key == _computers.id)
    .where(
        _supplies.url == sa.bindparam("url"),
        _supplies.requested_state == SupplyState.AVAILABLE,
        _computers.owner.in_(["", sa.bindparam("owner")]),
    )
)
#: The likeliest first: built, then the most room, then the name.
_PLACES = (
    _SUPPLYING.where(_computers.free > 0, sa.not_(_computers.draining))
    .order_by(None)
    .order_by(
        sa.case((_supplies.status == ReleaseStatus.AVAILABLE, 0), else_=1),
        _computers.free.desc(),
        _computers.computer_id,
    )
    .limit(sa.bindparam("most"))
)
_PLACE = _PLACES.where(_computers.computer_id == sa.bindparam("computer"))
_COMPUTER = _ALL_COMPUTERS.where(_computers.computer_id == sa.bindparam("computer"))
_TOKEN = (
    sa.select(schema.tokens.c.kind, schema.tokens.c.name, schema.people.c.role)
    .outerjoin(
        schema.people,
        (schema.people.c.name == schema.tokens.c.name) & (schema.tokens.c.kind == "person"),
    )
    .where(schema.tokens.c.digest == sa.bindparam("digest"))
)
_COMPUTERS_AMONG = _ALL_COMPUTERS.where(
    _computers.computer_id.in_(sa.bindparam("computers", expanding=True))
)
#: The one question of each fetch; one positional parameter.
REVISION = sa.select(_computers.revision).where(_computers.computer_id == sa.bindparam("id"))


class Reader(IdentityReader, UsageReader, SchemaReader, TrimmingReader):
    """Answers from one consistent state of the database; valid inside its `with` block only."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    # ---- computers ---------------------------------------------------------------------------

    def computer(self, computer_id: str) -> StoredComputer | None:
        """The computer of that id."""
        row = self._connection.execute(_COMPUTER, {"computer": computer_id}).first()
        return None if row is None else _computer(row)

    def computers(self) -> list[StoredComputer]:
        """All computers, by id."""
        return [_computer(row) for row in self._connection.execute(_ALL_COMPUTERS)]

    def places(
        self, url: str, owner: str, most: int, computer_id: str | None = None
    ) -> list[StoredPlace]:
        """Computers that could take an instance of a release at once, the likeliest first.

        Args:
            url: the release that they were asked to supply.
            owner: of the instance; the site's computers and his own are found.
            most: how many at the most.
            computer_id: only this one.
        """
        values = {"url": url, "owner": owner, "most": most}
        if computer_id is None:
            rows = self._connection.execute(_PLACES, values)
        else:
            rows = self._connection.execute(_PLACE, {**values, "computer": computer_id})
        return [StoredPlace(_computer(row), ReleaseStatus(row.status)) for row in rows]

    def capable_partitions(self, capability: str) -> dict[int, list[StoredPartition]]:
        """Computer key -> its free partitions with a capability, in the order of the format."""
        found: dict[int, list[StoredPartition]] = {}
        for row in self._connection.execute(_CAPABLE):
            slot = _partition(row)
            if capability in slot.capabilities:
                found.setdefault(row.computer_key, []).append(slot)
        return found

    def capable_counts(self, capability: str) -> dict[int, int]:
        """Computer key -> number of its partitions with a capability, taken ones too."""
        found: dict[int, int] = {}
        for row in self._connection.execute(_ALL_CAPABLE):
            if capability in wire.decode(row.capabilities):
                found[row.computer_key] = found.get(row.computer_key, 0) + 1
        return found

    def plain_counts(self) -> dict[int, int]:
        """Computer key -> number of its partitions without a capability, taken ones too."""
        return {row[0]: row[1] for row in self._connection.execute(_PLAIN_COUNTS)}

    def computers_among(self, computer_ids: Collection[str]) -> list[StoredComputer]:
        """Those of these ids that are known, by id."""
        rows = self._connection.execute(_COMPUTERS_AMONG, {"computers": list(computer_ids)})
        return [_computer(row) for row in rows]

    def partitions(self, computer_key: int) -> list[StoredPartition]:
        """The partitions of a computer in the order of its format."""
        return self._partitions(_SLOTS, computer=computer_key)

    def all_partitions(self) -> dict[int, list[StoredPartition]]:
        """Computer key -> its partitions in the order of its format."""
        found: dict[int, list[StoredPartition]] = {}
        for row in self._connection.execute(_ALL_SLOTS):
            found.setdefault(row.computer_key, []).append(_partition(row))
        return found

    def partition(self, computer_id: str, partition_id: str) -> StoredPartition | None:
        """One partition."""
        found = self._partitions(_SLOT, computer=computer_id, partition=partition_id)
        return found[0] if found else None

    def first_free(self, computer_key: int) -> StoredPartition | None:
        """The first free partition without a capability, in the order of the computer's format."""
        found = self._partitions(_FIRST_FREE, computer=computer_key)
        return found[0] if found else None

    def _partitions(self, statement: sa.Select[Any], **values: Any) -> list[StoredPartition]:
        return [_partition(row) for row in self._connection.execute(statement, values)]

    # ---- supplies ----------------------------------------------------------------------------

    def supply(self, computer_id: str, url: str) -> StoredSupply | None:
        """One supply."""
        found = self._supplies(_SUPPLY, computer=computer_id, url=url)
        return found[0] if found else None

    def supplies(self) -> list[StoredSupply]:
        """All supplies, oldest first."""
        return self._supplies(_ALL_SUPPLIES)

    def supplies_of_release(self, url: str) -> list[StoredSupply]:
        """Those of one release."""
        return self._supplies(_SUPPLIES_OF_URL, url=url)

    def supplies_among(
        self, computer_ids: Collection[str], urls: Collection[str]
    ) -> list[StoredSupply]:
        """Those of any of these releases on any of these computers."""
        return self._supplies(_SUPPLIES_AMONG, computers=list(computer_ids), urls=list(urls))

    def supplies_of_computer(self, computer_key: int) -> list[StoredSupply]:
        """Those of one computer."""
        return self._supplies(_SUPPLIES_OF_COMPUTER, computer=computer_key)

    def _supplies(self, statement: sa.Select[Any], **values: Any) -> list[StoredSupply]:
        return [
            StoredSupply(
                row.id,
                row.computer_key,
                row.computer_id,
                row.url,
                SupplyState(row.requested_state),
                ReleaseStatus(row.status),
                wire.decode(row.cause, Cause),
            )
            for row in self._connection.execute(statement, values)
        ]

    # ---- instances ---------------------------------------------------------------------------

    def instance(self, key: int) -> StoredInstance | None:
        """By row key; destroyed ones too."""
        return self._one(_BY_KEY, key=key)

    def instance_by_guid(self, guid: str) -> StoredInstance | None:
        """By guid; destroyed ones too."""
        return self._one(_BY_GUID, guid=guid)

    def instance_in_scope(self, scope: str, title: str) -> StoredInstance | None:
        """The live instance of that title: among an owner's roots or in one root's tree."""
        return self._one(_IN_SCOPE, scope=scope, title=title)

    def instance_in_partition(self, computer_id: str, partition_id: str) -> StoredInstance | None:
        """The instance that occupies a partition."""
        return self._one(_IN_PARTITION, computer=computer_id, partition=partition_id)

    def instances_named(self, title: str) -> list[StoredInstance]:
        """All of that title: live ones first, roots before descendants, then the newest."""
        found = self._many(_NAMED, title=title)
        return sorted(found, key=lambda row: (not row.is_live, row.root_key is not None, -row.key))

    def live_instances(self) -> list[StoredInstance]:
        """All that exist, oldest first."""
        return self._many(_ALL_LIVE)

    def live_page(self, after: int, limit: int, owner: str | None) -> list[StoredInstance]:
        """The next that exist, by key.

        Args:
            after: key of the last of the page before; 0 for the first page.
            limit: how many at the most.
            owner: only those that belong to it.
        """
        return self._many(_PAGE, after=after, limit=limit, owner=owner)

    def titles_of_children(self, keys: Sequence[int]) -> dict[int, list[str]]:
        """Key of a requester -> titles of its live children, oldest first."""
        found: dict[int, list[str]] = {}
        for row in self._connection.execute(_CHILDREN_TITLES, {"keys": keys}):
            found.setdefault(row.requester_key, []).append(row.title)
        return found

    def seats(self) -> dict[int, StoredSeat]:
        """Partition key -> who sits there."""
        rows = self._connection.execute(_SEATS)
        return {
            row.partition_key: StoredSeat(
                row.title, row.guid, InstanceStatus(row.status), row.owner
            )
            for row in rows
        }

    def unallocated_instances(self) -> list[StoredInstance]:
        """Live instances without a place, oldest first."""
        return self._many(_UNALLOCATED)

    def instances_of_computer(self, computer_key: int) -> list[StoredInstance]:
        """Those that occupy a partition of the computer."""
        return self._many(_OF_COMPUTER, computer=computer_key)

    def shared_of_computer(self, computer_key: int) -> list[StoredInstance]:
        """Live shared instances whose host sits on the computer."""
        return self._many(_SHARED_OF_COMPUTER, computer=computer_key)

    def shared_of_host(self, host_key: int) -> list[StoredInstance]:
        """Live shared instances of one host."""
        return self._many(_SHARED_OF_HOST, host=host_key)

    def hosts(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Allocated instances that could serve shared ones of this release and type."""
        return self._many(_HOSTS, url=release_url, type=software_type)

    def hosts_to_be(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Instances that could serve shared ones of this release and type once they are placed."""
        return self._many(_HOSTS_TO_BE, url=release_url, type=software_type)

    def waiting_shared(self, release_url: str, software_type: str) -> list[StoredInstance]:
        """Shared instances of this release and type that nobody serves, oldest first."""
        return self._many(_WAITING_SHARED, url=release_url, type=software_type)

    def descendants(self, root_key: int) -> list[StoredInstance]:
        """Live instances of a tree without its root."""
        return self._many(_DESCENDANTS, root=root_key)

    def children(self, key: int) -> list[StoredInstance]:
        """Live instances that this one requested."""
        return self._many(_CHILDREN, requester=key)

    def _one(self, statement: sa.Select[Any], **values: Any) -> StoredInstance | None:
        row = self._connection.execute(statement, values).first()
        return None if row is None else _instance(row)

    def _many(self, statement: sa.Select[Any], **values: Any) -> list[StoredInstance]:
        return [_instance(row) for row in self._connection.execute(statement, values)]

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
            return [_event(row) for row in reversed(rows)]
        query = query.where(_events.id > after).order_by(_events.id).limit(limit)
        return [_event(row) for row in self._connection.execute(query)]

    def token(self, digest: str) -> tuple[str, str, str | None] | None:
        """(kind, name, a person's role) of the identity that holds the token of this digest."""
        row = self._connection.execute(_TOKEN, {"digest": digest}).first()
        return None if row is None else (row.kind, row.name, row.role)


def _computer(row: sa.Row[Any]) -> StoredComputer:
    return StoredComputer(
        key=row.id,
        computer_id=row.computer_id,
        created=row.created,
        last_seen=row.last_seen,
        revision=row.revision,
        owner=row.owner,
        title=row.title,
        properties=wire.decode(row.properties),
        draining=row.draining,
        free=row.free,
    )


def _partition(row: sa.Row[Any]) -> StoredPartition:
    return StoredPartition(
        row.id,
        row.partition_id,
        row.offered,
        _addresses(row.addresses),
        row.instance_key,
        tuple(wire.decode(row.capabilities)),
    )


def _event(row: sa.Row[Any]) -> Event:
    return Event(
        id=row.id,
        at=row.at,
        kind=row.kind,
        subject=row.subject,
        reference=row.reference,
        computer_id=row.computer_id,
        actor=row.actor,
        cause=wire.decode(row.cause, Cause),
    )


def _instance(row: sa.Row[Any]) -> StoredInstance:
    return StoredInstance(
        key=row.id,
        guid=row.guid,
        title=row.title,
        scope=row.scope,
        root_key=row.root_key,
        requester_key=row.requester_key,
        owner=row.owner,
        shared=row.shared,
        host_key=row.host_key,
        release_url=row.release_url,
        software_type=row.software_type,
        wished_state=InstanceState(row.wished_state),
        parameters=wire.decode(row.parameters),
        connection=wire.decode(row.connection),
        filters=wire.decode(row.filters),
        partition_key=row.partition_key,
        timestamp=row.timestamp,
        changed_timestamp=row.changed_timestamp,
        changed_revision=row.changed_revision,
        status=InstanceStatus(row.status),
        cause=wire.decode(row.cause, Cause),
        wiped=row.wiped,
        created=row.created,
        ended=row.ended,
        root_title=row.root_title,
        root_guid=row.root_guid,
        root_state=InstanceState(row.root_state),
        requester_guid=row.requester_guid,
        computer_key=row.computer_key,
        computer_id=row.computer_id,
        partition_id=row.partition_id,
        addresses=_addresses(row.addresses),
    )


def _addresses(text: str | None) -> tuple[Address, ...]:
    if text is None:
        return ()
    found: tuple[Address, ...] = wire.decode(text, tuple[Address, ...])
    return found


def json_text(value: Iterable[object] | object) -> str:
    """A value as the JSON text of a column."""
    return wire.encode(value).decode()
