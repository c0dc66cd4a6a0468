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
        "revision_number": int,
        "port_security_enabled": bool,
        "availability_zones": list[str],
        "availability_zone_hints": list[str],
        "dns_domain": str,
        "ipv4_address_scope": str | None,
        "ipv6_address_scope": str | None,
        "is_default": bool,
        "l2_adjacency": bool,
        "qos_policy_id": str | None,
        "vlan_transparent": bool | None,
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
    # Synnefo
    links: list[dict[str, str]]
    public: bool
    deleted: bool
    # OpenStack
    description: str
    tags: list[str]
    created_at: str
    updated_at: str
    revision_number: int
    dns_publish_fixed_ip: bool
    ipv6_address_mode: str | None
    ipv6_ra_mode: str | None
    router_external: bool
    segment_id: str | None
    service_types: list[str]
    subnetpool_id: str | None


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
    # Synnefo
    created: str
    updated: str
    # OpenStack
    description: str
    tags: list[str]
    created_at: str
    updated_at: str
    revision_number: int
    allowed_address_pairs: list[dict[str, str]]
    device_profile: str | None
    dns_assignment: list[dict[str, str]]
    dns_domain: str
    dns_name: str
    extra_dhcp_opts: list[dict[str, Any]]
    hardware_offload_type: str | None
    hints: dict[str, Any] | None
    ip_allocation: str
    mac_learning_enabled: bool
    numa_affinity_policy: str | None
    port_security_enabled: bool
    propagate_uplink_status: bool
    qos_network_policy_id: str | None
    qos_policy_id: str | None
    resource_request: dict[str, Any] | None
    trunk_details: dict[str, Any]
    trusted: bool | None


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
    # OpenStack
    description: str
    tags: list[str]
    created_at: str
    updated_at: str
    revision_number: int
    dns_domain: str
    dns_name: str
    port_details: dict[str, Any] | None
    port_forwardings: list[dict[str, Any]]
    qos_policy_id: str | None


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
    revision_number: int
    availability_zones: list[str]
    availability_zone_hints: list[str]
    conntrack_helpers: list[dict[str, Any]]
    enable_ndp_proxy: bool
    external_gateways: list[Gateway]
    flavor_id: str | None
    service_type_id: str | None


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
    remote_address_group_id: str | None
    normalized_cidr: str | None
    belongs_to_default_sg: bool
    created_at: str
    updated_at: str
    revision_number: int
    tags: list[str]


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
    revision_number: int
