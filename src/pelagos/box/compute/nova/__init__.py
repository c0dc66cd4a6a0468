"""Servers asked as Nova, microversions 2.1 to 2.96."""

from __future__ import annotations

from typing import Any

from pelagos.box import fields
from pelagos.box.compute.fleet import Fleet
from pelagos.box.compute.nova.actions import Actions
from pelagos.box.compute.nova.attached import AttachedThings
from pelagos.box.compute.nova.call import (
    NEWEST,
    OLDEST,
    PREFIX,
    Call,
    Routes,
    minor_of,
    version_headers,
)
from pelagos.box.compute.nova.creating import Creating
from pelagos.box.compute.nova.flavors import FlavorPart
from pelagos.box.compute.nova.floating import Floating
from pelagos.box.compute.nova.hosts import Hosts
from pelagos.box.compute.nova.images import ImagesPart
from pelagos.box.compute.nova.keypairs import Keypairs
from pelagos.box.compute.nova.parts import Parts
from pelagos.box.compute.nova.projects import Projects
from pelagos.box.compute.nova.servers import Servers
from pelagos.box.errors import Refused
from pelagos.box.identity.keystone.middleware import unauthorized
from pelagos.box.image.store import ImageStore
from pelagos.box.service import Offer, Service
from pelagos.box.web import Answer, Request, json_answer

__all__ = ["nova"]

_BASE = "/v2.1"
_NAMES = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound",
    405: "badMethod", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType",
    429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
}  # fmt: skip


def nova(fleet: Fleet, images: ImageStore) -> Service:
    """The service."""
    api = _Api(fleet, images)
    return Service((PREFIX,), api.answer, api.shape, (Offer("compute", "nova", PREFIX + _BASE),))


class _Api:
    def __init__(self, fleet: Fleet, images: ImageStore) -> None:
        self._identity = fleet.identity
        self._routes = Routes()
        for part in (
            Servers(fleet), Creating(fleet), Actions(fleet), Parts(fleet), AttachedThings(fleet),
            FlavorPart(fleet), Keypairs(fleet), Projects(fleet), Hosts(fleet),
            ImagesPart(images), Floating(fleet),
        ):  # fmt: skip
            part.routes(self._routes)

    def answer(self, request: Request) -> Answer:
        if request.path in {"", "/"}:
            return json_answer({"versions": [_about(request)]})
        if request.path.rstrip("/") == _BASE:
            return json_answer({"version": _about(request, whole=True)})
        if not request.path.startswith(f"{_BASE}/"):
            raise Refused(404, "The resource could not be found.")
        minor = minor_of(request)
        token = self._identity.caller(request)
        if token.project_id is None and not token.is_admin:
            raise Refused(403, "The token is for no project")
        request.path = _without_project(request.path.removeprefix(_BASE), token.project_id or "")
        call = Call(request, token, minor)
        request.environ["pelagos.call"] = call  # type: ignore[index]  # WSGI's is a dict
        answer = self._routes.router.answer(request)
        names = ("x-openstack-request-id", "x-compute-request-id")
        numbers = dict.fromkeys(names, call.request_id)
        answer.headers = {**version_headers(minor), **numbers, **answer.headers}
        return answer

    def shape(self, request: Request, refused: Refused) -> Answer:
        if refused.status == 401:  # noqa: PLR2004  # RFC 9110
            return unauthorized(request, refused)
        name = refused.name or _NAMES.get(refused.status, "computeFault")
        error: dict[str, Any] = {"code": refused.status, "message": refused.message}
        headers = dict(refused.headers)
        try:
            headers |= version_headers(minor_of(request))
        except Refused:
            headers["Vary"] = "OpenStack-API-Version, X-OpenStack-Nova-API-Version"
        answer = json_answer({name: error}, refused.status)
        answer.headers.update(headers)
        return answer


def _without_project(path: str, project_id: str) -> str:
    """The path without the project that older catalogues name in it."""
    first, _, rest = path.lstrip("/").partition("/")
    if first == project_id:
        return f"/{rest}"
    if fields.is_uuid(first):
        raise Refused(
            400, f"Malformed request URL: URL's project_id '{first}' doesn't match Context's"
            f" project_id '{project_id}'",
        )  # fmt: skip
    return path


def _about(request: Request, *, whole: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": "v2.1",
        "status": "CURRENT",
        "version": f"2.{NEWEST}",
        "min_version": f"2.{OLDEST}",
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{request.host}{PREFIX}{_BASE}/"}],
    }
    if whole:
        kind = "application/vnd.openstack.compute+json;version=2.1"
        shown["media-types"] = [{"base": "application/json", "type": kind}]
    return shown
