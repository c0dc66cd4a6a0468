"""`slapos.slap.interface.slap`: the interfaces of SLAP, as the document declares them."""

from __future__ import annotations

from pelagos.slap.interface import (
    IBuildoutController,
    IComputer,
    IComputerPartition,
    IConnectionError,
    IException,
    INotFoundError,
    IOpenOrder,
    IRequester,
    IResourceNotReady,
    IServerError,
    ISoftwareProductCollection,
    ISoftwareRelease,
    ISupply,
    IToken,
    IUnauthorized,
    slap,
)

__all__ = [
    "IBuildoutController",
    "IComputer",
    "IComputerPartition",
    "IConnectionError",
    "IException",
    "INotFoundError",
    "IOpenOrder",
    "IRequester",
    "IResourceNotReady",
    "IServerError",
    "ISoftwareProductCollection",
    "ISoftwareRelease",
    "ISupply",
    "IToken",
    "IUnauthorized",
    "slap",
]
