"""Servers of Nova: lists, records, names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from pelagos.box import fields
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.bodies import UPDATE
from pelagos.box.compute.nova.call import (
    Call,
    Routes,
    flagged,
    known_only,
    page_size,
    when,
)
from pelagos.box.compute.nova.views import Attached, brief, detailed
from pelagos.box.compute.server import NOVA_STATUSES, Server
from pelagos.box.errors import Refused
from pelagos.box.web import Answer, json_answer
from pelagos.core.json_schema_bounds import SchemaError, check_patterns

Test = Callable[[Server], bool]

_FILTERS = (
    "all_tenants", "tenant_id", "project_id", "user_id", "changes-since", "changes-before",
    "deleted", "status", "name", "image", "flavor", "ip", "ip6", "host", "node", "key_name",
    "availability_zone", "vm_state", "task_state", "power_state", "uuid", "locked", "tags",
    "tags-any", "not-tags", "not-tags-any", "reservation_id", "description", "config_drive",
    "hostname", "marker", "limit", "sort_key", "sort_dir", "access_ip_v4", "access_ip_v6",
    "created_at", "updated_at", "launched_at", "terminated_at", "root_device_name", "progress",
    "locked_by", "auto_disk_config", "soft_deleted", "display_description", "display_name",
)  # fmt: skip
_SORT_KEYS: dict[str, Callable[[Server], Any]] = {
    "created_at": lambda one: one.created, "updated_at": lambda one: one.updated,
    "display_name": lambda one: one.name, "name": lambda one: one.name, "uuid": lambda one: one.id,
    "vm_state": lambda one: one.state, "task_state": lambda one: one.task or "",
    "image_ref": lambda one: one.image_id, "key_name": lambda one: one.facts.get("key_name") or "",
    "user_id": lambda one: one.user_id, "project_id": lambda one: one.project_id,
    "host": lambda one: one.facts.get("host") or "",
    "launched_at": lambda one: one.facts.get("launched") or 0.0,
    "display_description": lambda one: one.facts.get("description") or "",
    "power_state": lambda one: one.power_state,
    "instance_type_id": lambda one: one.flavor["number"],
    "availability_zone": lambda _: "", "root_device_name": lambda _: "",
    "config_drive": lambda one: bool(one.facts.get("config_drive")),
    "locked_by": lambda one: bool(one.facts.get("locked")), "progress": lambda _: 0,
}  # fmt: skip


def server_of(call: Call, fleet: Fleet, server_id: str) -> Server:
    """The server of a path.

    Raises:
        Refused: 404, the caller has none of that id.
    """
    projects = None if call.is_admin else (call.project_id,)
    server = fleet.store.find(server_id, projects) if fields.is_uuid(server_id) else None
    if server is None:
        raise Refused(404, f"Instance {server_id} could not be found.")
    return server


class Servers:
    """Servers without their actions."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/servers", self._index)
        routes.add("GET", "/servers/detail", self._detail)
        routes.add("GET", "/servers/{server_id}", self._show)
        routes.add("PUT", "/servers/{server_id}", self._update)
        routes.add("DELETE", "/servers/{server_id}", self._delete)

    # lists

    def _index(self, call: Call) -> Answer:
        servers, links = self._page(call, ("servers",))
        return json_answer({"servers": [brief(call, one) for one in servers], **links})

    def _detail(self, call: Call) -> Answer:
        servers, links = self._page(call, ("servers", "detail"))
        attached = Attached(self._fleet, servers)
        shown = [detailed(call, self._fleet, one, attached) for one in servers]
        return json_answer({"servers": shown, **links})

    def _page(self, call: Call, path: tuple[str, ...]) -> tuple[list[Server], dict[str, Any]]:
        known_only(call, *_FILTERS)
        query = call.request.query
        limit = page_size(query)
        marker = None
        if query.get("marker"):
            marker = self._fleet.store.find(query["marker"], with_deleted=True)
            if marker is None or (marker.project_id != call.project_id and not call.is_admin):
                raise Refused(400, f"marker [{query['marker']}] not found")
        tests = list(self._tests(call))
        candidates = self._ordered(call, marker)
        found = list(
            islice((one for one in candidates if all(test(one) for test in tests)), limit)
        )
        if len(found) < limit:
            return found, {}
        pairs = [pair for pair in call.request.pairs if pair[0] not in {"marker", "limit"}]
        told = [*pairs, *([("limit", str(limit))] if "limit" in query else [])]
        following = urlencode([*told, ("marker", found[-1].id)])
        link = {"rel": "next", "href": f"{call.url(*path)}?{following}"}
        return found, {"servers_links": [link]}

    def _ordered(self, call: Call, marker: Server | None) -> Iterable[Server]:
        keys = [value for name, value in call.request.pairs if name == "sort_key"]
        ways = [value for name, value in call.request.pairs if name == "sort_dir"]
        if unknown := [one for one in keys if one not in _SORT_KEYS]:
            raise Refused(400, f"Invalid input for query parameters sort_key. Value: {unknown[0]}")
        if wrong := [one for one in ways if one not in {"asc", "desc"}]:
            raise Refused(400, f"Invalid input for query parameters sort_dir. Value: {wrong[0]}")
        store, query = self._fleet.store, call.request.query
        since = query.get("changes-since")
        deleted: bool | None = None if since or "changes-before" in query else False
        if call.is_admin and flagged(query.get("deleted", "false")):
            deleted = True
        elif self._wants_soft_deleted(call) and deleted is False:
            deleted = None
        seen = None if self._sees_all(call) else (self._project(call),)
        changed = when(since, "changes-since") if since else None
        if not keys:
            oldest_first = ways[:1] == ["asc"]
            return store.walk(
                seen, marker, deleted=deleted, changed_since=changed, oldest_first=oldest_first
            )
        whole = list(store.walk(seen, deleted=deleted, changed_since=changed))
        for number in range(len(keys) - 1, -1, -1):
            is_down = (ways[number] if number < len(ways) else "desc") == "desc"
            whole.sort(key=_SORT_KEYS[keys[number]], reverse=is_down)
        ids = [one.id for one in whole]
        return whole[ids.index(marker.id) + 1 :] if marker and marker.id in ids else whole

    @staticmethod
    def _wants_soft_deleted(call: Call) -> bool:
        told = call.request.query.get("soft_deleted", "false")
        return call.is_admin and bool(flagged(told))

    def _sees_all(self, call: Call) -> bool:
        told = call.request.query.get("all_tenants")
        if told is None:
            return False
        wanted = flagged(told)
        if wanted is None:
            raise Refused(400, f"Invalid value for all_tenants: {told}")
        if wanted:
            call.need_admin("os_compute_api:servers:index:get_all_tenants")
        named = any(name in call.request.query for name in ("tenant_id", "project_id"))
        return wanted and not named

    @staticmethod
    def _project(call: Call) -> str:
        query = call.request.query
        told = query.get("project_id") or query.get("tenant_id")
        return told if told and call.is_admin and "all_tenants" in query else call.project_id

    def _tests(self, call: Call) -> Iterator[Test]:
        query = call.request.query
        statuses = [value for name, value in call.request.pairs if name == "status"]
        if statuses:
            yield _status_test(call, statuses)
        if self._wants_soft_deleted(call) and not {"deleted", "changes-since"} & query.keys():
            yield lambda one: one.deleted is None
        if "changes-before" in query and call.since(66):
            until = when(query["changes-before"], "changes-before")
            yield lambda one: one.updated <= until
        if "name" in query:
            yield _pattern_test(query["name"], "name", lambda one: [one.name])
        yield from self._equal_tests(call)
        yield from self._tag_tests(call)
        for name, version in (("ip", 4), ("ip6", 6)):
            if name in query and (version == 4 or call.is_admin or call.since(5)):  # noqa: PLR2004
                yield self._address_test(query[name], name, version)

    @staticmethod
    def _equal_tests(call: Call) -> Iterator[Test]:
        readers: dict[str, Callable[[Server], Any]] = {
            "image": lambda one: one.image_id,
            "flavor": lambda one: one.flavor["id"],
            "uuid": lambda one: one.id,
            "key_name": lambda one: one.facts.get("key_name") or "",
            "availability_zone": lambda one: "nova" if one.facts.get("host") else "",
            "reservation_id": lambda one: one.facts.get("reservation_id", ""),
            "user_id": lambda one: one.user_id,
            "vm_state": lambda one: one.state,
            "power_state": lambda one: str(one.power_state),
        }
        if call.is_admin:
            readers["host"] = readers["node"] = lambda one: one.facts.get("host", "")
        for name, read in readers.items():
            if name in call.request.query:
                wanted = call.request.query[name]
                yield lambda one, read=read, wanted=wanted: read(one) == wanted  # type: ignore[misc]  # bound as it is now
        if "locked" in call.request.query and call.since(73):
            wanted_lock = flagged(call.request.query["locked"])
            yield lambda one: bool(one.facts.get("locked")) == wanted_lock

    @staticmethod
    def _tag_tests(call: Call) -> Iterator[Test]:
        if not call.since(26):
            return
        rules: dict[str, Callable[[set[str], set[str]], bool]] = {
            "tags": lambda wanted, has: wanted <= has,
            "tags-any": lambda wanted, has: bool(wanted & has),
            "not-tags": lambda wanted, has: not wanted <= has,
            "not-tags-any": lambda wanted, has: not wanted & has,
        }
        for name, holds in rules.items():
            if name in call.request.query:
                wanted = set(call.request.query[name].split(","))
                yield lambda one, holds=holds, wanted=wanted: holds(wanted, set(one.tags))  # type: ignore[misc]  # bound as it is now

    def _address_test(self, pattern: str, name: str, version: int) -> Test:
        def read(server: Server) -> list[str]:
            nics = Attached(self._fleet, [server]).nics(server)
            return [at.ip for nic in nics for at in nic.addresses if at.version == version]

        return _pattern_test(pattern, name, read)

    # one

    def _show(self, call: Call, server_id: str) -> Answer:
        server = server_of(call, self._fleet, server_id)
        return self._whole(call, server)

    def _whole(self, call: Call, server: Server) -> Answer:
        attached = Attached(self._fleet, [server])
        shown = detailed(call, self._fleet, server, attached, group=True)
        return json_answer({"server": shown})

    def _update(self, call: Call, server_id: str) -> Answer:
        told = UPDATE.check(call)["server"]
        with self._fleet.database.change():
            server = server_of(call, self._fleet, server_id)
            changes: dict[str, Any] = {}
            if "name" in told:
                changes["name"] = told["name"]
            names = {
                "description": "description", "hostname": "hostname",
                "accessIPv4": "access_v4", "accessIPv6": "access_v6",
                "OS-DCF:diskConfig": "disk_config",
            }  # fmt: skip
            kept = {names[key]: value or "" for key, value in told.items() if key in names}
            if "description" in told:
                kept["description"] = told["description"]
            server = self._fleet.store.change(server, **changes, facts=kept)
        if call.since(75):
            return self._whole(call, server)
        shown = detailed(call, self._fleet, server, Attached(self._fleet, [server]))
        unwanted = ("OS-EXT-", "OS-SRV-USG", "os-extended-volumes", "config_drive", "key_name")
        kept = {name: one for name, one in shown.items() if not name.startswith(unwanted)}
        kept.pop("security_groups", None)
        return json_answer({"server": kept})

    def _delete(self, call: Call, server_id: str) -> Answer:
        server = server_of(call, self._fleet, server_id)
        refuse_locked(call, server)
        self._fleet.put_away(server, call.user_id, call.request_id)
        return Answer(204)


def refuse_locked(call: Call, server: Server) -> None:
    """See that a server is not locked, or the caller an administrator.

    Raises:
        Refused: 409.
    """
    if server.facts.get("locked") and not call.is_admin:
        raise Refused(409, f"Instance {server.id} is locked")


def _status_test(call: Call, statuses: list[str]) -> Test:
    wanted = {one.upper() for one in statuses}
    if not wanted & NOVA_STATUSES and call.since(38):
        raise Refused(400, f"Invalid status value: {statuses[0]}")
    if "DELETED" in wanted and not call.is_admin:
        raise Refused(403, "Only administrators may list deleted instances")
    return lambda one: one.nova_status in wanted


def _pattern_test(text: str, name: str, read: Callable[[Server], list[str]]) -> Test:
    """Whether one of the values has what a pattern of a stranger describes."""
    try:
        check_patterns({"patternProperties": {text: {}}})
        pattern = re.compile(text)
    except (re.error, SchemaError) as error:
        raise Refused(
            400, f"Invalid input for query parameters {name}. Value: {text}. {text!r} is not a"
            " 'regex'",
        ) from error  # fmt: skip
    return lambda one: any(pattern.search(value) for value in read(one))
