"""Usage reports and their movements: kept, asked for, trimmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pelagos.slap.master.store import schema
from pelagos.slap.tio import Movement, UsageRow

_REPEATED_WITHIN = 7 * 86_400.0
_CHUNK = 500
_movements, _usages = schema.movements.c, schema.usages.c
_instances, _computers = schema.instances.c, schema.computers.c


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """Which movements are wanted.

    Attributes:
        instances: keys of the only instances; None for all, and what belongs to none.
        owner: only what belongs to it: its instances, and all on its computers.
        since: Unix seconds; movements that ended later.
        until: Unix seconds; movements that ended by then.
        limit: rows at the most; the newest.
    """

    instances: Sequence[int] | None = None
    computer_id: str | None = None
    owner: str | None = None
    since: float = 0.0
    until: float | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class NewMovement:
    """One movement to keep, with the instance that it is of."""

    movement: Movement
    partition_id: str | None
    instance_key: int | None
    start: float | None
    stop: float


class UsageReader:
    """Part of `Reader`."""

    _connection: sa.Connection

    def usage(self, wanted: UsageQuestion) -> list[UsageRow]:
        """The movements, the newest first."""
        where = [_movements.stop > wanted.since]
        if wanted.until is not None:
            where.append(_movements.stop <= wanted.until)
        if wanted.computer_id is not None:
            where.append(_movements.computer_id == wanted.computer_id)
        if wanted.instances is not None:
            where.append(_movements.instance_key.in_(wanted.instances))
        if wanted.owner is not None:
            where.append(
                sa.or_(_instances.owner == wanted.owner, _computers.owner == wanted.owner)
            )
        found = (
            sa.select(schema.movements, _instances.guid, _instances.title.label("service"))
            .outerjoin(schema.instances, _instances.id == _movements.instance_key)
            .outerjoin(schema.computers, _computers.computer_id == _movements.computer_id)
            .where(*where)
            .order_by(_movements.stop.desc(), _movements.id.desc())
            .limit(wanted.limit)
        )
        return [
            UsageRow(
                computer_id=row.computer_id,
                partition_id=row.partition_id,
                service=row.service,
                guid=row.guid,
                resource=row.resource,
                title=row.title,
                quantity=row.quantity,
                start=row.start,
                stop=row.stop,
            )
            for row in self._connection.execute(found)
        ]

    def has_usage(self, computer_id: str, report: str, now: float) -> bool:
        """Whether this very report came before: its sender did not hear that it was taken."""
        found = sa.select(_usages.id).where(
            _usages.computer_id == computer_id,
            _usages.at > now - _REPEATED_WITHIN,
            _usages.report == report,
        )
        return self._connection.execute(found.limit(1)).first() is not None

    def usage_since(self, computer_id: str, since: float) -> tuple[int, int]:
        """How many reports of a computer came since then, and their characters altogether."""
        found = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.length(_usages.report)), 0)
        ).where(_usages.computer_id == computer_id, _usages.at > since)
        count, characters = self._connection.execute(found).one()
        return int(count), int(characters)


class UsageWriter:
    """Part of `Writer`."""

    _connection: sa.Connection

    def add_usage(
        self, computer_id: str, at: float, report: str, movements: Sequence[NewMovement]
    ) -> None:
        """Keep a report as it came, and its movements."""
        added = self._connection.execute(
            sa.insert(schema.usages).values(computer_id=computer_id, at=at, report=report)
        )
        key = added.inserted_primary_key
        if not movements or key is None:
            return
        self._connection.execute(
            sa.insert(schema.movements),
            [
                {
                    "usage_key": int(key[0]),
                    "computer_id": computer_id,
                    "partition_id": new.partition_id,
                    "instance_key": new.instance_key,
                    "resource": new.movement.resource,
                    "title": new.movement.title,
                    "quantity": new.movement.quantity,
                    "start": new.start,
                    "stop": new.stop,
                }
                for new in movements
            ],
        )

    def trim_usage(self, computer_id: str, before: float) -> int:
        """Forget some of a computer's reports that came before then; how many."""
        old = sa.select(_usages.id).where(_usages.computer_id == computer_id, _usages.at < before)
        keys = [row.id for row in self._connection.execute(old.limit(_CHUNK))]
        if keys:
            self._connection.execute(
                sa.delete(schema.movements).where(_movements.usage_key.in_(keys))
            )
            self._connection.execute(sa.delete(schema.usages).where(_usages.id.in_(keys)))
        return len(keys)
