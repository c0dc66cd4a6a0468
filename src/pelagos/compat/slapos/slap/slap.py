"""`slapos.slap.slap`: the class `slap`, what it registers, and what it raises."""

from __future__ import annotations

from pelagos import slap as _room
from pelagos.slap import (
    AuthenticationError,
    Computer,
    ComputerPartition,
    ConnectionError,  # noqa: A004  # the ancestor's
    NotFoundError,
    OpenOrder,
    ResourceNotReady,
    ServerError,
    SoftwareProductCollection,
    SoftwareRelease,
    Supply,
    Token,
    Unauthorized,
)

__all__ = [
    "AuthenticationError",
    "Computer",
    "ComputerPartition",
    "ConnectionError",
    "NotFoundError",
    "OpenOrder",
    "ResourceNotReady",
    "ServerError",
    "SoftwareProductCollection",
    "SoftwareRelease",
    "Supply",
    "Token",
    "Unauthorized",
    "slap",
]


class slap(_room.slap):  # noqa: N801  # the ancestor's
    """The way in: connect once, then register what is to be worked with.

    `import slapos.slap.slap` gives this class, not its module, which old programs overlook: so
    the names of the module are its attributes, too, as `slapos.slap.slap.NotFoundError`.
    """


for _name in __all__:
    setattr(slap, _name, globals()[_name])
