"""Open URLs whose servers are cut off when the time is over, also in the middle of a word."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

_LOOK = 0.1


@contextlib.contextmanager
def opener_until(
    end: float,
    *handlers: urllib.request.BaseHandler | type[urllib.request.BaseHandler],
    stop: threading.Event | None = None,
) -> Iterator[urllib.request.OpenerDirector]:
    """What opens http and https URLs; what it opened is cut off at a time, or when told.

    Args:
        end: seconds of the monotonic clock.
        handlers: further ones, as of `urllib.request.build_opener`.
        stop: set when the answer is not wanted any more.

    Raises:
        TimeoutError: the time is over, or `stop` was set.
    """
    cut = _Cut(end, stop)
    threading.Thread(target=cut.watch, name="cut-off", daemon=True).start()
    try:
        yield urllib.request.build_opener(*_connecting(cut.sockets), *handlers)
    except (OSError, HTTPException) as error:
        if cut.is_over or isinstance(error, TimeoutError):
            raise TimeoutError("the server is too slow") from error
        raise
    else:
        if cut.is_over:  # an answer without a length ends where it was cut off
            raise TimeoutError("the server is too slow")
    finally:
        cut.is_done.set()


class _Cut:
    """Watches the time, and ends the connections when it is over."""

    def __init__(self, end: float, stop: threading.Event | None) -> None:
        self._end = end
        self._stop = stop or threading.Event()
        self.is_done = threading.Event()
        self.is_over = False
        self.sockets: list[socket.socket] = []

    def watch(self) -> None:
        """Look now and then until it is done."""
        while not self.is_done.wait(max(0.01, min(_LOOK, self._end - time.monotonic()))):
            if time.monotonic() >= self._end or self._stop.is_set():
                self.is_over = True
                for one in tuple(self.sockets):
                    with contextlib.suppress(OSError):  # what TLS has is not taken from it
                        socket.socket.shutdown(one, socket.SHUT_RDWR)


def _connecting(made: list[socket.socket]) -> Iterator[urllib.request.BaseHandler]:
    class Http(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> HTTPResponse:
            return self.do_open(_noted(HTTPConnection, made), request)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, request: urllib.request.Request) -> HTTPResponse:
            return self.do_open(_noted(HTTPSConnection, made), request)

    yield Http()
    yield Https()


def _noted(kind: type[HTTPConnection], made: list[socket.socket]) -> Callable[..., HTTPConnection]:
    """What makes connections, and notes their sockets."""

    class Noted(kind):  # type: ignore[misc, valid-type]  # one of two
        def connect(self) -> None:
            super().connect()
            made.append(self.sock)

    return Noted
