"""The calls under /v1 about machines on demand, in JSON; for operators."""

from __future__ import annotations

from dataclasses import dataclass

from pelagos.slap import protocol
from pelagos.slap.master.auth import operators_only
from pelagos.slap.master.capacity_line import CapacityLine
from pelagos.slap.master.faces.call import Answer, Call, Route


@dataclass(frozen=True, slots=True)
class _Make:
    keep: bool = False


@dataclass(frozen=True, slots=True)
class _Check:
    name: str | None = None


@dataclass(frozen=True, slots=True)
class _Remove:
    lost: bool = False


class CapacityFace:
    """One method per call.

    Args:
        line: makes machines.
    """

    def __init__(self, line: CapacityLine) -> None:
        self._line = line

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        make, remove = "/v1/capacity/<path:name>/make", "/v1/machines/<path:name>/remove"
        return [
            Route("v1/capacity", "GET", "/v1/capacity", self.overview),
            Route("v1/capacity/check", "POST", "/v1/capacity/check", self.check),
            Route("v1/capacity/make", "POST", make, self.make),
            Route("v1/machine/remove", "POST", remove, self.remove),
        ]

    def overview(self, call: Call) -> Answer:
        """Capacities and machines."""
        operators_only(call.identity)
        return Answer.json(self._line.overview())

    def check(self, call: Call) -> Answer:
        """What keeps machines from being made."""
        operators_only(call.identity)
        wished: _Check = call.document(_Check)
        return Answer.json(self._line.check(wished.name))

    def make(self, call: Call) -> Answer:
        """Have a machine made."""
        operators_only(call.identity)
        wished: _Make = call.document(_Make)
        return Answer.json(
            self._line.make(_name(call), keep=wished.keep, actor=call.identity.actor)
        )

    def remove(self, call: Call) -> Answer:
        """Have a machine removed."""
        operators_only(call.identity)
        wished: _Remove = call.document(_Remove)
        return Answer.json(self._line.remove(_name(call), call.identity.actor, lost=wished.lost))


def _name(call: Call) -> str:
    return protocol.text_field(call.fields, "name")
