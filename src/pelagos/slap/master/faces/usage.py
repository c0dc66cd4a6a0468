"""The call under /v1 that tells what was used."""

from __future__ import annotations

from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.usage import Usages, UsageWish


class UsageFace:
    """One method per call."""

    def __init__(self, service: Usages) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where it is answered."""
        return [Route("v1/usage", "GET", "/v1/usage", self.usage)]

    def usage(self, call: Call) -> Answer:
        """Movements."""
        until = call.number("until", 0.0)
        wish = UsageWish(
            service=call.fields.get("service") or None,
            computer_id=call.fields.get("computer") or None,
            since=call.number("since", 0.0),
            until=until or None,
            limit=int(call.number("limit", 1000)),
        )
        return Answer.json(self._service.usage(wish, call.identity))
