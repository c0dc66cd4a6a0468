"""What Cyclades does with servers on demand: POST servers/ID/action."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.box.compute.allowance import synnefo_needs
from pelagos.box.compute.cyclades.servers import check_idle, flavor_of, server_of
from pelagos.box.compute.cyclades.shapes import VERSION
from pelagos.box.compute.fleet import Action, Fleet
from pelagos.box.compute.server import SYNNEFO_ACTIONS, SYNNEFO_OPERSTATES, Server
from pelagos.box.cyclades import Person, body, caller, part, project_of
from pelagos.box.errors import Refused
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

Work = Callable[[Request, Person, Server, Any], Answer]
_CONSOLES = ("vnc", "vnc-ws", "vnc-wss")
_PORT = 25_900
_LETTERS = string.ascii_letters + string.digits
_GIB = 1024**3


class Actions:
    """POST servers/ID/action."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._works: Mapping[str, Work] = {
            "start": self._start,
            "os-start": self._start,
            "shutdown": self._stop,
            "os-stop": self._stop,
            "reboot": self._reboot,
            "resize": self._resize,
            "console": self._console,
            "os-getVNCConsole": self._vnc_console,
            "firewallProfile": self._firewall,
            "reassign": self._reassign,
        }

    def routes(self, router: Router) -> None:
        """Take the place in the router."""
        router.add("POST", f"/{VERSION}/servers/{{server_id}}/action", self._action)

    def _action(self, request: Request, server_id: str) -> Answer:
        person = caller(self._fleet.identity, request)
        told = body(request)
        if len(told) != 1:
            raise Refused(400, "Malformed Request.")
        ((name, arguments),) = told.items()
        server = server_of(self._fleet, person, server_id)
        work = self._works.get(name)
        if work is None:
            raise Refused(400, f"Action {name} not supported")
        if arguments is not None and not isinstance(arguments, dict):
            raise Refused(400, "Malformed Request.")
        return work(request, person, server, arguments or {})

    def _act(
        self,
        person: Person,
        server: Server,
        name: str,
        outcome: Mapping[str, Any] | None = None,
    ) -> None:
        def check(current: Server, action: Action) -> None:
            word = SYNNEFO_ACTIONS[action.task]
            check_idle(current, word)
            if current.state not in action.states or (
                name == "resize" and current.state != "stopped"
            ):
                state = SYNNEFO_OPERSTATES.get(current.state, current.state.upper())
                raise Refused(
                    400, f"Cannot perform '{word}' action while server is in '{state}' state."
                )

        self._fleet.act(
            server, name, person.user_id, f"req-{secrets.token_hex(8)}", check=check,
            outcome=outcome,
        )  # fmt: skip

    def _start(self, _request: Request, person: Person, server: Server, _told: Any) -> Answer:
        with self._fleet.database.change():
            flavor = self._fleet.flavors.by_number(server.flavor["number"])
            if server.state == "stopped" and flavor is not None:
                needs = synnefo_needs(flavor)
                self._fleet.allowance.check_synnefo(server.project_id, server.user_id, needs)
            self._act(person, server, "start")
        return Answer(202)

    def _stop(self, _request: Request, person: Person, server: Server, _told: Any) -> Answer:
        self._act(person, server, "stop")
        return Answer(202)

    def _reboot(self, _request: Request, person: Person, server: Server, told: Any) -> Answer:
        kind = str(told.get("type", "SOFT")).upper()
        if kind not in {"SOFT", "HARD"}:
            raise Refused(400, "Malformed Request.")
        if kind == "HARD" and server.state != "active":
            self._act(person, server, "reboot")  # says why it may not
        self._act(person, server, "hard_reboot" if kind == "HARD" else "reboot")
        return Answer(202)

    def _resize(self, _request: Request, person: Person, server: Server, told: Any) -> Answer:
        flavor = flavor_of(self._fleet, told.get("flavorRef"), person)
        if flavor.number == server.flavor["number"]:
            raise Refused(400, "Server flavor is already the requested one.")
        if flavor.disk_gib != server.disk_gib:
            raise Refused(400, "Cannot resize instance disk.")
        outcome = {**self._fleet.resized(flavor), "state": "stopped"}
        self._act(person, server, "resize", outcome)
        return Answer(202)

    # screens

    def _console(self, request: Request, _person: Person, server: Server, told: Any) -> Answer:
        kind = told.get("type")
        if kind not in _CONSOLES:
            raise Refused(400, f"Supported types: {', '.join(_CONSOLES)}")
        return document({"console": self._screen(request, server, str(kind))})

    def _vnc_console(self, request: Request, _person: Person, server: Server, told: Any) -> Answer:
        kind = told.get("type")
        if kind != "novnc":
            raise Refused(400, "Supported types: novnc")
        screen = self._screen(request, server, "vnc")
        url = (
            f"{request.host}/cyclades/cyclades/ui/machines/console?host={screen['host']}"
            f"&port={screen['port']}&password={screen['password']}"
        )
        return document({"console": {"type": kind, "url": url}})

    @staticmethod
    def _screen(request: Request, server: Server, kind: str) -> dict[str, Any]:
        if server.state != "active":
            raise Refused(400, "Server not in ACTIVE state.")
        password = "".join(secrets.choice(_LETTERS) for _ in range(10))
        host = request.host.rpartition("://")[2].rpartition(":")[0]
        return {"type": kind, "host": host, "port": _PORT, "password": password}

    # others

    def _firewall(self, _request: Request, _person: Person, server: Server, told: Any) -> Answer:
        profile, nic = part(told, "profile", str, needed=True), told.get("nic")
        networks = self._fleet.neighbours.networks
        if nic is None:
            raise Refused(400, "Malformed Request. Missing 'nic' attribute.")
        if networks is None:
            raise Refused(404, "Port not found.", name="itemNotFound")
        networks.set_firewall(server.guest, str(nic), profile)
        return Answer(202)

    def _reassign(self, _request: Request, person: Person, server: Server, told: Any) -> Answer:
        if "project" not in told:
            raise Refused(400, "Missing 'project' attribute.")
        project = project_of(self._fleet.identity, person, told)
        with self._fleet.database.change():
            if project != server.project_id:
                needs = {"cyclades.vm": 1, "cyclades.disk": server.disk_gib * _GIB}
                flavor = self._fleet.flavors.by_number(server.flavor["number"])
                if server.state != "stopped" and flavor is not None:
                    needs |= synnefo_needs(flavor)
                self._fleet.allowance.check_synnefo(project, server.user_id, needs)
            shared = told.get("shared_to_project", server.facts.get("shared", False))
            self._fleet.store.change(server, project_id=project, facts={"shared": bool(shared)})
        return Answer(200)
