"""The way to the agents, which the program around a master gives it."""

from __future__ import annotations

from typing import Protocol


class AgentLine(Protocol):
    """Carries sealed calls to agents; safe to share between threads."""

    def call(self, computer_id: str, call_id: str, sealed: bytes, timeout: float) -> bytes:
        """The sealed answer.

        Raises:
            AgentUnreachable: there is no bus, no agent listens on it, or it did not answer in
                time.
        """
