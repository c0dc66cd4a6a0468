"""How long a lock that something else holds is waited for in silence."""

from __future__ import annotations

from typing import NoReturn

from pelagos.core.clock import Clock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import StepDeferred, StepFailed
from pelagos.slap.agent.lock import Held, Lock

#: Seconds in which what holds a lock of ours should have ended.
IN_SILENCE = 10.0
_PAUSE, _LONG_PAUSE = 0.2, 2.0


class Patience:
    """Since when each lock has been waited for; one thread at a time for each."""

    def __init__(self, causes: Causes, clock: Clock) -> None:
        self._causes = causes
        self._clock = clock
        self._since: dict[str, float] = {}

    def try_again(self, name: str, lock: Lock, held: Held) -> NoReturn:
        """End what holds a lock, unless it is to be waited for; give up when that lasts.

        Raises:
            StepDeferred: it is tried again soon.
            StepFailed: it has lasted too long; says who holds it.
        """
        others = [] if held.is_patient else lock.end_holders()
        since = self._since.setdefault(name, self._clock.monotonic())
        if held.is_patient:
            pause = _LONG_PAUSE
            said = "a script of its end, begun by an agent before, still runs"
        else:
            pause = _PAUSE
            said = f"held by {_named(others)}"
        if self._clock.monotonic() - since < IN_SILENCE:
            raise StepDeferred(f"The lock of {name}: {said}.", retry_after=pause)
        raise StepFailed(
            self._causes.plain(
                "node-error",
                f"Nothing can be done to {name}, because its lock is taken: {said}.",
                f"See who holds {lock.path} (fuser -v {lock.path}) and end that; "
                "it is tried again by itself.",
            )
        )

    def forget(self, name: str) -> None:
        """It could be locked."""
        self._since.pop(name, None)


def _named(pids: list[int]) -> str:
    if not pids:
        return "what an agent before began, which is being ended"
    return f"the process {pids[0]}" if len(pids) == 1 else f"the processes {pids}"
