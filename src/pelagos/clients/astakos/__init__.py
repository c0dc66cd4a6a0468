"""Astakos: the identity service of Synnefo, with its quotas, projects and memberships."""

from pelagos.clients.astakos.cached import CachedAstakosClient
from pelagos.clients.astakos.client import AstakosClient, AstakosClientError
from pelagos.clients.astakos.users import NoUserName, NoUUID

__all__ = [
    "AstakosClient",
    "AstakosClientError",
    "CachedAstakosClient",
    "NoUUID",
    "NoUserName",
]
