"""Interfaces and volumes at servers of Nova, as far as the box has networks and volumes."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.bodies import TAG, Body, of
from pelagos.box.compute.nova.call import Call, Routes, page_size
from pelagos.box.compute.nova.servers import refuse_locked, server_of
from pelagos.box.compute.nova.views import Attached
from pelagos.box.compute.server import Server
from pelagos.box.errors import Refused
from pelagos.box.fields import Check, address, either, flag, key, listing, nothing, record, text
from pelagos.box.neighbours import Disk, Networks, Nic, Volumes, Wish
from pelagos.box.web import Answer, json_answer

_STATES = frozenset({"active", "paused", "stopped", "resized", "rescued", "suspended"})
_DEVICE = either(nothing, text(1, 255, pattern=r"(/dev/)?[a-zA-Z]+[0-9]*"))


def _interface(minor: int) -> Check:
    fixed = listing(record({"ip_address": address()}, required=("ip_address",)), 1, least=1)
    inner = record(
        of({
            "net_id": key(), "port_id": key(), "fixed_ips": fixed,
            "tag": TAG if minor >= 49 else None,  # noqa: PLR2004  # a microversion
        })
    )  # fmt: skip
    return record({"interfaceAttachment": inner})


def _attachment(minor: int) -> Check:
    inner = record(
        of({
            "volumeId": key(), "device": _DEVICE,
            "tag": TAG if minor >= 49 else None,  # noqa: PLR2004  # a microversion
            "delete_on_termination": flag() if minor >= 79 else None,  # noqa: PLR2004  # likewise
        }),
        required=("volumeId",),
    )  # fmt: skip
    return record({"volumeAttachment": inner}, required=("volumeAttachment",))


_INTERFACE = Body("", _interface)
_ATTACHMENT = Body("", _attachment)


class AttachedThings:
    """os-interface and os-volume_attachments."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        here = "/servers/{server_id}/os-interface"
        routes.add("GET", here, self._interfaces)
        routes.add("POST", here, self._add_interface)
        routes.add("GET", f"{here}/{{port_id}}", self._show_interface)
        routes.add("DELETE", f"{here}/{{port_id}}", self._remove_interface)
        there = "/servers/{server_id}/os-volume_attachments"
        routes.add("GET", there, self._volumes)
        routes.add("POST", there, self._attach)
        routes.add("GET", f"{there}/{{volume_id}}", self._show_volume)
        routes.add("PUT", f"{there}/{{volume_id}}", self._change_volume, since=85)
        routes.add("DELETE", f"{there}/{{volume_id}}", self._detach)

    def _networks(self) -> Networks:
        found = self._fleet.neighbours.networks
        if found is None:
            raise Refused(400, "There are no networks here.")
        return found

    def _all_volumes(self) -> Volumes:
        found = self._fleet.neighbours.volumes
        if found is None:
            raise Refused(400, "There are no volumes here.")
        return found

    # interfaces

    def _nics(self, call: Call, server_id: str) -> tuple[Nic, ...]:
        server = server_of(call, self._fleet, server_id)
        return Attached(self._fleet, [server]).nics(server)

    def _interfaces(self, call: Call, server_id: str) -> Answer:
        found = self._nics(call, server_id)
        return json_answer({"interfaceAttachments": [_nic(call, one) for one in found]})

    def _show_interface(self, call: Call, server_id: str, port_id: str) -> Answer:
        found = next((one for one in self._nics(call, server_id) if one.port_id == port_id), None)
        if found is None:
            raise Refused(404, f"Instance {server_id} does not have a port with id {port_id}")
        return json_answer({"interfaceAttachment": _nic(call, found)})

    def _add_interface(self, call: Call, server_id: str) -> Answer:
        told = _INTERFACE.check(call).get("interfaceAttachment", {})
        network, port, fixed = told.get("net_id"), told.get("port_id"), told.get("fixed_ips")
        if network and port:
            raise Refused(400, "Must not input both network_id and port_id")
        if fixed and not network:
            raise Refused(400, "Must input network_id when request IP address")
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_state(call, server, "attach_interface")
            wish = Wish(
                network_id=network or "",
                port_id=port or "",
                fixed_ip=fixed[0]["ip_address"] if fixed else "",
                tag=told.get("tag", ""),
            )
            wishes = (wish,) if network or port else None
            groups = server.facts.get("groups", ("default",))
            made = self._networks().plug(server.guest, wishes, groups)
            if not made:
                raise Refused(400, "No networks are there to attach to")
            self._fleet.note(server, call.user_id, call.request_id, "attach_interface")
        return json_answer({"interfaceAttachment": _nic(call, made[-1])})

    def _remove_interface(self, call: Call, server_id: str, port_id: str) -> Answer:
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_state(call, server, "detach_interface")
            self._networks().unplug(server.guest, port_id)
            self._fleet.note(server, call.user_id, call.request_id, "detach_interface")
        return Answer(202)

    # volumes

    def _disks(self, call: Call, server_id: str) -> tuple[Server, tuple[Disk, ...]]:
        server = server_of(call, self._fleet, server_id)
        return server, Attached(self._fleet, [server]).disks(server)

    def _volumes(self, call: Call, server_id: str) -> Answer:
        server, disks = self._disks(call, server_id)
        query = call.request.query
        offset = query.get("offset", "0")
        if not offset.isdigit():
            raise Refused(400, f"Invalid input for query parameters offset. Value: {offset}.")
        first = int(offset)
        shown = [_disk(call, server, one) for one in disks[first : first + page_size(query)]]
        return json_answer({"volumeAttachments": shown})

    def _one(self, call: Call, server_id: str, volume_id: str) -> tuple[Server, Disk]:
        server, disks = self._disks(call, server_id)
        found = next((one for one in disks if one.volume_id == volume_id), None)
        if found is None:
            message = f"Instance {server.id} is not attached to volume {volume_id}"
            raise Refused(404, message)
        return server, found

    def _show_volume(self, call: Call, server_id: str, volume_id: str) -> Answer:
        server, disk = self._one(call, server_id, volume_id)
        return json_answer({"volumeAttachment": _disk(call, server, disk)})

    def _attach(self, call: Call, server_id: str) -> Answer:
        told = _ATTACHMENT.check(call)["volumeAttachment"]
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_state(call, server, "attach_volume")
            disk = self._all_volumes().attach(
                server.guest,
                told["volumeId"],
                device=told.get("device") or "",
                tag=told.get("tag", ""),
                ends_with_server=told.get("delete_on_termination", False),
            )
            self._fleet.note(server, call.user_id, call.request_id, "attach_volume")
        return json_answer({"volumeAttachment": _disk(call, server, disk)})

    def _change_volume(self, call: Call, server_id: str, volume_id: str) -> Answer:
        inner = record(
            {
                "volumeId": key(), "id": key(), "serverId": key(), "tag": TAG, "device": _DEVICE,
                "delete_on_termination": flag(),
            },
            required=("volumeId",),
        )  # fmt: skip
        check = record({"volumeAttachment": inner}, required=("volumeAttachment",))
        told = check(call.request.document(), "")["volumeAttachment"]
        with self._fleet.database.change():
            server, disk = self._one(call, server_id, volume_id)
            refuse_locked(call, server)
            if told["volumeId"] != disk.volume_id:
                raise Refused(400, "Volumes may not be swapped here")
            if "delete_on_termination" in told:
                self._all_volumes().change(
                    server.guest, volume_id, ends_with_server=told["delete_on_termination"]
                )
        return Answer(202)

    def _detach(self, call: Call, server_id: str, volume_id: str) -> Answer:
        with self._fleet.database.change():
            server, disk = self._one(call, server_id, volume_id)
            _check_state(call, server, "detach_volume")
            if disk.is_root:
                raise Refused(403, "Cannot detach a root device volume")
            self._all_volumes().detach(server.guest, disk.volume_id)
            self._fleet.note(server, call.user_id, call.request_id, "detach_volume")
        return Answer(202)


def _check_state(call: Call, server: Server, what: str) -> None:
    refuse_locked(call, server)
    if server.state not in _STATES or server.task == "delete":
        message = f"Cannot '{what}' instance {server.id} while it is in vm_state {server.state}"
        raise Refused(409, message)


def _nic(call: Call, nic: Nic) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "net_id": nic.network_id,
        "port_id": nic.port_id,
        "mac_addr": nic.mac,
        "port_state": nic.state,
        "fixed_ips": [
            {"subnet_id": one.subnet_id, "ip_address": one.ip}
            for one in nic.addresses
            if one.kind == "fixed"
        ],
    }
    return shown | ({"tag": nic.tag or None} if call.since(70) else {})


def _disk(call: Call, server: Server, disk: Disk) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "serverId": server.id,
        "volumeId": disk.volume_id,
        "device": disk.device or None,
    }
    if call.since(89):
        shown |= {"attachment_id": disk.attachment_id, "bdm_uuid": disk.attachment_id}
    else:
        shown["id"] = disk.volume_id
    if call.since(70):
        shown["tag"] = disk.tag or None
    if call.since(79):
        shown["delete_on_termination"] = disk.ends_with_server
    return shown
