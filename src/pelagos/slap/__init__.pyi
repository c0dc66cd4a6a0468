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
