"""The services of a box's networks."""

from __future__ import annotations

from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.limits import Limits
from pelagos.box.neighbours import Neighbours
from pelagos.box.network.cyclades.service import cyclades_network
from pelagos.box.network.network import Network
from pelagos.box.network.neutron import neutron
from pelagos.box.network.neutron.quotas import DEFAULTS
from pelagos.box.network.outside import Outside
from pelagos.box.network.plugs import Plugs
from pelagos.box.network.store import NetworkStore
from pelagos.box.service import Service


def networks(
    identity: Identity, quotas: Quotas, neighbours: Neighbours, pace: float
) -> tuple[Service, ...]:
    """Neutron and Cyclades, with one store; servers get their interfaces from it."""
    network = Network(NetworkStore(identity.database, identity.clock, pace))
    limits = Limits(identity.database, "neutron", DEFAULTS)
    neighbours.networks = Plugs(network, limits)
    neighbours.floating = Outside(network, limits)
    return (
        neutron(identity, network, neighbours),
        cyclades_network(identity, network, quotas, neighbours),
    )
