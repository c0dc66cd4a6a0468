"""What belongs to whom: counting, handing over and forgetting an owner's things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pelagos.slap.master.store import schema

_instances, _computers = schema.instances.c, schema.computers.c
_events, _invitations = schema.events.c, schema.invitations.c


@dataclass(frozen=True, slots=True)
class Holdings:
    """What belongs to an owner and is there still.

    Attributes:
        count: of services.
        services: names of some of them, the oldest.
        computers: ids of all computers.
    """

    count: int
    services: tuple[str, ...]
    computers: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.count or self.computers)


class OwnerReader:
    """The reading half; a base of `Reader`."""

    _connection: sa.Connection

    def holdings(self, owner: str, most: int) -> Holdings:
        """An owner's services, `most` of them by name, and computers."""
        live = (_instances.owner == owner) & _instances.ended.is_(None)
        roots = live & _instances.root_key.is_(None)
        count = sa.select(sa.func.count()).select_from(schema.instances).where(roots)
        named = sa.select(_instances.title).where(roots).order_by(_instances.id).limit(most)
        return Holdings(
            count=self._connection.execute(count).scalar_one(),
            services=tuple(self._connection.execute(named).scalars()),
            computers=tuple(self.computers_of(owner)),
        )

    def computers_of(self, owner: str) -> Sequence[str]:
        """Ids of an owner's computers, sorted."""
        query = sa.select(_computers.computer_id).where(_computers.owner == owner)
        return self._connection.execute(query.order_by(_computers.computer_id)).scalars().all()

    def computer_titled(self, owner: str, title: str) -> str | None:
        """Id of the first computer of that owner and title."""
        query = sa.select(_computers.computer_id).where(
            _computers.owner == owner, _computers.title == title
        )
        return self._connection.execute(query.order_by(_computers.id).limit(1)).scalar()

    def common_titles(self, first: str, second: str, most: int) -> list[str]:
        """Names that both owners have given: to a service, or to a computer."""
        services, other = schema.instances.alias("one"), schema.instances.alias("other")
        machines, another = schema.computers.alias("one"), schema.computers.alias("other")
        asked = (
            sa.select(services.c.title)
            .join(other, other.c.title == services.c.title)
            .where(services.c.scope == first, other.c.scope == second),
            sa.select(machines.c.title)
            .join(another, another.c.title == machines.c.title)
            .where(machines.c.owner == first, another.c.owner == second, machines.c.title != ""),
        )
        rows = [self._connection.execute(query.limit(most)).scalars().all() for query in asked]
        return [title for titles in rows for title in titles]

    def hosts_of_others(self, owner: str, besides: str, most: int) -> Sequence[str]:
        """Names of the owner's instances that serve some of a third one."""
        host = schema.instances.alias("host")
        query = (
            sa.select(host.c.title)
            .join(schema.instances, _instances.host_key == host.c.id)
            .where(
                host.c.owner == owner,
                _instances.ended.is_(None),
                _instances.owner.not_in((owner, besides)),
            )
        )
        return self._connection.execute(query.distinct().limit(most)).scalars().all()


class OwnerWriter(OwnerReader):
    """The writing half; a base of `Writer`."""

    def hand_over(self, former: str, later: str) -> None:
        """Give another owner all that one has, with its past; titles are checked before."""
        for column in (
            _instances.owner,
            _instances.scope,
            _computers.owner,
            _events.owner,
            _invitations.owner,
            _invitations.invited_by,
        ):
            self._connection.execute(
                sa.update(column.table).where(column == former).values({column.name: later})
            )

    def disown(self, owner: str) -> None:
        """Leave an owner's past to the site's operators: what has ended, and what was said."""
        self._connection.execute(
            sa.update(schema.instances)
            .where(_instances.owner == owner, _instances.ended.is_not(None))
            .values(owner="")
        )
        self._connection.execute(
            sa.update(schema.events).where(_events.owner == owner).values(owner="")
        )
