"""The tables, and the steps that lead an older database to them.

Portable SQL only. Times are Unix seconds, timestamps microseconds; mappings and causes are JSON
text. `events` is append-only.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

#: Raise it together with a step in MIGRATIONS.
SCHEMA_VERSION = 2

metadata = sa.MetaData()
_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.String(50), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256; never the token itself
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.UniqueConstraint("kind", "name"),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False, unique=True),
    sa.Column("role", sa.String(20), nullable=False),  # operator or tenant
    sa.Column("created", sa.Float, nullable=False),
)

# One-time tokens with which a computer or a person joins; a used one stays until it expires.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),  # SHA-256; never the token itself
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(200)),  # NULL: whoever joins chooses it
    sa.Column("role", sa.String(20)),  # of a person
    sa.Column("owner", sa.String(500), nullable=False),  # who invited, as events name him
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("used", sa.Float),
)

certificates = sa.Table(
    "certificates",
    metadata,
    sa.Column("serial", sa.String(50), primary_key=True),  # hexadecimal, lower case
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("name", sa.String(500), nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("revoked", sa.Float),
    sa.Column("certificate", sa.Text, nullable=False),  # PEM
    sa.Column("sealed_key", sa.Text),  # encrypted; only of those that are asked for again
)
sa.Index("certificates_holder", certificates.c.kind, certificates.c.name)

computers = sa.Table(
    "computers",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_id", sa.String(200), nullable=False, unique=True),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("netmask", sa.Text, nullable=False, server_default=""),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("last_seen", sa.Float),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="1"),
    # The person that it belongs to, e.g. "person:ann"; "": the site's, open to everybody.
    sa.Column("owner", sa.String(500), nullable=False, server_default=""),
    sa.Column("title", sa.String(200), nullable=False, server_default=""),
    sa.Column("properties", sa.Text, nullable=False, server_default="{}"),  # filters match them
    sa.Column("draining", sa.Boolean, nullable=False, server_default=sa.false()),
)

partitions = sa.Table(
    "partitions",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_key", sa.ForeignKey("computers.id"), nullable=False),
    sa.Column("partition_id", sa.String(200), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("offered", sa.Boolean, nullable=False),  # false: gone from the last format
    sa.Column("addresses", sa.Text, nullable=False),
    sa.Column("capabilities", sa.Text, nullable=False, server_default="[]"),
    sa.UniqueConstraint("computer_key", "partition_id"),
)

supplies = sa.Table(
    "supplies",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_key", sa.ForeignKey("computers.id"), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("requested_state", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.UniqueConstraint("computer_key", "url"),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("guid", sa.String(100), nullable=False, unique=True),
    sa.Column("title", sa.String(200), nullable=False),
    # A root's owner, the root's guid for its descendants; NULL once destroyed, so that the title
    # is free again while the row stays for `why`.
    sa.Column("scope", sa.String(500)),
    sa.Column("root_key", sa.ForeignKey("instances.id")),
    sa.Column("requester_key", sa.ForeignKey("instances.id"), index=True),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False),
    sa.Column("host_key", sa.ForeignKey("instances.id"), index=True),
    sa.Column("release_url", sa.Text, nullable=False),
    sa.Column("software_type", sa.String(200), nullable=False),
    sa.Column("wished_state", sa.String(20), nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("filters", sa.Text, nullable=False),
    sa.Column("partition_key", sa.ForeignKey("partitions.id"), unique=True),
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    # At the last effective change: the timestamp, and the computer's revision.
    sa.Column("changed_timestamp", sa.BigInteger, nullable=False),
    sa.Column("changed_revision", sa.BigInteger, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("wiped", sa.Boolean, nullable=False),  # reported destroyed, waits for its children
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("ended", sa.Float),
    sa.UniqueConstraint("scope", "title"),
)
sa.Index("instances_root", instances.c.root_key)
sa.Index("instances_title", instances.c.title)
sa.Index("instances_release", instances.c.release_url, instances.c.software_type)
sa.Index("instances_ended", instances.c.ended)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.String(50), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("computer_id", sa.String(200)),
    sa.Column("actor", sa.String(500), nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
sa.Index("events_subject", events.c.subject, events.c.id)
sa.Index("events_reference", events.c.reference, events.c.id)

usages = sa.Table(
    "usages",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("computer_id", sa.String(200), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
)
sa.Index("usages_computer", usages.c.computer_id, usages.c.at)

# The movements of those reports, one row each, so that they can be asked for.
movements = sa.Table(
    "movements",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("usage_key", sa.ForeignKey("usages.id"), nullable=False, index=True),
    sa.Column("computer_id", sa.String(200), nullable=False),
    sa.Column("partition_id", sa.String(200)),
    sa.Column("instance_key", sa.ForeignKey("instances.id"), index=True),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
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
    sa.Column("url", sa.Text, nullable=False, unique=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
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
        partitions.c.capabilities,
    ):
        described = sa.schema.CreateColumn(column).compile(connection)
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {described}")
    for index in (*instances.indexes, *usages.indexes):
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
        sa.update(instances).where(instances.c.scope == "").values(scope=instances.c.owner)
    )


#: version -> the step that leads from the version before to it.
MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {2: _to_2}
