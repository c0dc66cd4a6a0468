"""The tables, and the steps that lead an older database to them.

Portable SQL only. Times are Unix seconds, timestamps microseconds; mappings and causes are JSON
text. `events` is append-only, but for its oldest that are no longer kept. Lengths are checked
where texts come in, not here. References may be checked at the commit, so that a copy can be
filled in any order.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

#: Raise it together with a step in MIGRATIONS.
SCHEMA_VERSION = 2

#: The fact that names the last event that is no longer kept.
TRIMMED_FACT = "events_trimmed_to"

metadata = sa.MetaData()
_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
#: Text that is compared and sorted by its code points, whatever the server's language is.
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _reference(column: str) -> sa.ForeignKey:
    return sa.ForeignKey(column, deferrable=True)


facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", Words, primary_key=True),
    sa.Column("value", Words, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", Words, primary_key=True),  # SHA-256; never the token itself
    sa.Column("kind", Words, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.UniqueConstraint("kind", "name"),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("name", Words, nullable=False, unique=True),
    sa.Column("role", Words, nullable=False),  # operator or tenant
    sa.Column("created", sa.Float, nullable=False),
)

# One-time tokens with which a computer or a person joins; a used one stays until it expires.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("digest", Words, primary_key=True),  # SHA-256; never the token itself
    sa.Column("kind", Words, nullable=False),
    sa.Column("name", Words),  # NULL: whoever joins chooses it
    sa.Column("role", Words),  # of a person
    sa.Column("owner", Words, nullable=False),  # of a computer; "": the site
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("used", sa.Float),
    sa.Column("invited_by", Words, nullable=False),  # as events name him
    sa.Column("again", sa.Boolean, nullable=False),  # for one that is known already
)

certificates = sa.Table(
    "certificates",
    metadata,
    sa.Column("serial", Words, primary_key=True),  # hexadecimal, lower case
    sa.Column("kind", Words, nullable=False),
    sa.Column("name", Words, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("revoked", sa.Float),
    sa.Column("certificate", Words, nullable=False),  # PEM
    sa.Column("sealed_key", Words),  # encrypted; only of those that are asked for again
)
sa.Index("certificates_holder", certificates.c.kind, certificates.c.name)

computers = sa.Table(
    "computers",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_id", Words, nullable=False, unique=True),
    sa.Column("address", Words, nullable=False, server_default=""),
    sa.Column("netmask", Words, nullable=False, server_default=""),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("last_seen", sa.Float),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    # The person that it belongs to, e.g. "person:ann"; "": the site's, open to everybody.
    sa.Column("owner", Words, nullable=False, server_default=""),
    sa.Column("title", Words, nullable=False, server_default=""),
    sa.Column("properties", Words, nullable=False, server_default="{}"),  # filters match them
    sa.Column("draining", sa.Boolean, nullable=False, server_default=sa.false()),
    # Free partitions that carry no capability: counted here, because counting them at each
    # request costs more than all the rest of it.
    sa.Column("free", sa.Integer, nullable=False, server_default="0"),
)

#: In the order in which places are looked for.
sa.Index("computers_room", computers.c.free.desc(), computers.c.computer_id)

partitions = sa.Table(
    "partitions",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_key", _reference("computers.id"), nullable=False),
    sa.Column("partition_id", Words, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("offered", sa.Boolean, nullable=False),  # false: gone from the last format
    sa.Column("addresses", Words, nullable=False),
    sa.Column("capabilities", Words, nullable=False, server_default="[]"),
    sa.UniqueConstraint("computer_key", "partition_id"),
)

_CAPABLE = partitions.c.capabilities != "[]"
#: Those with a capability; few.
sa.Index(
    "partitions_capable",
    partitions.c.computer_key,
    sqlite_where=_CAPABLE,
    postgresql_where=_CAPABLE,
)

supplies = sa.Table(
    "supplies",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_key", _reference("computers.id"), nullable=False),
    sa.Column("url", Words, nullable=False),
    sa.Column("requested_state", Words, nullable=False),
    sa.Column("status", Words, nullable=False),
    sa.Column("cause", Words, nullable=False),
    sa.UniqueConstraint("computer_key", "url"),
)

sa.Index("supplies_url", supplies.c.url, supplies.c.status)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("guid", Words, nullable=False, unique=True),
    sa.Column("title", Words, nullable=False),
    # A root's owner, the root's guid for its descendants; NULL once destroyed, so that the title
    # is free again while the row stays for `why`.
    sa.Column("scope", Words),
    sa.Column("root_key", _reference("instances.id")),
    sa.Column("requester_key", _reference("instances.id"), index=True),
    sa.Column("owner", Words, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("host_key", _reference("instances.id"), index=True),
    sa.Column("release_url", Words, nullable=False),
    sa.Column("software_type", Words, nullable=False),
    sa.Column("wished_state", Words, nullable=False),
    sa.Column("parameters", Words, nullable=False),
    sa.Column("connection", Words, nullable=False),
    sa.Column("filters", Words, nullable=False),
    sa.Column("partition_key", _reference("partitions.id"), unique=True),
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    # At the last effective change: the timestamp, and the computer's revision.
    sa.Column("changed_timestamp", sa.BigInteger, nullable=False),
    sa.Column("changed_revision", sa.BigInteger, nullable=False),
    sa.Column("status", Words, nullable=False),
    sa.Column("cause", Words, nullable=False),
    sa.Column("wiped", sa.Boolean, nullable=False),  # reported destroyed, waits for its children
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("ended", sa.Float),
    sa.UniqueConstraint("scope", "title"),
)
sa.Index("instances_root", instances.c.root_key)
sa.Index("instances_title", instances.c.title)
sa.Index("instances_release", instances.c.release_url, instances.c.software_type)
sa.Index("instances_ended", instances.c.ended)
_WAITING = (
    instances.c.ended.is_(None)
    & instances.c.partition_key.is_(None)
    & instances.c.host_key.is_(None)
)
#: Those without a place; few, and asked for at each change that may give them one.
sa.Index(
    "instances_waiting",
    instances.c.release_url,
    instances.c.id,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("reference", Words, nullable=False),
    sa.Column("computer_id", Words),
    sa.Column("actor", Words, nullable=False),
    sa.Column("cause", Words, nullable=False),
    # Of the instance or computer that it is about, so that a tenant's own are found at once.
    sa.Column("owner", Words, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
sa.Index("events_subject", events.c.subject, events.c.id)
sa.Index("events_reference", events.c.reference, events.c.id)
sa.Index("events_owner", events.c.owner, events.c.id)

usages = sa.Table(
    "usages",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_id", Words, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("report", Words, nullable=False),
)
sa.Index("usages_computer", usages.c.computer_id, usages.c.at)

# The movements of those reports, one row each, so that they can be asked for.
movements = sa.Table(
    "movements",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("usage_key", _reference("usages.id"), nullable=False, index=True),
    sa.Column("computer_id", Words, nullable=False),
    sa.Column("partition_id", Words),
    sa.Column("instance_key", _reference("instances.id"), index=True),
    sa.Column("resource", Words, nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("quantity", sa.Float, nullable=False),
    sa.Column("start", sa.Float),
    sa.Column("stop", sa.Float, nullable=False),
)
sa.Index("movements_stop", movements.c.stop)

# What a release says of the parameters of its software types: the JSON that its agent read.
parameter_schemas = sa.Table(
    "parameter_schemas",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("url", Words, nullable=False, unique=True),
    sa.Column("document", Words, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)


def count_free(computer: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    """How many partitions of a computer are offered, free and without a capability."""
    return (
        sa.select(sa.func.count())
        .select_from(partitions.outerjoin(instances, instances.c.partition_key == partitions.c.id))
        .where(
            partitions.c.computer_key == computer,
            partitions.c.offered,
            partitions.c.capabilities == "[]",
            instances.c.id.is_(None),
        )
        .scalar_subquery()
    )


def _to_2(connection: sa.Connection) -> None:
    """People, invitations, certificates, properties, usage that can be asked for."""
    for table in (people, invitations, certificates, movements, parameter_schemas):
        table.create(connection)
    for column in (
        computers.c.owner,
        computers.c.title,
        computers.c.properties,
        computers.c.draining,
        computers.c.free,
        partitions.c.capabilities,
        events.c.owner,
    ):
        described = sa.schema.CreateColumn(column).compile(connection)
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {described}")
    tables = (computers, partitions, supplies, instances, usages, events)
    for index in [index for table in tables for index in table.indexes]:
        index.create(connection, checkfirst=True)
    connection.execute(
        sa.insert(people).from_select(
            ["name", "role", "created"],
            sa.select(tokens.c.name, sa.literal("operator"), tokens.c.created).where(
                tokens.c.kind == "person"
            ),
        )
    )
    connection.execute(
        sa.update(events).values(
            owner=sa.func.coalesce(
                sa.select(instances.c.owner)
                .where(instances.c.guid == events.c.subject)
                .scalar_subquery(),
                "",
            )
        )
    )
    connection.execute(
        sa.update(instances).where(instances.c.scope == "").values(scope=instances.c.owner)
    )
    connection.execute(sa.update(computers).values(free=count_free(computers.c.id)))


#: version -> the step that leads from the version before to it.
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {2: _to_2}
