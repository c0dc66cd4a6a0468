"""The client of block storage."""

from pelagos.clients.blockstorage import BlockStorageClient as _Ours
from pelagos.clients.errors import ClientError
from pelagos.compat.kamaki.clients.blockstorage.rest_api import BlockStorageRestClient

__all__ = ["BlockStorageClient", "ClientError"]


class BlockStorageClient(BlockStorageRestClient, _Ours):
    """Volumes and snapshots."""
