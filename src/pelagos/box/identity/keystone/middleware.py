"""How OpenStack's services refuse who is nobody: in the words of what stands before them all."""

from __future__ import annotations

from http import HTTPStatus

from pelagos.box.errors import Refused
from pelagos.box.web import Answer, Request, json_answer


def unauthorized(request: Request, refused: Refused) -> Answer:
    """The answer."""
    status = HTTPStatus.UNAUTHORIZED
    error = {"code": status.value, "title": status.phrase, "message": refused.message}
    answer = json_answer({"error": error}, status.value)
    answer.headers.update(
        {"WWW-Authenticate": f'Keystone uri="{request.host}/identity"', **refused.headers}
    )
    return answer
