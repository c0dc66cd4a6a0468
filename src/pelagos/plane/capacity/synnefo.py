"""Driver `synnefo`: servers of a Cyclades as machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from pelagos.clients.compute.servers import base64_text
from pelagos.plane.capacity.base import NewMachine
from pelagos.plane.capacity.errors import CapacityNotConfigured
from pelagos.plane.capacity.servers import Servers

if TYPE_CHECKING:
    from pelagos.clients.cyclades import CycladesComputeClient

#: Where cloud-init looks for what it is to do when no cloud tells it (its source NoCloud).
_SEED = "/var/lib/cloud/seed/nocloud-net"
#: Resources of a quota as Astakos names them, and for a person.
_RESOURCES = (
    ("cyclades.vm", "servers"),
    ("cyclades.cpu", "processors"),
    ("cyclades.ram", "bytes of memory"),
)
_WAYS = ("field", "files")


class SynnefoCapacity(Servers):
    """Servers of a Synnefo.

    Args:
        settings: `flavor` and `image` (name or id), `networks` (ids apart by spaces; none: the
            provider's own), `project` (whose quota is used), `key_name`, `user_data_as` (`field`:
            as the service's own field; `files`: as files for cloud-init, for a service that does
            not know the field), `cloud`.
        environ: where clouds are looked for.
    """

    KEYS = (*Servers.KEYS, "project", "key_name", "user_data_as")
    DIALECT = "synnefo"

    def __init__(
        self, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(settings, environ)
        self._way = self._text("user_data_as") or "field"
        if self._way not in _WAYS:
            raise CapacityNotConfigured(
                f"user_data_as is {self._way!r}", hint=f"use one of: {', '.join(_WAYS)}"
            )

    def _create(self, wish: NewMachine) -> Mapping[str, Any]:
        compute = cast("CycladesComputeClient", self.compute)
        is_field = self._way == "field"
        networks = [{"uuid": one} for one in self._networks]
        return compute.create_server(
            wish.name,
            self._flavor_id(),
            self._image_id(),
            key_name=self._text("key_name") or None,
            user_data=wish.user_data if is_field else None,
            metadata=wish.labels,
            personality=None if is_field else _seed(wish),  # type: ignore[arg-type]  # files
            networks=networks or None,  # type: ignore[arg-type]  # mappings with `uuid`
            project_id=self._text("project") or None,
        )

    def _listed(self, prefix: str) -> Iterable[Mapping[str, Any]]:
        del prefix  # a Cyclades does not look for names
        return self.compute.list_servers(detail=True)

    def _checks(self) -> Iterable[Callable[[], str | None]]:
        return (*super()._checks(), self._key_trouble, self._quota_trouble)

    def _key_trouble(self) -> str | None:
        name = self._text("key_name")
        if not name:
            return None
        known = [one.get("name") for one in self.compute.list_keypairs()]
        return None if name in known else f"the login has no key {name} (key_name)"

    def _quota_trouble(self) -> str | None:
        quotas = self._cloud.astakos.get_quotas()
        project = self._text("project") or self._cloud.access.user_id or ""
        for resource, what in _RESOURCES:
            entry = quotas.get(project, {}).get(resource, {})
            used, limit = entry.get("usage"), entry.get("limit")
            if isinstance(used, int) and isinstance(limit, int) and used >= limit:
                return f"the quota is used up: {used} of {limit} {what}"
        return None


def _seed(wish: NewMachine) -> list[dict[str, Any]]:
    """The files that cloud-init reads when the machine starts for the first time."""
    meta = f"instance-id: {wish.name}\nlocal-hostname: {wish.name}\n"
    return [
        {
            "path": f"{_SEED}/{name}",
            "contents": base64_text(text),
            "owner": "root",
            "group": "root",
            "mode": 0o600,
        }
        for name, text in (("user-data", wish.user_data), ("meta-data", meta))
    ]
