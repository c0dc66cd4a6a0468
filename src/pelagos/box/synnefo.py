"""What all answers of Synnefo's services have in common: headers, and the shape of faults."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from html import escape
from typing import Any

from pelagos.box.errors import Refused
from pelagos.box.web import Answer, Request
from pelagos.core import wire
from pelagos.core.clock import Clock

JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "application/xml; charset=UTF-8"
TEXT_TYPE = "text/plain; charset=UTF-8"
NOT_FOUND = "API endpoint not found"
_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "notAllowed",
    409: "conflict",
    411: "lengthRequired",
    412: "preconditionFailed",
    413: "requestEntityTooLarge",
    416: "rangeNotSatisfiable",
    422: "unprocessableEntity",
    429: "overLimit",
    500: "internalServerError",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def http_date(seconds: float) -> str:
    """A time as HTTP writes it."""
    return formatdate(int(seconds), usegmt=True)


def dressed(answer: Answer, clock: Clock, *, content_type: str = JSON_TYPE) -> Answer:
    """The answer with the headers that every answer of Synnefo has."""
    now = http_date(clock.time())
    common = {
        "Content-Language": "en",
        "Expires": now,
        "Vary": "X-Auth-Token, Accept-Language",
        "Last-Modified": now,
        "Cache-Control": "no-cache, no-store, must-revalidate, max-age=0",
        "Content-Type": content_type,
    }
    answer.headers = {**common, **answer.headers}
    return answer


def document(value: Any, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, {"Content-Type": JSON_TYPE}, wire.encode(value))


def record_of(request: Request) -> dict[str, Any]:
    """The JSON object in a request, whatever it says of its type.

    Raises:
        Refused: 400, it is none.
    """
    try:
        read = wire.decode(request.body())
    except wire.WireError as error:
        raise Refused(400, "Could not decode request body as JSON") from error
    if not isinstance(read, dict):
        raise Refused(400, "Malformed request")
    return read


def fault(refused: Refused, kind: str = "json") -> Answer:
    """An error in JSON, or in XML with `kind` "xml"."""
    name = refused.name or _NAMES.get(refused.status, "fault")
    if kind == "xml":
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} code="{refused.status}">\n'
            f"  <message>{escape(refused.message)}</message>\n"
            f"  <details>{escape(refused.details)}</details>\n</{name}>"
        )
        return Answer(refused.status, {"Content-Type": XML_TYPE, **refused.headers}, text.encode())
    body: dict[str, Any] = {
        "message": refused.message,
        "code": refused.status,
        "details": refused.details,
    }
    if refused.data is not None:
        body["data"] = refused.data
    answer = document({name: body}, refused.status)
    answer.headers.update(refused.headers)
    return answer


def endpoint_missing(refused: Refused) -> Refused:
    """Synnefo says 400 of a path below its API that it does not know, our router 404 or 405."""
    if refused.status in {404, 405} and not refused.name and not refused.details:
        if refused.status == 404:  # noqa: PLR2004  # RFC 9110
            return Refused(400, NOT_FOUND)
        return Refused(405, "Method not allowed", headers=refused.headers)
    return refused


def shaped(clock: Clock) -> Callable[[Request, Refused], Answer]:
    """Errors in JSON, dressed."""

    def shape(_request: Request, refused: Refused) -> Answer:
        return dressed(fault(refused), clock)

    return shape
