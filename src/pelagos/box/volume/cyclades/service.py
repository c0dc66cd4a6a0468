"""The volume service of Cyclades: where it is, and in which catalogue."""

from __future__ import annotations

from pelagos.box.cyclades import answering
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import Neighbours
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.volume.cyclades.api import CycladesVolumes
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Router

PREFIX = "/cyclades/volume"


def cyclades_volume(
    identity: Identity, volumes: Volumes, quotas: Quotas, neighbours: Neighbours
) -> Service:
    """The service."""
    router = Router()
    CycladesVolumes(identity, volumes, quotas, neighbours).routes(router)
    answer, shape = answering(identity, router)
    offer = SynnefoOffer("volume", "cyclades_volume", PREFIX, "v2.0", exposes_version=False)
    return Service((PREFIX,), answer, shape, synnefo_offers=(offer,))
