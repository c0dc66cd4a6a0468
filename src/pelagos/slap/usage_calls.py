"""The client's question for usage: a part of `SlapClient`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pelagos.core.http import Response
from pelagos.slap.tio import UsageRow

T = TypeVar("T")


class _Calls(Protocol):
    """What the client around gives."""

    def _call(self, method: str, path: str, **arguments: Any) -> Response: ...
    def _json(self, response: Response, into: type[T]) -> T: ...


class UsageCalls:
    """Each method raises `SlapError` as the client's."""

    def usage(
        self: _Calls,
        *,
        service: str | None = None,
        computer_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int | None = None,
    ) -> list[UsageRow]:
        """What was reported as used, the newest first.

        Args:
            service: name or guid; a root stands for all below it.
            computer_id: only on this computer.
            since: Unix seconds.
            until: Unix seconds.
            limit: rows at the most; 1000 unless told, 10,000 at the most.
        """
        asked = {
            "service": service,
            "computer": computer_id,
            "since": since,
            "until": until,
            "limit": limit,
        }
        return self._json(self._call("GET", "v1/usage", params=asked), list[UsageRow])
