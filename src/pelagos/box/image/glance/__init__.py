"""Images asked as Glance v2."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from pelagos.box.errors import Refused
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.keystone.middleware import unauthorized
from pelagos.box.image.glance.content import Content
from pelagos.box.image.glance.images import Images
from pelagos.box.image.glance.members import Members
from pelagos.box.image.glance.schemas import Schemas
from pelagos.box.image.sources import Sources
from pelagos.box.image.store import ImageStore
from pelagos.box.service import Offer, Service
from pelagos.box.web import Answer, Request, Router, json_answer

__all__ = ["glance"]

PREFIX = "/image"
_VERSIONS = ("2.17", "2.16", "2.15", *(f"2.{number}" for number in range(13, -1, -1)))


def glance(
    identity: Identity, store: ImageStore, sources: Sources, *, fetches: bool = True
) -> Service:
    """The service; `fetches`: whether it brings images from elsewhere."""
    router = Router()
    content = Content(identity, store, sources, fetches=fetches)
    router.add("GET", "/", lambda request: _versions(request, 300))
    router.add("GET", "/versions", lambda request: _versions(request, 200))
    for part in (
        Images(identity, store, sources), content,
        Members(identity, store), Schemas(identity, store, content.methods),
    ):  # fmt: skip
        part.routes(router)
    return Service((PREFIX,), router.answer, _shape, (Offer("image", "glance", PREFIX),))


def _versions(request: Request, status: int) -> Answer:
    shown = [
        {
            "id": f"v{version}",
            "status": "CURRENT" if version == _VERSIONS[0] else "SUPPORTED",
            "links": [{"rel": "self", "href": f"{request.host}{PREFIX}/v2/"}],
        }
        for version in _VERSIONS
    ]
    return json_answer({"versions": shown}, status)


def _shape(request: Request, refused: Refused) -> Answer:
    """An error as WebOb writes it: in HTML, JSON or text, by what is accepted."""
    try:
        title = HTTPStatus(refused.status).phrase
    except ValueError:
        title = "Unknown"
    if refused.status == HTTPStatus.UNAUTHORIZED:
        return unauthorized(request, refused)
    accepted, status = request.header("Accept"), f"{refused.status} {title}"
    if "html" in accepted or "*/*" in accepted:
        body = (
            f"<html>\n <head>\n  <title>{status}</title>\n </head>\n <body>\n"
            f"  <h1>{status}</h1>\n  {escape(refused.message)}<br /><br />\n\n\n </body>\n</html>"
        )
        kind = "text/html; charset=UTF-8"
        return Answer(refused.status, {"Content-Type": kind, **refused.headers}, body.encode())
    if "application/json" in accepted:
        document = {"message": refused.message, "code": status, "title": title}
        answer = json_answer(document, refused.status)
        answer.headers.update(refused.headers)
        return answer
    body = f"{status}\n\n{refused.message}\n\n   "
    return Answer(
        refused.status,
        {"Content-Type": "text/plain; charset=UTF-8", **refused.headers},
        body.encode(),
    )
