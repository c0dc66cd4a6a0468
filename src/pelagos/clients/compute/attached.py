"""What is attached to servers: volumes, interfaces, consoles; and waiting for their status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from pelagos.clients.base.bilingual import needed
from pelagos.clients.base.polling import wait_status
from pelagos.clients.compute.attached_rest import AttachedRestClient
from pelagos.clients.compute.servers import Servers
from pelagos.clients.compute.words import interface, same_status
from pelagos.clients.errors import BadRequest
from pelagos.core.clock import Clock, SystemClock

if TYPE_CHECKING:  # a program pays for the types of answers only where it names them
    from pelagos.clients.compute.types import Attachment, Console, Id, Server, VolumeAttachment

#: OpenStack's consoles, protocol and type, by Synnefo's words and its own.
_CONSOLES: Mapping[str, tuple[str, str]] = {
    "vnc": ("vnc", "novnc"),
    "vnc-ws": ("vnc", "novnc"),
    "vnc-wss": ("vnc", "novnc"),
    "novnc": ("vnc", "novnc"),
    "xvpvnc": ("vnc", "xvpvnc"),
    "spice": ("spice", "spice-html5"),
    "serial": ("serial", "serial"),
    "rdp": ("rdp", "rdp-html5"),
}


class Attached(AttachedRestClient, Servers):
    """The methods on what is attached to servers, and those that wait."""

    _clock: Clock = SystemClock()

    # ---- waiting

    def get_server_status(self, server_id: Id) -> tuple[str, int | None]:
        """A server's status and, while it is built, the percentage that is done."""
        found = self.get_server_details(server_id)
        status = needed(found, "status")
        return status, found.get("progress") if status == "BUILD" else None

    def wait_server_while(
        self,
        server_id: Id,
        current_status: str = "BUILD",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Server], Any] | None = None,
    ) -> Server:
        """Wait until a server's status is another one; the last record, also when time was over.

        A server that is gone has the status DELETED; it, and one in ERROR, is not waited for.

        Args:
            server_id: which.
            current_status: in either family's words.
            delay: seconds between two questions.
            max_wait: seconds.
            wait_cb: called with each record.
        """
        return self._wait_server(
            server_id, lambda now: not same_status(now, current_status), delay, max_wait, wait_cb
        )

    def wait_server_until(
        self,
        server_id: Id,
        target_status: str = "ACTIVE",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: Callable[[Server], Any] | None = None,
    ) -> Server:
        """Wait for a server's status; the last record. As `wait_server_while` else.

        Who waits for DELETED is content with a server that is not there at all.
        """
        return self._wait_server(
            server_id, lambda now: same_status(now, target_status), delay, max_wait, wait_cb,
            gone={"id": str(server_id)} if same_status(target_status, "DELETED") else None,
        )  # fmt: skip

    wait_server = wait_server_while

    def _wait_server(
        self,
        server_id: Id,
        stop: Callable[[str], bool],
        delay: float,
        max_wait: float,
        wait_cb: Callable[[Server], Any] | None,
        gone: Mapping[str, Any] | None = None,
    ) -> Server:
        found = wait_status(
            lambda: self.get_server_details(server_id),
            stop,
            delay=delay,
            max_wait=max_wait,
            wait_cb=wait_cb,
            clock=self._clock,
            gone=gone,
        )
        return cast("Server", found)

    # ---- volumes

    def list_volume_attachments(self, server_id: Id) -> list[VolumeAttachment]:
        """The volumes at a server."""
        found = self.volume_attachment_get(server_id).listing("volumeAttachments")
        return cast("list[VolumeAttachment]", found)

    def get_volume_attachment(self, server_id: Id, attachment_id: Id) -> VolumeAttachment:
        """One volume at a server; on OpenStack the attachment's id is the volume's."""
        found = self.volume_attachment_get(server_id, attachment_id).record("volumeAttachment")
        return cast("VolumeAttachment", found)

    def attach_volume(self, server_id: Id, volume_id: Id) -> VolumeAttachment:
        """Attach a volume to a server; the attachment, as far as the service tells."""
        reply = self.volume_attachment_post(server_id, volume_id)
        if not reply.content:
            return {"serverId": server_id, "volumeId": volume_id}
        return cast("VolumeAttachment", reply.record("volumeAttachment"))

    def delete_volume_attachment(self, server_id: Id, attachment_id: Id) -> Mapping[str, str]:
        """Detach a volume by its attachment; the answer's header fields."""
        return self.volume_attachment_delete(server_id, attachment_id).headers

    def detach_volume(self, server_id: Id, volume_id: Id) -> list[VolumeAttachment]:
        """Detach a volume wherever it is at a server; the attachments that go."""
        found = self.list_volume_attachments(server_id)
        gone = [one for one in found if str(one.get("volumeId")) == str(volume_id)]
        for one in gone:
            self.delete_volume_attachment(server_id, one.get("id", volume_id))
        return gone

    # ---- interfaces

    def list_server_nics(self, server_id: Id) -> list[Attachment]:
        """Where a server joins networks: its attachments, on OpenStack its ports."""
        if self.is_synnefo:
            return cast("list[Attachment]", self.servers_ips_get(server_id).listing("attachments"))
        found = self.interfaces_get(server_id).listing("interfaceAttachments")
        return cast("list[Attachment]", [interface(one) for one in found])

    def attach_port(self, server_id: Id, port_id: Id) -> Attachment:
        """Join a server to a network by a port that exists (OpenStack).

        Raises:
            Unsupported: Synnefo's ports are made with their server (`device_id`).
        """
        self._only_on("openstack", "ports without a server", "make the port with its device_id")
        body = {"interfaceAttachment": {"port_id": port_id}}
        found = self.interfaces_post(server_id, body).record("interfaceAttachment")
        return cast("Attachment", interface(found))

    def detach_port(self, server_id: Id, port_id: Id) -> Mapping[str, str]:
        """Take a server from a network (OpenStack).

        Raises:
            Unsupported: on Synnefo the port is deleted.
        """
        self._only_on("openstack", "ports without a server", "delete the port")
        return self.interfaces_delete(server_id, port_id).headers

    # ---- screen and state

    def get_server_console(self, server_id: Id, console_type: str = "vnc") -> Console:
        """How to get at a server's screen: host, port and password, or on OpenStack a URL.

        Raises:
            BadRequest: OpenStack has no such type; nothing was sent.
        """
        if self.is_synnefo:
            body = {"console": {"type": console_type}}
            return cast("Console", self.servers_action_post(server_id, body).record("console"))
        if console_type not in _CONSOLES:
            raise BadRequest(
                f"no console is {console_type!r}", 400, hint=f"there is {', '.join(_CONSOLES)}"
            )
        protocol, kind = _CONSOLES[console_type]
        reply = self.remote_consoles_post(server_id, protocol, kind)
        return cast("Console", reply.record("remote_console"))

    def get_server_diagnostics(self, server_id: Id) -> Any:
        """How a server does: a list of remarks (Synnefo), or figures by name (OpenStack)."""
        return self.servers_diagnostics_get(server_id).json
