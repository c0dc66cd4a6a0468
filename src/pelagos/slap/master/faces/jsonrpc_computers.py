"""What the methods of the JSON-RPC interface do about computers and releases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest
from pelagos.slap.master.auth import Kind
from pelagos.slap.master.faces.caller import rest_url
from pelagos.slap.master.faces.jsonrpc_asked import Asked, rows, success
from pelagos.slap.model import (
    Address,
    ComputerFormat,
    PartitionFormat,
    SupplyState,
)


def instances_on(asked: Asked) -> dict[str, Any]:
    """The instances on a computer."""
    found = asked.service.instances_on(asked.computer(), asked.identity)
    return rows(
        {
            "title": row.title,
            "instance_guid": row.guid,
            "state": str(row.requested_state),
            "compute_partition_id": row.partition_id or "",
            "software_release_uri": row.release_url,
        }
        for row in found
    )


def supplies_on(asked: Asked) -> dict[str, Any]:
    """The releases that a computer was asked to supply."""
    found = asked.service.supplies_on(asked.computer(), asked.identity)
    return rows(
        {"software_release_uri": row.url, "state": str(row.requested_state)} for row in found
    )


def computers(asked: Asked) -> dict[str, Any]:
    """All computers."""
    found = asked.service.known_computers(asked.identity)
    return rows({"computer_guid": row.computer_id} for row in found)


def supply(asked: Asked) -> dict[str, Any]:
    """A release on a computer."""
    computer_id = asked.computer()
    url = asked.url
    state = SupplyState(asked.sent.get("state", SupplyState.AVAILABLE))
    asked.service.supply(url, computer_id, state, asked.identity)
    return success(f"Supplied {url} to be {state}")


def installation_reported(asked: Asked) -> dict[str, Any]:
    """A release is being built, built or gone."""
    state: Literal["building", "available", "destroyed"] = asked.sent["reported_state"]
    computer_id = asked.computer()
    url = asked.url
    asked.service.report_release(computer_id, url, state, asked.identity)
    return success("State reported")


def installation_error(asked: Asked) -> dict[str, Any]:
    """A release could not be built."""
    computer_id = asked.computer()
    message = asked.sent["message"].replace("\0", "")
    url = asked.url
    asked.service.report_release_error(computer_id, url, message, asked.identity)
    return success("Error reported")


def format_computer(asked: Asked) -> dict[str, Any]:
    """A computer and its partitions."""
    computer_id = asked.computer()
    slots = tuple(
        PartitionFormat(
            protocol.partition_field(slot, "partition_id"),
            tuple(_address(item) for item in slot.get("ip_list", ())),
        )
        for slot in asked.sent["compute_partition_list"]
    )
    if len({slot.partition_id for slot in slots}) < len(slots):
        raise BadRequest("a partition is listed twice", status=400, hint="list each once")
    asked.service.format_computer(ComputerFormat(computer_id, slots), asked.identity)
    return success("Formatted")


def computer_bang(asked: Asked) -> dict[str, Any]:
    """All instances on a computer want to be processed again."""
    computer_id = asked.computer()
    asked.service.bang_computer(computer_id, asked.sent["message"], asked.identity)
    return success("Bang handled")


def usage(asked: Asked) -> dict[str, Any]:
    """A usage report."""
    computer_id = asked.computer()
    asked.service.use_computer(computer_id, asked.sent["tioxml"], asked.identity)
    return success("Usage reported")


def computer_certificate(asked: Asked) -> dict[str, Any]:
    """A new key and certificate of a computer without one."""
    computer_id = asked.computer()
    issued = asked.service.generate_certificate(Kind.COMPUTER, computer_id, asked.identity)
    return {"key": issued.key or "", "certificate": issued.certificate}


def revoke_certificate(asked: Asked) -> dict[str, Any]:
    """The end of a computer's certificate."""
    computer_id = asked.computer()
    asked.service.revoke_certificate(Kind.COMPUTER, computer_id, asked.identity)
    return success("Revoked")


def computer_status(asked: Asked) -> dict[str, Any]:
    """What was last heard of a computer."""
    found = asked.service.computer_status(asked.computer(), asked.identity)
    return {"text": found["text"]}


def hateoas_url(asked: Asked) -> dict[str, Any]:
    """Where the HATEOAS interface is."""
    return {"hateoas_url": rest_url(asked.call.environ)}


def _address(item: Mapping[str, str]) -> Address:
    return Address(item.get("network-interface", ""), item["ip-address"], item.get("netmask", ""))
