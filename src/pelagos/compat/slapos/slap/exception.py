"""`slapos.slap.exception`: what calls of SLAP raise."""

from __future__ import annotations

from pelagos.slap import (
    AuthenticationError,
    ConnectionError,  # noqa: A004  # the ancestor's
    NotFoundError,
    ResourceNotReady,
    ServerError,
    Unauthorized,
)

__all__ = [
    "AuthenticationError",
    "ConnectionError",
    "NotFoundError",
    "ResourceNotReady",
    "ServerError",
    "Unauthorized",
]
