"""Volumes and snapshots: Cinder's interface, and what Synnefo's has in common with it."""

from pelagos.clients.blockstorage.client import BlockStorageClient
from pelagos.clients.blockstorage.rest import BlockStorageRestClient

__all__ = ["BlockStorageClient", "BlockStorageRestClient"]
