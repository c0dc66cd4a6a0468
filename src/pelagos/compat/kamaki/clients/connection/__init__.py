"""Connections of the first versions."""

from pelagos.compat.kamaki.connection import HTTPConnection, HTTPResponse

__all__ = ["HTTPConnection", "HTTPResponse"]
