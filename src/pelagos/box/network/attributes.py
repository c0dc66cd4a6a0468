"""The attributes of networks and their like: who may say them, and what they are otherwise."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pelagos.box.network import checks
from pelagos.box.network.checks import Check, flag, integer, key, maybe, one_of, text

#: A default that says: it has to be told.
REQUIRED: Final = object()
#: A default that says: the network decides.
UNSET: Final = object()


_TEXT = text()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Attributes:
        check: gives the value as it is kept.
        default: where a new thing's maker does not say it.
        post: whether it may be said of a new thing.
        put: whether it may be changed.
        admin: whether only an administrator may say it, when it is not the default.
        admin_sees: whether only administrators see it.
    """

    check: Check = _TEXT
    default: Any = REQUIRED
    post: bool = True
    put: bool = True
    admin: bool = False
    admin_sees: bool = False


def _shown(default: Any = UNSET) -> Attribute:
    """What nobody may say."""
    return Attribute(default=default, post=False, put=False)


_ADMIN_STATE = Attribute(flag, default=True)
_NAME = Attribute(default="")
_ID = Attribute(key, put=False)
_COMMON = {
    "id": _shown(),
    "project_id": Attribute(default=UNSET, put=False),
    "tenant_id": Attribute(default=UNSET, put=False),
    "description": Attribute(text(), default=""),
    "tags": _shown([]),
    "created_at": _shown(),
    "updated_at": _shown(),
    "revision_number": _shown(1),
}
_ZONES = {
    "availability_zone_hints": Attribute(checks.texts, default=[], put=False),
    "availability_zones": _shown(["nova"]),
}

NETWORK: Mapping[str, Attribute] = {
    **_COMMON,
    **_ZONES,
    "name": _NAME,
    "admin_state_up": _ADMIN_STATE,
    "status": _shown("ACTIVE"),
    "subnets": _shown([]),
    "shared": Attribute(flag, default=False, admin=True),
    "router:external": Attribute(flag, default=False, admin=True),
    "is_default": Attribute(flag, default=False, admin=True),
    "mtu": Attribute(integer(68, 9000), default=1450),
    "port_security_enabled": Attribute(flag, default=True),
    "dns_domain": Attribute(default=""),
    "ipv4_address_scope": _shown(None),
    "ipv6_address_scope": _shown(None),
    "provider:network_type": Attribute(
        one_of("flat", "vlan", "vxlan", "geneve", "local"), "geneve",
        put=False, admin=True, admin_sees=True,
    ),
    "provider:physical_network": Attribute(
        maybe(text()), None, put=False, admin=True, admin_sees=True
    ),
    "provider:segmentation_id": Attribute(
        maybe(integer(1, 16_777_215)), None, put=False, admin=True, admin_sees=True
    ),
}  # fmt: skip

