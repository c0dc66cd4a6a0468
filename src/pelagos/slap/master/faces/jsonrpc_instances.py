"""What the methods of the JSON-RPC interface do about instances."""

from __future__ import annotations

from typing import Any, Literal

from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest, NotFoundError, ResourceNotReady, Unauthorized
from pelagos.slap.master.auth import permit
from pelagos.slap.master.computers import access_status
from pelagos.slap.master.faces.caller import requester
from pelagos.slap.master.faces.jsonrpc_asked import Asked, rows, success
from pelagos.slap.master.store import StoredInstance
from pelagos.slap.model import (
    Instance,
    InstanceRequest,
    InstanceState,
)
from pelagos.slap.structured import pack, unpack

#: What the answer to a request says while nothing is allocated.
_NOT_READY = 102


def request(asked: Asked) -> dict[str, Any]:
    """An instance, for a person or for another instance."""
    by = requester(asked.call.environ, asked.identity)
    permit(asked.identity, protocol.REQUEST, *(by or (None, None)))
    if by is not None:
        _check_requester(asked, by)
    state = asked.sent.get("state")
    wish = InstanceRequest(
        reference=protocol.text_field(asked.sent, "title"),
        release_url=asked.url,
        software_type=protocol.text_field(asked.sent, "software_type"),
        parameters=pack(asked.sent.get("parameters", {})),
        filters=pack(asked.sent.get("sla_parameters", {})),
        shared=asked.sent.get("shared", False),
        state=None if state is None else InstanceState(state),
        requester=by,
    )
    try:
        found = asked.service.request(wish, asked.identity)
    except ResourceNotReady as error:
        return {
            "message": error.message,
            "name": "SoftwareInstanceNotReady",
            "status": _NOT_READY,
        }
    # Not looked up again: whoever may request it need not see it, e.g. when it sits elsewhere.
    return _document(found, asked.service.told_of(found.guid), shared=wish.shared)


def _check_requester(asked: Asked, by: tuple[str, str]) -> None:
    try:
        asked.service.instance_in(*by, asked.identity)
    except NotFoundError as error:
        raise BadRequest(
            f"nobody can request in the name of {' '.join(by)}: {error.message}",
            status=400,
            hint="name a partition that is taken in the header X-SlapPartition",
        ) from error


def instance(asked: Asked) -> dict[str, Any]:
    """An instance by its guid."""
    return _seen(asked.instance())


def partition(asked: Asked) -> dict[str, Any]:
    """The instance in a partition."""
    where = asked.computer(), protocol.partition_field(asked.sent, "compute_partition_id")
    return _seen(asked.service.instance_in(*where, asked.identity))


def tree(asked: Asked) -> dict[str, Any]:
    """The root of a tree by its title."""
    found = asked.service.trees(asked.identity, protocol.text_field(asked.sent, "title"))
    if not found:
        raise NotFoundError(
            f"there is no instance tree {asked.sent['title']}",
            status=404,
            hint="slapos.allDocs.v0.instance_tree_list names those that there are",
        )
    return _seen(found[0])


def trees(asked: Asked) -> dict[str, Any]:
    """All trees."""
    return rows({"title": row.title} for row in asked.service.trees(asked.identity))


def shared(asked: Asked) -> dict[str, Any]:
    """The shared instances that an instance serves."""
    found = asked.service.shared_by(
        protocol.text_field(asked.sent, "instance_guid"), asked.identity
    )
    return rows(
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


def instance_reported(asked: Asked) -> dict[str, Any]:
    """An instance runs, stands still or is gone."""
    row = asked.instance()
    state: Literal["started", "stopped", "destroyed"] = asked.sent["reported_state"]
    if row.shared:
        return success("Ignored: a shared instance is what its host is")
    where = asked.place(row)
    said = asked.service.report_partition(*where, state, asked.identity)
    if state == "destroyed" and said not in ("OK", "the partition is free"):
        raise Unauthorized(
            said, status=403, hint="ask for its end first, and for that of what it requested"
        )
    return success("Destroyed" if state == "destroyed" else "State reported")


def instance_error(asked: Asked) -> dict[str, Any]:
    """An instance is not as it should be."""
    row, where = asked.about()
    message = asked.sent["message"].replace("\0", "")
    shared = row.guid if row.shared else None
    asked.service.report_partition_error(*where, message, asked.identity, None, shared)
    return success("Error reported")


def instance_bang(asked: Asked) -> dict[str, Any]:
    """An instance wants to be processed again."""
    _, where = asked.about()
    asked.service.bang(*where, asked.sent["message"], asked.identity)
    return success("Bang handled")


def publish(asked: Asked) -> dict[str, Any]:
    """Connection parameters, also of a shared instance."""
    row, where = asked.about()
    published = pack(asked.sent["connection_parameter_dict"])
    shared = row.guid if row.shared else None
    asked.service.publish(*where, published, asked.identity, shared)
    return success("Updated")


def rename(asked: Asked) -> dict[str, Any]:
    """Another title."""
    row, where = asked.about()
    title = protocol.text_field(asked.sent, "title")
    asked.service.rename(*where, title, asked.identity, row.guid if row.shared else None)
    return success("Renamed")


def instance_certificate(asked: Asked) -> dict[str, Any]:
    """Key and certificate of an instance, the same ones each time."""
    _, where = asked.about()
    pair = asked.service.partition_certificate(*where, asked.identity)
    return {"key": pair["key"], "certificate": pair["certificate"]}


def _seen(row: StoredInstance) -> dict[str, Any]:
    return _document(row, access_status(row), shared=row.shared)


def _document(row: StoredInstance | Instance, said: str | None, *, shared: bool) -> dict[str, Any]:
    """An instance as this interface shows it."""
    return {
        "title": row.title,
        "instance_guid": row.guid,
        "software_release_uri": row.release_url,
        "software_type": row.software_type,
        "state": str(row.requested_state),
        "connection_parameters": unpack(row.connection),
        "parameters": unpack(row.parameters),
        "shared": shared,
        "root_instance_title": row.root_title,
        "ip_list": [[item.interface, item.address] for item in row.addresses],
        "full_ip_list": [],
        "sla_parameters": unpack(row.filters),
        "computer_guid": row.computer_id or "",
        "compute_partition_id": row.partition_id or "",
        "processing_timestamp": (row.timestamp or 0) // 1_000_000,
        "access_status_message": said or "",
    }
