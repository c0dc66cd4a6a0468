"""The way into Pithos: who asks, for which resource, and the shape of refusals."""

from __future__ import annotations

import json
import re

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.objects.pithos.accounts import Accounts
from pelagos.box.objects.pithos.call import Call, format_of
from pelagos.box.objects.pithos.containers import Containers
from pelagos.box.objects.pithos.headers import check_headers
from pelagos.box.objects.pithos.objects import Objects
from pelagos.box.objects.pithos.reading import Reading
from pelagos.box.objects.pithos.sharing import Sharing
from pelagos.box.objects.store import ObjectStore
from pelagos.box.synnefo import JSON_TYPE, NOT_FOUND, TEXT_TYPE, XML_TYPE, dressed, fault
from pelagos.box.web import Answer, Request, decoded

PREFIX = "/pithos"
_BASE = "/object-store/v1"
_PATH = re.compile(r"/object-store/v1/([^/]+)(?:/(?:([^/]+)(?:/(.*))?)?)?", re.DOTALL)
_TYPES = {"json": JSON_TYPE, "xml": XML_TYPE, "text": TEXT_TYPE}
_CONTAINER_LETTERS = 256
_OBJECT_LETTERS = 1024


class PithosApi:
    """Answers below /object-store/v1 and /public."""

    def __init__(self, identity: Identity, store: ObjectStore, quotas: Quotas) -> None:
        self._identity = identity
        self._clock = identity.clock
        sharing = Sharing(store)
        reading = Reading(store)
        self._accounts = Accounts(identity, store, quotas, sharing)
        self._containers = Containers(identity, store, quotas, sharing)
        self._objects = Objects(store, quotas, sharing, reading)
        quotas.measure("pithos.diskspace", self._containers.usage)

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        kind = _TYPES[format_of(request, lists=_lists(request))]
        return dressed(self._work(request), self._clock, content_type=kind)

    def shape(self, request: Request, refused: Refused) -> Answer:
        """An error in the format that is wanted."""
        if refused.name == "page":
            headers = {"Content-Type": "text/html; charset=utf-8"}
            return Answer(404, headers, b"<!doctype html><title>Page not found</title>")
        kind = format_of(request, lists=_lists(request))
        answer = fault(refused, kind)
        if kind == "text" or (refused.status == 416 and request.method == "GET"):  # noqa: PLR2004  # RFC 9110
            answer.headers["Content-Type"] = TEXT_TYPE
        return dressed(answer, self._clock)

    def _work(self, request: Request) -> Answer:
        path = request.path
        if path.startswith("/public/"):
            return self._objects.public(request, decoded(path.removeprefix("/public/")))
        if not path.startswith("/object-store"):
            raise Refused(404, "Page not found", name="page")
        if path == f"{_BASE}/" and request.header("X-Auth-User"):
            return self._greet(request)
        match = _PATH.fullmatch(path)
        if path != f"{_BASE}/" and match is None:
            raise Refused(400, NOT_FOUND)
        check_headers(request)
        user_id = self._caller(request)
        kind = format_of(request, lists=_lists(request))
        if match is None:
            return self._accounts.sharing_with(Call(request, user_id, user_id, format=kind))
        account, container, name = (decoded(one) if one else "" for one in match.groups())
        call = Call(request, user_id, account, container, name, kind)
        _check_names(call)
        if name:
            return self._objects.answer(call)
        return self._containers.answer(call) if container else self._accounts.answer(call)

    def _caller(self, request: Request) -> str:
        text = request.header("X-Auth-Token") or request.query.get("X-Auth-Token", "")
        if not text:
            raise Refused(401, "Access denied. No authentication token")
        token = self._identity.tokens.known(text)
        if token is None:
            inner = {"unauthorized": {"message": "Invalid token", "code": 401, "details": ""}}
            raise Refused(401, "UNAUTHORIZED", name="fault", details=json.dumps(inner))
        return token.user_id

    def _greet(self, request: Request) -> Answer:
        text = request.header("X-Auth-Key")
        token = self._identity.tokens.known(text)
        if token is None or token.user_id != request.header("X-Auth-User"):
            raise Refused(401, "Access denied")
        url = f"{request.host}{PREFIX}{_BASE}/{token.user_id}"
        headers = {"Content-Type": JSON_TYPE, "X-Auth-Token": text, "X-Storage-Url": url}
        return Answer(204, headers)


def _lists(request: Request) -> bool:
    """Whether an answer is text when nothing is said."""
    match = _PATH.fullmatch(request.path)
    return request.method == "GET" and (
        request.path == f"{_BASE}/" or (match is not None and not match[3])
    )


def _check_names(call: Call) -> None:
    if len(call.container) > _CONTAINER_LETTERS:
        raise Refused(400, "Container name too large")
    if len(call.name) > _OBJECT_LETTERS:
        raise Refused(400, "Object name too large.")
    if "\n" in call.container + call.name or "\0" in call.name:
        raise Refused(400, "Bad character in the name")
