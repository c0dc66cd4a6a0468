"""The tables. What is stored, and how a database of an older directory is brought up to date.

A *list* is what contacts stand in: one per person (kind `personal`, owned by the person), and one
per phonebook (kind `phonebook`, owned by its tenant). All names begin with `directory_`, so that
the tables can stand in a database beside others'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import sqlalchemy as sa

SCHEMA_VERSION = 2

metadata = sa.MetaData()

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")

facts = sa.Table(
    "directory_facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

lists = sa.Table(
    "directory_lists",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # '' of a personal one
    sa.Column("description", sa.Text),
    sa.Column("folded", sa.Text, nullable=False),  # name and description, as they are searched
    sa.Column("revision", sa.BigInteger, nullable=False),  # grows with each change in it
    sa.Column("size", sa.BigInteger, nullable=False),  # contacts in it
    sa.UniqueConstraint("kind", "owner", "name", name="directory_lists_name"),
    sqlite_autoincrement=True,  # a number is never given twice
)

contacts = sa.Table(
    "directory_contacts",
    metadata,
    sa.Column("id", _Key, primary_key=True),  # the order in which they came
    sa.Column(
        "list_id", sa.ForeignKey(lists.c.id, ondelete="CASCADE"), type_=_Key, nullable=False
    ),
    sa.Column("uuid", sa.Text, nullable=False),  # how people name it; unique in its list only
    sa.Column("digest", sa.Text, nullable=False),  # of the attributes: finds the same one again
    sa.Column("attributes", sa.Text, nullable=False),  # JSON, without `id`
    sa.Column("folded", sa.Text, nullable=False),  # all values, as they are searched
    sa.Column("revision", sa.BigInteger, nullable=False),  # of the list, when it was last changed
    sa.UniqueConstraint("list_id", "uuid", name="directory_contacts_uuid"),
    sa.UniqueConstraint("list_id", "digest", name="directory_contacts_digest"),
    sqlite_autoincrement=True,
)
sa.Index("directory_contacts_order", contacts.c.list_id, contacts.c.id)
sa.Index("directory_contacts_revision", contacts.c.list_id, contacts.c.revision)

#: Contacts that were removed, so that who holds a copy of a list need not read it all again.
removals = sa.Table(
    "directory_removals",
    metadata,
    sa.Column("id", _Key, primary_key=True),
    sa.Column(
        "list_id", sa.ForeignKey(lists.c.id, ondelete="CASCADE"), type_=_Key, nullable=False
    ),
    sa.Column("contact", _Key, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
sa.Index("directory_removals_revision", removals.c.list_id, removals.c.revision)

favorites = sa.Table(
    "directory_favorites",
    metadata,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("contact", sa.Text, primary_key=True),
)

#: The sources that were made over HTTP.
sources = sa.Table(
    "directory_sources",
    metadata,
    sa.Column("id", _Key, primary_key=True),  # the order in which they came
    sa.Column("uuid", sa.Text, nullable=False, unique=True),  # how clients name it
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("backend", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),  # JSON: `profiles`, and `config` with secrets
    sqlite_autoincrement=True,
)

#: What brings a database from the version before to this one, in one transaction.
MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = {
    2: partial(sources.create, checkfirst=True),
}
