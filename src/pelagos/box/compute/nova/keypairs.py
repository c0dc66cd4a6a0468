"""Keys of Nova."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.keys import Keypair
from pelagos.box.compute.nova.bodies import Body, of
from pelagos.box.compute.nova.call import Call, Routes, exact, known_only, page_size
from pelagos.box.errors import Refused
from pelagos.box.fields import Check, one_of, record, text
from pelagos.box.web import Answer, json_answer
from pelagos.core.ssh_key import new_pair

_TYPED, _FOR_USER, _PAGED, _ONLY_IMPORT = 2, 10, 35, 92


def _create(minor: int) -> Check:
    letters = r"[a-zA-Z0-9 _@.-]+" if minor >= _ONLY_IMPORT else r"[a-zA-Z0-9 _-]+"
    inner = record(
        of({
            "name": text(1, 255, pattern=letters, stripped=True),
            "public_key": text(),
            "type": one_of("ssh", "x509") if minor >= _TYPED else None,
            "user_id": text(1, 255) if minor >= _FOR_USER else None,
        }) | {"public_key": text(1 if minor >= _ONLY_IMPORT else 0, 65_535)},
        required=("name", *(("public_key",) if minor >= _ONLY_IMPORT else ())),
    )  # fmt: skip
    return record({"keypair": inner}, required=("keypair",))


_CREATE = Body("", _create)


class Keypairs:
    """Resources below os-keypairs."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._keys = fleet.keys

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/os-keypairs", self._index)
        routes.add("POST", "/os-keypairs", self._add)
        routes.add("GET", "/os-keypairs/{name}", self._show)
        routes.add("DELETE", "/os-keypairs/{name}", self._remove)

    @staticmethod
    def _owner(call: Call, told: str | None) -> str:
        if told is None or told == call.user_id or not call.since(_FOR_USER):
            return call.user_id
        call.need_admin("os_compute_api:os-keypairs")
        return told

    def _index(self, call: Call) -> Answer:
        known_only(call, "user_id", "limit", "marker")
        query = call.request.query
        found = self._keys.all(self._owner(call, query.get("user_id")))
        links: dict[str, Any] = {}
        if call.since(_PAGED):
            if query.get("marker"):
                names = [one.name for one in found]
                if query["marker"] not in names:
                    raise Refused(400, f"marker [{query['marker']}] not found")
                found = found[names.index(query["marker"]) + 1 :]
            limit = page_size(query)
            if len(found) > limit:
                found = found[:limit]
                href = f"{call.url('os-keypairs')}?limit={limit}&marker={found[-1].name}"
                links = {"keypairs_links": [{"rel": "next", "href": href}]}
        shown = [{"keypair": _brief(call, one)} for one in found]
        return json_answer({"keypairs": shown, **links})

    def _add(self, call: Call) -> Answer:
        told = _CREATE.check(call)["keypair"]
        owner, name = self._owner(call, told.get("user_id")), told["name"]
        public, private = told.get("public_key"), None
        if public is None:
            if told.get("type", "ssh") != "ssh":
                raise Refused(400, "Certificates are imported here, and not made")
            public, private = new_pair("Generated-by-Nova")
        with self._fleet.database.change():
            limit = self._fleet.allowance.nova(call.project_id)["key_pairs"]
            if 0 <= limit <= len(self._keys.all(owner)):
                raise Refused(403, "Quota exceeded, too many key pairs.")
            if self._keys.named(owner, name) is not None:
                raise Refused(409, f"Key pair '{name}' already exists.")
            made = self._keys.add(owner, name, public, told.get("type", "ssh"))
        shown = {**_brief(call, made), "user_id": made.user_id}
        if private is not None:
            shown["private_key"] = private
        return json_answer({"keypair": shown}, 201 if call.since(_TYPED) else 200)

    def _one(self, call: Call, name: str) -> Keypair:
        owner = self._owner(call, call.request.query.get("user_id"))
        found = self._keys.named(owner, name)
        if found is None:
            raise Refused(404, f"Keypair {name} not found for user {owner}")
        return found

    def _show(self, call: Call, name: str) -> Answer:
        found = self._one(call, name)
        shown = {
            **_brief(call, found),
            "id": found.number,
            "user_id": found.user_id,
            "deleted": False,
            "created_at": exact(found.created),
            "updated_at": None,
            "deleted_at": None,
        }
        return json_answer({"keypair": shown})

    def _remove(self, call: Call, name: str) -> Answer:
        self._keys.remove(self._one(call, name))
        return Answer(204 if call.since(_TYPED) else 202)


def _brief(call: Call, keypair: Keypair) -> dict[str, Any]:
    shown = {
        "name": keypair.name,
        "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
    }
    return shown | ({"type": keypair.kind} if call.since(_TYPED) else {})
