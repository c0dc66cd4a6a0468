"""The client's calls that a computer's agent answers: a part of `SlapClient`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pelagos.core.http import Response
from pelagos.slap.orders import segment
from pelagos.slap.remote import USUAL_HELLO, USUAL_RUN, Logs, Presence, Ran

T = TypeVar("T")

#: Seconds that the master may take beyond what the agent is given.
_BESIDES = 30.0


class _Calls(Protocol):
    """What the client around gives."""

    def _call(self, method: str, path: str, **arguments: Any) -> Response: ...
    def _json(self, response: Response, into: type[T]) -> T: ...


@dataclass(frozen=True, slots=True)
class _CallKey:
    key: bytes = field(repr=False)  # Base64 on the wire


class RemoteCalls:
    """Each method raises `SlapError` as the client's."""

    def call_key(self: _Calls) -> bytes:
        """The key with which the master seals calls to the agent that asks; agents only."""
        return self._json(self._call("GET", "v1/call-key"), _CallKey).key

    def ping(self: _Calls, computer_id: str, *, seconds: float = USUAL_HELLO) -> Presence:
        """Whether the agent of a computer is there, asked over the bus.

        Args:
            computer_id: its name.
            seconds: that it may take to answer.
        """
        path, sent = f"v1/computers/{segment(computer_id)}/ping", {"seconds": seconds}
        timeout = seconds + _BESIDES
        return self._json(self._call("POST", path, json=sent, timeout=timeout), Presence)

    def logs(self: _Calls, name: str, *, lines: int = 50, program: str | None = None) -> Logs:
        """The ends of the logs of a service, by reference or guid, wherever it is.

        Args:
            name: of the service.
            lines: of each log at the most.
            program: only its log.
        """
        path, sent = f"v1/services/{segment(name)}/logs", {"lines": lines, "program": program}
        return self._json(self._call("POST", path, json=sent, timeout=_BESIDES), Logs)

    def run(self: _Calls, name: str, words: Sequence[str], *, seconds: float = USUAL_RUN) -> Ran:
        """Run a program in the place of a service, wherever it is; operators only.

        Args:
            name: of the service.
            words: the program and what it is given.
            seconds: that it may run.
        """
        path, sent = f"v1/services/{segment(name)}/exec", {"words": words, "seconds": seconds}
        timeout = seconds + _BESIDES
        return self._json(self._call("POST", path, json=sent, timeout=timeout), Ran)
