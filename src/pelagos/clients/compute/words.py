"""Words for the same thing in both families of clouds. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.clients.base.bilingual import given

#: Per family, what a server's status is called there: the ancestor's word first.
_STATUSES = (("STOPPED", "SHUTOFF"),)


def same_status(one: str, other: str) -> bool:
    """Whether two words say the same of a server.

    >>> same_status("STOPPED", "SHUTOFF"), same_status("STOPPED", "ACTIVE")
    (True, False)
    """
    return _word(one) == _word(other)


def status_word(status: str | None, *, is_synnefo: bool) -> str | None:
    """A status as the family calls it.

    >>> status_word("STOPPED", is_synnefo=False)
    'SHUTOFF'
    """
    for theirs, ours in _STATUSES:
        if status in {theirs, ours}:
            return theirs if is_synnefo else ours
    return status


def _word(status: str) -> str:
    return status_word(status.upper(), is_synnefo=True) or ""


#: The lowest versions of Nova's interface in which a new server may say that.
_NO_NETWORK, _NEW_TAGS = "2.37", "2.52"


def new_server(
    fields: Mapping[str, Any], networks: Collection[Any] | str | None, tags: Collection[str] | None
) -> tuple[dict[str, Any], str | None]:
    """What OpenStack is told of a new server, and the version of the interface that it takes.

    Args:
        fields: all but networks and tags; those that are None are left out.
        networks: None: what the service takes by itself; none at all: an empty collection or
            "none"; "auto": one that the service finds or makes.
        tags: labels; with them, None for networks is "auto".

    >>> new_server({"name": "x"}, [], None)
    ({'name': 'x', 'networks': 'none'}, '2.37')
    """
    server = given(**fields)
    version = None
    if networks is not None:
        server["networks"] = networks if isinstance(networks, str) else list(networks) or "none"
        if isinstance(server["networks"], str):
            version = _NO_NETWORK
    if tags:
        server["tags"] = list(tags)
        server.setdefault("networks", "auto")
        version = _NEW_TAGS
    return server, version


def interface(item: Mapping[str, Any]) -> dict[str, Any]:
    """An interface of OpenStack as Synnefo shows an attachment.

    >>> interface({"port_id": "p", "net_id": "n", "fixed_ips": [{"ip_address": "10.0.0.2"}]})
    {'id': 'p', 'network_id': 'n', 'mac_address': None, 'ipv4': '10.0.0.2', 'ipv6': '', \
'OS-EXT-IPS:type': 'fixed'}
    """
    fixed = item.get("fixed_ips")
    cards = [one for one in fixed if isinstance(one, dict)] if isinstance(fixed, list) else []
    addresses = [str(one.get("ip_address", "")) for one in cards]
    return {
        "id": item.get("port_id"),
        "network_id": item.get("net_id"),
        "mac_address": item.get("mac_addr"),
        "ipv4": next((one for one in addresses if ":" not in one), ""),
        "ipv6": next((one for one in addresses if ":" in one), ""),
        "OS-EXT-IPS:type": "fixed",
    }
