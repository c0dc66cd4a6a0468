"""The client of block storage."""

from pelagos.clients.blockstorage import BlockStorageClient as _Ours
from pelagos.compat.kamaki.clients.blockstorage.rest_api import BlockStorageRestClient

__all__ = ["BlockStorageClient"]


class BlockStorageClient(BlockStorageRestClient, _Ours):
    """Volumes and snapshots."""
