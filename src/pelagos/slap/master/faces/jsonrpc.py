"""The JSON-RPC interface of SlapOS: POST of a JSON object to a method, a JSON object back.

Its shapes are in `jsonrpc_methods`; they are strict: what is not named is refused. An error is
`{"status", "type", "title"}`, and what a caller may not see is refused as what he may not do: 403.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Literal, cast

from pelagos.core import wire
from pelagos.slap import calls, protocol
from pelagos.slap.errors import (
    BadRequest,
    NotFoundError,
    ResourceNotReady,
    SlapError,
    Unauthorized,
)
from pelagos.slap.master.auth import Identity, Kind, permit
from pelagos.slap.master.computers import access_status
from pelagos.slap.master.faces.call import JSON, Answer, Call, Route
from pelagos.slap.master.faces.caller import requester, rest_url
from pelagos.slap.master.faces.json_shape import fault
from pelagos.slap.master.faces.jsonrpc_methods import METHODS
from pelagos.slap.master.service import Service
from pelagos.slap.master.store import StoredInstance
from pelagos.slap.model import (
    Address,
    ComputerFormat,
    Instance,
    InstanceRequest,
    InstanceState,
    PartitionFormat,
    SupplyState,
)
from pelagos.slap.structured import pack, unpack

Sent = Mapping[str, Any]
Work = Callable[[Call, Sent], dict[str, Any]]

#: What the answer to a request says while nothing is allocated.
_NOT_READY = 102


class JsonRpcFace:
    """One method per method; each takes what was sent and gives the answer's object.

    Args:
        service: the use cases.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Where each method is answered."""
        instances: dict[str, Work] = {
            "slapos.post.v0.software_instance": self.request,
            "slapos.get.v0.software_instance": self.instance,
            "slapos.get.v0.compute_partition": self.partition,
            "slapos.get.v0.instance_tree": self.tree,
            "slapos.allDocs.v0.instance_tree_list": self.trees,
            "slapos.allDocs.v0.instance_node_instance_list": self.shared,
            "slapos.put.v0.software_instance_reported_state": self.instance_reported,
            "slapos.put.v0.software_instance_error": self.instance_error,
            "slapos.put.v0.software_instance_bang": self.instance_bang,
            "slapos.put.v0.software_instance_connection_parameter": self.publish,
            "slapos.put.v0.software_instance_title": self.rename,
            "slapos.get.v0.software_instance_certificate": self.instance_certificate,
        }
        computers: dict[str, Work] = {
            "slapos.allDocs.v0.compute_node_instance_list": self.instances_on,
            "slapos.allDocs.v0.compute_node_software_installation_list": self.supplies_on,
            "slapos.allDocs.WIP.compute_node_list": self.computers,
            "slapos.post.v0.software_installation": self.supply,
            "slapos.put.v0.software_installation_reported_state": self.installation_reported,
            "slapos.put.v0.software_installation_error": self.installation_error,
            "slapos.put.v0.compute_node_format": self.format_computer,
            "slapos.put.v0.compute_node_bang": self.computer_bang,
            "slapos.post.v0.compute_node_usage": self.usage,
            "slapos.post.v0.compute_node_certificate": self.computer_certificate,
            "slapos.remove.v0.compute_node_certificate": self.revoke_certificate,
            "slapos.get.v0.compute_node_status": self.computer_status,
            "slapos.get.v0.hateoas_url": self.hateoas_url,
        }
        return [
            Route(name, "POST", f"/{name}", _answering(work), right="slapos")
            for name, work in (instances | computers).items()
        ]

    # ---- instances ---------------------------------------------------------------------------

    def request(self, call: Call, sent: Sent) -> dict[str, Any]:
        """An instance, for a person or for another instance."""
        by = requester(call.environ, call.identity)
        permit(call.identity, protocol.REQUEST, *(by or (None, None)))
        if by is not None:
            self._check_requester(by, call.identity)
        state = sent.get("state")
        wish = InstanceRequest(
            reference=protocol.text_field(sent, "title"),
            release_url=_url(sent),
            software_type=protocol.text_field(sent, "software_type"),
            parameters=pack(sent.get("parameters", {})),
            filters=pack(sent.get("sla_parameters", {})),
            shared=sent.get("shared", False),
            state=None if state is None else InstanceState(state),
            requester=by,
        )
        try:
            found = self._service.request(wish, call.identity)
        except ResourceNotReady as error:
            return {
                "message": error.message,
                "name": "SoftwareInstanceNotReady",
                "status": _NOT_READY,
            }
        # Not looked up again: whoever may request it need not see it, e.g. when it sits elsewhere.
        return _document_of(found, wish, self._service.told_of(found.guid))

    def _check_requester(self, by: tuple[str, str], identity: Identity) -> None:
        try:
            self._service.instance_in(*by, identity)
        except NotFoundError as error:
            raise BadRequest(
                f"nobody can request in the name of {' '.join(by)}: {error.message}",
                status=400,
                hint="name a partition that is taken in the header X-SlapPartition",
            ) from error

    def instance(self, call: Call, sent: Sent) -> dict[str, Any]:
        """An instance by its guid."""
        return document(self._service.instance_by_guid(_guid(sent), call.identity))

    def partition(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The instance in a partition."""
        where = _computer(sent), protocol.partition_field(sent, "compute_partition_id")
        return document(self._service.instance_in(*where, call.identity))

    def tree(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The root of a tree by its title."""
        found = self._service.trees(call.identity, protocol.text_field(sent, "title"))
        if not found:
            raise NotFoundError(
                f"there is no instance tree {sent['title']}",
                status=404,
                hint="slapos.allDocs.v0.instance_tree_list names those that there are",
            )
        return document(found[0])

    def trees(self, call: Call, sent: Sent) -> dict[str, Any]:
        """All trees."""
        del sent
        return _rows({"title": row.title} for row in self._service.trees(call.identity))

    def shared(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The shared instances that an instance serves."""
        found = self._service.shared_by(_guid(sent), call.identity)
        return _rows(
            {
                "title": row.title,
                "instance_guid": row.guid,
                "software_type": row.software_type,
                "state": str(row.requested_state),
                "parameters": unpack(row.parameters),
                "compute_partition_id": row.partition_id or "",
            }
            for row in found
        )

    def instance_reported(self, call: Call, sent: Sent) -> dict[str, Any]:
        """An instance runs, stands still or is gone."""
        row = self._service.instance_by_guid(_guid(sent), call.identity)
        state: Literal["started", "stopped", "destroyed"] = sent["reported_state"]
        if row.shared:
            return _success("Ignored: a shared instance is what its host is")
        where = _place(row)
        permit(call.identity, f"{state}ComputerPartition", *where)
        said = self._service.report_partition(*where, state, call.identity)
        if state == "destroyed" and said not in ("OK", "the partition is free"):
            raise Unauthorized(
                said, status=403, hint="ask for its end first, and for that of what it requested"
            )
        return _success("Destroyed" if state == "destroyed" else "State reported")

    def instance_error(self, call: Call, sent: Sent) -> dict[str, Any]:
        """An instance is not as it should be."""
        row = self._service.instance_by_guid(_guid(sent), call.identity)
        where = _place(row)
        permit(call.identity, protocol.PARTITION_ERROR, *where)
        message = sent["message"].replace("\0", "")
        shared = row.guid if row.shared else None
        self._service.report_partition_error(*where, message, call.identity, None, shared)
        return _success("Error reported")

    def instance_bang(self, call: Call, sent: Sent) -> dict[str, Any]:
        """An instance wants to be processed again."""
        where = _place(self._service.instance_by_guid(_guid(sent), call.identity))
        permit(call.identity, protocol.PARTITION_BANG, *where)
        self._service.bang(*where, sent["message"], call.identity)
        return _success("Bang handled")

    def publish(self, call: Call, sent: Sent) -> dict[str, Any]:
        """Connection parameters, also of a shared instance."""
        row = self._service.instance_by_guid(_guid(sent), call.identity)
        where = _place(row)
        permit(call.identity, protocol.PUBLISH, *where)
        published = pack(sent["connection_parameter_dict"])
        shared = row.guid if row.shared else None
        self._service.publish(*where, published, call.identity, shared)
        return _success("Updated")

    def rename(self, call: Call, sent: Sent) -> dict[str, Any]:
        """Another title."""
        row = self._service.instance_by_guid(_guid(sent), call.identity)
        where = _place(row)
        permit(call.identity, calls.RENAME, *where)
        title = protocol.text_field(sent, "title")
        self._service.rename(*where, title, call.identity, row.guid if row.shared else None)
        return _success("Renamed")

    def instance_certificate(self, call: Call, sent: Sent) -> dict[str, Any]:
        """Key and certificate of an instance, the same ones each time."""
        where = _place(self._service.instance_by_guid(_guid(sent), call.identity))
        permit(call.identity, calls.PARTITION_CERTIFICATE, *where)
        pair = self._service.partition_certificate(*where, call.identity)
        return {"key": pair["key"], "certificate": pair["certificate"]}

    # ---- computers and releases --------------------------------------------------------------

    def instances_on(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The instances on a computer."""
        found = self._service.instances_on(_computer(sent), call.identity)
        return _rows(
            {
                "title": row.title,
                "instance_guid": row.guid,
                "state": str(row.requested_state),
                "compute_partition_id": row.partition_id or "",
                "software_release_uri": row.release_url,
            }
            for row in found
        )

    def supplies_on(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The releases that a computer was asked to supply."""
        found = self._service.supplies_on(_computer(sent), call.identity)
        return _rows(
            {"software_release_uri": row.url, "state": str(row.requested_state)} for row in found
        )

    def computers(self, call: Call, sent: Sent) -> dict[str, Any]:
        """All computers."""
        del sent
        found = self._service.known_computers(call.identity)
        return _rows({"computer_guid": row.computer_id} for row in found)

    def supply(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A release on a computer."""
        computer_id = _permitted(call, sent, protocol.SUPPLY)
        url = _url(sent)
        state = SupplyState(sent.get("state", SupplyState.AVAILABLE))
        self._service.supply(url, computer_id, state, call.identity)
        return _success(f"Supplied {url} to be {state}")

    def installation_reported(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A release is being built, built or gone."""
        state: Literal["building", "available", "destroyed"] = sent["reported_state"]
        computer_id = _permitted(call, sent, f"{state}SoftwareRelease")
        url = _url(sent)
        self._service.report_release(computer_id, url, state, call.identity)
        return _success("State reported")

    def installation_error(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A release could not be built."""
        computer_id = _permitted(call, sent, protocol.RELEASE_ERROR)
        message = sent["message"].replace("\0", "")
        url = _url(sent)
        self._service.report_release_error(computer_id, url, message, call.identity)
        return _success("Error reported")

    def format_computer(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A computer and its partitions."""
        computer_id = _permitted(call, sent, protocol.FORMAT_COMPUTER)
        slots = tuple(
            PartitionFormat(
                protocol.partition_field(slot, "partition_id"),
                tuple(_address(item) for item in slot.get("ip_list", ())),
            )
            for slot in sent["compute_partition_list"]
        )
        if len({slot.partition_id for slot in slots}) < len(slots):
            raise BadRequest("a partition is listed twice", status=400, hint="list each once")
        self._service.format_computer(ComputerFormat(computer_id, slots), call.identity)
        return _success("Formatted")

    def computer_bang(self, call: Call, sent: Sent) -> dict[str, Any]:
        """All instances on a computer want to be processed again."""
        computer_id = _permitted(call, sent, calls.COMPUTER_BANG)
        self._service.bang_computer(computer_id, sent["message"], call.identity)
        return _success("Bang handled")

    def usage(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A usage report."""
        computer_id = _permitted(call, sent, calls.USE_COMPUTER)
        self._service.use_computer(computer_id, sent["tioxml"], call.identity)
        return _success("Usage reported")

    def computer_certificate(self, call: Call, sent: Sent) -> dict[str, Any]:
        """A new key and certificate of a computer without one."""
        computer_id = _permitted(call, sent, calls.GENERATE_CERTIFICATE)
        issued = self._service.generate_certificate(Kind.COMPUTER, computer_id, call.identity)
        return {"key": issued.key or "", "certificate": issued.certificate}

    def revoke_certificate(self, call: Call, sent: Sent) -> dict[str, Any]:
        """The end of a computer's certificate."""
        computer_id = _permitted(call, sent, calls.REVOKE_CERTIFICATE)
        self._service.revoke_certificate(Kind.COMPUTER, computer_id, call.identity)
        return _success("Revoked")

    def computer_status(self, call: Call, sent: Sent) -> dict[str, Any]:
        """What was last heard of a computer."""
        found = self._service.computer_status(_computer(sent), call.identity)
        return {"text": found["text"]}

    def hateoas_url(self, call: Call, sent: Sent) -> dict[str, Any]:
        """Where the HATEOAS interface is."""
        del sent
        return {"hateoas_url": rest_url(call.environ)}


def document(row: StoredInstance) -> dict[str, Any]:
    """An instance as this interface shows it."""
    return {
        "title": row.title,
        "instance_guid": row.guid,
        "software_release_uri": row.release_url,
        "software_type": row.software_type,
        "state": str(row.requested_state),
        "connection_parameters": unpack(row.connection),
        "parameters": unpack(row.parameters),
        "shared": row.shared,
        "root_instance_title": row.root_title,
        "ip_list": [[item.interface, item.address] for item in row.addresses],
        "full_ip_list": [],
        "sla_parameters": unpack(row.filters),
        "computer_guid": row.computer_id or "",
        "compute_partition_id": row.partition_id or "",
        "processing_timestamp": row.timestamp // 1_000_000,
        "access_status_message": access_status(row) or "",
    }


def _document_of(found: Instance, wish: InstanceRequest, said: str) -> dict[str, Any]:
    """An instance as its requester was given it, likewise."""
    return {
        "title": found.title,
        "instance_guid": found.guid,
        "software_release_uri": found.release_url,
        "software_type": found.software_type,
        "state": str(found.requested_state),
        "connection_parameters": unpack(found.connection),
        "parameters": unpack(found.parameters),
        "shared": wish.shared,
        "root_instance_title": found.root_title,
        "ip_list": [[item.interface, item.address] for item in found.addresses],
        "full_ip_list": [],
        "sla_parameters": unpack(found.filters),
        "computer_guid": found.computer_id,
        "compute_partition_id": found.partition_id,
        "processing_timestamp": (found.timestamp or 0) // 1_000_000,
        "access_status_message": said,
    }


def failure(status: int, title: str, hint: str | None = None) -> dict[str, Any]:
    """An error as this interface shows it; what is not there is refused like the forbidden.

    It has no room for a hint of its own, so that ends the title.
    """
    title = f"{title} ({hint})" if hint else title
    shown = 403 if status == HTTPStatus.NOT_FOUND else status
    return {"status": shown, "type": HTTPStatus(shown).phrase, "title": title}


def _answering(work: Work) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        try:
            _check_accept(call.environ.get("HTTP_ACCEPT", ""))
            said = Answer.json(work(call, _input(call)))
        except SlapError as error:
            if (error.status or 500) >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            shown = failure(error.status or 500, error.message, error.hint)
            return Answer(wire.encode(shown), JSON, shown["status"])
        return said

    return answer


def _check_accept(accept: str) -> None:
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if accept and not {"*/*", "application/*", JSON} & set(kinds):
        raise SlapError(
            f"the answer is {JSON}, which {accept} does not allow",
            status=406,
            hint=f"send Accept: {JSON}",
        )


def _input(call: Call) -> Sent:
    try:
        sent = wire.decode(call.body) if call.body else {}
    except wire.WireError as error:
        raise BadRequest(
            f"the body is not JSON: {error}", status=400, hint="send a JSON object"
        ) from error
    wrong = fault(METHODS[call.name], sent)
    if wrong is not None:
        raise BadRequest(
            wrong, status=400, hint="docs/reference/http-api.md names what each method takes"
        )
    return cast(Sent, sent)


def _permitted(call: Call, sent: Sent, right: str) -> str:
    """The computer that a call is about, when the caller may make the SLAP call of this name."""
    computer_id = _computer(sent)
    permit(call.identity, right, computer_id, call.identity.partition_id)
    return computer_id


def _computer(sent: Sent) -> str:
    return protocol.text_field(sent, "computer_guid")


def _guid(sent: Sent) -> str:
    return protocol.text_field(sent, "instance_guid")


def _url(sent: Sent) -> str:
    return protocol.text_field(sent, "software_release_uri", limit=protocol.URL_LIMIT)


def _place(row: StoredInstance) -> tuple[str, str]:
    if row.computer_id is None or row.partition_id is None:
        raise NotFoundError(
            f"{row.title} has no place yet",
            status=404,
            hint=f"ask again later; pelagos why {row.title} says what it waits for",
        )
    return row.computer_id, row.partition_id


def _address(item: Mapping[str, str]) -> Address:
    return Address(item.get("network-interface", ""), item["ip-address"], item.get("netmask", ""))


def _rows(rows: Any) -> dict[str, Any]:
    return {"result_list": list(rows)}


def _success(title: str) -> dict[str, Any]:
    return {"type": "success", "title": title}
