"""Ask for software instances: a master keeps the wish, agents make it true.

What first shows is the client side. `SlapClient` speaks to a master in the nouns of `model`;
`slap` is the same in the names of SlapOS' library. The master is `pelagos.slap.master`, the agent
`pelagos.slap.agent`; both speak only through `protocol`. The names are loaded when they are first
used: recipes and other small programs of this room must start at once, and who does not ask for
an interface (`ISupply`…) does not load zope.

>>> from pelagos.slap import slap
>>> plane = slap()
>>> plane.initializeConnection("http://x:TOKEN@127.0.0.1:1")
>>> order = plane.registerOpenOrder()  # then: order.request(RELEASE_URL, "db", {"size": "10"})
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "AuthenticationError": "errors",
    "BadRequest": "errors",
    "Computer": "library",
    "ComputerPartition": "partition",
    "ConnectionError": "errors",
    "IBuildoutController": "interface",
    "IComputer": "interface",
    "IComputerPartition": "interface",
    "IConnectionError": "interface",
    "IException": "interface",
    "INotFoundError": "interface",
    "IOpenOrder": "interface",
    "IRequester": "interface",
    "IResourceNotReady": "interface",
    "IServerError": "interface",
    "ISlap": "interface",
    "ISoftwareProductCollection": "interface",
    "ISoftwareRelease": "interface",
    "ISupply": "interface",
    "IToken": "interface",
    "IUnauthorized": "interface",
    "MarshalError": "errors",
    "MasterUnreachable": "errors",
    "NotFoundError": "errors",
    "OpenOrder": "library",
    "ResourceNotReady": "errors",
    "ServerError": "errors",
    "SlapClient": "client",
    "SlapError": "errors",
    "SoftwareProductCollection": "library",
    "SoftwareRelease": "partition",
    "Supply": "library",
    "Token": "library",
    "Unauthorized": "errors",
    "slap": "library",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605  # the table says it once; __init__.pyi lists them for tools


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
