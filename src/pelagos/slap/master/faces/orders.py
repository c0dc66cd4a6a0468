"""The calls under /v1 that order something about services and computers: in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pelagos.slap import protocol
from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.service import Service
from pelagos.slap.model import InstanceRequest, InstanceState


@dataclass(frozen=True, slots=True)
class _Wish:
    reference: str
    release_url: str
    software_type: str = "default"
    parameters: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Any] = field(default_factory=dict)
    shared: bool = False
    state: InstanceState | None = None


@dataclass(frozen=True, slots=True)
class _PlannedWish(_Wish):
    basis: str = ""


@dataclass(frozen=True, slots=True)
class _Name:
    reference: str


@dataclass(frozen=True, slots=True)
class _Bang:
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Drain:
    draining: bool


@dataclass(frozen=True, slots=True)
class _Removal:
    lost: bool = False


class OrderFace:
    """One method per call."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        service, computer = "/v1/services/<path:name>", "/v1/computers/<path:computer_id>"
        return [
            Route("v1/plan", "POST", "/v1/plan", self.plan),
            Route("v1/apply", "POST", "/v1/apply", self.apply),
            Route("v1/tree", "GET", "/v1/tree/<path:name>", self.tree),
            Route("v1/rename", "POST", f"{service}/rename", self.rename),
            Route("v1/bang", "POST", f"{service}/bang", self.bang),
            Route("v1/drain", "POST", f"{computer}/drain", self.drain),
            Route("v1/computer-remove", "POST", f"{computer}/remove", self.remove_computer),
            Route("v1/computer-bang", "POST", f"{computer}/bang", self.bang_computer),
        ]

    def plan(self, call: Call) -> Answer:
        """What a request would do."""
        wish = _request(call.document(_Wish))
        return Answer.json(self._service.plan(wish, call.identity))

    def apply(self, call: Call) -> Answer:
        """A planned request, when its plan still holds."""
        sent = call.document(_PlannedWish)
        instance = self._service.apply(_request(sent), sent.basis, call.identity)
        return Answer.json(instance)

    def tree(self, call: Call) -> Answer:
        """All instances of a tree."""
        return Answer.json(self._service.tree(_name(call), call.identity))

    def rename(self, call: Call) -> Answer:
        """Another name; answers with the service as it is then."""
        reference = protocol.text_field({"reference": call.document(_Name).reference}, "reference")
        guid = self._service.rename_service(_name(call), reference, call.identity)
        return Answer.json(self._service.service(guid, call.identity))

    def bang(self, call: Call) -> Answer:
        """A service is processed again; answers with it as it is then."""
        text = call.document(_Bang).message
        guid = self._service.bang_service(_name(call), text, call.identity)
        return Answer.json(self._service.service(guid, call.identity))

    def drain(self, call: Call) -> Answer:
        """Nothing new for a computer, or the end of that; answers with it as it is then."""
        computer_id = call.computer()
        self._service.drain(computer_id, call.document(_Drain).draining, call.identity)
        return Answer.json(self._service.computer(computer_id, call.identity))

    def remove_computer(self, call: Call) -> Answer:
        """A silent computer is forgotten; answers with its name."""
        computer_id = call.computer()
        lost = call.document(_Removal).lost
        self._service.remove_computer(computer_id, call.identity, lost=lost)
        return Answer.json({"removed": computer_id})

    def bang_computer(self, call: Call) -> Answer:
        """All instances of a computer are processed again; answers with it as it is then."""
        computer_id = call.computer()
        text = call.document(_Bang).message
        self._service.bang_computer(computer_id, text, call.identity)
        return Answer.json(self._service.computer(computer_id, call.identity))


def _request(wish: _Wish) -> InstanceRequest:
    """The wish, checked as the fields of requestComputerPartition are."""
    named = {"reference": wish.reference, "release_url": wish.release_url}
    software_type = protocol.optional_field({"software_type": wish.software_type}, "software_type")
    return InstanceRequest(
        reference=protocol.text_field(named, "reference"),
        release_url=protocol.text_field(named, "release_url", limit=protocol.URL_LIMIT),
        software_type=software_type or "default",
        parameters=wish.parameters,
        filters=wish.filters,
        shared=wish.shared,
        state=wish.state,
    )


def _name(call: Call) -> str:
    return protocol.text_field(call.fields, "name", limit=protocol.URL_LIMIT)
