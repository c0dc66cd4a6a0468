"""Driver `openstack`: servers of a Nova as machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pelagos.clients.compute.servers import base64_text
from pelagos.plane.capacity.base import NewMachine
from pelagos.plane.capacity.errors import Refused
from pelagos.plane.capacity.servers import USER_DATA_LIMIT, Servers

#: Pairs of a quota's limit and what is used of it, as Nova names them, and for a person.
_LIMITS = (
    ("maxTotalInstances", "totalInstancesUsed", "servers"),
    ("maxTotalCores", "totalCoresUsed", "cores"),
    ("maxTotalRAMSize", "totalRAMUsed", "MiB of memory"),
)


class OpenStackCapacity(Servers):
    """Servers of an OpenStack.

    Args:
        settings: `flavor` and `image` (name or id), `networks` (names or ids, apart by spaces;
            none: the project's own), `key_name`, `security_groups` (apart by spaces),
            `availability_zone`, `config_drive`, `cloud` (as configured; none: the one that is
            meant when none is named).
        environ: where clouds are looked for.
    """

    KEYS = (
        *Servers.KEYS,
        "key_name",
        "security_groups",
        "availability_zone",
        "config_drive",
    )

    def _create(self, wish: NewMachine) -> Mapping[str, Any]:
        if len(base64_text(wish.user_data)) > USER_DATA_LIMIT:
            raise Refused(
                f"the user data has more than the {USER_DATA_LIMIT} characters that a Nova takes",
                hint="shorten the file that capacity.named.NAME.user_data names",
            )
        networks = [{"uuid": self._network_id(name)} for name in self._networks]
        more: dict[str, Any] = {}
        if self._settings.get("config_drive"):
            more["config_drive"] = True
        return self.compute.create_server(
            wish.name,
            self._flavor_id(),
            self._image_id(),
            security_group=self._words("security_groups") or None,
            user_data=wish.user_data,
            availability_zone=self._text("availability_zone") or None,
            metadata=wish.labels,
            networks=networks or None,  # type: ignore[arg-type]  # what Nova wants of a network
            key_name=self._text("key_name") or None,
            **more,
        )

    def _checks(self) -> Iterable[Callable[[], str | None]]:
        return (*super()._checks(), self._network_trouble, self._key_trouble, self._quota_trouble)

    def _network_id(self, name: str) -> str:
        return self._id("network", name, self._cloud.network.list_networks)

    def _network_trouble(self) -> str | None:
        for name in self._networks:
            self._network_id(name)
        return None

    def _key_trouble(self) -> str | None:
        name = self._text("key_name")
        if not name:
            return None
        known = [_keypair(one).get("name") for one in self.compute.list_keypairs()]
        return None if name in known else f"the login has no key {name} (key_name)"

    def _quota_trouble(self) -> str | None:
        limits = self.compute.get("limits").json
        absolute = limits.get("limits", {}).get("absolute", {}) if isinstance(limits, dict) else {}
        for most, used, what in _LIMITS:
            limit, count = absolute.get(most, -1), absolute.get(used, 0)
            if isinstance(limit, int) and isinstance(count, int) and 0 <= limit <= count:
                return f"the quota is used up: {count} of {limit} {what}"
        return None


def _keypair(record: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = record.get("keypair")
    return inner if isinstance(inner, Mapping) else record
