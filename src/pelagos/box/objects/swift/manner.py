"""How all answers of a Swift look, whatever they say."""

from __future__ import annotations

import math
import secrets
import time
from email.utils import formatdate
from html import escape
from http import HTTPStatus

from pelagos.box.errors import Refused
from pelagos.box.web import Answer

_PAGE = "text/html; charset=UTF-8"
_ACCEPTED = "The request is accepted for processing."


def finished(answer: Answer) -> Answer:
    """An answer with what every one has: a type of content, and a number of its own."""
    if answer.status == HTTPStatus.ACCEPTED and not answer.body:
        answer.body = _page(answer.status, _ACCEPTED)
    answer.headers.setdefault("Content-Type", _PAGE)
    # The form of Swift's own: random digits, and the time.
    answer.headers["X-Trans-Id"] = f"tx{secrets.token_hex(11)[:21]}-{int(time.time()):010x}"
    return answer


def refusal(refused: Refused) -> Answer:
    """An error as Swift writes it; one without a message has no page."""
    headers = {"Content-Type": _PAGE, **refused.headers}
    if refused.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Swift realm="box"'
    page = _page(refused.status, refused.message) if refused.message else b""
    return finished(Answer(refused.status, headers, page))


def date(seconds: float) -> str:
    """A time as `Last-Modified` has it: the next whole second."""
    return formatdate(math.ceil(seconds), usegmt=True)


def _page(status: int, text: str) -> bytes:
    title = HTTPStatus(status).phrase
    return f"<html><h1>{title}</h1><p>{escape(text, quote=False)}</p></html>".encode()
