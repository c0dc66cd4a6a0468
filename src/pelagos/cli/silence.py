"""Whether a server that keeps a command waiting is at work, or hangs.

A long question may take its time. Until its answer comes, a short one is asked beside it, which
costs a server nothing: when that stays without an answer, too, waiting is in vain.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pelagos.core.http.errors import HttpError, HttpTimeout
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.types import Request, Response, Stream, Watch

_SILENT = 2.0
"""Seconds without an answer until the first short question."""
_SHORT = 8.0
"""Seconds that the answer to a short question may take."""


class WatchedTransport:
    """Carries requests to one server; when it hangs, they end before their time.

    Args:
        carrier: what carries them, and the short questions.
        url: of the server.
    """

    def __init__(self, carrier: Transport, url: str) -> None:
        self._carrier = carrier
        self._url = url

    def send(self, request: Request) -> Response:
        """As the carrier; raises HttpTimeout as soon as the server is seen to hang."""
        return self._carrier.send(self._watched(request))

    def open(self, request: Request) -> Stream:
        """As `send`, until the headers are here."""
        return self._carrier.open(self._watched(request))

    def close(self) -> None:
        """Close what carries them."""
        self._carrier.close()

    def _watched(self, request: Request) -> Request:
        if request.timeout <= _SILENT + _SHORT:
            return request
        return replace(request, watch=Watch(_SILENT, partial(self._look, request)))

    def _look(self, request: Request) -> HttpTimeout | None:
        if self._answers():
            return None
        later = "; it may still do what was asked" if request.method != "GET" else ""
        return HttpTimeout(
            f"the plane at {self._url.rstrip('/')} does not answer, not even a short question "
            f"within {_SHORT:g} s{later}",
            url=request.url,
            hint="its process is stopped or hangs: run pelagos doctor there",
        )

    def _answers(self) -> bool:
        try:
            self._carrier.send(Request("GET", self._url, timeout=_SHORT))
        except HttpTimeout:
            return False
        except HttpError:  # the long question will hear more of it
            return True
        return True
