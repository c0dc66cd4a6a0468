"""Notice when two agents call for one computer: a copied machine, or a forgotten one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Seconds for which the last proof counts.
PROOF_HOLDS = 120.0
#: Agents that are remembered of a computer; a restart makes a new one.
_REMEMBERED = 16
#: Characters of an agent's name that are kept.
_NAME_LIMIT = 120


@dataclass(slots=True)
class _Calls:
    current: str
    former: list[str] = field(default_factory=list)
    proof: tuple[str, str, float] | None = None


class Rivals:
    """Who called for each computer. Safe to share between threads.

    Each start of an agent has a name of its own, so that a restart is a change to a new name. An
    agent that calls again after another one had taken over proves that both run.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: dict[str, _Calls] = {}

    def note(self, computer_id: str, agent: str) -> None:
        """An agent called."""
        agent = agent[:_NAME_LIMIT]
        calls = self._calls.get(computer_id)
        if calls is not None and calls.current == agent:
            return
        with self._lock:
            if calls is None:
                self._calls[computer_id] = _Calls(agent)
                return
            if agent in calls.former:
                calls.proof = (calls.current, agent, self._clock())
                calls.former.remove(agent)
            calls.former.append(calls.current)
            del calls.former[:-_REMEMBERED]
            calls.current = agent

    def of(self, computer_id: str) -> tuple[str, str] | None:
        """The two agents that were seen to call in turns lately."""
        calls = self._calls.get(computer_id)
        if calls is None or calls.proof is None:
            return None
        one, other, at = calls.proof
        return (one, other) if self._clock() - at < PROOF_HOLDS else None
