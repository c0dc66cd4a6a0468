"""Bodies of requests to a network service, from the arguments of methods. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pelagos.clients.base.bilingual import aliased, given

_NETWORK = ("name", "admin_state_up", "shared")
_SUBNET = ("network_id", "cidr", "name", "allocation_pools", "gateway_ip", "subnet_id", "ipv6")
_PORT = ("network_id", "name", "status", "admin_state_up", "mac_address", "fixed_ips")

#: Either family's name of an address' subnet.
FIXED_IP_NAMES = (("subnet", "subnet_id"),)


def network(item: Mapping[str, Any]) -> dict[str, Any]:
    """A new network of `create_networks`."""
    return given(**_checked(item, _NETWORK, needed=("name",)))


def subnet(item: Mapping[str, Any]) -> dict[str, Any]:
    """A new subnet of `create_subnets`.

    >>> subnet({"network_id": "n", "cidr": "fd00::/64", "gateway_ip": ""})
    {'network_id': 'n', 'cidr': 'fd00::/64', 'gateway_ip': None, 'ip_version': 6}
    """
    fields = _checked(item, (*_SUBNET, "enable_dhcp"), needed=("network_id", "cidr"))
    ipv6 = fields.pop("ipv6", None)
    return {
        **subnet_change(fields),
        "ip_version": 6 if (":" in str(fields["cidr"]) if ipv6 is None else ipv6) else 4,
    }


def subnet_change(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What of a subnet is said: `gateway_ip` "" says that there is none."""
    said = given(**fields)
    if "subnet_id" in said:
        said["id"] = said.pop("subnet_id")
    if (ipv6 := said.pop("ipv6", None)) is not None:
        said["ip_version"] = 6 if ipv6 else 4
    if said.get("gateway_ip") == "":
        said["gateway_ip"] = None
    return said


def port(item: Mapping[str, Any], *, is_synnefo: bool) -> dict[str, Any]:
    """A new port of `create_ports`."""
    allowed = (*_PORT, "security_groups", "device_id")
    return port_fields(_checked(item, allowed, needed=("network_id",)), is_synnefo=is_synnefo)


def port_fields(fields: Mapping[str, Any], *, is_synnefo: bool) -> dict[str, Any]:
    """What of a port is said; the subnets of its addresses by the family's name."""
    said = given(**fields)
    if "fixed_ips" in said:
        said["fixed_ips"] = [_fixed_ip(one, is_synnefo=is_synnefo) for one in said["fixed_ips"]]
    return said


def _fixed_ip(item: Mapping[str, Any], *, is_synnefo: bool) -> dict[str, Any]:
    if is_synnefo:
        return dict(item)
    return {"subnet_id" if name == "subnet" else name: value for name, value in item.items()}


def floating_ip(**fields: Any) -> dict[str, Any]:
    """What of a floating IP is said: "" says nothing, None is said.

    >>> floating_ip(port_id=None, fixed_ip_address="")
    {'port_id': None}
    """
    return {name: value for name, value in fields.items() if value != ""}


def readable_port(record: Any) -> Any:
    """A port whose addresses name their subnet as either family does."""
    if isinstance(record, dict) and isinstance(record.get("fixed_ips"), list):
        for one in record["fixed_ips"]:
            aliased(one, FIXED_IP_NAMES)
    return record


def items(given_items: Any, what: str) -> Collection[Mapping[str, Any]]:
    """Things that are to be made at once.

    Raises:
        ValueError: they are no list of mappings, or none.
    """
    if isinstance(given_items, str | bytes | Mapping) or not isinstance(given_items, Iterable):
        raise ValueError(f"{what} must be a list of mappings")  # noqa: TRY004  # the ancestor's
    found = list(given_items)
    if not found or not all(isinstance(one, Mapping) for one in found):
        raise ValueError(f"{what} must be mappings, at least one")
    return found


def _checked(
    item: Mapping[str, Any], allowed: Collection[str], *, needed: Iterable[str]
) -> dict[str, Any]:
    if unknown := sorted(set(item) - set(allowed)):
        raise ValueError(f"{', '.join(unknown)}: not known; there are {', '.join(allowed)}")
    if absent := [name for name in needed if item.get(name) is None]:
        raise ValueError(f"{', '.join(absent)} must be given")
    return dict(item)
