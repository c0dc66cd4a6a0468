"""Pithos: object storage of Synnefo, whose objects are lists of blocks named by their hashes.

The way in is `PithosClient`. It works on Swift, too, as far as Swift can.
"""

from pelagos.clients.pithos.client import PithosClient
from pelagos.clients.pithos.rest import PithosRestClient

__all__ = ["PithosClient", "PithosRestClient"]
