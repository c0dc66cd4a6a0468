"""Accounts of Pithos: their metadata, groups, containers; who shares with whom."""

from __future__ import annotations

import re
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.pithos import listing
from pelagos.box.objects.pithos.call import Call
from pelagos.box.objects.pithos.headers import iso, meta_headers, new_meta, whole_number
from pelagos.box.objects.pithos.sharing import Sharing
from pelagos.box.objects.store import Container, ObjectStore
from pelagos.box.synnefo import http_date
from pelagos.box.web import Answer

LISTING_LIMIT = 10_000
_ALLOWED = "HEAD,POST,GET"
_GROUP = re.compile(r"[a-z0-9]+")
_GROUPS = 32
_MEMBERS = 32


class Accounts:
    """The resources /v1/ and /v1/ACCOUNT."""

    def __init__(
        self, identity: Identity, store: ObjectStore, quotas: Quotas, sharing: Sharing
    ) -> None:
        self._people = identity.people
        self._store = store
        self._quotas = quotas
        self._sharing = sharing

    def sharing_with(self, call: Call) -> Answer:
        """The accounts that share something with the caller."""
        if call.request.method != "GET":
            raise Refused(405, "Method not allowed", headers={"Allow": "GET"})
        latest: dict[str, float] = {}
        for one in self._sharing.containers(call.user_id):
            latest[one.account] = max(latest.get(one.account, 0.0), one.modified)
        marker = call.request.query.get("marker", "")
        shown = [
            {"last_modified": iso(when), "name": name}
            for name, when in sorted(latest.items())
            if name > marker
        ]
        limit = limit_of(call)
        return listing.answer(
            shown[:limit], call.format, {}, outer="accounts", inner="account", name=""
        )

    def answer(self, call: Call) -> Answer:
        """Answer a request about an account."""
        method = call.request.method
        if method not in {"HEAD", "GET", "POST"}:
            raise Refused(405, "Method not allowed", headers={"Allow": _ALLOWED})
        if not call.is_owner:
            return self._foreign(call)
        if method == "POST":
            return self._tell(call)
        headers = self._headers(call)
        if method == "HEAD":
            return Answer(204, headers)
        query = call.request.query
        found = [
            one
            for one in self._store.containers(call.account, query.get("marker", ""))
            if ("shared" not in query or self._shares(one))
            and ("public" not in query or self._publishes(one))
        ]
        shown = [_shown(one) for one in found[: limit_of(call)]]
        return listing.answer(
            shown, call.format, headers, outer="account", inner="container", name=call.account
        )

    def _foreign(self, call: Call) -> Answer:
        shared = self._sharing.containers(call.user_id, call.account)
        if not shared or call.request.method == "POST":
            kind = "write" if call.request.method == "POST" else "read"
            raise Refused(403, f"User does not have {kind} access to the account")
        modified = max(one.modified for one in shared)
        if call.request.method == "HEAD":
            return Answer(204, {"Last-Modified": http_date(modified)})
        shown = [{"last_modified": iso(one.modified), "name": one.name} for one in shared]
        return listing.answer(
            shown, call.format, {}, outer="account", inner="container", name=call.account
        )

    def _shares(self, container: Container) -> bool:
        rows = self._store.database.read().execute(
            "SELECT 1 FROM pithos_sharing WHERE container_id = ? LIMIT 1", (container.id,)
        )
        return rows.fetchone() is not None

    def _publishes(self, container: Container) -> bool:
        rows = self._store.database.read().execute(
            "SELECT 1 FROM pithos_public WHERE container_id = ? LIMIT 1", (container.id,)
        )
        return rows.fetchone() is not None

    def _headers(self, call: Call) -> dict[str, str]:
        containers, _, size = self._store.account_usage(call.account)
        kept = self._store.account_meta(call.account)
        projects = [one["id"] for one in self._people.projects_of(call.account)]
        limits = {one: self._quotas.member_limit(one, "pithos.diskspace") for one in projects}
        found = self._store.containers(call.account)
        headers = {
            "X-Account-Container-Count": str(containers),
            "X-Account-Bytes-Used": str(size),
            "X-Account-Policy-Quota": str(sum(limits.values())),
            **{
                f"X-Account-Policy-Quota-{one.capitalize()}": str(limit)
                for one, limit in limits.items()
            },
            **meta_headers("Account", kept.get("meta", {})),
            **{
                f"X-Account-Group-{name.capitalize()}": ",".join(who)
                for name, who in kept.get("groups", {}).items()
            },
        }
        if found:
            headers["Last-Modified"] = http_date(max(one.modified for one in found))
        until = whole_number(call.request.query.get("until"))
        if until is not None and found:
            headers["X-Account-Until-Timestamp"] = http_date(
                min(until, max(one.created for one in found))
            )
        return headers

    def _tell(self, call: Call) -> Answer:
        request = call.request
        before = self._store.account_meta(call.account)
        told = {
            name.lower(): [one for one in value.replace(" ", "").split(",") if one]
            for name, value in request.headers_from("X-Account-Group-").items()
        }
        self._check_groups(told)
        merged = {**(before.get("groups", {}) if "update" in request.query else {}), **told}
        groups = {name: who for name, who in merged.items() if who}
        if len(groups) > _GROUPS:
            raise Refused(400, f"There may be {_GROUPS} groups at the most")
        meta = new_meta(request, "Account", before.get("meta", {}))
        self._store.set_account_meta(call.account, {"meta": meta, "groups": groups})
        return Answer(202)

    def _check_groups(self, told: dict[str, list[str]]) -> None:
        for name, members in told.items():
            if not _GROUP.fullmatch(name):
                raise Refused(400, "Bad characters in group name")
            if len(members) > _MEMBERS:
                raise Refused(400, f"A group may have {_MEMBERS} members at the most")
            unknown = [one for one in members if self._people.get("users", one) is None]
            if unknown:
                raise Refused(400, f"Unknown displaynames: {', '.join(unknown)}")


def limit_of(call: Call) -> int:
    """How many items are wanted; what is no number above 0 says nothing."""
    return min(whole_number(call.request.query.get("limit")) or LISTING_LIMIT, LISTING_LIMIT)


def _shown(container: Container) -> dict[str, Any]:
    policy = container.policy
    return {
        "name": container.name,
        "count": container.objects,
        "bytes": container.bytes,
        "last_modified": iso(container.modified),
        "x_container_policy": {
            "quota": str(policy["quota"]),
            "versioning": policy["versioning"],
            "project": policy["project"],
        },
    }
