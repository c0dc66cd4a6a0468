"""Exactly-once effects for those who keep their state in SQL: an inbox and an outbox.

    create_tables(engine)
    inbox = SqlInbox(engine)      a message that comes again has no second effect
    outbox = Outbox()             a message leaves if and only if the transaction commits
    relay = OutboxRelay(engine, connect(url)).start()

Admission rule: what needs SQLAlchemy. SQLite (a file) and PostgreSQL; the tables stand in the
program's own database, because only there they can be part of its transactions.
"""

from __future__ import annotations

from pelagos.messaging.sql.inbox import SqlInbox
from pelagos.messaging.sql.outbox import Outbox
from pelagos.messaging.sql.relay import OutboxRelay
from pelagos.messaging.sql.tables import PREFIX, create_tables

__all__ = ["PREFIX", "Outbox", "OutboxRelay", "SqlInbox", "create_tables"]
