"""What `pelagos bus run` watches the workers of a process with: their traces, their metrics."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from pelagos.messaging.middleware import Middleware
    from pelagos.messaging.observation.metrics import PrometheusMetrics


@dataclass(frozen=True)
class Watch:
    """Makes the middlewares of the workers in each process.

    Attributes:
        port: the first of the ports for metrics; 0 for none.
        count: how many processes share them out.
    """

    port: int
    count: int

    def __call__(self) -> tuple[Middleware, ...]:
        """Those of one process, which share its metrics."""
        from pelagos.messaging.observation.tracing import Tracing

        if not self.port:
            return (Tracing(),)
        return (Tracing(), _served(self.port, self.count))


@functools.cache
def _served(port: int, count: int) -> PrometheusMetrics:
    """The metrics of this process, at the first of the ports that no other process has."""
    from pelagos.messaging import MessagingError
    from pelagos.messaging.observation.metrics import PrometheusMetrics

    metrics = PrometheusMetrics()
    for number in range(port, port + count):
        try:
            server = metrics.serve(number)
        except MessagingError:
            if number == port + count - 1:
                raise
        else:
            logging.getLogger(__name__).info("metrics are at %s", server.url)
            break
    return metrics
