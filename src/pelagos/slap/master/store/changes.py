"""Writing: every change that a use case makes, inside one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from pelagos.slap.master.store import schema
from pelagos.slap.master.store.documents import SchemaWriter
from pelagos.slap.master.store.identities import IdentityWriter
from pelagos.slap.master.store.queries import Reader, json_text
from pelagos.slap.master.store.rows import NewInstance
from pelagos.slap.master.store.trimming import TrimmingWriter
from pelagos.slap.master.store.usages import UsageWriter
from pelagos.slap.master.store.ways import News
from pelagos.slap.model import (
    Cause,
    ComputerFormat,
    Event,
    InstanceStatus,
    PartitionFormat,
    ReleaseStatus,
    SupplyState,
)

_computers, _partitions = schema.computers.c, schema.partitions.c
_supplies, _instances, _tokens = schema.supplies.c, schema.instances.c, schema.tokens.c

# Statements are built once; the columns that one sets follow from the values that it is given.
_BUMP = (
    sa.update(schema.computers)
    .where(_computers.id == sa.bindparam("of"))
    .values(revision=_computers.revision + 1)
    .returning(_computers.revision)
)
_RECOUNT = (
    sa.update(schema.computers)
    .where(_computers.id == sa.bindparam("of"))
    .values(free=schema.count_free(sa.bindparam("of", type_=sa.BigInteger)))
)
_UPDATE_SUPPLY = sa.update(schema.supplies).where(_supplies.id == sa.bindparam("of"))
_ADD_INSTANCE = sa.insert(schema.instances)
_UPDATE_INSTANCE = sa.update(schema.instances).where(_instances.id == sa.bindparam("of"))
#: The owner of what an event is about: of its instance, or of the computer where it happened.
_ADD_EVENT = sa.insert(schema.events).values(
    owner=sa.func.coalesce(
        sa.select(_instances.owner)
        .where(_instances.guid == sa.bindparam("about"))
        .scalar_subquery(),
        sa.select(_computers.owner)
        .where(_computers.computer_id == sa.bindparam("where"))
        .scalar_subquery(),
        "",
    )
)

#: Seconds by which another master's sign of life can be ahead of one that is written late.
_ANOTHERS_LEAD = 60.0

#: Columns that hold JSON text.
_JSON_COLUMNS = frozenset({"parameters", "connection", "filters", "cause", "properties"})


class Writer(Reader, IdentityWriter, UsageWriter, SchemaWriter, TrimmingWriter):
    """A transaction that may change things; committed when its `with` block ends well."""

    def __init__(
        self, connection: sa.Connection, tell: Callable[[sa.Connection, News], None]
    ) -> None:
        super().__init__(connection)
        self._tell = tell

    def tell(self, news: News) -> None:
        """Have other masters on this database hear it, after the commit."""
        self._tell(self._connection, news)

    # ---- computers ---------------------------------------------------------------------------

    def add_computer(
        self, computer_id: str, now: float, *, owner: str = "", title: str = ""
    ) -> None:
        """A computer that was never seen; `owner` as in `StoredComputer`."""
        self._connection.execute(
            sa.insert(schema.computers).values(
                computer_id=computer_id, created=now, owner=owner, title=title
            )
        )

    def update_computer(self, computer_key: int, **changes: Any) -> None:
        """Set columns of one computer."""
        self._connection.execute(
            sa.update(schema.computers).where(_computers.id == computer_key),
            _columns(changes),
        )

    def note_seen(self, seen: Mapping[str, float]) -> None:
        """Keep the last signs of life (computer id -> Unix seconds)."""
        if seen:
            self._connection.execute(
                sa.update(schema.computers)
                .where(
                    _computers.computer_id == sa.bindparam("of"),
                    # Another master may have seen it later; much later was before the clock
                    # was set back.
                    ~sa.func.coalesce(_computers.last_seen, 0.0).between(
                        sa.bindparam("at"), sa.bindparam("latest")
                    ),
                )
                .values(last_seen=sa.bindparam("at")),
                [
                    {"of": computer_id, "at": at, "latest": at + _ANOTHERS_LEAD}
                    for computer_id, at in seen.items()
                ],
            )

    def bump(self, computer_key: int) -> int:
        """Count a change of what the computer's agent is told; return the new revision."""
        return int(self._connection.execute(_BUMP, {"of": computer_key}).scalar_one())

    def set_address(self, computer_key: int, announced: ComputerFormat) -> None:
        """Keep the computer's own address."""
        self._connection.execute(
            sa.update(schema.computers)
            .where(_computers.id == computer_key)
            .values(address=announced.address, netmask=announced.netmask)
        )

    def put_partition(
        self, computer_key: int, position: int, announced: PartitionFormat, *, is_known: bool
    ) -> None:
        """Create a partition, or bring a known one up to its announcement."""
        values = {
            "position": position,
            "offered": True,
            "addresses": json_text(announced.addresses),
            "capabilities": json_text(announced.capabilities),
        }
        name = announced.partition_id
        if is_known:
            self._connection.execute(
                sa.update(schema.partitions)
                .where(_partitions.computer_key == computer_key, _partitions.partition_id == name)
                .values(values)
            )
        else:
            self._connection.execute(
                sa.insert(schema.partitions).values(
                    computer_key=computer_key, partition_id=name, **values
                )
            )

    def withdraw_partitions(self, keys: Sequence[int]) -> None:
        """No longer offer these partitions; whoever sits there stays."""
        self._connection.execute(
            sa.update(schema.partitions).where(_partitions.id.in_(keys)).values(offered=False)
        )

    def recount(self, computer_key: int) -> None:
        """Count a computer's free partitions again; after each change of one of them."""
        self._connection.execute(_RECOUNT, {"of": computer_key})

    # ---- supplies ----------------------------------------------------------------------------

    def put_supply(self, computer_key: int, url: str, state: SupplyState, cause: Cause) -> None:
        """Create a supply, or set its wished state and begin its status anew."""
        values = {
            "requested_state": state,
            "status": ReleaseStatus.REQUESTED,
            "cause": json_text(cause),
        }
        done = self._connection.execute(
            sa.update(schema.supplies)
            .where(_supplies.computer_key == computer_key, _supplies.url == url)
            .values(values)
        )
        if not done.rowcount:
            self._connection.execute(
                sa.insert(schema.supplies).values(computer_key=computer_key, url=url, **values)
            )

    def update_supply(self, key: int, **changes: Any) -> None:
        """Set columns of one supply."""
        self._connection.execute(_UPDATE_SUPPLY, {"of": key, **_columns(changes)})

    def delete_supply(self, key: int) -> None:
        """Forget a supply whose release is gone from its computer."""
        self._connection.execute(sa.delete(schema.supplies).where(_supplies.id == key))

    # ---- instances ---------------------------------------------------------------------------

    def add_instance(self, new: NewInstance) -> int:
        """Keep a new instance; return its key."""
        values = {item.name: getattr(new, item.name) for item in fields(new)}
        done = self._connection.execute(
            _ADD_INSTANCE,
            {
                **_columns(values),
                "connection": "{}",
                "changed_timestamp": new.timestamp,
                "changed_revision": 0,
                "status": InstanceStatus.WAITING,
                "wiped": False,
            },
        )
        return _new_key(done)

    def update_instance(self, key: int, **changes: Any) -> None:
        """Set columns of one instance."""
        self._connection.execute(_UPDATE_INSTANCE, {"of": key, **_columns(changes)})

    # ---- events, tokens, usage ---------------------------------------------------------------

    def add_event(self, event: Event, where: str | None = None) -> int:
        """Append to the log; return the event's id (the one given is ignored).

        Args:
            event: what happened.
            where: the computer where it happened, when it is about no instance.
        """
        done = self._connection.execute(
            _ADD_EVENT,
            {
                "at": event.at,
                "kind": event.kind,
                "subject": event.subject,
                "reference": event.reference,
                "computer_id": event.computer_id,
                "actor": event.actor,
                "cause": json_text(event.cause),
                "about": event.subject,
                "where": where,
            },
        )
        return _new_key(done)

    def put_person(self, name: str, role: str, now: float) -> None:
        """Make a person known, or give a known one another role."""
        people = schema.people
        done = self._connection.execute(
            sa.update(people).where(people.c.name == name).values(role=role)
        )
        if not done.rowcount:
            self._connection.execute(sa.insert(people).values(name=name, role=role, created=now))

    def put_token(self, kind: str, name: str, digest: str, now: float) -> None:
        """Give an identity its one token; the former is void."""
        self.drop_token(kind, name)
        self._connection.execute(
            sa.insert(schema.tokens).values(digest=digest, kind=kind, name=name, created=now)
        )

    def drop_token(self, kind: str, name: str) -> bool:
        """Make the identity's token void; tell whether it had one."""
        done = self._connection.execute(
            sa.delete(schema.tokens).where(_tokens.kind == kind, _tokens.name == name)
        )
        return bool(done.rowcount)


def _columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json_text(value) if name in _JSON_COLUMNS else value
        for name, value in changes.items()
    }


def _new_key(done: sa.CursorResult[Any]) -> int:
    key = done.inserted_primary_key
    return 0 if key is None else int(key[0])
