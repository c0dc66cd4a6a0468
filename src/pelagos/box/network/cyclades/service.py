"""The network service of Cyclades: where it is, and in which catalogue."""

from __future__ import annotations

from pelagos.box.cyclades import answering
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import Neighbours
from pelagos.box.network.cyclades.attached import Attached
from pelagos.box.network.cyclades.networks import Networks
from pelagos.box.network.network import Network
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.web import Router

PREFIX = "/cyclades/network"


def cyclades_network(
    identity: Identity, network: Network, quotas: Quotas, neighbours: Neighbours
) -> Service:
    """The service."""
    router = Router()
    for part in (Networks, Attached):
        part(identity, network, quotas, neighbours).routes(router)
    answer, shape = answering(identity, router)
    offer = SynnefoOffer("network", "cyclades_network", PREFIX, "v2.0", exposes_version=False)
    return Service((PREFIX,), answer, shape, synnefo_offers=(offer,))
