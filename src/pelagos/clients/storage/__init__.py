"""Object storage: containers and objects, files of any size up and down.

The way in is `StorageClient`. Modules beside it that know no service (`transfer`, `local`,
`ranges`, `progress`) serve Pithos, too.
"""

from pelagos.clients.storage.client import StorageClient

__all__ = ["StorageClient"]
