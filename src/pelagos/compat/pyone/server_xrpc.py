"""`pyone.server_xrpc`: the server class by the name that the factory of pyone gives it."""

from __future__ import annotations

from pelagos.compat.pyone.client import FormerServer as OneServerXRPC

__all__ = ["OneServerXRPC"]
