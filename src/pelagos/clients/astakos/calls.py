"""How the parts of the client reach the account service."""

from __future__ import annotations

from typing import Any, Protocol

from pelagos.clients.base import Reply


class Calls(Protocol):
    """What each part of `AstakosClient` builds on."""

    def _call(self, method: str, path: Any, **how: Any) -> Reply:
        """One call of the account service."""
        ...
