"""The master's memory: tables, transactions, questions and changes. The only door to SQLAlchemy.

What is admitted: modules that turn rows into values and back. No rule of SLAP lives here.
"""

from pelagos.slap.master.store.announcing import Duty
from pelagos.slap.master.store.changes import Writer
from pelagos.slap.master.store.copying import CopiedTable, copy_database
from pelagos.slap.master.store.engine import Store
from pelagos.slap.master.store.identities import (
    Holder,
    StoredCertificate,
    StoredInvitation,
    StoredPerson,
)
from pelagos.slap.master.store.owners import Holdings
from pelagos.slap.master.store.queries import Reader
from pelagos.slap.master.store.rows import (
    NewInstance,
    StoredComputer,
    StoredInstance,
    StoredPartition,
    StoredPlace,
    StoredSeat,
    StoredSupply,
    unborn,
)
from pelagos.slap.master.store.ways import News

__all__ = [
    "CopiedTable",
    "Duty",
    "Holder",
    "Holdings",
    "NewInstance",
    "News",
    "Reader",
    "Store",
    "StoredCertificate",
    "StoredComputer",
    "StoredInstance",
    "StoredInvitation",
    "StoredPartition",
    "StoredPerson",
    "StoredPlace",
    "StoredSeat",
    "StoredSupply",
    "Writer",
    "copy_database",
    "unborn",
]
