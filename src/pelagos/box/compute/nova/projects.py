"""What Nova says of projects: limits, quotas, usage, groups of servers."""

from __future__ import annotations

from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.groups import Group
from pelagos.box.compute.nova.bodies import Body
from pelagos.box.compute.nova.call import Call, Routes, exact, flagged, when
from pelagos.box.errors import Refused
from pelagos.box.fields import Check, flag, listing, one_of, record, text, whole
from pelagos.box.web import Answer, json_answer

#: What quotas had until networks were elsewhere (2.36), and files until they were gone (2.57).
_NETWORK_LIMITS = {"fixed_ips": -1, "floating_ips": -1, "security_groups": -1}
_NETWORK_LIMITS["security_group_rules"] = -1
_FILES = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
_LIMITS = (
    "instances", "cores", "ram", "key_pairs", "metadata_items", "server_groups",
    "server_group_members", *_FILES,
)  # fmt: skip
_POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
_ONE_POLICY = 64


def _new_group(minor: int) -> Check:
    name = text(1, 255, stripped=True)
    kinds = _POLICIES if minor >= 15 else _POLICIES[:2]  # noqa: PLR2004  # a microversion
    if minor >= _ONE_POLICY:
        rules = record({"max_server_per_host": whole(1)})
        inner = record(
            {"name": name, "policy": one_of(*kinds), "rules": rules}, required=("name", "policy")
        )
    else:
        policies = listing(one_of(*kinds), 1, least=1)
        inner = record({"name": name, "policies": policies}, required=("name", "policies"))
    return record({"server_group": inner}, required=("server_group",))


_NEW_GROUP = Body("", _new_group)


