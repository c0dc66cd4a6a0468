"""Images: Glance's interface and Synnefo's, under the methods that Synnefo's had."""

from pelagos.clients.image.client import ImageClient

__all__ = ["ImageClient"]
