"""The master's use cases, all in one place: each method is one transaction, or reads one state."""

from __future__ import annotations

from pelagos.slap.master.computers import Computers
from pelagos.slap.master.demand import Demand
from pelagos.slap.master.desk import Desk
from pelagos.slap.master.joining import Joining
from pelagos.slap.master.orders import Orders
from pelagos.slap.master.people import People
from pelagos.slap.master.remote import Remote
from pelagos.slap.master.removal import Removal
from pelagos.slap.master.reports import Reports
from pelagos.slap.master.schemas import Schemas
from pelagos.slap.master.standing import Standing
from pelagos.slap.master.usage import Usages
from pelagos.slap.master.views import Views


class Service(
    Orders,
    People,
    Computers,
    Reports,
    Views,
    Standing,
    Joining,
    Usages,
    Schemas,
    Remote,
    Demand,
    Removal,
):
    """What a master can do, for any face: HTTP, or the program around it.

    The groups share nothing but the desk; identities are passed in, rights are checked by the
    face (`auth.permit`).
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
