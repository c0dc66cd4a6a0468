"""What values of attributes may be, in the words of Neutron: each gives the value as it is kept.

What may not be is a `ValueError` whose text is the reason.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

Check = Callable[[Any], Any]

_MAC = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")
_TAG_LENGTH = 255
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}


def text(longest: int = 255) -> Check:
    """A text of so many characters at the most."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"'{value}' is not a valid string")  # noqa: TRY004  # a reason
        if len(value) > longest:
            raise ValueError(f"'{value}' exceeds maximum length of {longest}")
        return value

    return check


def flag(value: Any) -> bool:
    """True or false, also as texts and numbers."""
    if isinstance(value, bool):
        return value
    told = str(value).lower() if isinstance(value, str | int) else ""
    if told in _TRUE | _FALSE:
        return told in _TRUE
    raise ValueError(f"'{value}' cannot be converted to boolean")


def integer(least: int, most: int) -> Check:
    """A whole number in a range."""

    def check(value: Any) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise ValueError(f"'{value}' is not an integer") from None
        if not least <= number <= most:
            raise ValueError(f"'{value}' is not in the range {least} to {most}")
        return number

    return check


def key(value: Any) -> str:
    """The id of something."""
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else _no_key(value)
    except ValueError:
        return _no_key(value)


def _no_key(value: Any) -> str:
    raise ValueError(f"'{value}' is not a valid UUID")


def keys(value: Any) -> list[str]:
    """Ids, each once."""
    found = [key(one) for one in _list(value)]
    if len(set(found)) < len(found):
        raise ValueError(f"Duplicate items in the list: '{', '.join(found)}'")
    return found


def maybe(check: Check) -> Check:
    """What a check lets pass, or null."""
    return lambda value: None if value is None else check(value)


def one_of(*values: Any) -> Check:
    """One of some values."""

    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(f"'{value}' is not in {list(values)}")
        return value

    return check


def address(value: Any) -> str:
    """An IP address."""
    try:
        return str(ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP address") from None


def cidr(value: Any) -> str:
    """A network, without bits of hosts."""
    try:
        found = ip_network(value if isinstance(value, str) else "", strict=False)
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP subnet") from None
    if str(found) != value.lower() and "/" in value and str(found) != _plain(value):
        raise ValueError(f"'{value}' isn't a recognized IP subnet cidr, '{found}' is recommended")
    return str(found)


def _plain(value: str) -> str:
    base, _, bits = value.partition("/")
    return f"{ip_address(base)}/{bits}"


def mac(value: Any) -> str:
    """A MAC address."""
    if not isinstance(value, str) or not _MAC.fullmatch(value) or int(value[:2], 16) & 1:
        raise ValueError(f"'{value}' is not a valid MAC address")
    return value.lower()


def pools(value: Any) -> list[dict[str, str]]:
    """Allocation pools."""
    found = []
    for one in _list(value):
        if not isinstance(one, Mapping) or set(one) != {"start", "end"}:
            raise ValueError(f"Invalid data format for IP pool: '{one}'")
        found.append({"start": address(one["start"]), "end": address(one["end"])})
    return found


def fixed_ips(value: Any) -> list[dict[str, str]]:
    """Addresses of a port, each with `subnet_id` or `ip_address` or both."""
    found: list[dict[str, str]] = []
    for one in _list(value):
        if not isinstance(one, Mapping) or not set(one) <= {"subnet_id", "ip_address"}:
            raise ValueError(f"Invalid data format for fixed IP: '{one}'")
        told = {
            name: {"subnet_id": key, "ip_address": address}[name](it) for name, it in one.items()
        }
        if told in found or any(
            told.get("ip_address") and told["ip_address"] == other.get("ip_address")
            for other in found
        ):
            raise ValueError(f"Duplicate IP address '{one.get('ip_address')}'")
        found.append(told)
    return found


def addresses(value: Any) -> list[str]:
    """IP addresses, each once."""
    found = [address(one) for one in _list(value)]
    if len(set(found)) < len(found):
        raise ValueError(f"Duplicate nameserver '{found[-1]}'")
    return found


def routes(value: Any) -> list[dict[str, str]]:
    """Routes, each to a `destination` by a `nexthop`."""
    found = []
    for one in _list(value):
        if not isinstance(one, Mapping) or set(one) != {"destination", "nexthop"}:
            raise ValueError(f"Invalid data format for hostroute: '{one}'")
        told = {"destination": cidr(one["destination"]), "nexthop": address(one["nexthop"])}
        if told in found:
            raise ValueError(f"Duplicate hostroute '{one}'")
        found.append(told)
    return found


def texts(value: Any) -> list[str]:
    """Texts."""
    return [text()(one) for one in _list(value)]


def tags(value: Any) -> list[str]:
    """Tags: short texts without commas, each once."""
    found = texts(value)
    for one in found:
        if not one or len(one) > _TAG_LENGTH or "," in one:
            raise ValueError(f"'{one}' is not a valid tag")
    return sorted(set(found))


def gateway(value: Any) -> dict[str, Any] | None:
    """How a router joins the outside."""
    if not value:
        return None
    allowed = {"network_id", "enable_snat", "external_fixed_ips", "qos_policy_id"}
    if not isinstance(value, Mapping) or not set(value) <= allowed:
        raise ValueError(f"'{value}' is not a valid external gateway")
    if "network_id" not in value:
        raise ValueError("external_gateway_info: 'network_id' is required")
    return {
        "network_id": key(value["network_id"]),
        "enable_snat": flag(value.get("enable_snat", True)),
        "external_fixed_ips": fixed_ips(value.get("external_fixed_ips") or []),
    }


def pairs(value: Any) -> list[dict[str, str]]:
    """Further addresses that a port may use."""
    found = []
    for one in _list(value):
        if not isinstance(one, Mapping) or not {"ip_address"} <= set(one) <= {
            "ip_address",
            "mac_address",
        }:
            raise ValueError(f"Invalid data format for address pair: '{one}'")
        ip = one["ip_address"]
        told = {"ip_address": cidr(ip) if "/" in str(ip) else address(ip)}
        if "mac_address" in one:
            told["mac_address"] = mac(one["mac_address"])
        found.append(told)
    return found


def anything(value: Any) -> Any:
    """A mapping, whatever it holds."""
    if not isinstance(value, Mapping):
        raise ValueError(f"'{value}' is not a dictionary")  # noqa: TRY004  # a reason
    return dict(value)


def _list(value: Any) -> Collection[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ValueError(f"'{value}' is not a list")  # noqa: TRY004  # a reason
    return value
