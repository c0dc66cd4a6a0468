"""The clients of Astakos."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from pelagos.clients.astakos import AstakosClient as _Ours
from pelagos.clients.astakos import AstakosClientError
from pelagos.clients.astakos import CachedAstakosClient as _OurCached
from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.former import Client
from pelagos.compat.kamaki.transports import SHARED, LoggingTransport

__all__ = [
    "AstakosClient",
    "AstakosClientError",
    "CachedAstakosClient",
    "ClientError",
    "LoggedAstakosClient",
    "OriginalAstakosClient",
]


class AstakosClient(Client, _Ours):
    """Who has a token, and what there is for him."""

    def authenticate(self, token: str | None = None) -> Any:
        """Who has the token, and the catalogue: `{"access": {…}}`.

        The first versions' names stand besides: username, uniq, auth_token, auth_token_expires.
        As there, a token that is given becomes the client's own.
        """
        if token is not None:
            self.token = token
        found = super().authenticate(token)
        user = found["access"].get("user") or {}
        proof = found["access"].get("token") or {}
        return {
            **found,
            "username": user.get("name"),
            "uniq": user.get("id"),
            "auth_token": proof.get("id"),
            "auth_token_expires": proof.get("expires"),
        }


class CachedAstakosClient(Client, _OurCached):
    """Many users of one Astakos, each asked about once."""

    def __init__(
        self,
        endpoint_url: str | None = None,
        token: str | Iterable[str] | None = None,
        **more: Any,
    ) -> None:
        first = token if token is None or isinstance(token, str) else next(iter(token), None)
        super().__init__(endpoint_url, first, **more)

    def user_term(self, key: str, token: Any = None) -> Any:
        """One fact of a user; None when it is not known."""
        return self.user_info(token).get(key)


#: Each client here writes what it sends and gets to the loggers.
LoggedAstakosClient = AstakosClient


class OriginalAstakosClient(AstakosClient):
    """The same, with the token first, as the package `astakosclient` has it.

    Args:
        token: of a user or of a service.
        auth_url: of Astakos.
        retry: how often a call is tried again.
        use_pool, pool_size: connections are always kept, as many as are needed.
        logger: where exchanges are written to; None: where all clients do.
        terms: as `AstakosClient` takes them.
    """

    def __init__(
        self,
        token: str,
        auth_url: str,
        retry: int = 0,
        use_pool: bool = False,  # noqa: ARG002  # see above
        pool_size: int = 8,  # noqa: ARG002  # see above
        logger: logging.Logger | None = None,
        **terms: Any,
    ) -> None:
        if logger is not None and "http" not in terms:
            terms["http"] = LoggingTransport(SHARED, self, (logger, logger))
        super().__init__(auth_url, token, **terms)
        self.CONNECTION_RETRY_LIMIT = retry
