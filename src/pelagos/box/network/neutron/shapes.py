"""Networks and their like as Neutron shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pelagos.box.network.attributes import Attribute
from pelagos.box.network.store import OWN_DEVICES, Caller, NetworkStore
from pelagos.box.records import Record

Shown = dict[str, Any]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """What a caller is told of each."""

    def __init__(self, store: NetworkStore) -> None:
        self._store = store

    def plain(self, record: Record, attributes: Mapping[str, Attribute], caller: Caller) -> Shown:
        """Its attributes, as far as the caller may see them."""
        shown = {
            name: record[name]
            for name, one in attributes.items()
            if name in record and (caller.is_admin or not one.admin_sees)
        }
        shown["project_id"] = shown["tenant_id"] = record["project_id"]
        shown["tags"] = record.get("tags", [])
        shown["created_at"] = _time(record["created"])
        shown["updated_at"] = _time(record["updated"])
        return shown

    def networks(self, found: Iterable[Shown]) -> list[Shown]:
        """With the subnets that each has."""
        subnets: dict[str, list[str]] = {}
        shown = list(found)
        those = (
            self._store.subnets.every(network_id=shown[0]["id"])
            if len(shown) == 1
            else self._store.subnets.every()
        )
        for one in those:
            subnets.setdefault(one["network_id"], []).append(one["id"])
        return [{**one, "subnets": subnets.get(one["id"], [])} for one in shown]

    def ports(self, found: Iterable[Shown]) -> list[Shown]:
        """With the state that each is in."""
        return [{**one, "status": port_status(one)} for one in found]

    def floating_ips(self, found: Iterable[Shown]) -> list[Shown]:
        """With what each is led to."""
        shown = []
        for one in found:
            port = self._store.live_port(one["port_id"]) if one["port_id"] else None
            details = port and {
                name: port[name]
                for name in (
                    "name", "network_id", "mac_address", "admin_state_up", "device_id",
                    "device_owner",
                )
            } | {"status": port_status(port)}  # fmt: skip
            shown.append({**one, "port_details": details or None})
        return shown

    def groups(self, found: Iterable[Shown]) -> list[Shown]:
        """With their rules."""
        shown = []
        for one in found:
            rules = self._store.rules.every(security_group_id=one["id"])
            shown.append({**one, "security_group_rules": [rule_shape(rule) for rule in rules]})
        return shown


def rule_shape(rule: Record) -> Shown:
    """A rule within its group."""
    left = {name: it for name, it in rule.items() if name not in _INSIDE}
    return {
        **left,
        "tenant_id": rule["project_id"],
        "tags": [],
        "created_at": _time(rule["created"]),
        "updated_at": _time(rule["updated"]),
    }


_INSIDE = frozenset({"number", "created", "updated", "user_id"})


def port_status(port: Mapping[str, Any]) -> str:
    """In which state a port is: the network's own are always up."""
    if port["device_owner"] in OWN_DEVICES:
        return str(port["status"])
    if not port["admin_state_up"]:
        return "DOWN"
    return "ACTIVE" if port["status"] == "ACTIVE" else "DOWN"
