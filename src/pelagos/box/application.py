"""The WSGI application of a box: finds the service of a request, and turns errors into answers."""

from __future__ import annotations

import errno
import logging
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from pelagos.box.chaos import Chaos
from pelagos.box.errors import Refused
from pelagos.box.service import Service
from pelagos.box.web import Answer, Request, json_answer

log = logging.getLogger(__name__)

WsgiAnswer = Iterable[bytes]


class Application:
    """Answers what comes to the box's port.

    Args:
        chaos: what goes wrong on purpose, before any service is asked.
    """

    def __init__(self, chaos: Chaos | None = None) -> None:
        self._chaos = chaos
        self._services: dict[str, Service] = {}

    def mount(self, service: Service) -> None:
        """Let a service answer below its prefixes."""
        for prefix in service.prefixes:
            self._services[prefix] = service

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> WsgiAnswer:
        """Answer one request."""
        method = str(environ["REQUEST_METHOD"])
        answer = self._answer(environ)
        number = f"req-{uuid.uuid4()}"
        answer.headers.setdefault("x-openstack-request-id", number)
        if self._chaos is not None:
            answer = self._chaos.after(answer)
        return answer.send(method, start_response)

    def _answer(self, environ: dict[str, Any]) -> Answer:
        request = None
        service = None
        try:
            request = Request(environ)
            prefix, service = self._serving(request.path)
            if self._chaos is not None:
                self._chaos.before(request)
            if service is not None:
                request = Request(environ, prefix)
                return service.answer(request)
            refused = Refused(404, "Nothing of this box is at this address")
            return self._refusal(service, request, refused)
        except Refused as refusal:
            return self._refusal(service, request, refusal)
        except ConnectionError:  # the caller went away: nobody to answer
            raise
        except Exception as error:  # a mistake of ours in one request must not end the others
            if _is_full(error):
                log.warning("the disk of the box is full")
                failure = Refused(507, "There is no room left on the disk of the box")
            else:
                log.exception("a handler of %s failed", environ["REQUEST_METHOD"])
                failure = Refused(500, "The box failed while it worked on this request")
            return self._refusal(service, request, failure)

    def _serving(self, path: str) -> tuple[str, Service | None]:
        """Whose path it is: of services below each other the one that says more of it."""
        words = path.split("/", 3)
        for count in (3, 2):
            prefix = "/".join(words[:count])
            if prefix in self._services:
                return prefix, self._services[prefix]
        return "", None

    def _refusal(
        self, service: Service | None, request: Request | None, refused: Refused
    ) -> Answer:
        if service is not None and request is not None:
            return service.shape(request, refused)
        answer = json_answer({"error": {"code": refused.status, "message": refused.message}})
        answer.status = refused.status
        answer.headers.update(refused.headers)
        return answer


def _is_full(error: Exception) -> bool:
    """Whether something failed because the disk has no room, or its owner may have no more."""
    if isinstance(error, sqlite3.OperationalError):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
