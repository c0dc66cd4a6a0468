"""What belongs to a server of Cyclades: metadata, tags, addresses, volumes, statistics."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.cyclades.servers import Servers, check_idle, server_of
from pelagos.box.compute.cyclades.shapes import VERSION, addresses, attachment, diagnostics
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.server import Server
from pelagos.box.cyclades import body, caller, part
from pelagos.box.errors import Refused
from pelagos.box.neighbours import Disk, Nic, Volumes
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

_LETTERS = 255
_TAG_LETTERS = 255
_TAGS = 50


class Parts:
    """Resources below servers/ID."""

    def __init__(self, fleet: Fleet, servers: Servers) -> None:
        self._fleet = fleet
        self._servers = servers

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        here = f"/{VERSION}/servers/{{server_id}}"
        router.add("GET", f"{here}/metadata", self._metadata)
        router.add("POST", f"{here}/metadata", self._add_metadata)
        router.add("PUT DELETE", f"{here}/metadata", _get_or_post_only)
        router.add("GET", f"{here}/metadata/{{key}}", self._metadatum)
        router.add("PUT", f"{here}/metadata/{{key}}", self._set_metadatum)
        router.add("DELETE", f"{here}/metadata/{{key}}", self._drop_metadatum)
        router.add("GET", f"{here}/tags", self._tags)
        router.add("PUT", f"{here}/tags", self._replace_tags)
        router.add("DELETE", f"{here}/tags", self._drop_tags)
        router.add("GET", f"{here}/tags/{{tag}}", self._tag)
        router.add("PUT", f"{here}/tags/{{tag}}", self._add_tag)
        router.add("DELETE", f"{here}/tags/{{tag}}", self._drop_tag)
        router.add("GET", f"{here}/ips", self._ips)
        router.add("GET", f"{here}/ips/{{network}}", self._ips_of)
        router.add("GET", f"{here}/stats", self._stats)
        router.add("GET", f"{here}/diagnostics", self._diagnostics)
        router.add("GET", f"{here}/password", self._password)
        router.add("GET", f"{here}/os-volume_attachments", self._disks)
        router.add("POST", f"{here}/os-volume_attachments", self._attach)
        router.add("GET", f"{here}/os-volume_attachments/{{volume_id}}", self._disk)
        router.add("DELETE", f"{here}/os-volume_attachments/{{volume_id}}", self._detach)

    def _server(self, request: Request, server_id: str, *, with_deleted: bool = False) -> Server:
        person = caller(self._fleet.identity, request)
        return server_of(self._fleet, person, server_id, with_deleted=with_deleted)

    # metadata

    def _metadata(self, request: Request, server_id: str) -> Answer:
        return document({"metadata": self._server(request, server_id).metadata})

    def _add_metadata(self, request: Request, server_id: str) -> Answer:
        told = part(body(request), "metadata", dict, needed=True)
        for key, value in told.items():
            _check_metadatum(key, value)
        with self._fleet.database.change():
            server = self._server(request, server_id)
            kept = {**server.metadata, **told}
            self._fleet.store.change(server, metadata=kept)
        return document({"metadata": kept}, 201)

    def _metadatum(self, request: Request, server_id: str, key: str) -> Answer:
        server = self._server(request, server_id)
        return document({"meta": {key: _named(server, key)}})

    def _set_metadatum(self, request: Request, server_id: str, key: str) -> Answer:
        told = part(body(request), "meta", dict, needed=True)
        if list(told) != [key]:
            raise Refused(400, "Malformed request")
        _check_metadatum(key, told[key])
        with self._fleet.database.change():
            server = self._server(request, server_id)
            self._fleet.store.change(server, metadata={**server.metadata, **told})
        return document({"meta": told}, 201)

    def _drop_metadatum(self, request: Request, server_id: str, key: str) -> Answer:
        with self._fleet.database.change():
            server = self._server(request, server_id)
            _named(server, key)
            left = {name: one for name, one in server.metadata.items() if name != key}
            self._fleet.store.change(server, metadata=left)
        return Answer(204)

    # tags

    def _tags(self, request: Request, server_id: str) -> Answer:
        tags = self._server(request, server_id).tags
        return document({"tags": tags, "statuses": ["ACTIVE"] * len(tags)})

    def _replace_tags(self, request: Request, server_id: str) -> Answer:
        told = part(body(request), "tags", list, needed=True)
        for one in told:
            _check_tag(one)
        tags = list(dict.fromkeys(told))
        if len(tags) > _TAGS:
            raise Refused(400, "Too many tags")
        with self._fleet.database.change():
            server = self._server(request, server_id)
            self._fleet.store.change(server, tags=tags)
        return document({"tags": tags, "statuses": ["PENDADD"] * len(tags)})

    def _drop_tags(self, request: Request, server_id: str) -> Answer:
        with self._fleet.database.change():
            self._fleet.store.change(self._server(request, server_id), tags=[])
        return Answer(204)

    def _tag(self, request: Request, server_id: str, tag: str) -> Answer:
        server = self._server(request, server_id)
        return Answer(204, {"tag-status": "ACTIVE"}) if tag in server.tags else Answer(404)

    def _add_tag(self, request: Request, server_id: str, tag: str) -> Answer:
        _check_tag(tag)
        with self._fleet.database.change():
            server = self._server(request, server_id)
            if tag in server.tags:
                return Answer(204)
            if len(server.tags) >= _TAGS:
                raise Refused(400, "Too many tags")
            self._fleet.store.change(server, tags=[*server.tags, tag])
        here = f"{request.host}{request.prefix}{request.path}"
        return Answer(201, {"Location": here})

    def _drop_tag(self, request: Request, server_id: str, tag: str) -> Answer:
        with self._fleet.database.change():
            server = self._server(request, server_id)
            if tag not in server.tags:
                return Answer(404)
            self._fleet.store.change(server, tags=[one for one in server.tags if one != tag])
        return Answer(204)

    # addresses and figures

    def _nics(self, server: Server) -> tuple[Nic, ...]:
        networks = self._fleet.neighbours.networks
        return networks.nics([server.id]).get(server.id, ()) if networks else ()

    def _ips(self, request: Request, server_id: str) -> Answer:
        nics = self._nics(self._server(request, server_id))
        shown = {"addresses": addresses(nics), "attachments": [attachment(one) for one in nics]}
        return document(shown)

    def _ips_of(self, request: Request, server_id: str, network: str) -> Answer:
        found = addresses(self._nics(self._server(request, server_id)))
        if network not in found:
            raise Refused(404, "Network not found.", name="itemNotFound")
        return document({"network": {network: found[network]}})

    def _stats(self, request: Request, server_id: str) -> Answer:
        server = self._server(request, server_id)
        begin = f"{request.host}/cyclades/stats/v1.0"
        kinds = {
            "cpuBar": "cpu-bar", "cpuTimeSeries": "cpu-ts", "netBar": "net-bar",
            "netTimeSeries": "net-ts",
        }  # fmt: skip
        shown: dict[str, Any] = {
            name: f"{begin}/{kind}/{server.number}" for name, kind in kinds.items()
        }
        return document({"stats": {**shown, "refresh": 60, "serverRef": server.number}})

    def _diagnostics(self, request: Request, server_id: str) -> Answer:
        server = self._server(request, server_id)
        return document(diagnostics(server))

    def _password(self, request: Request, server_id: str) -> Answer:
        password = self._fleet.password(self._server(request, server_id))
        if password is None:
            raise Refused(404, "Password not found.", name="itemNotFound")
        return document({"password": password})

    # volumes

    def _volumes(self) -> Volumes:
        found = self._fleet.neighbours.volumes
        if found is None:
            raise Refused(404, "Volume not found.", name="itemNotFound")
        return found

    def _all(self, server: Server) -> tuple[Disk, ...]:
        volumes = self._fleet.neighbours.volumes
        return volumes.disks([server.id]).get(server.id, ()) if volumes else ()

    def _one(self, server: Server, volume_id: str) -> Disk:
        for one in self._all(server):
            if volume_id in {str(one.volume_number), one.volume_id}:
                return one
        raise Refused(404, f"Volume {volume_id} not found", name="itemNotFound")

    def _disks(self, request: Request, server_id: str) -> Answer:
        server = self._server(request, server_id)
        return document({"volumeAttachments": [_shown(server, one) for one in self._all(server)]})

    def _disk(self, request: Request, server_id: str, volume_id: str) -> Answer:
        server = self._server(request, server_id)
        return document({"volumeAttachment": _shown(server, self._one(server, volume_id))})

    def _attach(self, request: Request, server_id: str) -> Answer:
        told = part(body(request), "volumeAttachment", dict, needed=True)
        if "volumeId" not in told:
            raise Refused(400, "Malformed request. Missing attribute 'volumeId'.")
        with self._fleet.database.change():
            server = self._server(request, server_id)
            check_idle(server, "ATTACH_VOLUME")
            key = str(told["volumeId"])
            made = self._volumes().attach(server.guest, key, dialect="synnefo")
        return document({"volumeAttachment": _shown(server, made)}, 202)

    def _detach(self, request: Request, server_id: str, volume_id: str) -> Answer:
        with self._fleet.database.change():
            server = self._server(request, server_id)
            check_idle(server, "DETACH_VOLUME")
            disk = self._one(server, volume_id)
            if disk.is_root:
                raise Refused(400, "Cannot detach the root volume of a server")
            self._volumes().detach(server.guest, disk.volume_id, dialect="synnefo")
        return Answer(202)


def _get_or_post_only(_request: Request, **_names: str) -> Answer:
    raise Refused(405, "Method not allowed", headers={"Allow": "GET,POST"})


def _named(server: Server, key: str) -> str:
    if key not in server.metadata:
        raise Refused(404, "Metadata key not found.", name="itemNotFound")
    return server.metadata[key]


def _check_metadatum(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise Refused(400, "Malformed request. Metadata values have to be texts")
    if not key or len(key) > _LETTERS:
        raise Refused(400, "Malformed request. Metadata key is empty or too long")


def _check_tag(tag: Any) -> None:
    if not isinstance(tag, str) or not tag or len(tag) > _TAG_LETTERS or set(tag) & {"/", ","}:
        raise Refused(400, "Malformed tag")


def _shown(server: Server, disk: Disk) -> dict[str, Any]:
    number = disk.volume_number
    return {"id": number, "volumeId": number, "serverId": server.number, "device": ""}
