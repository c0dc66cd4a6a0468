"""Commissions: what services charge users and projects, in two steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pelagos.box.cyclades import moment
from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import RESOURCES, Quotas
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router
from pelagos.core import wire
from pelagos.core.wire import WireError

BASE = "/account/v1.0/commissions"
Provision = dict[str, Any]


class Commissions:
    """Resources below /account/v1.0/commissions; only services may use them."""

    def __init__(self, identity: Identity, quotas: Quotas, callers: Callers) -> None:
        self._identity = identity
        self._database = identity.database
        self._quotas = quotas
        self._callers = callers
        quotas.count_outside(self.held, self.pending)

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", BASE, self._list)
        router.add("POST", BASE, self._issue)
        router.add("POST", f"{BASE}/action", self._resolve_many)
        router.add("GET", f"{BASE}/{{serial}}", self._show)
        router.add("POST", f"{BASE}/{{serial}}/action", self._resolve_one)

    # ---- what is charged

    def held(self, project_id: str, resource: str) -> int:
        """How much services outside have charged a project."""
        return self._held(f"project:{project_id}", "", resource)

    def _held(self, holder: str, source: str, resource: str) -> int:
        row = (
            self._database.read()
            .execute(
                "SELECT amount FROM holdings WHERE holder = ? AND source = ? AND resource = ?",
                (holder, source, resource),
            )
            .fetchone()
        )
        return int(row["amount"]) if row else 0

    def pending(self, project_id: str, resource: str) -> int:
        """How much a project may be charged by what is not decided yet."""
        holder = f"project:{project_id}"
        rows = self._database.read().execute("SELECT provisions FROM commissions")
        return sum(
            one["quantity"]
            for row in rows
            for one in json.loads(row["provisions"])
            if one["holder"] == holder and one["resource"] == resource and one["quantity"] > 0
        )

    # ---- requests

    def _list(self, request: Request) -> Answer:
        service = self._callers.service(request)
        rows = self._database.read().execute(
            "SELECT serial FROM commissions WHERE service = ? ORDER BY serial", (service,)
        )
        return document([row["serial"] for row in rows])

    def _show(self, request: Request, serial: str) -> Answer:
        row = self._row(self._callers.service(request), serial)
        if row is None:
            return Answer(404)
        return document({
            "serial": row["serial"], "issue_time": moment(row["issued"]), "name": row["name"],
            "provisions": json.loads(row["provisions"]),
        })  # fmt: skip

    def _row(self, service: str, serial: Any) -> Any:
        if not str(serial).isascii() or not str(serial).isdigit():
            return None
        return (
            self._database.read()
            .execute(
                "SELECT * FROM commissions WHERE serial = ? AND service = ?",
                (int(serial), service),
            )
            .fetchone()
        )

    def _issue(self, request: Request) -> Answer:
        service = self._callers.service(request)
        told = _body(request)
        provisions = sorted(_provisions(told), key=lambda one: str(one["holder"]))
        is_forced = told.get("force") is True
        with self._database.change() as connection:
            for one in provisions:
                refusal = self._refusal(service, one, is_forced=is_forced)
                if refusal is not None:
                    return refusal
            made = connection.execute(
                "INSERT INTO commissions (service, name, issued, provisions) VALUES (?, ?, ?, ?)",
                (
                    service, str(told.get("name", "")), self._identity.clock.time(),
                    json.dumps(provisions),
                ),
            )  # fmt: skip
            serial = made.lastrowid
            if told.get("auto_accept") is True:
                self._end(service, serial, is_accepted=True)
        return document({"serial": serial}, 201)

    def _refusal(self, service: str, one: Provision, *, is_forced: bool) -> Answer | None:
        kind, _, key = str(one["holder"]).partition(":")
        source = str(one["source"] or "")
        resource = RESOURCES.get(str(one["resource"]))
        project = key if kind == "project" else source.partition(":")[2]
        people = self._identity.people
        is_known = (
            resource is not None
            and resource.service.startswith(service.partition("_")[0])
            and people.get("projects", project) is not None
            and (kind == "project" or self._is_in(key, project))
            and bool(source) == (kind == "user")
        )
        if not is_known:
            told = ", ".join("None" if it is None else f"u'{it}'" for it in (
                one["holder"], one["source"], one["resource"],
            ))  # fmt: skip
            fault = {"message": f"There is no such holding ({told})", "code": 404,
                     "data": {"provision": one, "name": "NoHoldingError"}}  # fmt: skip
            return document({"itemNotFound": fault}, 404)
        return None if is_forced else self._shortage(kind, project, one)

    def _is_in(self, user: str, project: str) -> bool:
        return any(one["id"] == project for one in self._identity.people.projects_of(user))

    def _shortage(self, kind: str, project: str, one: Provision) -> Answer | None:
        resource, quantity = one["resource"], one["quantity"]
        used = self._quotas.usage(project, resource)
        limit = self._quotas.limit(project, resource)
        pending = self.pending(project, resource)
        if kind != "project":
            return None
        if quantity > 0 and used + pending + quantity > limit:
            name, word = "NoCapacityError", f"has not enough capacity of {resource}."
        elif quantity < 0 and self.held(project, resource) + quantity < 0:
            name, word = "NoQuantityError", f"has not enough quantity of {resource}."
        else:
            return None
        data = {"usage": used, "limit": limit, "provision": one, "name": name}
        fault = {"message": f"{one['holder']} {word}", "code": 413, "data": data}
        return document({"overLimit": fault}, 413)

    def _resolve_one(self, request: Request, serial: str) -> Answer:
        service = self._callers.service(request)
        told = _body(request)
        is_accepted, is_rejected = "accept" in told, "reject" in told
        if is_accepted == is_rejected:
            raise Refused(400, "Specify either accept or reject action.")
        if not self._end(service, serial, is_accepted=is_accepted):
            return Answer(404)
        return Answer(200)

    def _resolve_many(self, request: Request) -> Answer:
        service = self._callers.service(request)
        told = _body(request)
        done: dict[str, list[Any]] = {"accepted": [], "rejected": [], "failed": []}
        for word, name in (("accept", "accepted"), ("reject", "rejected")):
            serials = told.get(word, [])
            if not isinstance(serials, list):
                raise Refused(400, "Serials should be given as a list")
            for serial in serials:
                if self._end(service, serial, is_accepted=word == "accept"):
                    done[name].append(serial)
                else:
                    fault = {"message": f"serial {serial} does not exist", "code": 404}
                    done["failed"].append([serial, {"itemNotFound": fault}])
        return document(done)

    def _end(self, service: str, serial: Any, *, is_accepted: bool) -> bool:
        """Decide about a commission; whether there was one to decide about."""
        with self._database.change() as connection:
            row = self._row(service, serial)
            if row is None:
                return False
            connection.execute("DELETE FROM commissions WHERE serial = ?", (row["serial"],))
            for one in json.loads(row["provisions"]) if is_accepted else ():
                connection.execute(
                    "INSERT INTO holdings VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                    " SET amount = amount + excluded.amount",
                    (one["holder"], one["source"] or "", one["resource"], one["quantity"]),
                )
        return True


def _body(request: Request) -> Mapping[str, Any]:
    try:
        read = wire.decode(request.body())
    except WireError as error:
        raise Refused(400, "Could not decode request body as JSON") from error
    if not isinstance(read, dict):
        raise Refused(400, "Malformed request")
    return read


def _provisions(told: Mapping[str, Any]) -> list[Provision]:
    found = told.get("provisions")
    if not isinstance(found, list):
        raise Refused(400, "Malformed request: provisions")
    for one in found:
        if not isinstance(one, dict) or not {"holder", "source", "resource", "quantity"} <= set(
            one
        ):
            raise Refused(400, "Malformed provision")
        if isinstance(one["quantity"], bool) or not isinstance(one["quantity"], int):
            raise Refused(400, "Malformed provision: quantity is no number")
    names = ("resource", "source", "holder", "quantity")
    return [{name: one[name] for name in names} for one in found]
