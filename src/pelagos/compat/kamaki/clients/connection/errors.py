"""What can go wrong with a connection."""

from pelagos.compat.kamaki.connection import HTTPConnectionError, HTTPResponseError

__all__ = ["HTTPConnectionError", "HTTPResponseError"]
