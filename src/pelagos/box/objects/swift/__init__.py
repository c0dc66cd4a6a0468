"""Object storage asked as Swift."""

from __future__ import annotations

from pelagos.box.identity.identity import Identity
from pelagos.box.objects.store import ObjectStore
from pelagos.box.objects.swift.api import SwiftApi
from pelagos.box.objects.swift.manner import refusal
from pelagos.box.service import Offer, Service

__all__ = ["swift"]

PREFIX = "/swift"


def swift(identity: Identity, store: ObjectStore) -> Service:
    """The service."""
    api = SwiftApi(identity, store)
    return Service(
        (PREFIX, "/info"),
        api.answer,
        lambda _, refused: refusal(refused),
        (Offer("object-store", "swift", f"{PREFIX}/v1/AUTH_{{project}}"),),
    )
