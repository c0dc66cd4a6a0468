"""Quotas of users and groups: how they are kept, written and held; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.opennebula.grammar import Attributes
from pelagos.box.opennebula.kinds import Kind
from pelagos.box.opennebula.markup import cdata, element

_GROUPS = ("DATASTORE", "NETWORK", "VM", "IMAGE")
_VM = (
    "CPU", "MEMORY", "PCI_DEV", "PCI_NIC", "RUNNING_CPU", "RUNNING_MEMORY", "RUNNING_PCI_DEV",
    "RUNNING_PCI_NIC", "RUNNING_VMS", "SYSTEM_DISK_SIZE", "VMS",
)  # fmt: skip
_LIMITS = {
    "DATASTORE": ("IMAGES", "SIZE"),
    "NETWORK": ("LEASES",),
    "VM": _VM,
    "IMAGE": ("RVMS",),
}
_DEFAULT = "-1"
UNLIMITED = -2


def changed(kept: Mapping[str, Any], wished: Attributes) -> dict[str, list[dict[str, str]]]:
    """The quotas after a wish; each of its vectors names the limits that change."""
    after = {group: [dict(one) for one in kept.get(group, ())] for group in _GROUPS}
    for group in _GROUPS:
        for vector in wished.vectors(group):
            found = next((x for x in after[group] if x.get("ID") == vector.get("ID")), None)
            if found is None:
                found = {} if group == "VM" else {"ID": vector.get("ID", "")}
                found |= dict.fromkeys(_LIMITS[group], _DEFAULT)
                after[group].append(found)
            found |= {name: vector[name] for name in _LIMITS[group] if name in vector}
    return {group: vectors for group, vectors in after.items() if vectors}


def written(more: Mapping[str, Any]) -> str:
    """The four elements, with what is used."""
    kept, used = more.get("quotas", {}), more.get("used", {})
    return "".join(
        element(
            f"{group}_QUOTA",
            "".join(_vector(group, one, used) for one in kept.get(group, ())),
        )
        for group in _GROUPS
    )


def defaults(kind: Kind, kept: Mapping[str, Any]) -> str:
    """The limits of whoever has none of his own."""
    return element(f"DEFAULT_{kind.right}_QUOTAS", written({"quotas": kept}))


def _vector(group: str, limits: Mapping[str, str], used: Mapping[str, Any]) -> str:
    values = dict(limits)
    for name in _LIMITS[group]:
        values[f"{name}_USED"] = f"{used.get(name, 0):g}" if group == "VM" else "0"
    return element(group, "".join(cdata(name, values[name]) for name in sorted(values)))


def exceeded(more: Mapping[str, Any], wanted: Mapping[str, float]) -> str:
    """The first limit of machines that would be passed; empty when all hold."""
    for vector in more.get("quotas", {}).get("VM", ()):
        for name, amount in wanted.items():
            try:
                limit = float(vector.get(name, _DEFAULT))
            except ValueError:
                continue
            if limit >= 0 and more.get("used", {}).get(name, 0) + amount > limit:
                return f"limit of {limit:g} reached for {name} quota in VM"
    return ""


def use(more: dict[str, Any], wanted: Mapping[str, float], sign: int) -> None:
    """Count what a machine takes (1), or gives back (-1)."""
    used = more.setdefault("used", {})
    for name, amount in wanted.items():
        used[name] = max(0, used.get(name, 0) + sign * amount)
