"""The compute service's calls about what is attached to a server, and how it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from pelagos.clients.base import Reply
from pelagos.clients.base.client import How
from pelagos.clients.compute.rest import ComputeRestClient

if TYPE_CHECKING:  # a program pays for the types of answers only where it names them
    from pelagos.clients.compute.types import Id

_DONE = frozenset({200, 202, 204})


class AttachedRestClient(ComputeRestClient):
    """Volumes, interfaces, consoles and diagnostics of servers; see `ComputeRestClient`."""

    def volume_attachment_get(
        self, server_id: Id, attachment_id: Id | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a server's volume attachments, or one."""
        return self.get(_path(server_id, "os-volume_attachments", attachment_id), **how)

    def volume_attachment_post(self, server_id: Id, volume_id: Id, **how: Unpack[How]) -> Reply:
        """POST a volume attachment."""
        how.setdefault("success", {200, 202})
        how["json"] = {"volumeAttachment": {"volumeId": volume_id}}
        return self.post(_path(server_id, "os-volume_attachments"), **how)

    def volume_attachment_delete(
        self, server_id: Id, attachment_id: Id, **how: Unpack[How]
    ) -> Reply:
        """DELETE a volume attachment."""
        how.setdefault("success", _DONE)
        return self.delete(_path(server_id, "os-volume_attachments", attachment_id), **how)

    def servers_diagnostics_get(self, server_id: Id, **how: Unpack[How]) -> Reply:
        """GET how a server does."""
        return self.get(_path(server_id, "diagnostics"), **how)

    def interfaces_get(
        self, server_id: Id, port_id: Id | None = None, **how: Unpack[How]
    ) -> Reply:
        """GET a server's interfaces, or one (OpenStack)."""
        return self.get(_path(server_id, "os-interface", port_id), **how)

    def interfaces_post(
        self, server_id: Id, json_data: Mapping[str, Any], **how: Unpack[How]
    ) -> Reply:
        """POST an interface (OpenStack)."""
        how["json"] = json_data
        return self.post(_path(server_id, "os-interface"), **how)

    def interfaces_delete(self, server_id: Id, port_id: Id, **how: Unpack[How]) -> Reply:
        """DELETE an interface (OpenStack)."""
        how.setdefault("success", _DONE)
        return self.delete(_path(server_id, "os-interface", port_id), **how)

    def remote_consoles_post(
        self, server_id: Id, protocol: str, console_type: str, **how: Unpack[How]
    ) -> Reply:
        """POST a remote console (OpenStack)."""
        how["headers"] = {**(self._since("2.6") or {}), **(how.get("headers") or {})}
        how["json"] = {"remote_console": {"protocol": protocol, "type": console_type}}
        return self.post(_path(server_id, "remote-consoles"), **how)


def _path(server_id: Id, what: str, which: Id | None = None) -> tuple[Id, ...]:
    return ("servers", server_id, what) if which is None else ("servers", server_id, what, which)
