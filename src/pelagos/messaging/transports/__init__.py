"""Ways to carry messages. Admission rule: one sibling of `base` per kind of broker."""

from __future__ import annotations

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports.base import Transport
from pelagos.messaging.transports.memory import MemoryTransport

#: The schemes of `connect`, as they are shown to a person.
KNOWN_URLS = ("memory:NAME", "amqp://USER:PASSWORD@HOST:PORT/VHOST")


def connect(url: str) -> Transport:
    """The bus behind a URL.

    Nothing is opened yet: producers and consumers do that when they need it, so that a program
    may start before its broker.

    Raises:
        BusUrlError: the scheme is unknown or the URL has a wrong form.
    """
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    if scheme == "memory":
        return MemoryTransport.from_url(url)
    if scheme == "amqp":
        from pelagos.messaging.transports.pika import (  # noqa: PLC0415 - pika costs its users only
            PikaTransport,
        )

        return PikaTransport.from_url(url)
    raise BusUrlError(
        f"no transport is known for the scheme {scheme!r} of the bus URL",
        hint=f"known are {' and '.join(KNOWN_URLS)}",
    )
