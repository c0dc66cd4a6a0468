"""Containers of Pithos: policies, lists of objects, blocks that are sent ahead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.content import Receiver
from pelagos.box.objects.hashmap import BLOCK_HASH, BLOCK_SIZE
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.pithos import listing
from pelagos.box.objects.pithos.accounts import limit_of
from pelagos.box.objects.pithos.call import Call, found
from pelagos.box.objects.pithos.headers import (
    coded,
    iso,
    meta_headers,
    new_meta,
    whole_number,
)
from pelagos.box.objects.pithos.sharing import Sharing, shown
from pelagos.box.objects.store import Container, ObjectStore, Version
from pelagos.box.synnefo import document, http_date
from pelagos.box.web import Answer, Request

OCTETS = "application/octet-stream"
_ALLOWED = "HEAD,PUT,POST,DELETE,GET"
_POLICIES = ("quota", "versioning", "project")
_TERM = re.compile(r"(!?)([^=<>!]+?)(?:(<=|>=|!=|=|<|>)(.*))?", re.DOTALL)
_MOST_BLOCKS = 1024**3


class Containers:
    """The resources /v1/ACCOUNT/CONTAINER."""

    def __init__(
        self, identity: Identity, store: ObjectStore, quotas: Quotas, sharing: Sharing
    ) -> None:
        self._people = identity.people
        self._store = store
        self._quotas = quotas
        self._sharing = sharing
        self._methods = {
            "HEAD": self._head,
            "GET": self._list,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }

    def usage(self, project_id: str) -> int:
        """How many bytes a project pays for."""
        row = (
            self._store.database.read()
            .execute(
                "SELECT COALESCE(SUM(bytes), 0) AS bytes FROM containers"
                " WHERE json_extract(policy, '$.project') = ?",
                (project_id,),
            )
            .fetchone()
        )
        return int(row["bytes"])

    def answer(self, call: Call) -> Answer:
        """Answer a request about a container."""
        work = self._methods.get(call.request.method)
        if work is None:
            raise Refused(405, "Method not allowed", headers={"Allow": _ALLOWED})
        return work(call)

    def _readable(self, call: Call) -> Container:
        kept = self._store.container(call.account, call.container)
        if not call.is_owner and (kept is None or not self._sharing.names(call.user_id, kept)):
            raise Refused(403, "User does not have read access to the container")
        return found(kept)

    def _writable(self, call: Call) -> Container:
        if not call.is_owner:
            raise Refused(403, "User does not have write access to the container")
        return found(self._store.container(call.account, call.container))

    def _head(self, call: Call) -> Answer:
        return Answer(204, self._headers(call, self._readable(call)))

    def _headers(self, call: Call, kept: Container) -> dict[str, str]:
        headers = {
            "X-Container-Block-Size": str(BLOCK_SIZE),
            "X-Container-Block-Hash": BLOCK_HASH,
            "X-Container-Object-Meta": ",".join(self._keys(kept)),
            "Last-Modified": http_date(kept.modified),
        }
        until = whole_number(call.request.query.get("until"))
        if until is not None:
            if kept.created > until + 1:
                raise Refused(404, "Path does not exist", name="itemNotFound")
            headers["X-Container-Until-Timestamp"] = http_date(min(until, kept.modified))
        if call.is_owner:
            headers |= {
                "X-Container-Object-Count": str(kept.objects),
                "X-Container-Bytes-Used": str(kept.bytes),
                "X-Container-Policy-Quota": str(kept.policy["quota"]),
                "X-Container-Policy-Versioning": kept.policy["versioning"],
                "X-Container-Policy-Project": kept.policy["project"],
                **meta_headers("Container", kept.meta),
            }
        return headers

    def _keys(self, kept: Container) -> list[str]:
        rows = self._store.database.read().execute(
            "SELECT DISTINCT meta FROM versions WHERE container_id = ? AND place = 0"
            " AND meta != '{}'",
            (kept.id,),
        )
        return sorted({coded(key) for row in rows for key in json.loads(row["meta"])})

    # lists

    def _list(self, call: Call) -> Answer:
        kept = self._readable(call)
        query = call.request.query
        if "public" in query and not call.is_owner:
            raise Refused(403, "PUblic object listing is not allowed to non path owners")
        headers = self._headers(call, kept)
        prefix, delimiter = query.get("prefix", "").lstrip("/"), query.get("delimiter", "")
        if "path" in query:
            prefix, delimiter = query["path"].strip("/"), "/"
            prefix += "/" if prefix else ""
        until = whole_number(query.get("until"))
        asked = Asked(prefix, delimiter, query.get("marker", ""))
        names = listed(
            self._store.database, kept, asked, until=None if until is None else until + 1
        )
        items = []
        limit = limit_of(call)
        for item in self._wanted(call, kept, names):
            items.append(item)
            if len(items) >= limit:
                break
        return listing.answer(
            items, call.format, headers, outer="container", inner="object", name=kept.name
        )

    def _wanted(
        self, call: Call, kept: Container, names: Iterator[Version | str]
    ) -> Iterator[dict[str, Any]]:
        query = call.request.query
        terms = [_TERM.fullmatch(one) for one in query.get("meta", "").split(",") if one]
        for one in names:
            if isinstance(one, str):
                if "path" not in query and self._shows_folder(call, kept, one):
                    yield {"subdir": one}
                continue
            if terms and not any(term and _fits(term, one.meta) for term in terms):
                continue
            item = self._item(call, kept, one)
            if item is not None:
                yield item

    def _shows_folder(self, call: Call, kept: Container, name: str) -> bool:
        if call.is_owner:
            return not (call.has("shared") or call.has("public"))
        return any(one.startswith(name) for one in self._sharing.names(call.user_id, kept))

    def _item(self, call: Call, kept: Container, version: Version) -> dict[str, Any] | None:
        grant = self._sharing.grant(kept, version.name)
        public = self._sharing.public_id(kept, version.name)
        told: dict[str, Any] = shown(grant, version.name)
        if call.is_owner:
            unwanted = (call.has("shared") and not grant) or (call.has("public") and not public)
            if unwanted and not (call.has("shared") and call.has("public") and (grant or public)):
                return None
            if public:
                told["x_object_public"] = f"{call.request.host}/pithos/public/{public}"
        else:
            allowed = self._sharing.allows(call.user_id, kept, version.name)
            if not allowed:
                return None
            told["x_object_allowed_to"] = allowed
        return {
            "available": 1,
            "hash": "",
            "name": version.name,
            "bytes": version.size,
            "x_object_version_timestamp": f"{version.modified:.6f}",
            "x_object_uuid": version.uuid,
            "last_modified": iso(version.modified),
            "content_type": version.type,
            "x_object_hash": version.top,
            "map_check_timestamp": None,
            "x_object_version": version.serial,
            "x_object_modified_by": version.modified_by,
            **told,
        }

    # changes

    def _put(self, call: Call) -> Answer:
        if not call.is_owner:
            raise Refused(403, "User does not have write access to the container")
        with self._store.database.change():
            kept = self._store.container(call.account, call.container)
            before = kept.policy if kept else self._default_policy(call)
            policy = self._policy(call, before)
            if kept is None:
                meta = new_meta(call.request, "Container", {})
                self._store.add_container(call.account, call.container, meta, policy)
                return Answer(201)
            told = call.request.headers_from("X-Container-Meta-")
            meta = {**kept.meta, **new_meta(call.request, "Container", {})} if told else kept.meta
            self._store.set_container(kept, meta, policy)
        return Answer(202)

    def _default_policy(self, call: Call) -> dict[str, Any]:
        return {"quota": 0, "versioning": "auto", "project": call.account}

    def _policy(self, call: Call, before: dict[str, Any]) -> dict[str, Any]:
        policy = dict(before)
        for name, value in call.request.headers_from("X-Container-Policy-").items():
            key = name.lower()
            if key not in _POLICIES:
                raise Refused(400, "The only allowed policies are 'quota' or 'versioning'.")
            policy[key] = self._checked(call, key, value, before["project"])
        return policy

    def _checked(self, call: Call, key: str, value: str, project: str) -> Any:
        if key == "quota":
            number = whole_number(value)
            if number is None:
                raise Refused(400, "The quota policy value should be a positive integer.")
            return number
        if key == "versioning":
            if value not in {"auto", "none"}:
                raise Refused(
                    400, "The versioning policy value should be either 'auto' or 'none'."
                )
            return value
        known = {one["id"] for one in self._people.projects_of(call.user_id)}
        if value != project and value not in known:
            kept = self._store.container(call.account, call.container)
            raise _no_holding(call, value, kept.bytes if kept else 0)
        return value

    def _post(self, call: Call) -> Answer:
        kept = self._writable(call)
        request = call.request
        if request.header("Content-Type") == OCTETS and (request.is_chunked or request.length):
            return self._keep_blocks(request)
        with self._store.database.change():
            kept = found(self._store.container(call.account, call.container))
            policy = self._policy(call, kept.policy)
            told = request.headers_from("X-Container-Meta-")
            meta = kept.meta
            if told or "update" not in request.query:
                meta = new_meta(request, "Container", kept.meta)
            self._store.set_container(kept, meta, policy)
        return Answer(202)

    def _keep_blocks(self, request: Request) -> Answer:
        if (request.length or 0) > _MOST_BLOCKS:
            raise Refused(413, "The request is too large")

        def check(size: int) -> None:
            if size > _MOST_BLOCKS:
                raise Refused(413, "The request is too large")

        with Receiver(self._store.blocks, check) as receiver:
            content = receiver.take(request.pieces()).content()
        return document([digest.hex() for digest in content.digests], 202)

    def _delete(self, call: Call) -> Answer:
        kept = self._writable(call)
        query = call.request.query
        until = whole_number(query.get("until"))
        if until is not None:
            self._store.purge(kept, until)
        elif query.get("delimiter"):
            keeps = kept.policy["versioning"] == "auto"
            for one in listed(self._store.database, kept, Asked()):
                if isinstance(one, Version):
                    self._store.remove(kept, one.name, keeps_history=keeps, by=call.user_id)
                    self._sharing.forget(kept, one.name)
        elif not self._store.remove_container(kept):
            raise Refused(409, "Container is not empty")
        return Answer(204)


def _fits(term: re.Match[str], meta: dict[str, str]) -> bool:
    key = "-".join(word.capitalize() for word in term[2].strip().replace("_", "-").split("-"))
    value = meta.get(key)
    if term[1]:
        return value is None
    if value is None:
        return False
    wanted = term[4] or ""
    results = {
        "=": value == wanted,
        "!=": value != wanted,
        "<": value < wanted,
        "<=": value <= wanted,
        ">": value > wanted,
        ">=": value >= wanted,
    }
    return results.get(term[3] or "", True)


def _no_holding(call: Call, project: str, quantity: int) -> Refused:
    holder, source = f"user:{call.user_id}", f"project:{project}"
    text = f"There is no such holding (u'{holder}', u'{source}', u'pithos.diskspace')"
    provision = {
        "resource": "pithos.diskspace",
        "source": source,
        "holder": holder,
        "quantity": quantity,
    }
    data = {"provision": provision, "name": "NoHoldingError"}
    inner = {"itemNotFound": {"message": text, "code": 404, "data": data}}
    return Refused(404, "OK", name="fault", details=json.dumps(inner))
