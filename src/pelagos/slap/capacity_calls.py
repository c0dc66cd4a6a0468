"""The client's calls about machines on demand: a part of `SlapClient`. For operators."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from pelagos.core.http import Response
from pelagos.slap.capacity import Checked, MachineRow, Overview
from pelagos.slap.orders import segment

T = TypeVar("T")

#: Seconds that asking all clouds may take.
_CHECKING = 150.0


class _Calls(Protocol):
    """What the client around gives."""

    def _call(self, method: str, path: str, **arguments: Any) -> Response: ...
    def _json(self, response: Response, into: type[T]) -> T: ...


class CapacityCalls:
    """Each method raises `SlapError` as the client's."""

    def capacity(self: _Calls) -> Overview:
        """Where machines may be made, and those that were."""
        return self._json(self._call("GET", "v1/capacity"), Overview)

    def check_capacity(self: _Calls, name: str | None = None) -> list[Checked]:
        """Ask the clouds whether a machine could be made now; all, or only this one."""
        sent = {"name": name}
        answer = self._call("POST", "v1/capacity/check", json=sent, timeout=_CHECKING)
        return self._json(answer, list[Checked])

    def make_machine(self: _Calls, capacity: str, *, keep: bool = False) -> MachineRow:
        """Have a machine made, which begins at once.

        Args:
            capacity: where.
            keep: it is not removed when it is idle.
        """
        path = f"v1/capacity/{segment(capacity)}/make"
        return self._json(self._call("POST", path, json={"keep": keep}), MachineRow)

    def remove_machine(self: _Calls, name: str, *, lost: bool = False) -> MachineRow:
        """Have a machine removed on which nothing sits, which begins at once.

        Args:
            lost: its cloud has lost it; what sat there begins anew elsewhere, with nothing of what
                it kept.
        """
        path = f"v1/machines/{segment(name)}/remove"
        return self._json(self._call("POST", path, json={"lost": lost}), MachineRow)
