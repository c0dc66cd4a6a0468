"""What each method of the JSON-RPC interface takes: its table of shapes. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from pelagos.slap.master.faces.json_shape import Schema, choice, record, text
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

#: method -> the shape of its input.
METHODS: Mapping[str, Schema] = {
    "slapos.post.v0.software_instance": record(
        {"title": _NAME, "software_release_uri": _URL, "software_type": _NAME},
        {
            "parameters": _OBJECT,
            "state": choice("started", "stopped", "destroyed"),
            "sla_parameters": _OBJECT,
            "shared": {"type": "boolean"},
        },
    ),
    "slapos.get.v0.software_instance": record(_GUID),
    "slapos.get.v0.compute_partition": record({**_COMPUTER, "compute_partition_id": _NAME}),
    "slapos.get.v0.instance_tree": record({"title": _NAME}),
    "slapos.allDocs.v0.instance_tree_list": record({}),
    "slapos.allDocs.v0.compute_node_instance_list": record(_COMPUTER),
    "slapos.allDocs.v0.compute_node_software_installation_list": record(_COMPUTER),
    "slapos.allDocs.v0.instance_node_instance_list": record(_GUID),
    "slapos.post.v0.software_installation": record(
        _RELEASE, {"state": choice("available", "destroyed")}
    ),
    "slapos.put.v0.software_installation_reported_state": record(
        {**_RELEASE, "reported_state": choice("available", "building", "destroyed")}
    ),
    "slapos.put.v0.software_installation_error": record({**_RELEASE, "message": _TEXT}),
    "slapos.put.v0.software_instance_reported_state": record(
        {**_GUID, "reported_state": choice("started", "stopped", "destroyed")}
    ),
    "slapos.put.v0.software_instance_error": record({**_GUID, "message": _TEXT}),
    "slapos.put.v0.software_instance_bang": record({**_GUID, "message": _TEXT}),
    "slapos.put.v0.software_instance_connection_parameter": record(
        {**_GUID, "connection_parameter_dict": _OBJECT}
    ),
    "slapos.put.v0.software_instance_title": record({**_GUID, "title": _NAME}),
    "slapos.get.v0.software_instance_certificate": record(_GUID),
    "slapos.put.v0.compute_node_format": record(
        {**_COMPUTER, "compute_partition_list": {"type": "array", "items": _SLOT}}
    ),
    "slapos.put.v0.compute_node_bang": record({**_COMPUTER, "message": _TEXT}),
    "slapos.post.v0.compute_node_usage": record({**_COMPUTER, "tioxml": _TEXT}),
    "slapos.post.v0.compute_node_certificate": record(_COMPUTER),
    "slapos.remove.v0.compute_node_certificate": record(_COMPUTER),
    "slapos.get.v0.compute_node_status": record(_COMPUTER),
    "slapos.get.v0.hateoas_url": record({}),
    "slapos.allDocs.WIP.compute_node_list": record({}),
}
