"""Object storage asked as Pithos 0.21, of Synnefo."""

from __future__ import annotations

from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.pithos.api import PREFIX, PithosApi
from pelagos.box.objects.store import ObjectStore
from pelagos.box.service import Service, SynnefoOffer

__all__ = ["pithos"]


def pithos(identity: Identity, store: ObjectStore, quotas: Quotas) -> Service:
    """The service."""
    api = PithosApi(identity, store, quotas)
    return Service(
        (PREFIX,),
        api.answer,
        api.shape,
        synnefo_offers=(
            SynnefoOffer("object-store", "pithos_object-store", f"{PREFIX}/object-store/v1", "v1"),
        ),
    )
