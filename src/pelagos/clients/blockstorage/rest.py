"""The block storage service's calls one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

from pelagos.clients.base import Reply
from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.base.client import How
from pelagos.clients.base.dialect import Dialect
from pelagos.clients.blockstorage.types import Id

_MADE = frozenset({200, 201, 202})
_GONE = frozenset({202, 204})


class BlockStorageRestClient(Bilingual):
    """One method for each call; what else a method takes goes to the verb (see `Client`)."""

    service_type: ClassVar[str] = "volume"
    DEFAULT_API_VERSION: ClassVar[str] = "2.0"
    API_VERSIONS: ClassVar[Mapping[Dialect, str]] = {"openstack": "3", "synnefo": "2.0"}
    TELLING_VERSIONS: ClassVar[Mapping[str, Dialect]] = {"3": "openstack", "2.0": "synnefo"}

    def volumes_get(
        self, detail: bool | None = None, volume_id: Id | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a page of volumes, or one."""
        return self.get(_path("volumes", detail, volume_id), **how)

    def volumes_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a volume."""
        how.setdefault("success", _MADE)
        how["json"] = json_data
        return self.post(("volumes",), **how)

    def volumes_put(
        self, volume_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a volume."""
        how["json"] = json_data
        return self.put(("volumes", volume_id), **how)

    def volumes_delete(self, volume_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a volume."""
        how.setdefault("success", _GONE)
        return self.delete(("volumes", volume_id), **how)

    def volumes_action_post(
        self, volume_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """POST an action: `{NAME: ARGUMENTS}`."""
        how.setdefault("success", {200, 202})
        how["json"] = json_data
        return self.post(("volumes", volume_id, "action"), **how)

    def snapshots_get(
        self, detail: bool | None = None, snapshot_id: Id | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a page of snapshots, or one."""
        return self.get(_path("snapshots", detail, snapshot_id), **how)

    def snapshots_post(self, json_data: Mapping[str, Any], **how: Unpack[How]) -> Reply:
        """POST a snapshot."""
        how.setdefault("success", _MADE)
        how["json"] = json_data
        return self.post(("snapshots",), **how)

    def snapshots_put(
        self, snapshot_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """PUT what changes of a snapshot."""
        how["json"] = json_data
        return self.put(("snapshots", snapshot_id), **how)

    def snapshots_delete(self, snapshot_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE a snapshot."""
        how.setdefault("success", _GONE)
        return self.delete(("snapshots", snapshot_id), **how)

    def types_get(self, type_id: Id | None = None, **how: Unpack[How]) -> Reply:
        """GET a page of volume types, or one."""
        return self.get(_path("types", None, type_id), **how)


def _path(what: str, detail: bool | None, which: Id | None) -> tuple[Id, ...]:
    if detail:
        return what, "detail"
    return (what,) if which is None else (what, which)
