"""Calls that only Synnefo's compute service has."""

from __future__ import annotations

from typing import ClassVar, Unpack

from pelagos.clients.base import Reply
from pelagos.clients.base.client import How
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.blockstorage.rest import BlockStorageRestClient
from pelagos.clients.compute.attached_rest import AttachedRestClient
from pelagos.clients.compute.types import Id


class CycladesComputeRestClient(AttachedRestClient):
    """One method for each call; what else a method takes goes to the verb (see `Client`)."""

    HOME: ClassVar[Dialect] = "synnefo"

    def servers_stats_get(self, server_id: Id, **how: Unpack[How]) -> Reply:
        """GET where pictures of a server's load are."""
        return self.get(("servers", server_id, "stats"), **how)


class CycladesBlockStorageRestClient(BlockStorageRestClient):
    """One method for each call, as `BlockStorageRestClient`, of a Synnefo unless told."""

    HOME: ClassVar[Dialect] = "synnefo"


CycladesRestClient = CycladesComputeRestClient
