"""The services of a box's volumes."""

from __future__ import annotations

from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.neighbours import Neighbours
from pelagos.box.service import Service
from pelagos.box.volume.cinder import cinder
from pelagos.box.volume.cyclades.service import cyclades_volume
from pelagos.box.volume.disks import Disks
from pelagos.box.volume.store import VolumeStore
from pelagos.box.volume.volumes import Volumes


def volumes(
    identity: Identity, quotas: Quotas, neighbours: Neighbours, pace: float
) -> tuple[Service, ...]:
    """Cinder and Cyclades, with one store; servers get their disks from it."""
    rules = Volumes(VolumeStore(identity.database, identity.clock, pace), neighbours)
    neighbours.volumes = Disks(rules)
    return (
        cinder(identity, rules),
        cyclades_volume(identity, rules, quotas, neighbours),
    )
