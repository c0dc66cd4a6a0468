"""One call there and its answer back: connections, time, size, and what is tried again."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pelagos import __version__
from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.http.errors import HttpError, HttpTimeout, HttpTlsError, HttpUnreachable
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.types import Request, Stream
from pelagos.one.errors import (
    OneAnswerException,
    OneBrokenException,
    OneException,
    OneFaultException,
    OneHttpException,
    OneTimeoutException,
    OneTlsException,
    OneTransportException,
    OneUnreachableException,
    refusal,
)
from pelagos.one.settings import Endpoint
from pelagos.one.xmlrpc.answer import Flowing, read_answer
from pelagos.one.xmlrpc.request import encode_call
from pelagos.one.xmlrpc.values import Fault

if TYPE_CHECKING:  # loaded when an answer has a text
    from pelagos.one.results import Types

log = logging.getLogger(__name__)

_TOGETHER = "system.multicall"
_PIECE = 128 * 1024
_OK = 200
_BACKOFF = Backoff(first=0.2, factor=2, limit=5)
_ID_PLACE = 3
#: Letters of a password that a message does not have by chance.
_LONG = 8


class Exchange:
    """Sends calls; safe to share between threads.

    Args:
        retries: how often a call that changes nothing is sent again when its answer did not come.
        connections: calls under way at once; more wait. The server takes 15 by default.
        size_limit: bytes of one answer, as they come, that are taken.
        types: the package of the classes of results, or a function that chooses one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        clock: Clock,
        *,
        retries: int,
        connections: int,
        size_limit: int,
        types: Types,
    ) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._clock = clock
        self._retries = retries
        self._gate = threading.BoundedSemaphore(connections)
        self._size_limit = size_limit
        self.types = types

    def ask(self, method: str, params: Sequence[object], *, may_repeat: bool) -> Any:
        """The value of a successful answer: an int, or a `Flowing` text that was read to its end.

        Raises:
            OneException: and what is below it.
        """
        body = encode_call(method, params)

        def attempt() -> Any:
            with self.flowing(method, body) as answer:
                return self._value(answer, method)

        return self.repeated(method, attempt, may_repeat=may_repeat)

    def ask_together(self, calls: Sequence[object], *, may_repeat: bool) -> list[Any]:
        """One answer per call of `system.multicall`; each is a list of one, or says a fault."""
        body = encode_call(_TOGETHER, [calls])

        def attempt() -> Any:
            with self.flowing(_TOGETHER, body) as answer:
                if not isinstance(answer, list):
                    raise OneAnswerException(f"the answer of {_TOGETHER} is not an array")
                return answer

        return list(self.repeated(_TOGETHER, attempt, may_repeat=may_repeat))

    def stream(self, method: str, params: Sequence[object]) -> Iterator[Any]:
        """The elements below the root of an XML answer, as they come in.

        A connection beyond those of the gate is held until the last one was taken, or the
        iterator is closed. The timeout is for each piece, so that who takes them may take time.
        """
        from pelagos.one.results import Document, elements  # noqa: PLC0415  # as in _value

        body = encode_call(method, params)
        with self._flow(method, body, is_timed_whole=False) as answer:
            if not isinstance(answer, Flowing):
                raise OneAnswerException(
                    f"the answer of {method} has no elements: {self.success(answer, method)!r}"
                )
            yield from elements(Document(answer.pieces), self.types)

    def repeated(self, method: str, attempt: Callable[[], Any], *, may_repeat: bool) -> Any:
        """What the attempt gives; made again, after a pause, when its failure may pass."""
        failures = 0
        while True:
            try:
                return attempt()
            except OneException as error:
                failures += 1
                is_passing = error.retry_after is not None
                is_passing &= not isinstance(error, OneTimeoutException)  # nobody waits twice
                if not may_repeat or not is_passing or failures > self._retries:
                    raise
                log.info("%s is tried again: %s", method, error)
            self._clock.sleep(_BACKOFF.delay(failures))

    @contextlib.contextmanager
    def flowing(self, method: str, body: bytes) -> Iterator[Any]:
        """The answer while it comes in: a list of values or a `Flowing` text.

        The connection is given back at the end of the block.
        """
        with self._gate, self._flow(method, body, is_timed_whole=True) as answer:
            yield answer

    @contextlib.contextmanager
    def _flow(self, method: str, body: bytes, *, is_timed_whole: bool) -> Iterator[Any]:
        request = self._request(body, is_timed_whole=is_timed_whole)
        with _our_errors(method):
            stream = self._transport.open(request)
            try:
                log.debug("POST %s %s -> %s", self.endpoint.uri, method, stream.status)
                _check_page(stream, method)
                answer = read_answer(self._pieces(stream))
                if isinstance(answer, Fault):
                    raise self.fault(answer.code, answer.message, method)
                yield answer
            finally:
                stream.close()

    def _request(self, body: bytes, *, is_timed_whole: bool) -> Request:
        headers = {"Content-Type": "text/xml", "User-Agent": f"pelagos/{__version__}"}
        if self.endpoint.authorization:
            headers["Authorization"] = self.endpoint.authorization
        return Request(
            "POST",
            self.endpoint.uri,
            headers,
            body,
            self.endpoint.timeout,
            self._size_limit,
            is_timed_whole,
        )

    def _pieces(self, stream: Stream) -> Iterator[bytes]:
        left = self._size_limit
        while piece := stream.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise OneAnswerException(
                    f"the answer is larger than {self._size_limit:,} bytes",
                    hint="ask for a page of it, go through it with iter(), or raise size_limit",
                )
            yield piece

    def _value(self, answer: Any, method: str) -> Any:
        if isinstance(answer, Flowing):
            from pelagos.one.results import read  # noqa: PLC0415  # for a number none is needed

            return read(answer.pieces, self.types)
        return self.success(answer, method)

    def success(self, answer: Any, method: str) -> Any:
        """The value of `[True, value, …]`.

        Raises:
            OneException: the class of the code, when the first is False.
            OneAnswerException: it is no such array.
        """
        if not isinstance(answer, list) or len(answer) < 2 or not isinstance(answer[0], bool):  # noqa: PLR2004  # whether, what
            raise OneAnswerException(f"the answer of {method} is not what OpenNebula gives")
        if answer[0]:
            return answer[1]
        code = answer[2] if len(answer) > 2 and isinstance(answer[2], int) else 0  # noqa: PLR2004
        object_id = answer[_ID_PLACE] if len(answer) > _ID_PLACE else None
        if not isinstance(object_id, int) or object_id < 0:
            object_id = None
        message = self._without_session(str(answer[1]))
        raise refusal(message, code, method=method, object_id=object_id)

    def fault(self, code: int, message: str, method: str) -> OneFaultException:
        """The exception for a fault."""
        return OneFaultException(
            f"[{method}] {self._without_session(message)}",
            code=code,
            method=method,
            hint="look at the version of the server: it may not know this call or parameter",
        )

    def _without_session(self, text: str) -> str:
        """What a server says, should it repeat the session, or a password of some length."""
        session = self.endpoint.session
        text = text.replace(session, f"{self.endpoint.user}:…")
        secret = session.partition(":")[2]
        return text.replace(secret, "…") if len(secret) >= _LONG else text

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()


