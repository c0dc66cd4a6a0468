"""Counts and durations of messages for Prometheus. The only door to prometheus_client.

    metrics = PrometheusMetrics()
    consumer = Consumer(bus=bus, middlewares=[metrics])
    with metrics.serve(9100):
        ...

The library comes with the extra `metrics`: `pip install 'pelagos[metrics]'`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Self

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.middleware import Incoming, Middleware, Outcome, Outgoing

#: Seconds; a confirmed publish takes about a millisecond, a handler anything.
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600)
_LABELS = ("exchange", "category", "type", "name")
_MOST_KINDS = 1000


class MetricsMissingError(MessagingError):
    """The library that metrics need is not installed."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """The metrics of one kind of sent messages."""

    published: Any
    confirmed: Any
    seconds: Any


class PrometheusMetrics(Middleware):
    """Counts what passes. One object serves any number of producers and consumers.

    | metric | labels | meaning |
    | --- | --- | --- |
    | `pelagos_bus_published_total` | exchange, category, type, name | messages given away |
    | `pelagos_bus_confirmed_total` | exchange, category, type, name | that the broker has |
    | `pelagos_bus_publish_failed_total` | exchange, error | that it has not, by class of error |
    | `pelagos_bus_publish_seconds` | exchange | from giving away to confirmed or failed |
    | `pelagos_bus_publishing` | | given away, and their fate still open |
    | `pelagos_bus_handled_total` | handler, outcome | and what became of the message |
    | `pelagos_bus_handle_seconds` | handler | durations of handlers |
    | `pelagos_bus_in_flight` | handler | messages that are handled now |
    | `pelagos_bus_connected` | bus | open connections |
    | `pelagos_bus_connections_lost_total` | bus | connections that ended out of order |

    Outcomes are ack, reject, requeue, retry, dead and filtered. What arrives from others never
    becomes a label, and after 1,000 kinds of sent messages all further ones are `other`, so that
    nobody can fill the memory with them.

    Args:
        registry: a `prometheus_client.CollectorRegistry`; None = one of its own.

    Raises:
        MetricsMissingError: prometheus_client is not installed.
    """

    def __init__(self, registry: Any = None) -> None:
        library = _library()
        self.registry = library.CollectorRegistry() if registry is None else registry

        def counter(name: str, text: str, labels: tuple[str, ...]) -> Any:
            return library.Counter(f"pelagos_bus_{name}", text, labels, registry=self.registry)

        def gauge(name: str, text: str, labels: tuple[str, ...] = ()) -> Any:
            return library.Gauge(f"pelagos_bus_{name}", text, labels, registry=self.registry)

        def histogram(name: str, text: str, labels: tuple[str, ...]) -> Any:
            return library.Histogram(
                f"pelagos_bus_{name}", text, labels, buckets=_BUCKETS, registry=self.registry
            )

        self._published = counter("published", "Messages given away", _LABELS)
        self._confirmed = counter("confirmed", "Messages that the broker has", _LABELS)
        self._failed = counter(
            "publish_failed", "Messages that were not accepted", ("exchange", "error")
        )
        self._publish_seconds = histogram(
            "publish_seconds", "From giving a message away to its fate", ("exchange",)
        )
        self._publishing = gauge("publishing", "Messages whose fate is still open")
        self._handled = counter("handled", "Messages handled", ("handler", "outcome"))
        self._handle_seconds = histogram("handle_seconds", "Durations of handlers", ("handler",))
        self._in_flight = gauge("in_flight", "Messages that are handled now", ("handler",))
        self._connected = gauge("connected", "Open connections", ("bus",))
        self._lost = counter("connections_lost", "Connections that were lost", ("bus",))
        # Looking a metric up by its labels costs more than counting.
        self._kinds: dict[tuple[str, str, str, str], _Sent] = {}
        self._handlers: dict[str, tuple[Any, Any]] = {}
        self._outcomes: dict[tuple[str, Outcome], Any] = {}

    def before_publish(self, outgoing: Outgoing) -> None:
        """Count it as given away."""
        self._kind(outgoing).published.inc()
        self._publishing.inc()

    def after_publish(
        self, outgoing: Outgoing, error: MessagingError | None, seconds: float
    ) -> None:
        """Count its fate."""
        self._publishing.dec()
        kind = self._kind(outgoing)
        kind.seconds.observe(seconds)
        if error is None:
            kind.confirmed.inc()
        else:
            self._failed.labels(outgoing.exchange, type(error).__name__).inc()

    def before_handle(self, received: Incoming, handler: str) -> None:  # noqa: ARG002  # the names are the contract
        """Count it as in flight."""
        self._of(handler)[0].inc()

    def after_handle(
        self,
        received: Incoming,  # noqa: ARG002
        handler: str,
        outcome: Outcome,
        seconds: float,
    ) -> None:
        """Count what became of it."""
        in_flight, durations = self._of(handler)
        in_flight.dec()
        durations.observe(seconds)
        counter = self._outcomes.get((handler, outcome))
        if counter is None:
            counter = self._outcomes[handler, outcome] = self._handled.labels(handler, outcome)
        counter.inc()

    def on_connected(self, bus: str) -> None:
        """One connection more."""
        self._connected.labels(bus).inc()

    def on_disconnected(self, bus: str, error: MessagingError | None) -> None:
        """One connection less."""
        self._connected.labels(bus).dec()
        if error is not None:
            self._lost.labels(bus).inc()

    def _of(self, handler: str) -> tuple[Any, Any]:
        found = self._handlers.get(handler)
        if found is None:
            found = (self._in_flight.labels(handler), self._handle_seconds.labels(handler))
            self._handlers[handler] = found
        return found

    def _kind(self, outgoing: Outgoing) -> _Sent:
        labels = (outgoing.exchange, outgoing.category, outgoing.type, outgoing.name)
        found = self._kinds.get(labels)
        if found is None:
            is_known = len(self._kinds) < _MOST_KINDS
            if not is_known:
                labels = ("other", "other", "other", "other")
            exchange, *rest = (text.encode(errors="backslashreplace").decode() for text in labels)
            found = _Sent(
                self._published.labels(exchange, *rest),
                self._confirmed.labels(exchange, *rest),
                self._publish_seconds.labels(exchange),
            )
            if is_known:
                self._kinds[labels] = found
        return found

    def text(self) -> str:
        """All of them in the form that Prometheus reads."""
        return str(_library().generate_latest(self.registry).decode())

    def serve(self, port: int, host: str = "127.0.0.1") -> MetricsServer:
        """Answer `GET /metrics` in a thread of its own until the server is closed.

        Args:
            port: 0 for a free one; see `MetricsServer.port`.
            host: this computer alone, unless told.

        Raises:
            MessagingError: the port cannot be had.
        """
        return MetricsServer(self.registry, port, host)


class MetricsServer:
    """Answers with the metrics of a registry until `close`.

    Attributes:
        port: where it listens.
        url: what to let Prometheus scrape.
    """

    def __init__(self, registry: Any, port: int, host: str) -> None:
        try:
            self._server, self._thread = _library().start_http_server(
                port, addr=host, registry=registry
            )
        except (OSError, OverflowError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or error
            raise MessagingError(
                f"cannot serve metrics on {host}:{port}: {said}",
                hint="choose another port, or end what listens there",
            ) from error
        self.port: int = self._server.server_port
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/metrics"
        self._closed = threading.Event()

    def close(self) -> None:
        """End it; again is harmless."""
        if not self._closed.is_set():
            self._closed.set()
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _library() -> Any:
    try:
        import prometheus_client  # noqa: PLC0415  # an extra; only its users pay for it
    except ImportError as error:
        raise MetricsMissingError(
            "metrics need the library prometheus_client, which is not installed",
            hint="pip install 'pelagos[metrics]'",
        ) from error
    return prometheus_client
