"""Sends messages and makes calls. Admission rule: what only those who send need."""

from __future__ import annotations

from pelagos.messaging.producer.producer import GenericProducer

__all__ = ["GenericProducer"]
