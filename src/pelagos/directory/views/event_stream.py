"""Server-sent events (HTML Living Standard, 9.2): an answer that arrives in pieces."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any

from flask import Response

from pelagos.core import wire

log = logging.getLogger(__name__)

MIMETYPE = "text/event-stream"

#: Neither kept by a browser nor held back by a proxy until it is complete.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, data: Any) -> bytes:
    r"""One event; its data is JSON, which has no line breaks.

    >>> event("source", {"name": "crm"})
    b'event: source\ndata: {"name":"crm"}\n\n'
    """
    return b"event: %s\ndata: %s\n\n" % (name.encode(), wire.encode(data))


def event_stream(events: Generator[tuple[str, Any], None, None]) -> Response:
    """The answer that sends each event as soon as there is one.

    The request is over for Flask when the first one is sent, so `events` must not need it. When
    the peer goes away, the generator is closed.
    """
    return Response(_encoded(events), headers=_HEADERS, mimetype=MIMETYPE, direct_passthrough=True)


def _encoded(events: Generator[tuple[str, Any], None, None]) -> Iterable[bytes]:
    with closing(events):
        try:
            for name, data in events:
                yield event(name, data)
        # The status is long sent, so an error can only be an event, and never a traceback.
        except Exception:
            log.exception("an answer broke off")
            yield event("error", {"reason": ["the directory failed; its log says more"]})
