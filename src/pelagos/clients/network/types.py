"""What network services answer, as mappings; all ids are text."""

from __future__ import annotations

from typing import Any, TypedDict

Id = int | str


class Pool(TypedDict):
    """Addresses from one to another, both included."""

    start: str
    end: str


class FixedIp(TypedDict, total=False):
    """An address of a port; `subnet` and `subnet_id` are the same."""

    ip_address: str
    subnet: str
    subnet_id: str


Network = TypedDict(
    "Network",
    {
        "id": str,
        "name": str,
        "links": list[dict[str, str]],
        "status": str,
        "tenant_id": str | None,
        "project_id": str | None,
        "user_id": str | None,
        "admin_state_up": bool,
        "shared": bool,
        "router:external": bool,
        "subnets": list[str],
        "created": str,
        "updated": str,
        # Synnefo
        "type": str,
        "public": bool,
        "deleted": bool,
        "shared_to_project": bool,
        "SNF:floating_ip_pool": bool,
        # OpenStack
        "mtu": int,
        "description": str,
        "tags": list[str],
        "created_at": str,
        "updated_at": str,
        "port_security_enabled": bool,
    },
    total=False,
)
Network.__doc__ = "A network."


class Subnet(TypedDict, total=False):
    """Addresses of a network."""

    id: str
    network_id: str
    name: str
    tenant_id: str | None
    project_id: str | None
    user_id: str | None
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    enable_slaac: bool
    dns_nameservers: list[str]
    host_routes: list[dict[str, str]]
    allocation_pools: list[Pool]
    public: bool
    deleted: bool


class Port(TypedDict, total=False):
    """Where a server, or a router, joins a network."""

    id: str
    name: str
    network_id: str
    tenant_id: str | None
    project_id: str | None
    user_id: str | None
    device_id: str
    device_owner: str
    admin_state_up: bool
    mac_address: str | None
    status: str
    fixed_ips: list[FixedIp]
    security_groups: list[Any]
    created: str
    updated: str


class FloatingIp(TypedDict, total=False):
    """An address that can be led to one server after another."""

    id: str
    floating_ip_address: str
    floating_network_id: str
    fixed_ip_address: str | None
    port_id: str | None
    instance_id: str | None
    router_id: str | None
    status: str
    tenant_id: str | None
    project_id: str | None
    user_id: str | None
    shared_to_project: bool
    deleted: bool


class Gateway(TypedDict, total=False):
    """How a router reaches the outside."""

    network_id: str
    enable_snat: bool
    external_fixed_ips: list[FixedIp]


class Router(TypedDict, total=False):
    """What joins subnets to each other and to the outside."""

    id: str
    name: str
    description: str
    tenant_id: str
    project_id: str
    status: str
    admin_state_up: bool
    external_gateway_info: Gateway | None
    routes: list[dict[str, str]]
    distributed: bool
    ha: bool
    tags: list[str]
    created_at: str
    updated_at: str


class RouterInterface(TypedDict, total=False):
    """Where a router joins a subnet: `id` is the router's."""

    id: str
    tenant_id: str
    project_id: str
    port_id: str
    network_id: str
    subnet_id: str
    subnet_ids: list[str]


class SecurityGroupRule(TypedDict, total=False):
    """Who may reach the ports of a group, or whom they may reach."""

    id: str
    security_group_id: str
    direction: str
    ethertype: str
    protocol: str | None
    port_range_min: int | None
    port_range_max: int | None
    remote_ip_prefix: str | None
    remote_group_id: str | None
    description: str
    tenant_id: str
    project_id: str


class SecurityGroup(TypedDict, total=False):
    """Rules about what may reach ports, and leave them."""

    id: str
    name: str
    description: str
    stateful: bool
    shared: bool
    tenant_id: str
    project_id: str
    security_group_rules: list[SecurityGroupRule]
    tags: list[str]
    created_at: str
    updated_at: str