class Projects:
    """limits, os-quota-sets, os-simple-tenant-usage, os-server-groups."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._allowance = fleet.allowance

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/limits", self._limits)
        sets = "/os-quota-sets/{project_id}"
        routes.add("GET", sets, self._quota)
        routes.add("GET", f"{sets}/defaults", self._quota_defaults)
        routes.add("GET", f"{sets}/detail", self._quota_detail)
        routes.add("PUT", sets, self._set_quota)
        routes.add("DELETE", sets, self._forget_quota)
        routes.add("GET", "/os-simple-tenant-usage", self._usages)
        routes.add("GET", "/os-simple-tenant-usage/{project_id}", self._usage)
        routes.add("GET", "/os-server-groups", self._groups)
        routes.add("POST", "/os-server-groups", self._add_group)
        routes.add("GET", "/os-server-groups/{group_id}", self._show_group)
        routes.add("DELETE", "/os-server-groups/{group_id}", self._remove_group)

    # limits and quotas

    def _limits(self, call: Call) -> Answer:
        project = call.request.query.get("tenant_id", call.project_id)
        if project != call.project_id:
            call.need_admin("os_compute_api:limits:other_project")
        limits, usage = self._allowance.nova(project), self._allowance.nova_usage(project)
        absolute = {
            "maxTotalInstances": limits["instances"], "maxTotalCores": limits["cores"],
            "maxTotalRAMSize": limits["ram"], "maxServerMeta": limits["metadata_items"],
            "maxTotalKeypairs": limits["key_pairs"], "maxServerGroups": limits["server_groups"],
            "maxServerGroupMembers": limits["server_group_members"],
            "totalInstancesUsed": usage["instances"], "totalCoresUsed": usage["cores"],
            "totalRAMUsed": usage["ram"],
            "totalServerGroupsUsed": len(self._fleet.groups.all(project)),
        }  # fmt: skip
        if not call.since(39):
            absolute["maxImageMeta"] = limits["metadata_items"]
        if not call.since(57):
            absolute |= {
                "maxPersonality": limits["injected_files"],
                "maxPersonalitySize": limits["injected_file_content_bytes"],
            }
        return json_answer({"limits": {"rate": [], "absolute": absolute}})

    def _shown_limits(self, call: Call, project_id: str) -> dict[str, int]:
        shown = self._allowance.nova(project_id)
        if call.since(57):
            shown = {name: one for name, one in shown.items() if name not in _FILES}
        return shown if call.since(36) else {**shown, **_NETWORK_LIMITS}

    def _own(self, call: Call, project_id: str) -> None:
        if project_id != call.project_id:
            call.need_admin("os_compute_api:os-quota-sets:show")
            if self._fleet.identity.people.get("projects", project_id) is None:
                raise Refused(400, f"Project ID {project_id} is not a valid project.")

    def _quota(self, call: Call, project_id: str) -> Answer:
        self._own(call, project_id)
        shown = {"id": project_id, **self._shown_limits(call, project_id)}
        return json_answer({"quota_set": shown})

    def _quota_defaults(self, call: Call, project_id: str) -> Answer:
        shown = {"id": project_id, **self._shown_limits(call, "")}
        return json_answer({"quota_set": shown})

    def _quota_detail(self, call: Call, project_id: str) -> Answer:
        self._own(call, project_id)
        usage = self._allowance.nova_usage(project_id)
        usage["server_groups"] = len(self._fleet.groups.all(project_id))
        shown: dict[str, Any] = {
            name: {"limit": limit, "in_use": usage.get(name, 0), "reserved": 0}
            for name, limit in self._shown_limits(call, project_id).items()
        }
        return json_answer({"quota_set": {"id": project_id, **shown}})

    def _set_quota(self, call: Call, project_id: str) -> Answer:
        call.need_admin("os_compute_api:os-quota-sets:update")
        self._own(call, project_id)
        names = [one for one in _LIMITS if not call.since(57) or one not in _FILES]
        old = () if call.since(36) else _NETWORK_LIMITS
        inner = record({
            **{one: whole(-1) for one in (*names, *old)}, "force": flag(),
            "tenant_id": text(1, 255),
        })  # fmt: skip
        told = record({"quota_set": inner}, required=("quota_set",))(call.request.document(), "")
        wanted = {name: one for name, one in told["quota_set"].items() if name in names}
        usage = self._allowance.nova_usage(project_id)
        for name, amount in wanted.items():
            if not told["quota_set"].get("force") and 0 <= amount < usage.get(name, 0):
                raise Refused(
                    400, f"Quota limit {amount} for {name} must be greater than or equal to"
                    f" already used and reserved {usage[name]}.",
                )  # fmt: skip
        self._allowance.set_nova(project_id, wanted)
        return json_answer({"quota_set": self._shown_limits(call, project_id)})

    def _forget_quota(self, call: Call, project_id: str) -> Answer:
        call.need_admin("os_compute_api:os-quota-sets:delete")
        self._allowance.forget_nova(project_id)
        return Answer(202)

    # usage

    def _usages(self, call: Call) -> Answer:
        call.need_admin("os_compute_api:os-simple-tenant-usage:list")
        servers = self._fleet.store.walk(None, deleted=None)
        projects = dict.fromkeys(one.project_id for one in servers)
        detailed = call.request.query.get("detailed") == "1"
        shown = [self._used(call, one, detailed=detailed) for one in projects]
        return json_answer({"tenant_usages": [one for one in shown if one]})

    def _usage(self, call: Call, project_id: str) -> Answer:
        if project_id != call.project_id:
            call.need_admin("os_compute_api:os-simple-tenant-usage:show")
        return json_answer({"tenant_usage": self._used(call, project_id, detailed=True)})

    def _used(self, call: Call, project_id: str, *, detailed: bool) -> dict[str, Any]:
        now, query = self._fleet.clock.time(), call.request.query
        end = when(query["end"], "end") if query.get("end") else now
        start = when(query["start"], "start") if query.get("start") else now - 4 * 7 * 86_400
        if start > end:
            raise Refused(400, "Invalid start time. The start time cannot occur after the end "
                          "time.")  # fmt: skip
        lines: list[dict[str, Any]] = []
        for one in self._fleet.store.walk((project_id,), deleted=None):
            ended = min(one.deleted or end, end)
            hours = max(ended - max(one.created, start), 0.0) / 3600
            if hours <= 0:
                continue
            lines.append({
                "hours": hours, "flavor": one.flavor["name"], "instance_id": one.id,
                "name": one.name, "tenant_id": project_id, "memory_mb": one.ram_mib,
                "local_gb": one.disk_gib, "vcpus": one.vcpus, "started_at": exact(one.created),
                "ended_at": exact(one.deleted) if one.deleted else None,
                "state": "terminated" if one.deleted else one.state,
                "uptime": int(ended - one.created),
            })  # fmt: skip
        if not lines:
            return {}
        totals = {
            f"total_{name}_usage": sum(one["hours"] * one[name] for one in lines)
            for name in ("memory_mb", "local_gb", "vcpus")
        }
        shown = {
            "tenant_id": project_id, "start": exact(start), "stop": exact(end),
            "total_hours": sum(one["hours"] for one in lines), **totals,
        }  # fmt: skip
        return shown | ({"server_usages": lines} if detailed else {})

    # groups of servers

    def _groups(self, call: Call) -> Answer:
        is_all = call.is_admin and flagged(call.request.query.get("all_projects", "false"))
        found = self._fleet.groups.all(None if is_all else call.project_id)
        return json_answer({"server_groups": [self._group(call, one) for one in found]})

    def _group(self, call: Call, group: Group) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": group.id,
            "name": group.name,
            "members": self._fleet.groups.members(group),
        }
        if call.since(13):
            shown |= {"project_id": group.project_id, "user_id": group.user_id}
        if call.since(_ONE_POLICY):
            return {**shown, "policy": group.policy, "rules": group.rules}
        return {**shown, "policies": [group.policy], "metadata": {}}

    def _add_group(self, call: Call) -> Answer:
        told = _NEW_GROUP.check(call)["server_group"]
        policy = told["policy"] if call.since(_ONE_POLICY) else told["policies"][0]
        rules = told.get("rules", {})
        if rules and policy != "anti-affinity":
            raise Refused(400, "Only anti-affinity policy supports rules.")
        with self._fleet.database.change():
            limit = self._allowance.nova(call.project_id)["server_groups"]
            if 0 <= limit <= len(self._fleet.groups.all(call.project_id)):
                raise Refused(403, "Quota exceeded, too many server groups.")
            made = self._fleet.groups.add(
                call.project_id, call.user_id, told["name"], policy, rules
            )
        return json_answer({"server_group": self._group(call, made)})

    def _one_group(self, call: Call, group_id: str) -> Group:
        found = self._fleet.groups.find(group_id, None if call.is_admin else call.project_id)
        if found is None:
            raise Refused(404, f"Instance group {group_id} could not be found.")
        return found

    def _show_group(self, call: Call, group_id: str) -> Answer:
        return json_answer({"server_group": self._group(call, self._one_group(call, group_id))})

    def _remove_group(self, call: Call, group_id: str) -> Answer:
        self._fleet.groups.remove(self._one_group(call, group_id))
        return Answer(204)
