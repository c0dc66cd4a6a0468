"""Pithos, call by call."""

from pelagos.clients.pithos import PithosRestClient as _Ours
from pelagos.compat.kamaki.clients.storage import StorageClient
from pelagos.compat.kamaki.former import take_former_names

__all__ = ["PithosRestClient"]


class PithosRestClient(StorageClient, _Ours):
    """One method for each call of Pithos."""


take_former_names(PithosRestClient, object="obj")
