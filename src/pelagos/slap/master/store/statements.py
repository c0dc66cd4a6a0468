"""The questions that a `Reader` asks, as statements that are compiled once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pelagos.slap.master.store import schema
from pelagos.slap.master.store.lean import Prepared
from pelagos.slap.model import ReleaseStatus, SupplyState

_computers, _partitions = schema.computers.c, schema.partitions.c
_supplies, _instances, _events = schema.supplies.c, schema.instances.c, schema.events.c
_root = schema.instances.alias("root")
_requester = schema.instances.alias("requester")
_host = schema.instances.alias("host")
_seated = schema.instances.alias("seated")
_slot, _of = schema.partitions.alias("slot"), schema.computers.alias("of")

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
BY_KEY = Prepared(_instances_where(_instances.id == sa.bindparam("key")))
BY_GUID = Prepared(_instances_where(_instances.guid == sa.bindparam("guid")))
NAMED = Prepared(_instances_where(_instances.title == sa.bindparam("title")))
IN_SCOPE = Prepared(
    _instances_where(
        _instances.scope == sa.bindparam("scope"), _instances.title == sa.bindparam("title")
    )
)
# Partitions are found first, then who sits there: the other way all instances are looked at.
IN_PARTITION = Prepared(
    _instances_where(
        _instances.partition_key
        == sa.select(_slot.c.id)
        .join(_of, _of.c.id == _slot.c.computer_key)
        .where(
            _of.c.computer_id == sa.bindparam("computer"),
            _slot.c.partition_id == sa.bindparam("partition"),
        )
        .scalar_subquery()
    )
)
_ALL_LIVE = _instances_where(_LIVE)
PAGE = Prepared(
    _ALL_LIVE.where(_instances.id > sa.bindparam("after"))
    .where(
        sa.or_(
            sa.bindparam("owner", type_=sa.Text).is_(None),
            _instances.owner == sa.bindparam("owner"),
        )
    )
    .limit(sa.bindparam("limit"))
)
CHILDREN_TITLES = (
    sa.select(_instances.requester_key, _instances.title)
    .where(_LIVE, _instances.requester_key.in_(sa.bindparam("keys", expanding=True)))
    .order_by(_instances.id)
)
SEATS = Prepared(
    sa.select(
        _instances.partition_key,
        _instances.title,
        _instances.guid,
        _instances.status,
        _instances.owner,
    ).where(_SEATED)
)
_UNALLOCATED = _instances_where(
    _LIVE, _instances.partition_key.is_(None), _instances.host_key.is_(None)
)
_SLOTS_OF_COMPUTER = sa.select(_slot.c.id).where(_slot.c.computer_key == sa.bindparam("computer"))
OF_COMPUTER = Prepared(_instances_where(_instances.partition_key.in_(_SLOTS_OF_COMPUTER)))
SHARED_OF_COMPUTER = Prepared(
    _instances_where(
        _LIVE,
        _instances.host_key.in_(
            sa.select(_seated.c.id).where(_seated.c.partition_key.in_(_SLOTS_OF_COMPUTER))
        ),
    )
)
SHARED_OF_HOST = Prepared(_instances_where(_LIVE, _instances.host_key == sa.bindparam("host")))
HOSTS = Prepared(
    _instances_where(
        _LIVE,
        _SEATED,
        _instances.release_url == sa.bindparam("url"),
        _instances.software_type == sa.bindparam("type"),
    )
)
HOSTS_TO_BE = Prepared(
    _instances_where(
        _LIVE,
        _instances.partition_key.is_(None),
        _instances.shared.is_(False),
        _instances.release_url == sa.bindparam("url"),
        _instances.software_type == sa.bindparam("type"),
    )
)
WAITING_SHARED = Prepared(
    _UNALLOCATED.where(
        _instances.shared,
        _instances.release_url == sa.bindparam("url"),
        _instances.software_type == sa.bindparam("type"),
    )
)
DESCENDANTS = Prepared(_instances_where(_LIVE, _instances.root_key == sa.bindparam("root")))
CHILDREN = Prepared(_instances_where(_LIVE, _instances.requester_key == sa.bindparam("requester")))

_ALL_SUPPLIES = (
    sa.select(schema.supplies, _computers.computer_id)
    .join(schema.computers, _computers.id == _supplies.computer_key)
    .order_by(_supplies.id)
)
_SUPPLIES_OF_URL = _ALL_SUPPLIES.where(_supplies.url == sa.bindparam("url"))
SUPPLIES_OF_COMPUTER = Prepared(
    _ALL_SUPPLIES.where(_supplies.computer_key == sa.bindparam("computer"))
)
SUPPLIES_AMONG = _ALL_SUPPLIES.where(
    _computers.computer_id.in_(sa.bindparam("computers", expanding=True)),
    _supplies.url.in_(sa.bindparam("urls", expanding=True)),
)
SUPPLY = Prepared(_SUPPLIES_OF_URL.where(_computers.computer_id == sa.bindparam("computer")))

_PARTITIONS = (
    sa.select(schema.partitions, _instances.id.label("instance_key"))
    .outerjoin(schema.instances, _instances.partition_key == _partitions.id)
    .order_by(_partitions.position, _partitions.id)
)
ALL_SLOTS = Prepared(
    _PARTITIONS.order_by(None).order_by(
        _partitions.computer_key, _partitions.position, _partitions.id
    )
)
_SLOTS = _PARTITIONS.where(_partitions.computer_key == sa.bindparam("computer"))
FIRST_FREE = Prepared(
    _SLOTS.where(
        _partitions.offered, _partitions.capabilities == "[]", _instances.id.is_(None)
    ).limit(1)
)
CAPABLE = Prepared(
    _PARTITIONS.where(
        _partitions.offered, _partitions.capabilities != "[]", _instances.id.is_(None)
    )
)
SLOT = Prepared(
    _PARTITIONS.where(
        _partitions.partition_id == sa.bindparam("partition"),
        _partitions.computer_key
        == sa.select(_computers.id)
        .where(_computers.computer_id == sa.bindparam("computer"))
        .scalar_subquery(),
    )
)
ALL_CAPABLE = Prepared(
    sa.select(_partitions.computer_key, _partitions.capabilities).where(
        _partitions.offered, _partitions.capabilities != "[]"
    )
)
PLAIN_COUNTS = Prepared(
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
FIRST_COMPUTER = Prepared(
    sa.select(_computers.computer_id)
    .where(
        _computers.owner.in_(["", sa.bindparam("owner")]),
        sa.or_(
            sa.bindparam("computer", type_=schema.Words).is_(None),
            _computers.computer_id == sa.bindparam("computer"),
        ),
    )
    .order_by(
        sa.case((_computers.last_seen >= sa.bindparam("since"), 0), else_=1),
        _computers.draining,
        sa.case((_computers.free > 0, 0), else_=1),
        _computers.computer_id,
    )
    .limit(1)
)
PROPERTY_SETS = Prepared(
    sa.select(_computers.properties)
    .distinct()
    .join(schema.supplies, _supplies.computer_key == _computers.id)
    .where(
        _supplies.url == sa.bindparam("url"),
        _supplies.requested_state == SupplyState.AVAILABLE,
        _computers.owner.in_(["", sa.bindparam("owner")]),
        sa.or_(
            sa.bindparam("computer", type_=schema.Words).is_(None),
            _computers.computer_id == sa.bindparam("computer"),
        ),
    )
)


def _places(status: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The computers with room whose supply has such a status: the most room, then the name.

    Goes through the computers in this very order, so that it ends with the first few; and not
    at all when no computer has such a supply.
    """
    wanted = sa.select(_supplies.status).where(
        _supplies.url == sa.bindparam("url"),
        _supplies.requested_state == SupplyState.AVAILABLE,
        status,
    )
    there = wanted.where(_supplies.computer_key == _computers.id).correlate(schema.computers)
    anywhere = sa.select(sa.literal(1)).select_from(wanted.correlate(None).subquery())
    return (
        _ALL_COMPUTERS.add_columns(there.scalar_subquery().label("status"))
        .where(
            anywhere.exists(),
            _computers.free > 0,
            sa.not_(_computers.draining),
            _computers.owner.in_(["", sa.bindparam("owner")]),
            _computers.properties.like(sa.bindparam("like"), escape="\\"),
            there.exists(),
        )
        .order_by(None)
        .order_by(_computers.free.desc(), _computers.computer_id)
        .limit(sa.bindparam("most"))
    )


