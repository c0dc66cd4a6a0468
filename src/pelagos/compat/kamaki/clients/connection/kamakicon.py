"""The connection that the first versions took when none was given."""

from pelagos.compat.kamaki.connection import KamakiHTTPConnection, KamakiHTTPResponse

__all__ = ["KamakiHTTPConnection", "KamakiHTTPResponse"]
