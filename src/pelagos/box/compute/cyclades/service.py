"""Cyclades' compute service."""

from __future__ import annotations

from pelagos.box.compute.cyclades.actions import Actions
from pelagos.box.compute.cyclades.catalogue import Catalogue
from pelagos.box.compute.cyclades.parts import Parts
from pelagos.box.compute.cyclades.servers import Servers
from pelagos.box.compute.cyclades.shapes import VERSION
from pelagos.box.compute.fleet import Fleet
from pelagos.box.cyclades import answering
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import ImageStore
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.web import Router

PREFIX = "/cyclades/compute"


def cyclades_compute(fleet: Fleet, images: ImageStore, sources: Sources) -> Service:
    """The service."""
    router = Router()
    servers = Servers(fleet)
    for part in (
        servers, Actions(fleet), Parts(fleet, servers), Catalogue(fleet, images, sources)
    ):  # fmt: skip
        part.routes(router)
    answer, shape = answering(fleet.identity, router)
    return Service(
        (PREFIX,),
        answer,
        shape,
        synnefo_offers=(
            SynnefoOffer("compute", "cyclades_compute", f"{PREFIX}/{VERSION}", VERSION),
        ),
    )
