"""What belongs to a server of Nova: metadata, tags, addresses, what was done with it, figures."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.bodies import METADATA, TAG, TAGS
from pelagos.box.compute.nova.call import Call, Routes, exact, page_size, when
from pelagos.box.compute.nova.servers import refuse_locked, server_of
from pelagos.box.compute.nova.views import Attached, addresses, host_id
from pelagos.box.compute.server import Server
from pelagos.box.compute.store import Deed
from pelagos.box.errors import Refused
from pelagos.box.fields import record, text
from pelagos.box.web import Answer, json_answer

_EVENTS = {"create": "compute__do_build_and_run_instance", "delete": "compute_terminate_instance"}


class Parts:
    """Resources below servers/ID."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        here = "/servers/{server_id}"
        routes.add("GET", f"{here}/metadata", self._metadata)
        routes.add("POST", f"{here}/metadata", self._add_metadata)
        routes.add("PUT", f"{here}/metadata", self._replace_metadata)
        routes.add("GET", f"{here}/metadata/{{key}}", self._one_of_metadata)
        routes.add("PUT", f"{here}/metadata/{{key}}", self._set_metadata)
        routes.add("DELETE", f"{here}/metadata/{{key}}", self._remove_metadata)
        routes.add("GET", f"{here}/tags", self._tags, since=26)
        routes.add("PUT", f"{here}/tags", self._replace_tags, since=26)
        routes.add("DELETE", f"{here}/tags", self._remove_tags, since=26)
        routes.add("GET", f"{here}/tags/{{tag}}", self._has_tag, since=26)
        routes.add("PUT", f"{here}/tags/{{tag}}", self._add_tag, since=26)
        routes.add("DELETE", f"{here}/tags/{{tag}}", self._remove_tag, since=26)
        routes.add("GET", f"{here}/ips", self._ips)
        routes.add("GET", f"{here}/ips/{{network}}", self._ips_of)
        routes.add("GET", f"{here}/os-instance-actions", self._deeds)
        routes.add("GET", f"{here}/os-instance-actions/{{request_id}}", self._deed)
        routes.add("GET", f"{here}/diagnostics", self._diagnostics)
        routes.add("GET", f"{here}/os-server-password", self._password)
        routes.add("DELETE", f"{here}/os-server-password", self._forget_password)
        routes.add("GET", f"{here}/os-security-groups", self._groups)

    # metadata

    def _metadata(self, call: Call, server_id: str) -> Answer:
        return json_answer({"metadata": server_of(call, self._fleet, server_id).metadata})

    def _one_of_metadata(self, call: Call, server_id: str, key: str) -> Answer:
        server = server_of(call, self._fleet, server_id)
        return json_answer({"meta": {key: _named(server, key)}})

    def _add_metadata(self, call: Call, server_id: str) -> Answer:
        told = _metadata_of(call)
        return self._write(call, server_id, lambda server: {**server.metadata, **told})

    def _replace_metadata(self, call: Call, server_id: str) -> Answer:
        told = _metadata_of(call)
        return self._write(call, server_id, lambda _: told)

    def _set_metadata(self, call: Call, server_id: str, key: str) -> Answer:
        check = record({"meta": METADATA}, required=("meta",))
        told: dict[str, str] = check(call.request.document(), "")["meta"]
        if list(told) != [key]:
            raise Refused(400, "Request body and URI mismatch")
        self._write(call, server_id, lambda server: {**server.metadata, **told})
        return json_answer({"meta": told})

    def _remove_metadata(self, call: Call, server_id: str, key: str) -> Answer:
        def without(server: Server) -> dict[str, str]:
            _named(server, key)
            return {name: one for name, one in server.metadata.items() if name != key}

        self._write(call, server_id, without)
        return Answer(204)

    def _write(self, call: Call, server_id: str, change: Any) -> Answer:
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            refuse_locked(call, server)
            kept: dict[str, str] = change(server)
            limit = self._fleet.allowance.nova(server.project_id)["metadata_items"]
            if len(kept) > limit >= 0:
                raise Refused(403, f"Maximum number of metadata items exceeds {limit}")
            self._fleet.store.change(server, metadata=kept)
        return json_answer({"metadata": kept})

    # tags

    def _tags(self, call: Call, server_id: str) -> Answer:
        return json_answer({"tags": server_of(call, self._fleet, server_id).tags})

    def _replace_tags(self, call: Call, server_id: str) -> Answer:
        told = record({"tags": TAGS}, required=("tags",))(call.request.document(), "")["tags"]
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_living(server, "update tags")
            kept = self._fleet.store.change(server, tags=sorted(set(told))).tags
        return json_answer({"tags": kept})

    def _remove_tags(self, call: Call, server_id: str) -> Answer:
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_living(server, "delete tags")
            self._fleet.store.change(server, tags=[])
        return Answer(204)

    def _has_tag(self, call: Call, server_id: str, tag: str) -> Answer:
        server = server_of(call, self._fleet, server_id)
        if tag not in server.tags:
            raise Refused(404, f"Server {server.id} has no tag '{tag}'")
        return Answer(204)

    def _add_tag(self, call: Call, server_id: str, tag: str) -> Answer:
        TAG(tag, "tag")
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_living(server, "update tag")
            if tag in server.tags:
                return Answer(204)
            TAGS([*server.tags, tag], "tags")
            self._fleet.store.change(server, tags=sorted([*server.tags, tag]))
        return Answer(201, {"Location": call.url("servers", server_id, "tags", tag)})

    def _remove_tag(self, call: Call, server_id: str, tag: str) -> Answer:
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            _check_living(server, "delete tag")
            if tag not in server.tags:
                raise Refused(404, f"Server {server.id} has no tag '{tag}'")
            self._fleet.store.change(server, tags=[one for one in server.tags if one != tag])
        return Answer(204)

    # addresses

    def _shown_addresses(self, call: Call, server_id: str) -> dict[str, list[dict[str, Any]]]:
        server = server_of(call, self._fleet, server_id)
        found = addresses(Attached(self._fleet, [server]).nics(server))
        return {
            name: [{"version": one["version"], "addr": one["addr"]} for one in cards]
            for name, cards in found.items()
        }

    def _ips(self, call: Call, server_id: str) -> Answer:
        return json_answer({"addresses": self._shown_addresses(call, server_id)})

    def _ips_of(self, call: Call, server_id: str, network: str) -> Answer:
        found = self._shown_addresses(call, server_id)
        if network not in found:
            raise Refused(404, "Instance is not a member of specified network")
        return json_answer({network: found[network]})

    def _groups(self, call: Call, server_id: str) -> Answer:
        server = server_of(call, self._fleet, server_id)
        nics = Attached(self._fleet, [server]).nics(server)
        names = dict.fromkeys(name for nic in nics for name in nic.security_groups)
        shown: list[dict[str, Any]] = [
            {"id": name, "name": name, "description": "", "tenant_id": server.project_id,
             "rules": []}
            for name in (names if nics else server.facts.get("groups", ()))
        ]  # fmt: skip
        return json_answer({"security_groups": shown})

    # what was done

    def _deeds(self, call: Call, server_id: str) -> Answer:
        server = self._also_deleted(call, server_id)
        deeds = self._fleet.store.deeds(server.id)
        if call.since(58):
            query = call.request.query
            if "changes-since" in query:
                since = when(query["changes-since"], "changes-since")
                deeds = [one for one in deeds if one.finished >= since]
            ids = [one.request_id for one in deeds]
            if query.get("marker"):
                if query["marker"] not in ids:
                    raise Refused(400, f"marker [{query['marker']}] not found")
                deeds = deeds[ids.index(query["marker"]) + 1 :]
            deeds = deeds[: page_size(query)]
        return json_answer({"instanceActions": [_deed(call, one) for one in deeds]})

    def _deed(self, call: Call, server_id: str, request_id: str) -> Answer:
        server = self._also_deleted(call, server_id)
        deeds = self._fleet.store.deeds(server.id)
        found = next((one for one in deeds if one.request_id == request_id), None)
        if found is None:
            raise Refused(404, f"Action for request_id {request_id} on instance {server.id} not"
                          " found")  # fmt: skip
        shown = _deed(call, found)
        if call.is_admin or call.since(51):
            shown["events"] = [self._event(call, server, found)]
        return json_answer({"instanceAction": shown})

    def _event(self, call: Call, server: Server, deed: Deed) -> dict[str, Any]:
        is_done = deed.finished <= self._fleet.clock.time()
        event: dict[str, Any] = {
            "event": _EVENTS.get(deed.action, f"compute_{deed.action}_instance"),
            "start_time": exact(deed.started),
            "finish_time": exact(deed.finished) if is_done else None,
            "result": ("Error" if deed.message else "Success") if is_done else None,
        }
        if call.is_admin:
            event["traceback"] = None
        if call.since(62):
            event["hostId"] = host_id(server)
            if call.is_admin:
                event["host"] = server.facts.get("host", "")
        if call.since(84):
            event["details"] = deed.message
        return event

    def _also_deleted(self, call: Call, server_id: str) -> Server:
        found = self._fleet.store.find(server_id, with_deleted=True)
        is_own = found is not None and (found.project_id == call.project_id or call.is_admin)
        if found is not None and is_own and found.deleted is not None and call.since(21):
            return found
        return server_of(call, self._fleet, server_id)

    # others

    def _diagnostics(self, call: Call, server_id: str) -> Answer:
        call.need_admin("os_compute_api:os-server-diagnostics")
        server = server_of(call, self._fleet, server_id)
        if server.state != "active":
            message = f"Cannot 'get_diagnostics' instance {server.id} while it is in vm_state "
            raise Refused(409, message + server.state)
        uptime = int(self._fleet.clock.time() - server.facts.get("launched", server.created))
        if not call.since(48):
            memory = server.ram_mib * 1024
            return json_answer({"cpu0_time": uptime * 10**9, "memory": memory, "vda_read": 0})
        nics = Attached(self._fleet, [server]).nics(server)
        shown = {
            "state": "running", "driver": "libvirt", "hypervisor": "kvm", "hypervisor_os": "box",
            "uptime": uptime, "config_drive": bool(server.facts.get("config_drive")),
            "num_cpus": server.vcpus, "num_nics": len(nics), "num_disks": 1,
            "memory_details": {"maximum": server.ram_mib, "used": server.ram_mib // 2},
            "cpu_details": [
                {"id": number, "time": uptime * 10**9, "utilisation": 1}
                for number in range(server.vcpus)
            ],
            "nic_details": [{"mac_address": one.mac, "rx_octets": 0, "tx_octets": 0}
                            for one in nics],
            "disk_details": [{"read_bytes": 0, "write_bytes": 0}],
        }  # fmt: skip
        return json_answer(shown)

    def _password(self, call: Call, server_id: str) -> Answer:
        server_of(call, self._fleet, server_id)
        return json_answer({"password": ""})

    def _forget_password(self, call: Call, server_id: str) -> Answer:
        server_of(call, self._fleet, server_id)
        return Answer(204)


def _deed(call: Call, deed: Deed) -> dict[str, Any]:
    shown = {
        "action": deed.action,
        "instance_uuid": deed.server_id,
        "request_id": deed.request_id,
        "user_id": deed.user_id,
        "project_id": deed.project_id,
        "start_time": exact(deed.started),
        "message": "Error" if deed.message else None,
    }
    return shown | ({"updated_at": exact(deed.finished)} if call.since(58) else {})


def _metadata_of(call: Call) -> dict[str, str]:
    check = record({"metadata": METADATA}, required=("metadata",))
    told: dict[str, str] = check(call.request.document(), "")["metadata"]
    return told


def _named(server: Server, key: str) -> str:
    text(0, 255)(key, "key")
    if key not in server.metadata:
        raise Refused(404, "Metadata item was not found")
    return server.metadata[key]


def _check_living(server: Server, what: str) -> None:
    if server.state in {"building", "error"} or server.task == "delete":
        raise Refused(409, f"Cannot '{what}' instance {server.id} while it is in vm_state "
                      f"{server.state}")  # fmt: skip
