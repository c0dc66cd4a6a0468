"""What Nova does with servers on demand: POST servers/ID/action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Action, Fleet
from pelagos.box.compute.nova.bodies import ARGUMENTS
from pelagos.box.compute.nova.call import Call, Routes, iso
from pelagos.box.compute.nova.creating import new_password
from pelagos.box.compute.nova.floating import lead, lead_nowhere
from pelagos.box.compute.nova.servers import refuse_locked, server_of
from pelagos.box.compute.nova.views import Attached, detailed, hostname
from pelagos.box.compute.server import Server
from pelagos.box.errors import Refused
from pelagos.box.web import Answer, json_answer

Work = Callable[[Call, Server, Any], Answer]


@dataclass(frozen=True, slots=True)
class Plain:
    """An action that says nothing of its own.

    Attributes:
        name: among the fleet's actions.
        rule: empty, or that of the policy for administrators.
    """

    name: str
    rule: str = ""


_PLAIN = {
    "os-start": Plain("start"), "os-stop": Plain("stop"), "pause": Plain("pause"),
    "unpause": Plain("unpause"), "suspend": Plain("suspend"), "resume": Plain("resume"),
    "unrescue": Plain("unrescue"), "unshelve": Plain("unshelve"),
    "migrate": Plain("migrate", "os_compute_api:os-migrate-server:migrate"),
}  # fmt: skip


class Actions:
    """POST servers/ID/action."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._works: Mapping[str, Work] = {
            "reboot": self._reboot,
            "rebuild": self._rebuild,
            "resize": self._resize,
            "confirmResize": self._confirm,
            "revertResize": self._revert,
            "createImage": self._create_image,
            "createBackup": self._create_backup,
            "changePassword": self._change_password,
            "rescue": self._rescue,
            "shelve": self._shelve,
            "lock": self._lock,
            "unlock": self._unlock,
            "forceDelete": self._force_delete,
            "restore": self._restore,
            "addSecurityGroup": self._add_group,
            "removeSecurityGroup": self._remove_group,
            "addFloatingIp": partial(lead, fleet),
            "removeFloatingIp": partial(lead_nowhere, fleet),
            "os-getConsoleOutput": self._console_output,
            "os-resetState": self._reset_state,
            "os-getVNCConsole": self._old_console,
            "os-getSPICEConsole": self._old_console,
            "os-getSerialConsole": self._old_console,
        }

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("POST", "/servers/{server_id}/action", self._action)
        routes.add("POST", "/servers/{server_id}/remote-consoles", self._console, since=6)

    def _action(self, call: Call, server_id: str) -> Answer:
        body = call.request.document()
        if len(body) != 1:
            raise Refused(400, "Malformed request body: it has to name one action")
        ((name, arguments),) = body.items()
        work = self._works.get(name)
        plain = _PLAIN.get(name)
        if work is None and plain is None:
            raise Refused(400, f"There is no such action: {name}")
        told = ARGUMENTS[name].check_part(call, arguments)
        server = server_of(call, self._fleet, server_id)
        if plain is not None:
            if plain.rule:
                call.need_admin(plain.rule)
            self._act(call, server, plain.name, name)
            return Answer(202)
        assert work is not None  # noqa: S101  # one of the two is
        return work(call, server, told)

    def _act(
        self,
        call: Call,
        server: Server,
        name: str,
        told: str,
        *,
        outcome: Mapping[str, Any] | None = None,
        now: Mapping[str, Any] | None = None,
    ) -> Server:
        def check(current: Server, action: Action) -> None:
            refuse_locked(call, current)
            _check(current, action, told)

        return self._fleet.act(
            server,
            name,
            call.user_id,
            call.request_id,
            check=check,
            note=told.removeprefix("os-"),
            outcome=outcome,
            now=now,
        )

    # power

    def _reboot(self, call: Call, server: Server, told: Any) -> Answer:
        is_hard = told["type"].upper() == "HARD"
        self._act(call, server, "hard_reboot" if is_hard else "reboot", "reboot")
        return Answer(202)

    def _rescue(self, call: Call, server: Server, told: Any) -> Answer:
        password = (told or {}).get("adminPass") or new_password()
        key = (told or {}).get("rescue_image_ref")
        if key and self._fleet.image(key, call.project_id, is_admin=call.is_admin) is None:
            raise Refused(400, f"Image {key} could not be found.")
        self._act(call, server, "rescue", "rescue")
        return json_answer({"adminPass": password})

    def _change_password(self, call: Call, server: Server, _told: Any) -> Answer:
        self._act(call, server, "password", "changePassword")
        return Answer(202)

    def _lock(self, call: Call, server: Server, told: Any) -> Answer:
        reason = told.get("locked_reason") if isinstance(told, dict) else None
        self._fleet.store.change(server, facts={"locked": True, "locked_reason": reason})
        self._fleet.note(server, call.user_id, call.request_id, "lock")
        return Answer(202)

    def _unlock(self, call: Call, server: Server, _told: Any) -> Answer:
        self._fleet.store.change(server, facts={"locked": False, "locked_reason": None})
        self._fleet.note(server, call.user_id, call.request_id, "unlock")
        return Answer(202)

    def _force_delete(self, call: Call, server: Server, _told: Any) -> Answer:
        refuse_locked(call, server)
        self._fleet.delete(server, call.user_id, call.request_id)
        return Answer(202)

    def _restore(self, call: Call, server: Server, _told: Any) -> Answer:
        """A server that was put away comes back, if the quota has room for it again."""
        with self._fleet.database.change():
            flavor = Flavor.from_facts(server.flavor)
            self._fleet.allowance.check_nova(server.project_id, flavor, 1, 1)
            self._act(call, server, "restore", "restore")
        return Answer(202)

    def _reset_state(self, call: Call, server: Server, told: Any) -> Answer:
        call.need_admin("os_compute_api:os-admin-actions:reset_state")
        values = {"state": told["state"], "task": None, "due": None, "outcome": {}}
        self._fleet.store.change(server, **values)
        return Answer(202)

    # size and content

    def _flavor(self, call: Call, key: str) -> Flavor:
        flavor = self._fleet.flavors.by_id(key)
        if flavor is None or not (flavor.may_use(call.project_id) or call.is_admin):
            raise Refused(400, f"Flavor {key} could not be found.")
        return flavor

    def _resize(self, call: Call, server: Server, told: Any) -> Answer:
        flavor = self._flavor(call, str(told["flavorRef"]))
        if flavor.id == server.flavor["id"]:
            raise Refused(400, "When resizing, instances must change flavor!")
        if flavor.disk_gib < server.disk_gib and not flavor.disk_gib and server.image_id:
            raise Refused(400, "Resize to zero disk flavor is not allowed.")
        with self._fleet.database.change():
            more = Flavor.from_facts({
                **flavor.facts(), "vcpus": max(flavor.vcpus - server.vcpus, 0),
                "ram_mib": max(flavor.ram_mib - server.ram_mib, 0),
            })  # fmt: skip
            self._fleet.allowance.check_nova(server.project_id, more, 1, 0)
            outcome = {
                **self._fleet.resized(flavor),
                "facts": {"old_flavor": server.flavor, "old_state": server.state},
            }
            self._act(call, server, "resize", "resize", outcome=outcome)
        return Answer(202)

    def _confirm(self, call: Call, server: Server, _told: Any) -> Answer:
        outcome = {"state": server.facts.get("old_state", "active")}
        self._act(call, server, "confirm", "confirmResize", outcome=outcome)
        return Answer(204)

    def _revert(self, call: Call, server: Server, _told: Any) -> Answer:
        outcome: dict[str, Any] = {"state": server.facts.get("old_state", "active")}
        if old := server.facts.get("old_flavor"):
            outcome |= self._fleet.resized(Flavor.from_facts(old))
        self._act(call, server, "revert", "revertResize", outcome=outcome)
        return Answer(202)

    def _rebuild(self, call: Call, server: Server, told: Any) -> Answer:
        image = self._fleet.image(told["imageRef"], call.project_id, is_admin=call.is_admin)
        if image is None:
            raise Refused(400, f"Cannot find image {told['imageRef']} for rebuild")
        if image.status != "active":
            raise Refused(400, f"Image {image.id} is not active.")
        password = told.get("adminPass") or new_password()
        names = {
            "description": "description", "user_data": "user_data", "key_name": "key_name",
            "OS-DCF:diskConfig": "disk_config", "accessIPv4": "access_v4",
            "accessIPv6": "access_v6", "hostname": "hostname",
            "trusted_image_certificates": "certificates",
        }  # fmt: skip
        facts = {names[key]: value for key, value in told.items() if key in names}
        if facts.get("key_name") and not self._fleet.keys.named(call.user_id, facts["key_name"]):
            raise Refused(400, "Invalid key_name provided.")
        now: dict[str, Any] = {"image_id": image.id, "facts": facts}
        now |= {key: told[key] for key in ("name", "metadata") if key in told}
        state = "active" if server.state == "error" else server.state
        server = self._act(call, server, "rebuild", "rebuild", outcome={"state": state}, now=now)
        shown = self._rebuilt(call, server)
        return json_answer({"server": {**shown, "adminPass": password}}, 202)

    def _rebuilt(self, call: Call, server: Server) -> dict[str, Any]:
        shown = detailed(call, self._fleet, server, Attached(self._fleet, [server]))
        if call.since(57):
            shown["user_data"] = server.facts.get("user_data")
        if call.since(54):
            shown["key_name"] = server.facts.get("key_name")
        if call.since(75):
            return shown
        kept = {"key_name"} if call.since(54) else set()
        unwanted = ("OS-EXT-", "OS-SRV-USG", "os-extended", "config_drive", "key_name", "security")
        return {
            name: one
            for name, one in shown.items()
            if name in kept or not name.startswith(unwanted)
        }

    def _create_image(self, call: Call, server: Server, told: Any) -> Answer:
        with self._fleet.database.change():
            self._act(call, server, "image", "createImage")
            image_id = self._snapshot(call, server, told["name"], told.get("metadata", {}))
        if call.since(45):
            return json_answer({"image_id": image_id}, 202)
        location = f"{call.request.host}/image/v2/images/{image_id}"
        return Answer(202, {"Location": location})

    def _create_backup(self, call: Call, server: Server, told: Any) -> Answer:
        """An image of a series, of which only the latest are kept."""
        kind = {"image_type": "backup", "backup_type": told["backup_type"]}
        with self._fleet.database.change():
            self._act(call, server, "backup", "createBackup")
            metadata = {**told.get("metadata", {}), **kind}
            image_id = self._snapshot(call, server, told["name"], metadata)
            images = self._fleet.neighbours.images
            if images is not None:
                series = {**kind, "instance_uuid": server.id}
                images.keep_latest(told["rotation"], call.project_id, series)
        if call.since(45):
            return json_answer({"image_id": image_id}, 202)
        if not told["rotation"]:
            return Answer(202)
        location = f"{call.request.host}/image/v2/images/{image_id}"
        return Answer(202, {"Location": location})

    def _snapshot(self, call: Call, server: Server, name: str, metadata: Mapping[str, str]) -> str:
        images = self._fleet.neighbours.images
        if images is None:
            raise Refused(400, "There are no images here.")
        properties = {
            "image_type": "snapshot", "instance_uuid": server.id, "user_id": call.user_id,
            "base_image_ref": server.image_id, **metadata,
        }  # fmt: skip
        made = images.make(call.project_id, call.user_id, name, properties)
        return made.id

    def _shelve(self, call: Call, server: Server, _told: Any) -> Answer:
        with self._fleet.database.change():
            self._act(call, server, "shelve", "shelve", outcome={"facts": {"host": ""}})
            if server.image_id and self._fleet.neighbours.images:
                self._snapshot(call, server, f"{server.name}-shelved", {})
        return Answer(202)

    # security groups

    def _add_group(self, call: Call, server: Server, told: Any) -> Answer:
        return self._set_group(call, server, told["name"], is_member=True)

    def _remove_group(self, call: Call, server: Server, told: Any) -> Answer:
        return self._set_group(call, server, told["name"], is_member=False)

    def _set_group(self, call: Call, server: Server, name: str, *, is_member: bool) -> Answer:
        with self._fleet.database.change():
            groups = [one for one in server.facts.get("groups", ()) if one != name]
            networks = self._fleet.neighbours.networks
            if networks is not None:
                networks.set_group(server.guest, name, is_member=is_member)
            elif not is_member and name not in server.facts.get("groups", ()):
                raise Refused(404, f"Security group {name} not associated with the instance")
            facts = {"groups": [*groups, name] if is_member else groups}
            self._fleet.store.change(server, facts=facts)
        self._fleet.note(server, call.user_id, call.request_id, "addSecurityGroup")
        return Answer(202)

    # screens

    def _console_output(self, _call: Call, server: Server, told: Any) -> Answer:
        _check(server, Action(("active", "rescued"), "", None), "get_console_output")
        lines = boot_log(server)
        length = told.get("length")
        if length is not None and length >= 0:
            lines = lines[len(lines) - length :] if length < len(lines) else lines
        return json_answer({"output": "\n".join(lines)})

    def _old_console(self, call: Call, server: Server, told: Any) -> Answer:
        if not call.since(6):
            kinds = {"novnc": "vnc", "xvpvnc": "vnc", "spice-html5": "spice", "serial": "serial"}
            shown = self._screen(call, server, kinds[told["type"]], told["type"])
            del shown["protocol"]
            return json_answer({"console": shown})
        raise Refused(400, "There is no such action: it is remote-consoles since 2.6")

    def _console(self, call: Call, server_id: str) -> Answer:
        told = call.request.document().get("remote_console")
        kinds = {
            "vnc": ("novnc", "xvpvnc"), "spice": ("spice-html5",), "serial": ("serial",),
            "rdp": ("rdp-html5",), **({"mks": ("webmks",)} if call.since(8) else {}),
        }  # fmt: skip
        if not isinstance(told, dict) or set(told) != {"protocol", "type"}:
            raise Refused(400, "Invalid input for field/attribute remote_console.")
        if told["type"] not in kinds.get(str(told["protocol"]), ()):
            raise Refused(400, f"Invalid input for field/attribute type. Value: {told['type']}.")
        server = server_of(call, self._fleet, server_id)
        shown = self._screen(call, server, told["protocol"], told["type"])
        return json_answer({"remote_console": shown})

    def _screen(self, call: Call, server: Server, protocol: str, kind: str) -> dict[str, Any]:
        action = Action(("active", "rescued", "error"), "", None)
        if server.state == "building":
            raise Refused(409, f"Instance {server.id} is not ready")
        _check(server, action, f"get_{protocol}_console")
        url = f"{call.request.host}/compute/console/{server.id}?token={call.request_id[4:]}"
        return {"protocol": protocol, "type": kind, "url": url}


def _check(server: Server, action: Action, told: str) -> None:
    """See that a server is in a state for an action.

    Raises:
        Refused: 409.
    """
    begin = f"Cannot '{told.removeprefix('os-')}' instance {server.id} while it is in "
    if server.state not in action.states:
        raise Refused(409, f"{begin}vm_state {server.state}")
    busy = server.task is not None and action.task
    if busy and not (action.task == "hard_reboot" and server.task == "reboot"):
        raise Refused(409, f"{begin}task_state {server.nova_task(server.started)}")


def boot_log(server: Server) -> list[str]:
    """What a server has written to its console."""
    began = server.facts.get("launched") or server.created
    name = hostname(server)
    return [
        "[    0.000000] Linux version 6.1.0 (box) #1 SMP",
        f"[    0.000000] {server.vcpus} CPU, {server.ram_mib} MiB of memory",
        f"[    0.412007] virtio_blk virtio2: [vda] {server.disk_gib} GiB",
        f"[    1.204113] systemd[1]: Set hostname to <{name}>.",
        f"cloud-init: instance {server.id} up since {iso(began)}",
        *(["cloud-init: running user data"] if server.facts.get("user_data") else []),
        "",
        f"{name} login: ",
    ]
