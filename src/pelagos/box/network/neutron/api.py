"""The requests of Neutron."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.neighbours import Neighbours
from pelagos.box.network import checks
from pelagos.box.network.network import Network
from pelagos.box.network.neutron.bodies import BAD, changes, forbidden, items, new
from pelagos.box.network.neutron.extensions import EXTENSIONS
from pelagos.box.network.neutron.kinds import Kind, kinds
from pelagos.box.network.neutron.listing import chosen, listed
from pelagos.box.network.neutron.quotas import Quotas
from pelagos.box.network.neutron.shapes import Shapes, Shown
from pelagos.box.network.store import Caller
from pelagos.box.records import Record
from pelagos.box.web import Answer, Request, decoded, json_answer

_WRITERS = frozenset({"admin", "manager", "member"})
_MATCH = re.compile(r"revision_number=([0-9]+)")


class NeutronApi:
    """Answers for the networks of a box as Neutron does."""

    def __init__(
        self, identity: Identity, network: Network, quotas: Quotas, neighbours: Neighbours
    ) -> None:
        self._identity = identity
        self._network = network
        self._quotas = quotas
        self._shapes = Shapes(network.store)
        self._kinds = {kind.plural: kind for kind in kinds(network, self._shapes, neighbours)}

    def answer(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            Refused: it is an error.
        """
        words = [decoded(word) for word in request.path.strip("/").split("/") if word]
        if not words:
            return json_answer({"versions": [_version(request)]})
        if words[0] != "v2.0":
            raise _missing()
        caller = self._caller(request)
        if len(words) == 1:
            return self._resources(request)
        words[-1] = words[-1].removesuffix(".json")
        if words[1] == "quotas":
            return self._quotas.answer(request, caller, words[2:])
        if words[1] in {"extensions", "availability_zones"}:
            return _told(request, words[1], words[2:])
        kind = self._kinds.get(words[1])
        if kind is None:
            raise _missing()
        return self._of(kind, request, caller, words[2:])

    def _caller(self, request: Request) -> Caller:
        token = self._identity.caller(request)
        caller = Caller(token.project_id or "", token.user_id, token.is_admin)
        if request.method not in {"GET", "HEAD"} and not token.role_names & _WRITERS:
            raise forbidden("rule:project_member_api")
        return caller

    def _resources(self, request: Request) -> Answer:
        base = f"{request.host}{request.prefix}/v2.0"
        told = [
            {
                "name": kind.name,
                "collection": kind.plural,
                "links": [{"rel": "self", "href": f"{base}/{kind.plural}"}],
            }
            for kind in self._kinds.values()
        ]
        return json_answer({"resources": told})

    def _of(self, kind: Kind, request: Request, caller: Caller, words: list[str]) -> Answer:
        if not words:
            if request.method == "POST":
                return self._add(kind, request, caller)
            if request.method in {"GET", "HEAD"}:
                shown = self._shown(kind, caller, *kind.every(caller))
                return json_answer(listed(request, kind, shown))
            raise _not_allowed()
        if len(words) == 1:
            return self._one(kind, request, caller, words[0])
        record = kind.find(words[0], caller)
        if words[1] == "tags" and "tags" in kind.attributes:
            return self._tags(kind, request, caller, record, words[2:])
        if kind.name == "router" and len(words) == 2 and request.method == "PUT":  # noqa: PLR2004  # KEY/VERB
            return self._route(request, caller, record, words[1])
        raise _missing()

    def _shown(self, kind: Kind, caller: Caller, *records: Record) -> list[Shown]:
        return kind.finish(
            self._shapes.plain(record, kind.attributes, caller) for record in records
        )

    def _add(self, kind: Kind, request: Request, caller: Caller) -> Answer:
        told, are_several = items(request.document(), kind.name, kind.key)
        fields = [new(one, kind.attributes, caller, kind.name) for one in told]
        with self._network.store.database.change():
            made = []
            for one in fields:
                project = one.get("project_id", caller.project_id)
                one["user_id"] = caller.user_id
                self._quotas.check(project, kind.name, 1)
                made.append(kind.add(caller, one))
        shown = self._shown(kind, caller, *made)
        if are_several:
            return json_answer({kind.key: shown}, 201)
        return json_answer({kind.name: shown[0]}, 201)

    def _one(self, kind: Kind, request: Request, caller: Caller, key: str) -> Answer:
        record = kind.find(key, caller)
        if request.method in {"GET", "HEAD"}:
            shown = self._shown(kind, caller, record)[0]
            return json_answer({kind.name: chosen(request, shown)})
        verb = {"PUT": "update", "DELETE": "delete"}.get(request.method)
        if verb is None:
            raise _not_allowed()
        if not caller.owns(record):
            raise forbidden(f"rule:{verb}_{kind.name}")
        with self._network.store.database.change():
            record = kind.find(key, caller)
            _check_revision(request, record)
            if verb == "delete":
                kind.remove(caller, record)
                return Answer(204)
            (told,), _ = items(request.document(), kind.name, "")
            fields = changes(told, kind.attributes, caller, kind.name)
            made = kind.change(caller, record, fields)
        return json_answer({kind.name: self._shown(kind, caller, made)[0]})

    # ---- tags and routers

    def _tags(
        self, kind: Kind, request: Request, caller: Caller, record: Record, words: list[str]
    ) -> Answer:
        have = set(record.get("tags", ()))
        if words:
            known = words[0] in have
            if request.method == "GET" or (request.method == "DELETE" and not known):
                if known:
                    return Answer(204)
                message = f"Tag {words[0]} could not be found."
                raise Refused(404, message, name="TagNotFound")
            wanted = have | {words[0]} if request.method == "PUT" else have - {words[0]}
        elif request.method == "GET":
            return json_answer({"tags": sorted(have)})
        else:
            wanted = set() if request.method == "DELETE" else _tags(request.document())
        if request.method not in {"PUT", "DELETE"}:
            raise _not_allowed()
        if not caller.owns(record):
            raise forbidden(f"rule:update_{kind.name}")
        _tags({"tags": sorted(wanted)})
        self._network.store.change(kind.records, record, tags=sorted(wanted))
        if request.method == "DELETE":
            return Answer(204)
        return Answer(201) if words else json_answer({"tags": sorted(wanted)})

    def _route(self, request: Request, caller: Caller, router: Record, verb: str) -> Answer:
        told = request.document()
        routers = self._network.routers
        if verb in {"add_router_interface", "remove_router_interface"}:
            is_new = verb.startswith("add")
            work: Callable[..., Record] = (
                (lambda: routers.connect(caller, router, told))
                if is_new
                else (lambda: routers.disconnect(router, told))
            )
            port = work()
            subnets = [one["subnet_id"] for one in port["fixed_ips"]]
            shown = {
                "id": router["id"], "tenant_id": router["project_id"], "port_id": port["id"],
                "project_id": router["project_id"], "network_id": port["network_id"],
                "subnet_id": subnets[0], "subnet_ids": subnets,
            }  # fmt: skip
            return json_answer(shown)
        if verb in {"add_extraroutes", "remove_extraroutes"}:
            routes = _routes(told)
            kept = [one for one in router["routes"] if one not in routes]
            wanted = kept + routes if verb.startswith("add") else kept
            made = routers.change(caller, router, {"routes": wanted})
            kind = self._kinds["routers"]
            return json_answer({"router": self._shown(kind, caller, made)[0]})
        raise _missing()


