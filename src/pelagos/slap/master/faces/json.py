"""The calls under /v1: what people, the CLI and the directory ask, in JSON."""

from __future__ import annotations

from typing import TypedDict

from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import permit
from pelagos.slap.master.faces.call import Answer, Call, Route
from pelagos.slap.master.service import Service
from pelagos.slap.master.views import PAGE
from pelagos.slap.model import InstanceState


class _State(TypedDict):
    state: str


class _Partition(TypedDict):
    computer_id: str
    partition_id: str


class JsonFace:
    """One method per call."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where each call is answered."""
        return [
            Route("v1/services", "GET", "/v1/services", self.services),
            Route("v1/service", "GET", "/v1/services/<path:name>", self.service),
            Route("v1/state", "POST", "/v1/services/<path:name>/state", self.set_state),
            Route("v1/computers", "GET", "/v1/computers", self.computers),
            Route("v1/computer", "GET", "/v1/computers/<path:computer_id>", self.computer),
            Route("v1/releases", "GET", "/v1/releases", self.releases),
            Route("v1/events", "GET", "/v1/events", self.events),
            Route("v1/explain", "GET", "/v1/explain", self.explain),
            Route("v1/explain", "GET", "/v1/explain/<path:name>", self.explain),
            Route("v1/parameter-schema", "GET", "/v1/parameter-schema", self.parameter_schema),
            Route("v1/identity", "GET", "/v1/identity", self.identity),
            Route("v1/partition-token", "POST", "/v1/partition-token", self.partition_token),
        ]

    def services(self, call: Call) -> Answer:
        """The next services; `next` is None on the last page."""
        after, limit = int(call.number("after", 0)), int(call.number("limit", PAGE))
        return Answer.json(self._service.service_page(call.identity, after, limit))

    def service(self, call: Call) -> Answer:
        """One service."""
        return Answer.json(self._service.service(_name(call), call.identity))

    def set_state(self, call: Call) -> Answer:
        """Start, stop or destroy; answers with the service as it is then."""
        wished: _State = call.document(_State)
        try:
            state = InstanceState(wished["state"])
        except ValueError as error:
            raise BadRequest(
                f"{wished['state'][:40]!r} is not a state of an instance",
                status=400,
                hint="use started, stopped or destroyed",
            ) from error
        guid = self._service.set_state(_name(call), state, call.identity)
        return Answer.json(self._service.service(guid, call.identity))

    def parameter_schema(self, call: Call) -> Answer:
        """What is known of a release's parameters."""
        url = protocol.text_field(call.fields, "url", limit=protocol.URL_LIMIT)
        return Answer.json(self._service.parameter_schema(url, call.identity))

    def computers(self, call: Call) -> Answer:
        """All computers."""
        return Answer.json(self._service.computers(call.identity))

    def computer(self, call: Call) -> Answer:
        """One computer."""
        return Answer.json(self._service.computer(call.computer(), call.identity))

    def releases(self, call: Call) -> Answer:
        """All supplies."""
        return Answer.json(self._service.releases(call.identity))

    def events(self, call: Call) -> Answer:
        """Events, waited for when there are none."""
        found = self._service.events(
            after=int(call.number("after", 0)),
            subject=call.fields.get("subject") or None,
            limit=int(call.number("limit", 100)),
            wait=call.number("wait", 0.0),
            identity=call.identity,
        )
        return Answer.json(found)

    def explain(self, call: Call) -> Answer:
        """Why a thing is as it is."""
        kind = call.fields.get("kind") or None
        return Answer.json(self._service.explain(_name(call), kind, call.identity))

    def identity(self, call: Call) -> Answer:
        """Who asks."""
        return Answer.json(self._service.identity(call.identity))

    def partition_token(self, call: Call) -> Answer:
        """A token for the instance in a partition of the calling computer."""
        wished: _Partition = call.document(_Partition)
        computer_id = wished["computer_id"]
        partition_id = protocol.partition_field(wished, "partition_id")  # type: ignore[arg-type]  # a mapping of texts
        permit(call.identity, call.name, computer_id, partition_id)
        token = self._service.partition_token(computer_id, partition_id, call.identity)
        return Answer.secret({"token": token})


def _name(call: Call) -> str:
    return protocol.text_field(call.fields, "name", limit=protocol.URL_LIMIT)
