"""Floating IPs of Nova, as it passed them on to the network service until 2.35."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.bodies import Body
from pelagos.box.compute.nova.call import Call, Routes
from pelagos.box.compute.server import Server
from pelagos.box.errors import Refused
from pelagos.box.fields import record, text
from pelagos.box.neighbours import FloatingIp, FloatingIps
from pelagos.box.web import Answer, json_answer

_UNTIL, _NO_ACTIONS_SINCE = 35, 44
_CREATE = Body("", lambda _: record({"pool": text(0, 255, nullable=True)}))


class Floating:
    """os-floating-ips, os-floating-ip-pools."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self, routes: Routes) -> None:
        """Take the places in the router."""
        routes.add("GET", "/os-floating-ip-pools", self._pools, until=_UNTIL)
        routes.add("GET", "/os-floating-ips", self._index, until=_UNTIL)
        routes.add("POST", "/os-floating-ips", self._take, until=_UNTIL)
        routes.add("GET", "/os-floating-ips/{key}", self._show, until=_UNTIL)
        routes.add("DELETE", "/os-floating-ips/{key}", self._remove, until=_UNTIL)

    def _known(self) -> FloatingIps:
        return _addresses(self._fleet)

    def _pools(self, _call: Call) -> Answer:
        shown = [{"name": name} for name in self._known().pools()]
        return json_answer({"floating_ip_pools": shown})

    def _index(self, call: Call) -> Answer:
        found = self._known().every(call.project_id)
        return json_answer({"floating_ips": [_shown(one) for one in found]})

    def _take(self, call: Call) -> Answer:
        told = _CREATE.check(call) if call.request.length else {}
        made = self._known().take(call.project_id, call.user_id, told.get("pool") or None)
        return json_answer({"floating_ip": _shown(made)})

    def _show(self, call: Call, key: str) -> Answer:
        return json_answer({"floating_ip": _shown(self._known().one(call.project_id, key))})

    def _remove(self, call: Call, key: str) -> Answer:
        self._known().give_back(call.project_id, key)
        return Answer(202)


def lead(fleet: Fleet, call: Call, server: Server, told: Any) -> Answer:
    """The action addFloatingIp."""
    fixed = told.get("fixed_address")
    return _act(
        fleet,
        call,
        server,
        "addFloatingIp",
        lambda known: known.lead(server.guest, told["address"], fixed),
    )


def lead_nowhere(fleet: Fleet, call: Call, server: Server, told: Any) -> Answer:
    """The action removeFloatingIp."""
    return _act(
        fleet,
        call,
        server,
        "removeFloatingIp",
        lambda known: known.lead_nowhere(server.guest, told["address"]),
    )


def _act(
    fleet: Fleet, call: Call, server: Server, name: str, work: Callable[[FloatingIps], None]
) -> Answer:
    if call.since(_NO_ACTIONS_SINCE):
        raise Refused(400, f"There is no such action: {name}")
    with fleet.database.change():
        work(_addresses(fleet))
        fleet.note(server, call.user_id, call.request_id, name)
    return Answer(202)


def _addresses(fleet: Fleet) -> FloatingIps:
    found = fleet.neighbours.floating
    if found is None:
        raise Refused(404, "There are no networks here.")
    return found


def _shown(one: FloatingIp) -> dict[str, Any]:
    return {
        "id": one.id,
        "ip": one.ip,
        "pool": one.pool,
        "fixed_ip": one.fixed_ip,
        "instance_id": one.server_id,
    }
