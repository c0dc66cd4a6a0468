"""The calls under /v1 that a computer's agent answers: in JSON."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from pelagos.slap import protocol
from pelagos.slap.errors import NotFoundError
from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.service import Service
from pelagos.slap.remote import USUAL_HELLO, USUAL_RUN


@dataclass(frozen=True, slots=True)
class _Reading:
    lines: int = 50
    program: str | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    words: tuple[str, ...]
    seconds: float = USUAL_RUN


@dataclass(frozen=True, slots=True)
class _Hello:
    seconds: float = USUAL_HELLO


class RemoteFace:
    """One method per call."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        service, computer = "/v1/services/<path:name>", "/v1/computers/<path:computer_id>"
        return [
            Route("v1/call-key", "GET", "/v1/call-key", self.call_key),
            Route("v1/ping", "POST", f"{computer}/ping", self.ping),
            Route("v1/logs", "POST", f"{service}/logs", self.logs),
            Route("v1/exec", "POST", f"{service}/exec", self.run),
        ]

    def call_key(self, call: Call) -> Answer:
        """With what calls to the agent of the calling computer are sealed."""
        key = self._service.call_key(call.identity)
        return Answer.secret({"key": base64.b64encode(key).decode()})

    def ping(self, call: Call) -> Answer:
        """Whether the agent is there."""
        wished = call.document(_Hello)
        return Answer.json(self._service.ping(call.computer(), wished.seconds, call.identity))

    def logs(self, call: Call) -> Answer:
        """The ends of the logs."""
        wished = call.document(_Reading)
        found = self._service.logs(_name(call), wished.lines, wished.program, call.identity)
        if wished.program is not None and found.known and not found.files:
            raise NotFoundError(
                f"there is no log of a program {wished.program[:80]!r}",
                status=404,
                hint=f"there are: {', '.join(found.known)}",
            )
        return Answer.json(found)

    def run(self, call: Call) -> Answer:
        """How the program ended."""
        wished = call.document(_Run)
        return Answer.json(
            self._service.run(_name(call), wished.words, wished.seconds, call.identity)
        )


def _name(call: Call) -> str:
    return protocol.text_field(call.fields, "name", limit=protocol.URL_LIMIT)
