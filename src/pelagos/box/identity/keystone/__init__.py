"""Identity asked as Keystone v3."""

from __future__ import annotations

from http import HTTPStatus

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.credentials import Credentials
from pelagos.box.identity.keystone.factors import Factors
from pelagos.box.identity.keystone.groups import Members
from pelagos.box.identity.keystone.login import Login
from pelagos.box.identity.keystone.resources import Resources
from pelagos.box.identity.keystone.roles import Roles
from pelagos.box.service import Offer, Service
from pelagos.box.web import Answer, Request, Router, json_answer

__all__ = ["keystone"]

PREFIX = "/identity"


def keystone(identity: Identity) -> Service:
    """The service."""
    router = Router()
    router.add("GET", "/", _versions)
    router.add("GET", "/v3", _version)
    factors = Factors(identity)
    for part in (
        Login(identity, factors), Resources(identity), Roles(identity), Credentials(identity),
        factors, Members(identity),
    ):  # fmt: skip
        part.routes(router)
    return Service(
        (PREFIX,), router.answer, _shape, (Offer("identity", "keystone", f"{PREFIX}/v3"),)
    )


def _shape(request: Request, refused: Refused) -> Answer:
    headers = dict(refused.headers)
    if refused.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = f'Keystone uri="{request.host}{PREFIX}"'
    title = HTTPStatus(refused.status).phrase
    error = {"code": refused.status, "message": refused.message, "title": title}
    answer = json_answer({"error": error}, refused.status)
    answer.headers.update(headers)
    return answer


def _about(request: Request) -> dict[str, object]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.host}{PREFIX}/v3/"}],
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
        ],
    }


def _versions(request: Request) -> Answer:
    return json_answer({"versions": {"values": [_about(request)]}}, 300)


def _version(request: Request) -> Answer:
    return json_answer({"version": _about(request)})
