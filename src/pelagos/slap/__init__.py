"""Ask for software instances: a master keeps the wish, agents make it true.

What first shows is the client side. `SlapClient` speaks to a master in the nouns of `model`;
`slap` is the same in the names of SlapOS' library. The master is `pelagos.slap.master`, the agent
`pelagos.slap.agent`; both speak only through `protocol`.

>>> from pelagos.slap import slap
>>> plane = slap()
>>> plane.initializeConnection("http://x:TOKEN@127.0.0.1:1")
>>> order = plane.registerOpenOrder()  # then: order.request(RELEASE_URL, "db", {"size": "10"})
"""

from pelagos.slap.client import SlapClient
from pelagos.slap.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionError,  # noqa: A004  # the name that code for the ancestor catches
    MarshalError,
    MasterUnreachable,
    NotFoundError,
    ResourceNotReady,
    ServerError,
    SlapError,
    Unauthorized,
)
from pelagos.slap.library import Computer, OpenOrder, Supply, slap
from pelagos.slap.partition import ComputerPartition, SoftwareRelease

__all__ = [
    "AuthenticationError",
    "BadRequest",
    "Computer",
    "ComputerPartition",
    "ConnectionError",
    "MarshalError",
    "MasterUnreachable",
    "NotFoundError",
    "OpenOrder",
    "ResourceNotReady",
    "ServerError",
    "SlapClient",
    "SlapError",
    "SoftwareRelease",
    "Supply",
    "Unauthorized",
    "slap",
]
