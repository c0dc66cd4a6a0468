"""Keystone v3: who somebody is, what he may do and where the services are."""

from pelagos.clients.identity.client import IdentityClient

__all__ = ["IdentityClient"]
