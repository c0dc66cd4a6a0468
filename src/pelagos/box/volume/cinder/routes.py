"""Which part of Cinder answers what, by path and microversion."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.volume.cinder.call import NEWEST, OLDEST, Call, Work
from pelagos.box.web import Answer, Request, Router

_KEY = "pelagos.call"


class Routes:
    """Handlers by path, each for some of the microversions; they get a `Call`."""

    def __init__(self) -> None:
        self._router = Router()

    def add(
        self, methods: str, template: str, work: Work, since: int = OLDEST, until: int = NEWEST
    ) -> None:
        """Let `work(call, **names)` answer in the microversions 3.since to 3.until."""

        def answer(request: Request, **names: str) -> Answer:
            call: Call = request.environ[_KEY]
            if not since <= call.minor <= until:
                raise Refused(404, "The resource could not be found.")
            return work(call, **names)

        self._router.add(methods, template, answer)

    def answer(self, call: Call, path: str) -> Answer:
        """What is answered.

        Raises:
            Refused: it is an error.
        """
        call.request.path = path
        call.request.environ[_KEY] = call  # type: ignore[index]  # WSGI's is a dict
        return self._router.answer(call.request)
