"""Messages that could not be handled: to wait for another try, or to be looked at by a person.

Admission rule: what moves such messages and tells what became of them; not who decides that.
"""

from __future__ import annotations

from pelagos.messaging.dead.letters import DeadLetters

__all__ = ["DeadLetters"]
