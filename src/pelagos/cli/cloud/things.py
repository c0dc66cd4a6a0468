"""The kinds of things that a cloud has: how to list them, and how to ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.cloud.command import Kind

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from collections.abc import Sequence

    from pelagos.cli.cloud.command import Record
    from pelagos.clients.cloud import Cloud


def _keypairs(cloud: Cloud) -> Sequence[Record]:
    return [one["keypair"] for one in cloud.compute.list_keypairs()]


SERVER = Kind(
    "server",
    lambda cloud: cloud.compute.list_servers(),
    lambda cloud, which: cloud.compute.get_server_details(which),
)
FLAVOR = Kind(
    "flavor",
    lambda cloud: cloud.compute.list_flavors(detail=True),
    lambda cloud, which: cloud.compute.get_flavor_details(which),
    is_whole=True,
)
KEYPAIR = Kind("keypair", _keypairs, lambda cloud, which: cloud.compute.get_keypair_details(which))
IMAGE = Kind(
    "image",
    lambda cloud: cloud.image.list_public(detail=True),
    lambda cloud, which: cloud.image.get_meta(which),
    is_whole=True,
)
NETWORK = Kind(
    "network",
    lambda cloud: cloud.network.list_networks(detail=True),
    lambda cloud, which: cloud.network.get_network_details(which),
    is_whole=True,
)
SUBNET = Kind(
    "subnet",
    lambda cloud: cloud.network.list_subnets(),
    lambda cloud, which: cloud.network.get_subnet_details(which)["subnet"],
    is_whole=True,
)
PORT = Kind(
    "port",
    lambda cloud: cloud.network.list_ports(detail=True),
    lambda cloud, which: cloud.network.get_port_details(which),
    is_whole=True,
)
IP = Kind(
    "ip",
    lambda cloud: cloud.network.list_floatingips(),
    lambda cloud, which: cloud.network.get_floatingip_details(which),
    is_whole=True,
    keys=("floating_ip_address",),
)
ROUTER = Kind(
    "router",
    lambda cloud: cloud.network.list_routers(),
    lambda cloud, which: cloud.network.get_router_details(which),
    is_whole=True,
)
SECURITY_GROUP = Kind(
    "security group",
    lambda cloud: cloud.network.list_security_groups(),
    lambda cloud, which: cloud.network.get_security_group_details(which),
    is_whole=True,
    list_command="security-group list",
)
VOLUME = Kind(
    "volume",
    lambda cloud: cloud.volume.list_volumes(detail=True),
    lambda cloud, which: cloud.volume.get_volume_details(which),
    is_whole=True,
)
SNAPSHOT = Kind(
    "snapshot",
    lambda cloud: cloud.volume.list_snapshots(detail=True),
    lambda cloud, which: cloud.volume.get_snapshot_details(which),
    is_whole=True,
)
VOLUME_TYPE = Kind(
    "volume type",
    lambda cloud: cloud.volume.list_volume_types(),
    lambda cloud, which: cloud.volume.get_volume_type_details(which),
    is_whole=True,
    list_command="volume types",
)