def _check_page(stream: Stream, method: str) -> None:
    if stream.status == _OK:
        return
    hint = "check the path of the address, it ends in /RPC2"
    if stream.status in {401, 403, 407}:
        hint = "a web server in between wants credentials: https://user:password@HOST/RPC2"
    is_passing = stream.status in {429, 502, 503, 504}
    raise OneHttpException(
        f"the answer to {method} is HTTP {stream.status} and not one of OpenNebula",
        status=stream.status,
        method=method,
        hint="look at the web server in between" if is_passing else hint,
        retry_after=1.0 if is_passing else None,
    )


@contextlib.contextmanager
def _our_errors(method: str) -> Iterator[None]:
    """Failures of the connection in our words; the method where it is not yet known."""
    try:
        yield
    except HttpError as error:
        kind: type[OneTransportException] = OneBrokenException
        hint, retry_after = error.hint, error.retry_after
        if isinstance(error, HttpTlsError):
            kind, retry_after = OneTlsException, None
            if error.problem in {"unknown-authority", "wrong-name"}:
                hint = "give https_verify the file of the authority's certificate"
        elif isinstance(error, HttpTimeout):
            kind = OneTimeoutException
        elif isinstance(error, HttpUnreachable):
            kind = OneUnreachableException
        raise kind(
            f"{method}: {error.message}", method=method, hint=hint, retry_after=retry_after
        ) from error
    except OneException as error:
        error.method = error.method or method
        raise
