"""Block storage, call by call."""

from pelagos.clients.blockstorage.rest import BlockStorageRestClient as _Ours
from pelagos.compat.kamaki.former import Client

__all__ = ["BlockStorageRestClient"]


class BlockStorageRestClient(Client, _Ours):
    """One method for each call of block storage."""
