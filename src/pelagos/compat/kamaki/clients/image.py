"""The client of an image service."""

from pelagos.clients.errors import ClientError
from pelagos.clients.image import ImageClient as _Ours
from pelagos.compat.kamaki.former import Client

__all__ = ["ClientError", "ImageClient"]


class ImageClient(Client, _Ours):
    """Images, and with whom they are shared."""
