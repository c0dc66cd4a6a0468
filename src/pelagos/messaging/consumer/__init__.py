"""Receives messages. Admission rule: what every receiver needs, with a processor or without."""

from __future__ import annotations

from pelagos.messaging.consumer.consumer import GenericConsumer

__all__ = ["GenericConsumer"]
