"""The methods of the JSON-RPC interface: what each takes, does, and who may. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.slap import calls, protocol
from pelagos.slap.master.faces import jsonrpc_computers as computers
from pelagos.slap.master.faces import jsonrpc_instances as instances
from pelagos.slap.master.faces.json_shape import Schema, choice, record, text
from pelagos.slap.master.faces.jsonrpc_asked import Method
from pelagos.slap.protocol import NAME_LIMIT, URL_LIMIT

_NAME, _URL, _TEXT = text(NAME_LIMIT), text(URL_LIMIT), {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_GUID = {"instance_guid": _NAME}
_COMPUTER = {"computer_guid": _NAME}
_RELEASE = {"software_release_uri": _URL, **_COMPUTER}
_ADDRESS = record(
    {"ip-address": _NAME},
    {
        "netmask": _TEXT,
        "network-interface": _TEXT,
        "gateway-ip-address": _TEXT,
        "network-address": _TEXT,
    },
)
_SLOT = record({"partition_id": _NAME}, {"ip_list": {"type": "array", "items": _ADDRESS}})

_TABLE = (
    Method(
        "slapos.post.v0.software_instance",
        record(
            {"title": _NAME, "software_release_uri": _URL, "software_type": _NAME},
            {
                "parameters": _OBJECT,
                "state": choice("started", "stopped", "destroyed"),
                "sla_parameters": _OBJECT,
                "shared": {"type": "boolean"},
            },
        ),
        instances.request,
    ),
    Method("slapos.get.v0.software_instance", record(_GUID), instances.instance),
    Method(
        "slapos.get.v0.compute_partition",
        record({**_COMPUTER, "compute_partition_id": _NAME}),
        instances.partition,
    ),
    Method("slapos.get.v0.instance_tree", record({"title": _NAME}), instances.tree),
    Method("slapos.allDocs.v0.instance_tree_list", record({}), instances.trees),
    Method(
        "slapos.allDocs.v0.compute_node_instance_list", record(_COMPUTER), computers.instances_on
    ),
    Method(
        "slapos.allDocs.v0.compute_node_software_installation_list",
        record(_COMPUTER),
        computers.supplies_on,
    ),
    Method("slapos.allDocs.v0.instance_node_instance_list", record(_GUID), instances.shared),
    Method(
        "slapos.post.v0.software_installation",
        record(_RELEASE, {"state": choice("available", "destroyed")}),
        computers.supply,
        protocol.SUPPLY,
    ),
    Method(
        "slapos.put.v0.software_installation_reported_state",
        record({**_RELEASE, "reported_state": choice("available", "building", "destroyed")}),
        computers.installation_reported,
        "{reported_state}SoftwareRelease",
    ),
    Method(
        "slapos.put.v0.software_installation_error",
        record({**_RELEASE, "message": _TEXT}),
        computers.installation_error,
        protocol.RELEASE_ERROR,
    ),
    Method(
        "slapos.put.v0.software_instance_reported_state",
        record({**_GUID, "reported_state": choice("started", "stopped", "destroyed")}),
        instances.instance_reported,
        "{reported_state}ComputerPartition",
    ),
    Method(
        "slapos.put.v0.software_instance_error",
        record({**_GUID, "message": _TEXT}),
        instances.instance_error,
        protocol.PARTITION_ERROR,
    ),
    Method(
        "slapos.put.v0.software_instance_bang",
        record({**_GUID, "message": _TEXT}),
        instances.instance_bang,
        protocol.PARTITION_BANG,
    ),
    Method(
        "slapos.put.v0.software_instance_connection_parameter",
        record({**_GUID, "connection_parameter_dict": _OBJECT}),
        instances.publish,
        protocol.PUBLISH,
    ),
    Method(
        "slapos.put.v0.software_instance_title",
        record({**_GUID, "title": _NAME}),
        instances.rename,
        calls.RENAME,
    ),
    Method(
        "slapos.get.v0.software_instance_certificate",
        record(_GUID),
        instances.instance_certificate,
        calls.PARTITION_CERTIFICATE,
    ),
    Method(
        "slapos.put.v0.compute_node_format",
        record({**_COMPUTER, "compute_partition_list": {"type": "array", "items": _SLOT}}),
        computers.format_computer,
        protocol.FORMAT_COMPUTER,
    ),
    Method(
        "slapos.put.v0.compute_node_bang",
        record({**_COMPUTER, "message": _TEXT}),
        computers.computer_bang,
        calls.COMPUTER_BANG,
    ),
    Method(
        "slapos.post.v0.compute_node_usage",
        record({**_COMPUTER, "tioxml": _TEXT}),
        computers.usage,
        calls.USE_COMPUTER,
    ),
    Method(
        "slapos.post.v0.compute_node_certificate",
        record(_COMPUTER),
        computers.computer_certificate,
        calls.GENERATE_CERTIFICATE,
    ),
    Method(
        "slapos.remove.v0.compute_node_certificate",
        record(_COMPUTER),
        computers.revoke_certificate,
        calls.REVOKE_CERTIFICATE,
    ),
    Method("slapos.get.v0.compute_node_status", record(_COMPUTER), computers.computer_status),
    Method("slapos.get.v0.hateoas_url", record({}), computers.hateoas_url),
    Method("slapos.allDocs.WIP.compute_node_list", record({}), computers.computers),
)

#: name -> the method of that name.
METHODS: Mapping[str, Method] = {method.name: method for method in _TABLE}
