"""How much of compute a project may have: one limit, as Nova and as Synnefo call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.store import ServerStore
from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity.quotas import Quotas

_MIB = 1024**2
#: What stands for no limit.
UNLIMITED = 2**62
#: Servers that one request makes at the most, where no quota says less.
MOST_AT_ONCE = 10_000
#: Limits that only Nova has.
NOVA_DEFAULTS = {
    "key_pairs": 100, "metadata_items": 128, "server_groups": 10, "server_group_members": 10,
    "injected_files": 5, "injected_file_content_bytes": 10_240, "injected_file_path_bytes": 255,
}  # fmt: skip
_SHARED = {"instances": ("cyclades.vm", 1), "cores": ("cyclades.cpu", 1)}
_SHARED["ram"] = ("cyclades.ram", _MIB)
_SYNNEFO_WORDS = {
    "cyclades.vm": "Virtual Machine", "cyclades.cpu": "CPU", "cyclades.ram": "RAM",
    "cyclades.disk": "Disk",
}  # fmt: skip


class Allowance:
    """Limits and what is used of them; safe to share between threads."""

    def __init__(self, database: Database, quotas: Quotas, store: ServerStore) -> None:
        self._database = database
        self._quotas = quotas
        self._store = store
        usages: dict[str, Callable[[str], int]] = {
            "cyclades.vm": lambda one: store.usage(one).servers,
            "cyclades.cpu": lambda one: store.usage(one).running_vcpus,
            "cyclades.ram": lambda one: store.usage(one).running_ram_mib * _MIB,
        }
        for name, usage in usages.items():
            quotas.measure(name, usage)

    def nova(self, project_id: str) -> dict[str, int]:
        """Limits by Nova's names; -1 for none."""
        found = {}
        for name, (resource, unit) in _SHARED.items():
            amount = self._quotas.limit(project_id, resource)
            found[name] = -1 if amount >= UNLIMITED else amount // unit
        rows = self._database.read().execute(
            "SELECT resource, amount FROM limits WHERE project_id = ? AND resource LIKE 'nova.%'",
            (project_id,),
        )
        told = {row["resource"].removeprefix("nova."): int(row["amount"]) for row in rows}
        return {**found, **NOVA_DEFAULTS, **told}

    def set_nova(self, project_id: str, limits: dict[str, int]) -> None:
        """Let a project have so much, by Nova's names; -1 for no limit."""
        with self._database.change():
            for name, amount in limits.items():
                resource, unit = _SHARED.get(name, (f"nova.{name}", 1))
                shared = UNLIMITED if amount < 0 else amount * unit
                self._quotas.set_limit(project_id, resource, shared if name in _SHARED else amount)

    def forget_nova(self, project_id: str) -> None:
        """Let the defaults hold again."""
        names = [*(one for one, _ in _SHARED.values()), *(f"nova.{one}" for one in NOVA_DEFAULTS)]
        with self._database.change() as connection:
            connection.executemany(
                "DELETE FROM limits WHERE project_id = ? AND resource = ?",
                [(project_id, name) for name in names],
            )

    def nova_usage(self, project_id: str) -> dict[str, int]:
        """What is used, by Nova's names."""
        usage = self._store.usage(project_id)
        return {"instances": usage.servers, "cores": usage.vcpus, "ram": usage.ram_mib}

    def room_nova(self, project_id: str, flavor: Flavor) -> int:
        """How many more servers of a flavour a project may have, by Nova's limits."""
        limits, usage = self.nova(project_id), self.nova_usage(project_id)
        needs = {"instances": 1, "cores": flavor.vcpus, "ram": flavor.ram_mib}
        rooms = [
            (limits[name] - usage[name]) // need
            for name, need in needs.items()
            if limits[name] >= 0 and need
        ]
        return max(min(rooms, default=MOST_AT_ONCE), 0)

    def check_nova(self, project_id: str, flavor: Flavor, count: int, instances: int) -> None:
        """See whether a project may have more servers of a flavour.

        Raises:
            Refused: 403, it may not.
        """
        limits, usage = self.nova(project_id), self.nova_usage(project_id)
        asked = {
            "instances": instances,
            "cores": flavor.vcpus * count,
            "ram": flavor.ram_mib * count,
        }
        over = [
            name
            for name, more in asked.items()
            if more > 0 and 0 <= limits[name] < usage[name] + more
        ]
        if over:
            told = ", ".join(over)
            requested = ", ".join(str(asked[name]) for name in over)
            used = ", ".join(str(usage[name]) for name in over)
            allowed = ", ".join(str(limits[name]) for name in over)
            raise Refused(
                403,
                f"Quota exceeded for {told}: Requested {requested}, but already used {used} of"
                f" {allowed} {told}",
            )

    def check_synnefo(self, project_id: str, user_id: str, amounts: dict[str, int]) -> None:
        """See whether a project, and a member of it, may have so much more, by Synnefo's names.

        Disk space is the project's alone.

        Raises:
            Refused: 413, it may not.
        """
        usage = self._store.usage(project_id, user_id)
        own = {
            "cyclades.vm": usage.servers,
            "cyclades.cpu": usage.running_vcpus,
            "cyclades.ram": usage.running_ram_mib * _MIB,
        }
        for name, more in amounts.items():
            limit = self._quotas.limit(project_id, name)
            left = limit - self._quotas.usage(project_id, name)
            if name in own:
                left = min(left, self._quotas.member_limit(project_id, name) - own[name])
            left = max(left, 0)
            if more > left:
                word = _SYNNEFO_WORDS[name]
                raise Refused(
                    413,
                    "Resource Limit Exceeded for your account.",
                    name="overLimit",
                    details=f"Limit for resource '{word}' exceeded for your account."
                    f" Available: {left}, Requested: {more}",
                )


def synnefo_needs(flavor: Flavor, sign: int = 1) -> dict[str, Any]:
    """What a running server of a flavour takes, by Synnefo's names."""
    return {
        "cyclades.cpu": sign * flavor.vcpus,
        "cyclades.ram": sign * flavor.ram_mib * _MIB,
    }
