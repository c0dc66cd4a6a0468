"""Volumes asked as Cinder, microversions 3.0 to 3.71."""

from __future__ import annotations

from typing import Any

from pelagos.box import fields
from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.service import Offer, Service
from pelagos.box.volume.cinder.actions import Actions
from pelagos.box.volume.cinder.around import QuotaPart, TransferPart, TypePart
from pelagos.box.volume.cinder.call import NEWEST, OLDEST, PREFIX, Call, minor_of
from pelagos.box.volume.cinder.routes import Routes
from pelagos.box.volume.cinder.snapshots import SnapshotPart
from pelagos.box.volume.cinder.volumes import VolumePart
from pelagos.box.volume.volumes import Volumes
from pelagos.box.web import Answer, Request, json_answer

__all__ = ["cinder"]

_BASE = "/v3"
_NAMES = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound",
    405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType",
    429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
}  # fmt: skip


def cinder(identity: Identity, volumes: Volumes) -> Service:
    """The service."""
    api = _Api(identity, volumes)
    path = f"{PREFIX}{_BASE}/{{project}}"
    offers = (
        Offer("block-storage", "cinder", path),
        Offer("volumev3", "cinderv3", path),
    )
    return Service((PREFIX,), api.answer, api.shape, offers)


class _Api:
    def __init__(self, identity: Identity, volumes: Volumes) -> None:
        self._identity = identity
        self._routes = Routes()
        for part in (
            VolumePart(volumes), SnapshotPart(volumes), Actions(volumes), TypePart(volumes),
            QuotaPart(volumes), TransferPart(volumes),
        ):  # fmt: skip
            part.routes(self._routes)

    def answer(self, request: Request) -> Answer:
        path = request.path.rstrip("/")
        if not path:
            return json_answer({"versions": [_about(request)]}, 300)
        if path == _BASE:
            return json_answer({"versions": [_about(request)]})
        if not path.startswith(f"{_BASE}/"):
            raise Refused(404, "The resource could not be found.")
        minor = minor_of(request)
        token = self._identity.caller(request)
        if token.project_id is None and not token.is_admin:
            raise Refused(403, "The token is for no project")
        call = Call(request, token, minor)
        answer = self._routes.answer(call, _without_project(path.removeprefix(_BASE), call))
        answer.headers = {**_headers(minor), **answer.headers}
        return answer

    def shape(self, request: Request, refused: Refused) -> Answer:
        name = refused.name or _NAMES.get(refused.status, "computeFault")
        error: dict[str, Any] = {"code": refused.status, "message": refused.message}
        headers = dict(refused.headers)
        if refused.status == 413:  # noqa: PLR2004  # RFC 9110
            error["retryAfter"] = headers.setdefault("Retry-After", "0")
        if refused.status == 401:  # noqa: PLR2004  # as above
            headers["WWW-Authenticate"] = f'Keystone uri="{request.host}/identity"'
        answer = json_answer({name: error}, refused.status)
        answer.headers.update(headers)
        return answer


def _without_project(path: str, call: Call) -> str:
    """The path without its project, which may be named in it or not."""
    first, _, rest = path.lstrip("/").partition("/")
    if first == call.project_id:
        return f"/{rest}"
    if fields.is_uuid(first):
        if call.is_admin:
            return f"/{rest}"
        raise Refused(400, "Malformed request url")
    return path


def _headers(minor: int) -> dict[str, str]:
    return {"OpenStack-API-Version": f"volume 3.{minor}", "Vary": "OpenStack-API-Version"}


def _about(request: Request) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": f"3.{NEWEST}",
        "min_version": f"3.{OLDEST}",
        "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.host}{PREFIX}{_BASE}/"}],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.volume+json;version=3",
            }
        ],
    }