_OPEN = _SUPPLYING.where(sa.not_(_computers.draining)).order_by(None)
_OPEN_KEYS = _OPEN.with_only_columns(_computers.id)
OPEN_NAMES = Prepared(
    _OPEN.with_only_columns(_computers.computer_id)
    .order_by(_computers.computer_id)
    .limit(sa.bindparam("most"))
)
#: Of those: how many, how many have room, and the partitions of them all.
OPEN_COUNTS = Prepared(
    _OPEN.with_only_columns(
        sa.func.count(),
        sa.func.count(sa.case((_computers.free > 0, 1))),
        sa.select(sa.func.count())
        .select_from(schema.partitions)
        .where(
            _partitions.offered,
            _partitions.capabilities == "[]",
            _partitions.computer_key.in_(_OPEN_KEYS.correlate(None)),
        )
        .scalar_subquery(),
    )
)

_IS_BUILT = _supplies.status == ReleaseStatus.AVAILABLE
_BUILT, _UNBUILT = _places(_IS_BUILT), _places(sa.not_(_IS_BUILT))
BUILT, UNBUILT = Prepared(_BUILT), Prepared(_UNBUILT)
_ONLY = _computers.computer_id == sa.bindparam("computer")
BUILT_ON, UNBUILT_ON = Prepared(_BUILT.where(_ONLY)), Prepared(_UNBUILT.where(_ONLY))
COMPUTER = Prepared(_ALL_COMPUTERS.where(_computers.computer_id == sa.bindparam("computer")))
TOKEN = (
    sa.select(schema.tokens.c.kind, schema.tokens.c.name, schema.people.c.role)
    .outerjoin(
        schema.people,
        (schema.people.c.name == schema.tokens.c.name) & (schema.tokens.c.kind == "person"),
    )
    .where(schema.tokens.c.digest == sa.bindparam("digest"))
)
COMPUTERS_AMONG = _ALL_COMPUTERS.where(
    _computers.computer_id.in_(sa.bindparam("computers", expanding=True))
)
#: The one question of each fetch; one positional parameter.
REVISION = sa.select(_computers.revision).where(_computers.computer_id == sa.bindparam("id"))

ALL_LIVE = Prepared(_ALL_LIVE)
UNALLOCATED = Prepared(_UNALLOCATED)
ALL_SUPPLIES = Prepared(_ALL_SUPPLIES)
SUPPLIES_OF_URL = Prepared(_SUPPLIES_OF_URL)
SLOTS = Prepared(_SLOTS)
ALL_COMPUTERS = Prepared(_ALL_COMPUTERS)
SUPPLYING = Prepared(_SUPPLYING)
#: Asked before each request; two positional parameters.
EXISTS = sa.select(_instances.id).where(
    _instances.title == sa.bindparam("id"), _instances.scope == sa.bindparam("in")
)
