"""The tables of inbox and outbox, and failures of their database in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import exc

from pelagos.messaging.errors import MessagingError

#: How the names of the tables begin, unless told.
PREFIX = "messaging_"

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one prefix."""

    metadata: sa.MetaData
    inbox: sa.Table
    outbox: sa.Table


@lru_cache(maxsize=64)
def tables(prefix: str = PREFIX) -> Tables:
    """The tables whose names begin so."""
    metadata = sa.MetaData()
    inbox = sa.Table(
        f"{prefix}inbox",
        metadata,
        sa.Column("id", _Key, primary_key=True),
        sa.Column("consumer", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),  # Unix seconds
        sa.Column("reply", sa.LargeBinary),
        sa.UniqueConstraint("consumer", "key", name=f"{prefix}inbox_key"),
        sqlite_autoincrement=True,
    )
    sa.Index(f"{prefix}inbox_at", inbox.c.at)
    outbox = sa.Table(
        f"{prefix}outbox",
        metadata,
        sa.Column("id", _Key, primary_key=True),
        sa.Column("exchange", sa.Text, nullable=False),  # JSON: how it is declared
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("properties", sa.Text, nullable=False),  # JSON
        sa.Column("mandatory", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,  # a number is never given twice
    )
    return Tables(metadata, inbox, outbox)


def create_tables(engine: sa.Engine, prefix: str = PREFIX) -> None:
    """Make the tables of inbox and outbox where they are missing; again is harmless.

    Args:
        engine: the program's own database.
        prefix: how the tables' names begin.

    Raises:
        MessagingError: the database is of another kind, or refuses.
    """
    check_kind(engine)
    metadata = tables(prefix).metadata
    with our_errors():
        missing = _missing(engine, metadata)
        while missing:
            try:
                metadata.create_all(engine)
            except (exc.ProgrammingError, exc.OperationalError, exc.IntegrityError):
                left = _missing(engine, metadata)
                if left == missing:
                    raise
                missing = left  # another process was faster, and may be in the midst of it
            else:
                return


def _missing(engine: sa.Engine, metadata: sa.MetaData) -> set[str]:
    return set(metadata.tables) - set(sa.inspect(engine).get_table_names())


def check_kind(engine: sa.Engine) -> None:
    """Pass, when the database is of a kind whose ways are known.

    Raises:
        TypeError: it is no engine.
        MessagingError: it is not.
    """
    if not isinstance(engine, sa.Engine):  # not shown: a URL may hold a password
        raise TypeError(f"engine is what sqlalchemy.create_engine(URL) gives, not {type(engine)}")
    if engine.dialect.name not in _KINDS:
        raise MessagingError(
            f"inbox and outbox cannot be kept in a database of the kind {engine.dialect.name}",
            hint="use SQLite or PostgreSQL",
        )


@contextmanager
def our_errors() -> Iterator[None]:
    """What the database says, as a MessagingError; without its statements, which hold data."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or type(error).__name__
        raise MessagingError(
            f"the database of the messages cannot be used: {' '.join(str(cause).split())[:300]}",
            hint="see that it runs, has room, and that create_tables was called on it",
            retry_after=1.0,
        ) from error
