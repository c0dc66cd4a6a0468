"""Writing: every change that a use case makes, inside one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from pelagos.slap.master.errors import StoreError
from pelagos.slap.master.store import schema
from pelagos.slap.master.store.announcing import AnnouncingWriter
from pelagos.slap.master.store.documents import SchemaWriter
from pelagos.slap.master.store.identities import IdentityWriter
from pelagos.slap.master.store.lean import Prepared
from pelagos.slap.master.store.making import json_text
from pelagos.slap.master.store.queries import Reader
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

_INSTANCE_COLUMNS = tuple(
    column.name for column in schema.instances.c if column.name not in {"id", "ended"}
)

# Statements are built once; the columns that one sets follow from the values that it is given.
_BUMP = Prepared(
    sa.update(schema.computers)
    .where(_computers.id == sa.bindparam("of"))
    .values(revision=_computers.revision + 1)
    .returning(_computers.revision)
)
_RECOUNT = Prepared(
    sa.update(schema.computers)
    .where(_computers.id == sa.bindparam("of"))
    .values(free=schema.count_free(sa.bindparam("of", type_=sa.BigInteger)))
)
_UPDATE_SUPPLY = sa.update(schema.supplies).where(_supplies.id == sa.bindparam("of"))
_BUMP_AND_RECOUNT = Prepared(
    sa.update(schema.computers)
    .where(_computers.id == sa.bindparam("of"))
    .values(
        revision=_computers.revision + 1,
        free=schema.count_free(sa.bindparam("of", type_=sa.BigInteger)),
    )
    .returning(_computers.revision)
)
_ADD_INSTANCE = Prepared(sa.insert(schema.instances).returning(_instances.id), _INSTANCE_COLUMNS)

#: Events that are appended by one statement.
_EVENTS_AT_ONCE = 8


@lru_cache(maxsize=256)
def _update_instance(columns: tuple[str, ...]) -> Prepared:
    """Sets these columns; there are as many of them as use cases have a need for."""
    return Prepared(
        sa.update(schema.instances).where(_instances.id == sa.bindparam("of")), columns
    )


@lru_cache(maxsize=_EVENTS_AT_ONCE)
def _add_events(count: int) -> Prepared:
    """Appends so many; without an owner it is that of the computer where it was."""

    def words(name: str, number: int) -> sa.BindParameter[str]:
        return sa.bindparam(f"{name}_{number}", type_=schema.Words)

    rows = []
    for number in range(count):
        row: dict[str, Any] = {
            column.name: sa.bindparam(f"{column.name}_{number}", type_=column.type)
            for column in schema.events.c
            if column.name not in {"id", "owner"}
        }
        row["owner"] = sa.func.coalesce(
            words("owner", number),
            sa.select(_computers.owner)
            .where(_computers.computer_id == words("where", number))
            .scalar_subquery(),
            "",
        )
        rows.append(row)
    return Prepared(sa.insert(schema.events).values(rows).returning(schema.events.c.id))


#: Seconds by which another master's sign of life can be ahead of one that is written late.
_ANOTHERS_LEAD = 60.0

#: Columns that hold JSON text.
_JSON_COLUMNS = frozenset({"parameters", "connection", "filters", "cause", "properties"})


class Writer(Reader, IdentityWriter, UsageWriter, SchemaWriter, TrimmingWriter, AnnouncingWriter):
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
        return self._bump(_BUMP, computer_key)

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

    def remove_computer(self, computer_key: int) -> None:
        """Forget a computer on which nothing sits, its partitions and what it supplied."""
        for table in (schema.partitions, schema.supplies):
            self._connection.execute(sa.delete(table).where(table.c.computer_key == computer_key))
        self._connection.execute(
            sa.delete(schema.computers).where(schema.computers.c.id == computer_key)
        )

    def recount(self, computer_key: int) -> None:
        """Count a computer's free partitions again; after each change of one of them."""
        self._lean.run(_RECOUNT, {"of": computer_key})

    def bump_and_recount(self, computer_key: int) -> int:
        """`bump` and `recount` in one."""
        return self._bump(_BUMP_AND_RECOUNT, computer_key)

    def _bump(self, statement: Prepared, computer_key: int) -> int:
        row = self._lean.first(statement, {"of": computer_key})
        if row is None:
            raise StoreError("a computer is gone in the middle of a change", status=500)
        return int(row[0])

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
        row = self._lean.first(
            _ADD_INSTANCE,
            {
                **_columns(values),
                "connection": "{}",
                "changed_timestamp": new.timestamp,
                "status": InstanceStatus.WAITING,
                "wiped": False,
            },
        )
        return 0 if row is None else int(row[0])

    def update_instance(self, key: int, **changes: Any) -> None:
        """Set columns of one instance."""
        self._lean.run(_update_instance(tuple(changes)), {"of": key, **_columns(changes)})

    # ---- events, tokens, usage ---------------------------------------------------------------

    def add_events(self, events: Sequence[tuple[Event, str | None, str | None]]) -> list[int]:
        """Append to the log; return the events' ids (those given are ignored).

        Args:
            events: what happened, whose it is, and the computer where it did: one of the two
                says who is told, a name that is the same by chance does not.
        """
        keys: list[int] = []
        for at in range(0, len(events), _EVENTS_AT_ONCE):
            some = events[at : at + _EVENTS_AT_ONCE]
            values: dict[str, Any] = {}
            for number, (event, owner, where) in enumerate(some):
                values |= {
                    f"at_{number}": event.at,
                    f"kind_{number}": event.kind,
                    f"subject_{number}": event.subject,
                    f"reference_{number}": event.reference,
                    f"computer_id_{number}": event.computer_id,
                    f"actor_{number}": event.actor,
                    f"cause_{number}": json_text(event.cause),
                    f"owner_{number}": owner,
                    f"where_{number}": where,
                }
            # Numbered in the order of the rows, by both kinds of database.
            keys += sorted(row[0] for row in self._lean.rows(_add_events(len(some)), values))
        return keys

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
