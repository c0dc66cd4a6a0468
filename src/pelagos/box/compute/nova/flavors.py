"""Flavours of Nova, with what administrators do to them."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.flavors import Flavor
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.bodies import Body, of
from pelagos.box.compute.nova.call import Call, Routes, flagged, known_only, page_size
from pelagos.box.compute.nova.views import flavor_brief, flavor_detailed
from pelagos.box.errors import Refused
from pelagos.box.fields import Check, either, flag, mapping, nothing, one_of, record, text, whole
from pelagos.box.web import Answer, json_answer

_SPECS = mapping(either(text(0, 255), whole(0)), r"[a-zA-Z0-9-_:. ]{1,255}")
_SORT_KEYS = {
    "flavorid": lambda one: one.id, "name": lambda one: one.name,
    "memory_mb": lambda one: one.ram_mib, "vcpus": lambda one: one.vcpus,
    "root_gb": lambda one: one.disk_gib, "id": lambda one: one.number,
    "created_at": lambda one: one.number, "ephemeral_gb": lambda one: one.ephemeral_gib,
    "swap": lambda one: one.swap_mib, "rxtx_factor": lambda one: one.rxtx_factor,
    "is_public": lambda one: one.is_public, "updated_at": lambda one: one.number,
}  # fmt: skip
_RULE = "os_compute_api:os-flavor-manage"


def _create(minor: int) -> Check:
    inner = record(
        of({
            "name": text(1, 255, stripped=True),
            "id": either(nothing, text(1, 255, pattern=r"(?! )[a-zA-Z0-9. _-]+(?<! )")),
            "ram": whole(1), "vcpus": whole(1), "disk": whole(0),
            "OS-FLV-EXT-DATA:ephemeral": whole(0), "swap": either(one_of(""), whole(0)),
            "rxtx_factor": either(text(1, 20, pattern=r"[0-9]+(\.[0-9]+)?"), _number),
            "os-flavor-access:is_public": flag(),
            "description": text(0, 65_535, nullable=True) if minor >= 55 else None,  # noqa: PLR2004
        }),
        required=("name", "ram", "vcpus", "disk"),
    )  # fmt: skip
    return record({"flavor": inner}, required=("flavor",))


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Refused(400, f"Invalid input for field/attribute {name}. Value: {value}.")
    return float(value)


_CREATE = Body("", _create)


class FlavorPart:
    """Resources below flavors."""

    def __init__(self, fleet: Fleet) -> None:
        self._flavors = fleet.flavors

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        here = "/flavors/{flavor_id}"
        routes.add("GET", "/flavors", self._index)
        routes.add("POST", "/flavors", self._add)
        routes.add("GET", "/flavors/detail", self._detail)
        routes.add("GET", here, self._show)
        routes.add("PUT", here, self._describe, since=55)
        routes.add("DELETE", here, self._remove)
        routes.add("POST", f"{here}/action", self._action)
        routes.add("GET", f"{here}/os-flavor-access", self._access)
        routes.add("GET", f"{here}/os-extra_specs", self._specs)
        routes.add("POST", f"{here}/os-extra_specs", self._add_specs)
        routes.add("GET", f"{here}/os-extra_specs/{{key}}", self._spec)
        routes.add("PUT", f"{here}/os-extra_specs/{{key}}", self._set_spec)
        routes.add("DELETE", f"{here}/os-extra_specs/{{key}}", self._remove_spec)

    def _index(self, call: Call) -> Answer:
        found, links = self._page(call, "flavors")
        return json_answer({"flavors": [flavor_brief(call, one) for one in found], **links})

    def _detail(self, call: Call) -> Answer:
        found, links = self._page(call, "flavors", "detail")
        return json_answer({"flavors": [flavor_detailed(call, one) for one in found], **links})

    def _page(self, call: Call, *path: str) -> tuple[list[Flavor], dict[str, Any]]:
        known_only(call, "limit", "marker", "is_public", "minRam", "minDisk", "sort_key",
                   "sort_dir")  # fmt: skip
        query = call.request.query
        found = [one for one in self._flavors.all("openstack") if self._shows(call, one)]
        for name, read in (("minRam", "ram_mib"), ("minDisk", "disk_gib")):
            if name in query:
                least = whole(0)(query[name], name)
                found = [one for one in found if getattr(one, read) >= least]
        sort = query.get("sort_key", "flavorid")
        if sort not in _SORT_KEYS or query.get("sort_dir", "asc") not in {"asc", "desc"}:
            raise Refused(400, f"Invalid input for query parameters sort_key. Value: {sort}.")
        found.sort(key=_SORT_KEYS[sort], reverse=query.get("sort_dir") == "desc")
        if query.get("marker"):
            ids = [one.id for one in found]
            if query["marker"] not in ids:
                raise Refused(400, f"marker [{query['marker']}] not found")
            found = found[ids.index(query["marker"]) + 1 :]
        limit = page_size(query)
        if len(found) < limit or "limit" not in query:
            return found, {}
        address = f"{call.url(*path)}?limit={limit}&marker={found[limit - 1].id}"
        return found[:limit], {"flavors_links": [{"rel": "next", "href": address}]}

    @staticmethod
    def _shows(call: Call, flavor: Flavor) -> bool:
        told = call.request.query.get("is_public")
        if not call.is_admin:
            return flavor.may_use(call.project_id)
        if told is None:
            return flavor.is_public
        if told.lower() == "none":
            return True
        wanted = flagged(told)
        if wanted is None:
            raise Refused(400, f"Invalid is_public filter [{told}]")
        return flavor.is_public == wanted

    def _one(self, call: Call, flavor_id: str) -> Flavor:
        found = self._flavors.by_id(flavor_id)
        if found is None or not (found.may_use(call.project_id) or call.is_admin):
            raise Refused(404, f"Flavor {flavor_id} could not be found.")
        return found

    def _show(self, call: Call, flavor_id: str) -> Answer:
        return json_answer({"flavor": flavor_detailed(call, self._one(call, flavor_id))})

    # what administrators do

    def _add(self, call: Call) -> Answer:
        call.need_admin(f"{_RULE}:create")
        told = _CREATE.check(call)["flavor"]
        key = told.get("id")
        flavor = Flavor(
            0,
            "" if key in {None, "auto"} else key,
            told["name"],
            "openstack",
            told["ram"],
            told["disk"],
            told["vcpus"],
            is_public=told.get("os-flavor-access:is_public", True),
            ephemeral_gib=told.get("OS-FLV-EXT-DATA:ephemeral", 0),
            swap_mib=told.get("swap") or 0,
            rxtx_factor=float(told.get("rxtx_factor", 1.0)),
            description=told.get("description"),
        )
        return json_answer({"flavor": flavor_detailed(call, self._flavors.add(flavor))})

    def _describe(self, call: Call, flavor_id: str) -> Answer:
        call.need_admin(f"{_RULE}:update")
        inner = record({"description": text(0, 65_535, nullable=True)}, required=("description",))
        check = record({"flavor": inner}, required=("flavor",))
        told = check(call.request.document(), "")["flavor"]
        found = self._flavors.change(self._one(call, flavor_id), description=told["description"])
        return json_answer({"flavor": flavor_detailed(call, found)})

    def _remove(self, call: Call, flavor_id: str) -> Answer:
        call.need_admin(f"{_RULE}:delete")
        self._flavors.remove(self._one(call, flavor_id))
        return Answer(202)

    def _action(self, call: Call, flavor_id: str) -> Answer:
        call.need_admin("os_compute_api:os-flavor-access:add_tenant_access")
        tenant = record({"tenant": text(1, 255)}, required=("tenant",))
        told = record({"addTenantAccess": tenant, "removeTenantAccess": tenant})(
            call.request.document(), ""
        )
        if len(told) != 1:
            raise Refused(400, "Malformed request body: it has to name one action")
        ((name, inner),) = told.items()
        flavor, project = self._one(call, flavor_id), inner["tenant"]
        if name == "addTenantAccess":
            if flavor.is_public:
                raise Refused(409, "Can not add access to a public flavor.")
            if project in flavor.access:
                raise Refused(
                    409, f"Flavor access already exists for flavor {flavor.id} and project"
                    f" {project} combination.",
                )  # fmt: skip
            flavor = self._flavors.change(flavor, access=(*flavor.access, project))
        else:
            if project not in flavor.access:
                raise Refused(404, f"Flavor access not found for {flavor.id} / {project}")
            left = tuple(one for one in flavor.access if one != project)
            flavor = self._flavors.change(flavor, access=left)
        return json_answer({"flavor_access": _access_of(flavor)})

    def _access(self, call: Call, flavor_id: str) -> Answer:
        call.need_admin("os_compute_api:os-flavor-access")
        flavor = self._one(call, flavor_id)
        if flavor.is_public:
            raise Refused(404, "Access list not available for public flavors.")
        return json_answer({"flavor_access": _access_of(flavor)})

    # extra specs

    def _specs(self, call: Call, flavor_id: str) -> Answer:
        return json_answer({"extra_specs": self._one(call, flavor_id).specs})

    def _add_specs(self, call: Call, flavor_id: str) -> Answer:
        call.need_admin("os_compute_api:os-flavor-extra-specs:create")
        check = record({"extra_specs": _SPECS}, required=("extra_specs",))
        told = check(call.request.document(), "")["extra_specs"]
        self._keep(self._one(call, flavor_id), told)
        return json_answer({"extra_specs": told})

    def _spec(self, call: Call, flavor_id: str, key: str) -> Answer:
        specs = self._one(call, flavor_id).specs
        if key not in specs:
            raise Refused(404, f"Flavor {flavor_id} has no extra specs with key {key}.")
        return json_answer({key: specs[key]})

    def _set_spec(self, call: Call, flavor_id: str, key: str) -> Answer:
        call.need_admin("os_compute_api:os-flavor-extra-specs:update")
        told = _SPECS(call.request.document(), "")
        if list(told) != [key]:
            raise Refused(400, "Request body and URI mismatch")
        self._keep(self._one(call, flavor_id), told)
        return json_answer(told)

    def _remove_spec(self, call: Call, flavor_id: str, key: str) -> Answer:
        call.need_admin("os_compute_api:os-flavor-extra-specs:delete")
        flavor = self._one(call, flavor_id)
        if key not in flavor.specs:
            raise Refused(404, f"Flavor {flavor_id} has no extra specs with key {key}.")
        left = {name: one for name, one in flavor.specs.items() if name != key}
        self._flavors.change(flavor, specs=left)
        return Answer(200)

    def _keep(self, flavor: Flavor, told: dict[str, Any]) -> None:
        specs = {**flavor.specs, **{key: str(value) for key, value in told.items()}}
        self._flavors.change(flavor, specs=specs)


def _access_of(flavor: Flavor) -> list[dict[str, str]]:
    return [{"flavor_id": flavor.id, "tenant_id": one} for one in flavor.access]
