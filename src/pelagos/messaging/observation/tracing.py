"""Follows one cause through many components: the W3C trace context, carried in AMQP headers.

A message that is sent while another is handled carries the same trace id, over as many hops and
calls as it takes; each handler has a span of its own. Nothing is collected here: the ids go into
the logs, and whatever speaks W3C (OpenTelemetry, say) can go on with them.

    producer = Producer(bus=bus, middlewares=[Tracing()])
    with trace() as context:
        producer.message_resize(10)        # carries context.trace_id

The form of `traceparent` is that of https://www.w3.org/TR/trace-context/, version 00.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from pelagos.messaging.middleware import Incoming, Middleware, Outcome, Outgoing

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_STATE_LIMIT: Final = 512  # characters of tracestate that everybody has to pass on
_SAMPLED: Final = 1
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_current: ContextVar[_Frame | None] = ContextVar("pelagos_trace", default=None)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where a piece of work belongs.

    Attributes:
        trace_id: 32 hexadecimal digits, the same for all that one cause sets off.
        span_id: 16 hexadecimal digits, this piece of work.
        flags: 1 when whoever began it records it, else 0.
        state: others' additions (`tracestate`), passed on as they are.
    """

    trace_id: str
    span_id: str
    flags: int = _SAMPLED
    state: str = ""

    @classmethod
    def begin(cls, message_id: str = "") -> TraceContext:
        """A new trace with its first span; for one message always the same trace."""
        given = message_id.encode(errors="backslashreplace")
        trace_id = blake2b(given, digest_size=16).hexdigest() if given else secrets.token_hex(16)
        return cls(trace_id, secrets.token_hex(8))

    @classmethod
    def read(cls, headers: Mapping[str, Any]) -> TraceContext | None:
        """What these headers carry; None when there is nothing, or nothing that can be read.

        >>> TraceContext.read({"traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-00"}).flags
        0
        >>> TraceContext.read({"traceparent": "00-" + "00" * 16 + "-" + "cd" * 8 + "-00"})
        """
        parent, state = _text(headers.get(TRACEPARENT)), _text(headers.get(TRACESTATE))
        found = _FORM.fullmatch(parent)
        if found is None:
            return None
        version, trace_id, span_id, flags, more = found.groups()
        if (
            version == "ff"
            or (version == "00" and more)
            or not (trace_id.strip("0") and span_id.strip("0"))
        ):
            return None
        kept = state if state.isprintable() and len(state) <= _STATE_LIMIT else ""
        return cls(trace_id, span_id, int(flags, 16) & _SAMPLED, kept)

    @property
    def traceparent(self) -> str:
        """The header's value.

        >>> TraceContext("ab" * 16, "cd" * 8).traceparent
        '00-abababababababababababababababab-cdcdcdcdcdcdcdcd-01'
        """
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def child(self) -> TraceContext:
        """A span of its own in the same trace."""
        return TraceContext(self.trace_id, secrets.token_hex(8), self.flags, self.state)

    def write(self, headers: dict[str, Any]) -> None:
        """Put it into headers."""
        headers[TRACEPARENT] = self.traceparent
        headers.pop(TRACESTATE, None)  # it may be of another trace
        if self.state:
            headers[TRACESTATE] = self.state


@dataclass(frozen=True, slots=True)
class _Frame:
    """A context, and the one to which its end leads back."""

    context: TraceContext
    outer: _Frame | None


def current() -> TraceContext | None:
    """What is traced in this thread or task now; None outside of any trace."""
    frame = _current.get()
    return frame.context if frame else None


def _enter(sent: TraceContext | None, message_id: str = "") -> TraceContext:
    context = sent.child() if sent else TraceContext.begin(message_id)
    _current.set(_Frame(context, _current.get()))
    return context


def _leave() -> None:
    frame = _current.get()
    _current.set(frame.outer if frame else None)


@contextmanager
def trace(traceparent: str | None = None) -> Iterator[TraceContext]:
    """Work inside a trace: a given one, else the current one with a new span, else a new one.

    Args:
        traceparent: of whoever called this program, as an HTTP header has it.
    """
    given = TraceContext.read({TRACEPARENT: traceparent}) if traceparent else current()
    try:
        yield _enter(given)
    finally:
        _leave()


@contextmanager
def continued(message: Incoming) -> Iterator[None]:
    """Work in the trace of a message; where it has neither a trace nor an id, as before."""
    sent = TraceContext.read(message.headers)
    if sent is None and not message.message_id:
        yield
        return
    _enter(sent, message.message_id)
    try:
        yield
    finally:
        _leave()


class Tracing(Middleware):
    """Continues, or begins, a trace with every message that is sent or handled."""

    def before_publish(self, outgoing: Outgoing) -> None:
        """Add the headers, unless the sender has."""
        if TraceContext.read(outgoing.headers) is None:
            here = current()
            (here.child() if here else TraceContext.begin()).write(outgoing.headers)

    def before_handle(self, received: Incoming, handler: str) -> None:  # noqa: ARG002  # the names are the contract
        """Work in the message's trace."""
        _enter(TraceContext.read(received.headers), received.message_id)

    def after_handle(
        self,
        received: Incoming,  # noqa: ARG002
        handler: str,  # noqa: ARG002
        outcome: Outcome,  # noqa: ARG002
        seconds: float,  # noqa: ARG002
    ) -> None:
        """Leave it."""
        _leave()


class TraceFilter(logging.Filter):
    """Gives each log record `trace_id` and `span_id`; `-` outside of any trace.

    Add it to a handler, and `%(trace_id)s` to its format.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; every record passes."""
        here = current()
        record.trace_id = here.trace_id if here else "-"
        record.span_id = here.span_id if here else "-"
        return True


def log_suffix() -> str:
    """What `pelagos.core.logs.configure` adds to each line: the trace, if there is one."""
    here = current()
    return f" [trace {here.trace_id} span {here.span_id}]" if here else ""


def _text(value: object) -> str:
    if isinstance(value, bytes):  # some clients write headers as byte strings
        return value.decode("ascii", "replace")
    return value if isinstance(value, str) else ""
