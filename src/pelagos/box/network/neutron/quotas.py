"""Neutron's quotas: how many things of each kind a project may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.limits import Limits
from pelagos.box.network.neutron.bodies import BAD, forbidden
from pelagos.box.network.store import Caller
from pelagos.box.records import Records
from pelagos.box.web import Answer, Request, json_answer

DEFAULTS = {
    "network": 100, "subnet": 100, "port": 500, "router": 10, "floatingip": 50,
    "security_group": 10, "security_group_rule": 100, "subnetpool": -1, "rbac_policy": 10,
}  # fmt: skip


class Quotas:
    """The resource /quotas.

    Args:
        counted: of what the things are counted, by the names of resources.
    """

    def __init__(self, limits: Limits, counted: Mapping[str, Records]) -> None:
        self._limits = limits
        self._counted = counted

    def check(self, project_id: str, resource: str, more: int) -> None:
        """See whether a project may have so many more. Ask within the change that makes them.

        Raises:
            Refused: 409, it may not.
        """
        used = self._used(project_id, resource)
        if not self._limits.has_room(project_id, resource, used, more):
            message = f"Quota exceeded for resources: ['{resource}']."
            raise Refused(409, message, name="OverQuota")

    def _used(self, project_id: str, resource: str) -> int:
        records = self._counted.get(resource)
        return records.count(project_id=project_id) if records else 0

    def answer(self, request: Request, caller: Caller, words: list[str]) -> Answer:
        """What a request below /quotas is answered.

        Raises:
            Refused: it cannot be.
        """
        if not words:
            return self._all(caller)
        project, rest = words[0], words[1:]
        if project == "tenant":
            return json_answer({"tenant": {"tenant_id": caller.project_id}})
        if project != caller.project_id and not caller.is_admin:
            raise forbidden("rule:get_quota")
        if request.method == "GET":
            return self._shown(project, rest)
        if not caller.is_admin:
            verb = "update" if request.method == "PUT" else "delete"
            raise forbidden(f"rule:{verb}_quota")
        if request.method == "DELETE":
            self._limits.reset(project)
            return Answer(204)
        if request.method == "PUT":
            self._limits.set(project, _amounts(request.document()))
            return json_answer({"quota": self._limits.of(project)})
        raise Refused(405, "The method is not allowed here")

    def _all(self, caller: Caller) -> Answer:
        if not caller.is_admin:
            raise forbidden("rule:get_quota")
        told = [
            {**self._limits.of(one), "tenant_id": one, "project_id": one}
            for one in self._limits.told()
        ]
        return json_answer({"quotas": told})

    def _shown(self, project: str, rest: list[str]) -> Answer:
        if rest == ["default"]:
            return json_answer({"quota": self._limits.defaults})
        amounts = self._limits.of(project)
        if rest in (["details"], ["details.json"]):
            shown = {
                name: {"limit": limit, "used": self._used(project, name), "reserved": 0}
                for name, limit in amounts.items()
            }
            return json_answer({"quota": shown})
        if rest:
            raise Refused(404, "The resource could not be found.", name="HTTPNotFound")
        return json_answer({"quota": amounts})


def _amounts(document: dict[str, Any]) -> dict[str, int]:
    told = document.get("quota")
    if not isinstance(told, dict):
        raise Refused(400, "Unable to find 'quota' in request body", name=BAD)
    told = {key: value for key, value in told.items() if key not in {"tenant_id", "project_id"}}
    if unknown := sorted(set(told) - set(DEFAULTS)):
        raise Refused(400, f"Unrecognized attribute(s) '{', '.join(unknown)}'", name=BAD)
    for key, value in told.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < -1:
            message = f"Invalid input for {key}. Reason: '{value}' is not an integer."
            raise Refused(400, message, name=BAD)
    return told
