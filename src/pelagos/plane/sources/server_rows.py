"""Records of a compute service as rows of the directory. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

Row = dict[str, Any]

#: The columns of a row: texts, but for `addresses`, which is a list of all.
COLUMNS = (
    "id", "name", "status", "addresses", "ipv4", "ipv6", "floating", "flavor", "image",
    "key_name", "project", "created", "host",
)  # fmt: skip

_HOST = "OS-EXT-SRV-ATTR:host"
_KIND = "OS-EXT-IPS:type"
_GONE = "DELETED"


def row_of(
    server: Mapping[str, Any], flavors: Mapping[str, str], projects: Mapping[str, str]
) -> Row:
    """A server that `is_there`, with all `COLUMNS`.

    Args:
        server: a whole record, of either family of clouds.
        flavors: names of flavours, by their ids.
        projects: names of projects, by their ids.

    >>> row = row_of({"id": 7, "name": "db", "flavor": {"id": "1"}}, {"1": "small"}, {})
    >>> row["id"], row["flavor"], row["addresses"]
    ('7', 'small', None)
    """
    cards = list(_addresses(server))
    fixed = [address for address, kind in cards if kind != "floating"]
    flavor, project = flavor_id(server), _text(server.get("tenant_id"))
    keys = server.get("SNF:key_names")
    return {
        "id": _text(server.get("id")),
        "name": _text(server.get("name")),
        "status": _text(server.get("status")),
        "addresses": list(dict.fromkeys(address for address, _ in cards)) or None,
        "ipv4": next((a for a in fixed if ":" not in a), None),
        "ipv6": next((a for a in fixed if ":" in a), None),
        "floating": next((a for a, kind in cards if kind == "floating"), None),
        "flavor": _named(server.get("flavor")) or flavors.get(flavor or "", flavor),
        "image": _named(server.get("image")) or _id(server.get("image")),
        "key_name": _text(server.get("key_name"))
        or (_text(keys[0]) if isinstance(keys, list) and keys else None),
        "project": projects.get(project or "", project),
        "created": _text(server.get("created")),
        "host": _text(server.get(_HOST)),
    }


def is_there(server: Mapping[str, Any]) -> bool:
    """Whether a record is that of a server which exists."""
    return _text(server.get("id")) is not None and server.get("status") != _GONE


def flavor_id(server: Mapping[str, Any]) -> str | None:
    """The id of a server's flavour; None when the record has its name, or nothing."""
    flavor = server.get("flavor")
    return None if _named(flavor) else _id(flavor)


def same_address(text: str) -> str | None:
    """One text for all ways to write an address; None of what is none.

    >>> same_address("2001:DB8:0::1"), same_address("db")
    ('2001:db8::1', None)
    """
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _addresses(server: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each address with its kind, "fixed" or "floating", in the order of the record."""
    networks = server.get("addresses")
    for cards in networks.values() if isinstance(networks, Mapping) else ():
        for card in cards if isinstance(cards, list) else ():
            if isinstance(card, Mapping) and (address := _text(card.get("addr"))):
                yield address, _text(card.get(_KIND))


def _named(thing: Any) -> str | None:
    if not isinstance(thing, Mapping):
        return None
    return _text(thing.get("original_name")) or _text(thing.get("name"))


def _id(thing: Any) -> str | None:
    return _text(thing.get("id") if isinstance(thing, Mapping) else thing)


def _text(value: Any) -> str | None:
    """Text; that of a number; None for the empty text and for whatever else there may be."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
