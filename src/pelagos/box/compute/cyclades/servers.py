"""Servers of Cyclades: lists, records, made and removed; what belongs to them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pelagos.box.compute.allowance import synnefo_needs
from pelagos.box.compute.cyclades.shapes import VERSION, server_brief, server_shown
from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet, Order
from pelagos.box.compute.nova.creating import new_password
from pelagos.box.compute.server import SYNNEFO_ACTIONS, Server
from pelagos.box.cyclades import Person, body, caller, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.neighbours import DiskWish, Wish
from pelagos.box.synnefo import document
from pelagos.box.web import NO_ROUTE, Answer, Request, Router

_GIB = 1024**3
_OLDEST_CHANGE = 3600
_LETTERS = 255
_PERSONALITIES = 5
_PERSONALITY_BYTES = 10 * 1024


def server_of(
    fleet: Fleet, person: Person, server_id: str, *, with_deleted: bool = False
) -> Server:
    """The server of a path.

    Raises:
        Refused: 404, the caller has none of that id.
    """
    if not (server_id.isascii() and server_id.isdigit()):
        raise Refused(404, NO_ROUTE)
    projects = [one["id"] for one in fleet.identity.people.projects_of(person.user_id)]
    found = fleet.store.find(server_id, projects, with_deleted=with_deleted)
    if found is None or not (found.user_id == person.user_id or found.facts.get("shared")):
        raise Refused(404, "Server not found.", name="itemNotFound")
    return found


def flavor_of(fleet: Fleet, told: Any, person: Person) -> Flavor:
    """The flavour that a body names.

    Raises:
        Refused: 400 it is no number, 404 there is none.
    """
    if isinstance(told, str) and told.isascii() and told.isdigit():
        told = int(told)
    if isinstance(told, bool) or not isinstance(told, int):
        raise Refused(400, "Malformed request")
    found = fleet.flavors.by_number(told)
    if found is None or not found.may_use(person.project_id):
        raise Refused(404, "Flavor not found.", name="itemNotFound")
    return found


def check_idle(server: Server, action: str) -> None:
    """See that nothing goes on with a server.

    Raises:
        Refused: 400.
    """
    if server.task is not None:
        pending = SYNNEFO_ACTIONS.get(server.task, server.task.upper())
        message = f"Cannot perform '{action}' action while there is a pending '{pending}'."
        raise Refused(400, message)


class Servers:
    """Resources below servers, but for actions."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, router: Router) -> None:
        """Take the places in the router."""
        base = f"/{VERSION}/servers"
        router.add("GET", base, self._index)
        router.add("GET", f"{base}/detail", self._detail)
        router.add("POST", base, self._create)
        router.add("GET", f"{base}/{{server_id}}", self._show)
        router.add("PUT", f"{base}/{{server_id}}", self._rename)
        router.add("DELETE", f"{base}/{{server_id}}", self._delete)

    # lists

    def _index(self, request: Request) -> Answer:
        found = self._found(request)
        if found is None:
            return Answer(304)
        return document({"servers": [server_brief(request, one) for one in found]})

    def _detail(self, request: Request) -> Answer:
        found = self._found(request)
        if found is None:
            return Answer(304)
        networks, volumes = self._fleet.neighbours.networks, self._fleet.neighbours.volumes
        keys = [one.id for one in found]
        nics = networks.nics(keys) if networks else {}
        disks = volumes.disks(keys) if volumes else {}
        shown = [
            server_shown(request, self._fleet, one, nics.get(one.id, ()), disks.get(one.id, ()))
            for one in found
        ]
        return document({"servers": shown})

    def _found(self, request: Request) -> list[Server] | None:
        person = caller(self._fleet.identity, request)
        projects = [one["id"] for one in self._fleet.identity.people.projects_of(person.user_id)]
        since = _changes_since(request, self._fleet.clock.time())
        servers = self._fleet.store.walk(
            projects,
            deleted=None if since is not None else False,
            changed_since=since,
            oldest_first=True,
        )
        found = [
            one for one in servers if one.user_id == person.user_id or one.facts.get("shared")
        ]
        return None if since is not None and not found else found

    def shown(self, request: Request, server: Server) -> dict[str, Any]:
        """A server's whole record."""
        networks, volumes = self._fleet.neighbours.networks, self._fleet.neighbours.volumes
        key = [server.id]
        nics = networks.nics(key).get(server.id, ()) if networks else ()
        disks = volumes.disks(key).get(server.id, ()) if volumes else ()
        return server_shown(request, self._fleet, server, nics, disks)

    def _show(self, request: Request, server_id: str) -> Answer:
        person = caller(self._fleet.identity, request)
        server = server_of(self._fleet, person, server_id, with_deleted=True)
        return document({"server": self.shown(request, server)})

    def _rename(self, request: Request, server_id: str) -> Answer:
        person = caller(self._fleet.identity, request)
        told = part(body(request), "server", dict, needed=True)
        name = part(told, "name", str, needed=True)
        if len(name) > _LETTERS:
            raise Refused(400, "Server name is too long")
        with self._fleet.database.change():
            server = server_of(self._fleet, person, server_id)
            self._fleet.store.change(server, name=name)
        return Answer(204)

    def _delete(self, request: Request, server_id: str) -> Answer:
        person = caller(self._fleet.identity, request)
        with self._fleet.database.change():
            server = server_of(self._fleet, person, server_id)
            if server.task == "delete":
                check_idle(server, "DESTROY")
            self._fleet.delete(server, person.user_id, f"req-cyclades-{server.number}")
        return Answer(204)

    # new

    def _create(self, request: Request) -> Answer:
        person = caller(self._fleet.identity, request)
        told = body(request).get("server")
        if not isinstance(told, dict) or not {"name", "flavorRef", "imageRef"} <= set(told):
            raise Refused(400, "Malformed request")
        name, metadata = part(told, "name", str, needed=True), _metadata(told)
        if not name or len(name) > _LETTERS:
            raise Refused(400, "Server name is empty or too long")
        flavor = flavor_of(self._fleet, told["flavorRef"], person)
        image = self._fleet.image(str(told["imageRef"]), person.project_id, is_admin=False)
        if image is None or image.status != "active":
            raise Refused(404, "Image not found.", name="itemNotFound")
        if image.size > flavor.disk_gib * _GIB:
            raise Refused(400, "The image is larger than the flavor's disk")
        project = project_of(self._fleet.identity, person, told)
        password = new_password()
        order = Order(
            project,
            person.user_id,
            name,
            flavor,
            image,
            "req-cyclades-new",
            dialect="synnefo",
            metadata=metadata,
            tags=_tags(told),
            wishes=_wishes(told),
            disks=_disks(image.id, flavor, has_volumes=self._fleet.neighbours.volumes is not None),
            password=password,
            facts={
                **self._keys(person, told),
                "files": _files(told),
                "user_data": part(told, "user_data", str),
                "shared": part(told, "shared_to_project", bool, default=False),
            },
        )
        with self._fleet.database.change():
            amounts = {"cyclades.vm": 1, **synnefo_needs(flavor)}
            amounts["cyclades.disk"] = flavor.disk_gib * _GIB
            self._fleet.allowance.check_synnefo(project, person.user_id, amounts)
            server = self._fleet.create(order)
        shown = {**self.shown(request, server), "adminPass": password}
        return document({"server": shown}, 202)

    def _keys(self, person: Person, told: Mapping[str, Any]) -> dict[str, Any]:
        names = list(part(told, "SNF:key_names", list, default=[]))
        one = part(told, "key_name", str)
        for name in [*names, *([one] if one else [])]:
            if self._fleet.keys.named(person.user_id, str(name)) is None:
                raise Refused(404, "Key not found.", name="itemNotFound")
        return {"key_name": one, "key_names": names}


