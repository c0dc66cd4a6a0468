"""Files in Pithos: up and down by blocks, and changed in place."""

from pelagos.clients.pithos.files.change import FilesClient

__all__ = ["FilesClient"]
