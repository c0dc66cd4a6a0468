"""Messages that could not be handled: to wait for another try, or to be looked at by a person."""

from __future__ import annotations

from pelagos.messaging.dead.letters import DeadLetters

__all__ = ["DeadLetters"]
