"""What a master refuses beyond `slap.errors`, and what its database can fail with.

SlapError
├── Conflict         409: what is asked contradicts what is stored
├── TooLarge         413: parameters or a body above the limit
├── AgentUnreachable 502, 503, 504: a computer's agent cannot be asked, or gives no answer
└── StoreError       500: the database cannot be used now
    ├── StoreFull    507: the disk of the database is full; nothing was changed
    ├── StoreBusy    500: another process holds the database; nothing was changed
    └── SchemaError  the database belongs to another version of Pelagos
"""

from __future__ import annotations

from pelagos.slap.errors import SlapError


class Conflict(SlapError):
    """What is asked contradicts what is stored."""


class TooLarge(SlapError):
    """More bytes than the master takes."""


class AgentUnreachable(SlapError):
    """A computer's agent cannot be asked over the bus, or gives no answer that can be used."""


class StoreError(SlapError):
    """The database cannot be used now; the transaction was undone."""


class StoreFull(StoreError):
    """The disk of the database is full; the transaction was undone."""


class StoreBusy(StoreError):
    """Another process holds the database; the transaction was undone."""


class SchemaError(StoreError):
    """The database belongs to another version of Pelagos, or is not one of ours."""