def _changes_since(request: Request, now: float) -> float | None:
    told = request.query.get("changes-since")
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as error:
        raise Refused(400, "Invalid changes-since value.") from error
    if moment.tzinfo is None:
        raise Refused(400, "Invalid changes-since value.")
    since = moment.timestamp()
    if since > now:
        raise Refused(400, "changes-since value set in the future.")
    if now - since > _OLDEST_CHANGE:
        raise Refused(400, "Too old changes-since value.")
    return since


def _metadata(told: Mapping[str, Any]) -> dict[str, str]:
    found = part(told, "metadata", dict, default={})
    if any(not isinstance(value, str) for value in found.values()):
        raise Refused(400, "Metadata values have to be texts")
    return dict(found)


def _tags(told: Mapping[str, Any]) -> tuple[str, ...]:
    found = part(told, "tags", list, default=[])
    if any(not isinstance(one, str) or not one or "/" in one for one in found):
        raise Refused(400, "Malformed tags")
    return tuple(dict.fromkeys(found))


def _wishes(told: Mapping[str, Any]) -> tuple[Wish, ...] | None:
    networks = part(told, "networks", list)
    if networks is None:
        return None
    wishes = []
    for one in networks:
        if not isinstance(one, dict) or not (one.get("uuid") or one.get("port")):
            raise Refused(400, "Malformed request. Invalid 'networks' field.")
        wishes.append(
            Wish(
                network_id=str(one.get("uuid") or ""),
                port_id=str(one.get("port") or ""),
                fixed_ip=str(one.get("fixed_ip") or ""),
            )
        )
    return tuple(wishes)


def _disks(image_id: str, flavor: Flavor, *, has_volumes: bool) -> tuple[DiskWish, ...]:
    if not has_volumes:
        return ()
    wish = DiskWish("image", image_id, flavor.disk_gib, is_root=True, ends_with_server=True)
    return (wish,)


def _files(told: Mapping[str, Any]) -> list[str]:
    """The paths of the files that a new server shall hold."""
    files = part(told, "personality", list, default=[])
    if len(files) > _PERSONALITIES:
        raise Refused(413, "Maximum number of personalities exceeded", name="overLimit")
    for one in files:
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise Refused(400, "Malformed personality in request")
        try:
            content = base64.b64decode(str(one.get("contents", "")), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(400, "Malformed personality in request") from error
        if len(content) > _PERSONALITY_BYTES:
            raise Refused(413, "Maximum size of personality exceeded", name="overLimit")
    return [one["path"] for one in files]
