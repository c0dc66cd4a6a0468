"""Swift's accounts and containers, and the way to its objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.objects.listing import Asked, listed
from pelagos.box.objects.store import Container, ObjectStore
from pelagos.box.objects.swift import archives, temporary, versions
from pelagos.box.objects.swift.access import Access, access
from pelagos.box.objects.swift.headers import iso, merged, timestamp
from pelagos.box.objects.swift.manner import date, finished
from pelagos.box.objects.swift.objects import Objects
from pelagos.box.objects.swift.place import Place
from pelagos.box.web import Answer, Request, decoded, json_answer
from pelagos.core import wire

LISTING_LIMIT = 10_000
_PATH = re.compile(r"/v1/([^/]+)(?:/([^/]+)(?:/(.+))?)?/?", re.DOTALL)
_NAME_BYTES = 256
_OBJECT_BYTES = 1024
_CONTAINER_HEADERS = ("X-Container-Read", "X-Container-Write")
_TYPES = {"json": "application/json", "xml": "application/xml", "plain": "text/plain"}
INFO = {
    "swift": {
        "version": "2.38.0",
        "max_file_size": 5_368_709_122,
        "max_meta_name_length": 128,
        "max_meta_value_length": 256,
        "max_meta_count": 90,
        "max_meta_overall_size": 4096,
        "max_header_size": 8192,
        "max_object_name_length": _OBJECT_BYTES,
        "max_container_name_length": _NAME_BYTES,
        "max_account_name_length": 256,
        "container_listing_limit": LISTING_LIMIT,
        "account_listing_limit": LISTING_LIMIT,
        "policies": [{"name": "Policy-0", "aliases": "Policy-0", "default": True}],
    },
    "slo": {
        "max_manifest_segments": 1000,
        "max_manifest_size": 8_388_608,
        "min_segment_size": 1,
    },
    "dlo": {"max_segments": 10_000},
    "bulk_delete": {"max_deletes_per_request": 10_000, "max_failed_deletes": 1000},
    "bulk_upload": {"max_containers_per_extraction": 10_000, "max_failed_extractions": 1000},
    "container_quotas": {},
    "object_versioning": {},
    "tempurl": {
        "methods": list(temporary.METHODS),
        "incoming_remove_headers": ["x-timestamp", "x-open-expired"],
        "incoming_allow_headers": [],
        "outgoing_remove_headers": ["x-object-meta-*"],
        "outgoing_allow_headers": ["x-object-meta-public-*"],
        "allowed_digests": list(temporary.DIGESTS),
    },
}


class SwiftApi:
    """Answers below /v1, and /info."""

    def __init__(self, identity: Identity, store: ObjectStore) -> None:
        self._identity = identity
        self._store = store
        self._objects = Objects(store)

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        return finished(self._answer(request))

    def _answer(self, request: Request) -> Answer:
        if request.prefix == "/info" or request.path == "/info":
            return json_answer(INFO)
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise Refused(404, "The resource could not be found.")
        account, container, name = (
            None if one is None else decoded(one) for one in found.groups()
        )
        if container and name and temporary.is_signed(request):
            return self._signed(request, account or "", container, name)
        rights = access(self._identity, request, account or "")
        if request.method == "PUT" and "extract-archive" in request.query:
            return self._extract(request, rights, container or "", name or "")
        if container is None:
            rights.check(request, None, is_object=False)
            return self._account(request, rights)
        return self._inside(request, rights, container, name)

    def _inside(
        self, request: Request, rights: Access, container: str, name: str | None
    ) -> Answer:
        """The answer to a request for a container, or an object in it."""
        kept = self._store.container(rights.account, container)
        rights.check(request, kept, is_object=name is not None)
        if name is None:
            return self._container(request, rights, container, kept)
        if len(name.encode()) > _OBJECT_BYTES:
            raise Refused(400, f"Object name length of {len(name)} longer than {_OBJECT_BYTES}")
        if kept is None:
            raise Refused(404, "The resource could not be found.")
        return self._objects.answer(Place(request, rights, kept, name, self._reach))

    def _signed(self, request: Request, account: str, container: str, name: str) -> Answer:
        """The answer to a request that comes by a signed address."""
        kept = self._store.container(account, container)
        meta, now = self._store.account_meta(account), self._identity.clock.time()
        temporary.check(request, meta, kept, name, now)
        if kept is None:
            raise Refused(404, "The resource could not be found.")
        rights = Access(None, account, may_rule=True, may_read=True)
        answer = self._objects.answer(Place(request, rights, kept, name, self._reach))
        return temporary.dressed(request, name, answer)

    def _extract(self, request: Request, rights: Access, container: str, name: str) -> Answer:
        """Objects of the files of an archive, in containers that are made for them."""
        if not rights.may_rule:
            rights.check(request, None, is_object=False)

        def keep(home: str, name: str, pieces: Iterator[bytes], meta: dict[str, str]) -> None:
            kept = self._store.container(rights.account, home)
            if kept is None:
                self._put_container(request, rights, home, None)
                kept = self._store.container(rights.account, home)
            if kept is None or len(name.encode()) > _OBJECT_BYTES:
                raise Refused(400, "Invalid name")
            self._objects.take(Place(request, rights, kept, name, self._reach), pieces, meta)

        return archives.extract(request, container, name, keep)

    def _reach(self, rights: Access, request: Request, container: str) -> Container:
        """Another container of which the caller wants to read.

        Raises:
            Refused: it is not there, or not for the caller.
        """
        kept = self._store.container(rights.account, container)
        if not (rights.may_rule or rights.may_read):
            rights.check(request, kept, is_object=True)
        if kept is None:
            raise Refused(404, "The resource could not be found.")
        return kept

    # accounts

    def _account(self, request: Request, rights: Access) -> Answer:
        if request.method in {"GET", "HEAD"}:
            return self._list_account(request, rights)
        if request.method in {"POST", "DELETE"} and "bulk-delete" in request.query:
            return self._delete_many(request, rights)
        if request.method != "POST":
            raise Refused(405, "The method is not allowed", headers={"Allow": "HEAD, GET, POST"})
        before = self._store.account_meta(rights.account)
        if request.has_header("X-Account-Meta-Quota-Bytes"):
            raise Refused(403, "Only an administrator of the cloud sets an account's quota")
        self._store.set_account_meta(rights.account, merged(request, "Account", before))
        return Answer(204)

    def _list_account(self, request: Request, rights: Access) -> Answer:
        containers, objects, size = self._store.account_usage(rights.account)
        meta = self._store.account_meta(rights.account)
        headers = {
            "X-Account-Container-Count": str(containers),
            "X-Account-Object-Count": str(objects),
            "X-Account-Bytes-Used": str(size),
            "X-Timestamp": timestamp(0),
            "X-Put-Timestamp": timestamp(0),
            **{f"X-Account-Meta-{name}": value for name, value in meta.items()},
        }
        asked = _asked(request)
        found = self._store.containers(rights.account)
        shown = [
            {
                "name": one.name,
                "count": one.objects,
                "bytes": one.bytes,
                "last_modified": iso(one.created),
            }
            for one in found
            if one.name.startswith(asked.prefix)
            and one.name > asked.after
            and (not asked.before or one.name < asked.before)
        ]
        if asked.is_reversed:
            shown.reverse()
        return _listing(request, headers, shown[: asked.limit], "account", rights.account)

    def _delete_many(self, request: Request, rights: Access) -> Answer:
        counts: dict[str, Any] = {"Number Deleted": 0, "Number Not Found": 0, "Errors": []}
        for line in request.body().decode("utf-8", "replace").splitlines():
            container, _, name = unquote(line.strip()).lstrip("/").partition("/")
            outcome = self._delete_one(rights, container, name) if container else ""
            if outcome == "409 Conflict":
                counts["Errors"].append([line.strip(), outcome])
            elif outcome:
                counts[outcome] += 1
        status = "400 Bad Request" if counts["Errors"] else "200 OK"
        told = {**counts, "Response Status": status, "Response Body": ""}
        if "json" in request.header("Accept"):
            return json_answer(told)
        text = "".join(f"{name}: {value}\n" for name, value in told.items())
        return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, text.encode())

    def _delete_one(self, rights: Access, container: str, name: str) -> str:
        """Delete one thing of many; what becomes of it, in the words of the answer."""
        kept = self._store.container(rights.account, container)
        if kept is None:
            return "Number Not Found"
        if not name:
            if versions.has_any(self._store, kept):
                return "409 Conflict"
            return "Number Deleted" if self._store.remove_container(kept) else "409 Conflict"
        keeps = versions.keeps(kept, self._store.current(kept, name))
        was = self._store.remove(kept, name, keeps_history=keeps, by="")
        return "Number Deleted" if was else "Number Not Found"

    # containers

    def _container(
        self, request: Request, rights: Access, name: str, kept: Container | None
    ) -> Answer:
        if request.method == "PUT":
            return self._put_container(request, rights, name, kept)
        if kept is None:
            raise Refused(404, "The resource could not be found.")
        if request.method in {"GET", "HEAD"}:
            return self._list_container(request, kept)
        if not rights.may_rule:
            raise Refused(403, "Access was denied to this resource.")
        if request.method == "POST":
            self._tell(request, kept)
            return Answer(204)
        if request.method == "DELETE":
            if versions.has_any(self._store, kept) or not self._store.remove_container(kept):
                raise Refused(409, "There was a conflict when trying to complete your request.")
            return Answer(204)
        raise Refused(405, "The method is not allowed", headers={"Allow": "HEAD, GET, PUT, POST"})

    def _put_container(
        self, request: Request, rights: Access, name: str, kept: Container | None
    ) -> Answer:
        if not rights.may_rule:
            raise Refused(403, "Access was denied to this resource.")
        if len(name.encode()) > _NAME_BYTES:
            raise Refused(400, f"Container name length of {len(name)} longer than {_NAME_BYTES}")
        policy = request.header("X-Storage-Policy")
        if policy and policy.lower() != "policy-0":
            raise Refused(400, f"Invalid X-Storage-Policy '{policy}'")
        with self._store.database.change():
            kept = self._store.container(rights.account, name)
            if kept is not None:
                self._tell(request, kept)
                return Answer(202)
            meta = merged(request, "Container", {})
            self._store.add_container(rights.account, name, meta, _policy(request, {}))
        return Answer(201)

    def _tell(self, request: Request, kept: Container) -> None:
        meta = merged(request, "Container", kept.meta)
        self._store.set_container(kept, meta, _policy(request, kept.policy))

    def _list_container(self, request: Request, kept: Container) -> Answer:
        headers = {
            "X-Container-Object-Count": str(kept.objects),
            "X-Container-Bytes-Used": str(kept.bytes),
            "X-Timestamp": timestamp(kept.created),
            "Last-Modified": date(kept.modified),
            "X-Storage-Policy": "Policy-0",
            "Accept-Ranges": "bytes",
            **{f"X-Container-Meta-{name}": value for name, value in kept.meta.items()},
            **{
                name: kept.policy[name.lower()]
                for name in _CONTAINER_HEADERS
                if name.lower() in kept.policy
            },
            **versions.container_headers(kept),
        }
        if request.method == "HEAD":
            return Answer(204, {"Content-Type": "text/plain; charset=utf-8", **headers})
        if "versions" in request.query:
            found = versions.listed(self._store, kept, _asked(request))
            return _listing(request, headers, found, "container", kept.name)
        shown = [
            {"subdir": one}
            if isinstance(one, str)
            else {
                "name": one.name,
                "bytes": one.more.get("slo_size", one.size),
                "hash": one.md5,
                "content_type": one.type,
                "last_modified": iso(one.modified),
                **({"slo_etag": f'"{one.more["slo_etag"]}"'} if "slo_etag" in one.more else {}),
            }
            for one in listed(self._store.database, kept, _asked(request))
        ]
        return _listing(request, headers, shown, "container", kept.name)


def _policy(request: Request, before: dict[str, Any]) -> dict[str, Any]:
    policy = {**before, **versions.policy(request, before)}
    for name in _CONTAINER_HEADERS:
        if request.has_header(name):
            policy[name.lower()] = request.header(name)
        if request.has_header(name.replace("X-", "X-Remove-", 1)) or not policy.get(name.lower()):
            policy.pop(name.lower(), None)
    return policy


def _asked(request: Request) -> Asked:
    query = request.query
    limit = query.get("limit", "")
    number = int(limit) if limit.isascii() and limit.isdigit() else LISTING_LIMIT
    if number > LISTING_LIMIT:
        raise Refused(412, f"Maximum limit is {LISTING_LIMIT}")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    if "path" in query:
        prefix, delimiter = query["path"].rstrip("/"), "/"
        prefix += "/" if prefix else ""
    is_reversed = query.get("reverse", "").lower() in {"true", "1", "yes", "on", "t", "y"}
    return Asked(
        prefix,
        delimiter,
        query.get("marker", ""),
        query.get("end_marker", ""),
        is_reversed,
        number,
    )


def _listing(
    request: Request, headers: dict[str, str], shown: list[dict[str, Any]], kind: str, name: str
) -> Answer:
    wanted = _wanted(request)
    headers["Content-Type"] = f"{_TYPES[wanted]}; charset=utf-8"
    if wanted == "json":
        body = wire.encode(shown)
    elif wanted == "xml":
        body = _xml(shown, kind, name)
    else:
        body = "".join(f"{one.get('name', one.get('subdir'))}\n" for one in shown).encode()
    is_bare = request.method == "HEAD" or not body
    return Answer(204, headers) if is_bare else Answer(200, headers, body)


def _wanted(request: Request) -> str:
    told = request.query.get("format", "").lower()
    if told in _TYPES:
        return told
    accept = request.header("Accept").lower()
    if "application/json" in accept:
        return "json"
    return "xml" if "application/xml" in accept or "text/xml" in accept else "plain"


def _xml(shown: list[dict[str, Any]], kind: str, name: str) -> bytes:
    item = "container" if kind == "account" else "object"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{kind} name={quoteattr(name)}>"]
    for one in shown:
        if "subdir" in one:
            title = quoteattr(one["subdir"])
            lines.append(f"<subdir name={title}><name>{escape(one['subdir'])}</name></subdir>")
            continue
        told = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in one.items())
        lines.append(f"<{item}>{told}</{item}>")
    return "\n".join([*lines, f"</{kind}>"]).encode()
