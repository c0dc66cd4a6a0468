"""`postage.generic_application`."""

from __future__ import annotations

from pelagos.messaging.application import GenericApplication, GenericApplicationExchange

__all__ = ["GenericApplication", "GenericApplicationExchange"]
