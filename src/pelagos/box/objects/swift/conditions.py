"""Conditions of a request: what an object has to be, or not to be."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from pelagos.box.errors import Refused
from pelagos.box.objects.store import Version
from pelagos.box.web import Request

#: What an object's answer says of a content that comes with it.
_OF_CONTENT = ("Content-Type", "Accept-Ranges")


def check_conditions(request: Request, version: Version, headers: dict[str, str]) -> None:
    """See whether a request for an object holds.

    Raises:
        Refused: 304 or 412, it does not.
    """
    etag = headers["Etag"].strip('"')
    matches, differs = request.header("If-Match"), request.header("If-None-Match")
    failed = {name: value for name, value in headers.items() if name not in _OF_CONTENT}
    if matches and etag not in _etags(matches) and "*" not in _etags(matches):
        raise Refused(412, "", headers=failed)
    if differs and (etag in _etags(differs) or "*" in _etags(differs)):
        raise Refused(304, "", headers=headers)
    since = _date(request.header("If-Modified-Since"))
    if not differs and since is not None and version.modified <= since:
        raise Refused(304, "", headers=headers)
    until = _date(request.header("If-Unmodified-Since"))
    if until is not None and version.modified > until + 1:
        raise Refused(412, "", headers=failed)


def check_etag(request: Request, made: str) -> None:
    """See whether what came is what the request says of it.

    Raises:
        Refused: 422, it is not.
    """
    told = request.header("Etag").strip('"').lower()
    if told and told != made:
        raise Refused(422, "Unable to process the contained instructions")


def allows_new(request: Request, before: Version | None) -> None:
    """See whether an object may be made; before: what is there.

    Raises:
        Refused: 412, only where nothing is; 400, the condition is another one.
    """
    wanted = request.header("If-None-Match")
    if wanted and wanted.strip() != "*":
        raise Refused(400, "If-None-Match only supports *")
    if wanted and before is not None:
        raise Refused(412, "A precondition for this request was not met.")


def _etags(text: str) -> set[str]:
    return {word.strip().removeprefix("W/").strip('"') for word in text.split(",")}


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None