_IPV6_MODE = Attribute(
    maybe(one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless")), None, put=False
)
SUBNET: Mapping[str, Attribute] = {
    **_COMMON,
    "name": _NAME,
    "network_id": _ID,
    "ip_version": Attribute(integer(4, 6), put=False),
    "cidr": Attribute(maybe(checks.cidr), default=None, put=False),
    "gateway_ip": Attribute(maybe(checks.address), default=UNSET),
    "allocation_pools": Attribute(checks.pools, default=UNSET),
    "dns_nameservers": Attribute(checks.addresses, default=[]),
    "host_routes": Attribute(checks.routes, default=[]),
    "enable_dhcp": Attribute(flag, default=True),
    "ipv6_ra_mode": _IPV6_MODE,
    "ipv6_address_mode": _IPV6_MODE,
    "service_types": Attribute(checks.texts, default=[]),
    "subnetpool_id": _shown(None),
    "segment_id": _shown(None),
    "dns_publish_fixed_ip": Attribute(flag, default=False),
}

PORT: Mapping[str, Attribute] = {
    **_COMMON,
    "name": _NAME,
    "network_id": _ID,
    "admin_state_up": _ADMIN_STATE,
    "status": _shown("DOWN"),
    "mac_address": Attribute(checks.mac, default=UNSET, put=True),
    "fixed_ips": Attribute(checks.fixed_ips, default=UNSET),
    "device_id": Attribute(text(), default=""),
    "device_owner": Attribute(text(), default=""),
    "security_groups": Attribute(checks.keys, default=UNSET),
    "port_security_enabled": Attribute(flag, default=UNSET),
    "allowed_address_pairs": Attribute(checks.pairs, default=[]),
    "extra_dhcp_opts": Attribute(lambda value: value or [], default=[]),
    "binding:vnic_type": Attribute(
        one_of("normal", "direct", "macvtap", "baremetal", "virtio-forwarder"), "normal"
    ),
    "binding:host_id": Attribute(text(), "", admin=True, admin_sees=True),
    "binding:profile": Attribute(checks.anything, {}, admin=True, admin_sees=True),
    "binding:vif_type": Attribute(default="unbound", post=False, put=False, admin_sees=True),
    "binding:vif_details": Attribute(default={}, post=False, put=False, admin_sees=True),
}

ROUTER: Mapping[str, Attribute] = {
    **_COMMON,
    **_ZONES,
    "name": _NAME,
    "admin_state_up": _ADMIN_STATE,
    "status": _shown("ACTIVE"),
    "external_gateway_info": Attribute(checks.gateway, default=None),
    "routes": Attribute(checks.routes, default=[]),
    "distributed": Attribute(flag, False, admin=True, admin_sees=True),
    "ha": Attribute(flag, False, admin=True, admin_sees=True),
    "flavor_id": _shown(None),
}

FLOATING_IP: Mapping[str, Attribute] = {
    **_COMMON,
    "floating_network_id": _ID,
    "floating_ip_address": Attribute(maybe(checks.address), default=UNSET, put=False, admin=True),
    "subnet_id": Attribute(maybe(key), default=None, put=False),
    "port_id": Attribute(maybe(key), default=None),
    "fixed_ip_address": Attribute(maybe(checks.address), default=None),
    "router_id": _shown(None),
    "status": _shown("DOWN"),
    "port_details": _shown(None),
    "port_forwardings": _shown([]),
    "dns_name": Attribute(default="", put=False),
    "dns_domain": Attribute(default="", put=False),
}

SECURITY_GROUP: Mapping[str, Attribute] = {
    **_COMMON,
    "name": Attribute(text()),
    "stateful": Attribute(flag, default=True),
    "shared": _shown(False),
    "security_group_rules": _shown([]),
}


def _protocol(value: Any) -> str | None:
    if value is None or value == "any":
        return None
    told = str(value).lower() if isinstance(value, str | int) else ""
    if told.isascii() and told.isdigit() and int(told) <= 255:  # noqa: PLR2004  # IANA's numbers
        return told
    if told in PROTOCOLS:
        return told
    raise ValueError(f"'{value}' is not a valid protocol")


PROTOCOLS = frozenset({
    "ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "igmp", "ip", "ipip", "ipv6-encap",
    "ipv6-frag", "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts", "ipv6-route", "ospf", "pgm",
    "rsvp", "sctp", "tcp", "udp", "udplite", "vrrp",
})  # fmt: skip
_PORT = Attribute(maybe(integer(-1, 65535)), None, put=False)
SECURITY_GROUP_RULE: Mapping[str, Attribute] = {
    **{name: one for name, one in _COMMON.items() if name != "tags"},
    "security_group_id": _ID,
    "direction": Attribute(one_of("ingress", "egress"), put=False),
    "ethertype": Attribute(
        lambda value: one_of("IPv4", "IPv6")(
            {"ipv4": "IPv4", "ipv6": "IPv6"}.get(str(value).lower(), value)
        ),
        "IPv4",
        put=False,
    ),
    "protocol": Attribute(_protocol, None, put=False),
    "port_range_min": _PORT,
    "port_range_max": _PORT,
    "remote_ip_prefix": Attribute(maybe(checks.cidr), None, put=False),
    "remote_group_id": Attribute(maybe(key), None, put=False),
    "remote_address_group_id": _shown(None),
    "normalized_cidr": _shown(None),
    "belongs_to_default_sg": _shown(False),
}


def defaults(attributes: Mapping[str, Attribute], **told: Any) -> dict[str, Any]:
    """A new thing of which this is said; what the network decides is not in it."""
    return {
        **{
            name: copy.copy(one.default)
            for name, one in attributes.items()
            if one.default is not REQUIRED and one.default is not UNSET
        },
        **told,
    }