def _tags(document: dict[str, Any]) -> set[str]:
    try:
        return set(checks.tags(document.get("tags")))
    except ValueError as error:
        raise Refused(400, f"Invalid input for tags. Reason: {error}.", name=BAD) from error


def _routes(document: dict[str, Any]) -> list[dict[str, str]]:
    told = document.get("router")
    try:
        return checks.routes(told.get("routes") if isinstance(told, dict) else "")
    except ValueError as error:
        raise Refused(400, f"Invalid input for routes. Reason: {error}.", name=BAD) from error


def _check_revision(request: Request, record: Record) -> None:
    found = _MATCH.fullmatch(request.header("If-Match"))
    if found and int(found[1]) != record["revision_number"]:
        message = f"Constrained to {found[1]}, but current revision is {record['revision_number']}"
        raise Refused(412, message, name="RevisionNumberConstraintFailed")


def _told(request: Request, what: str, words: list[str]) -> Answer:
    if request.method not in {"GET", "HEAD"}:
        raise _not_allowed()
    if what == "availability_zones":
        zones = [
            {"name": "nova", "resource": resource, "state": "available"}
            for resource in ("network", "router")
        ]
        return json_answer({"availability_zones": zones})
    if not words:
        return json_answer({"extensions": EXTENSIONS})
    for one in EXTENSIONS:
        if one["alias"] == words[0]:
            return json_answer({"extension": one})
    message = f"Extension with alias {words[0]} does not exist"
    raise Refused(404, message, name="HTTPNotFound")


def _version(request: Request) -> dict[str, Any]:
    link = {"rel": "self", "href": f"{request.host}{request.prefix}/v2.0/"}
    return {"id": "v2.0", "status": "CURRENT", "links": [link]}


def _missing() -> Refused:
    return Refused(404, "The resource could not be found.", name="HTTPNotFound")


def _not_allowed() -> Refused:
    return Refused(405, "The method is not allowed here", name="HTTPMethodNotAllowed")
