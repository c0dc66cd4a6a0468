"""Ways to carry messages. Admission rule: one sibling of `base` per kind of broker."""

from __future__ import annotations

from pelagos.messaging.errors import BusUrlError
from pelagos.messaging.transports.base import Transport
from pelagos.messaging.transports.memory import MemoryTransport

#: The schemes of `connect`, as they are shown to a person.
KNOWN_URLS = (
    "memory:NAME",
    "amqp://USER:PASSWORD@HOST:PORT/VHOST (encrypted: amqps://)",
    "amqp+pika://… (by way of pika)",
)


def connect(url: str) -> Transport:
    """The bus behind a URL.

    Nothing is opened yet: producers and consumers do that when they need it, so that a program
    may start before its broker.

    Raises:
        BusUrlError: the scheme is unknown or the URL has a wrong form.
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL of a bus is text, not {url!r}")
    scheme = url.partition(":")[0].lower() if ":" in url else ""
    if scheme == "memory":
        return MemoryTransport.from_url(url)
    if scheme in {"amqp", "amqps"}:
        from pelagos.messaging.transports.amqp import (  # noqa: PLC0415 - costs its users only
            AmqpTransport,
        )

        return AmqpTransport.from_url(url)
    if scheme in {"amqp+pika", "amqps+pika"}:
        try:
            from pelagos.messaging.transports.pika import (  # noqa: PLC0415 - an extra
                PikaTransport,
            )
        except ModuleNotFoundError as error:
            raise BusUrlError(
                f"a bus of the scheme {scheme!r} needs the package pika",
                hint="install pelagos[pika], or leave +pika out of the URL",
            ) from error
        return PikaTransport.from_url(url)
    raise BusUrlError(
        f"no transport is known for the scheme {scheme!r} of the bus URL",
        hint=f"known are {', '.join(KNOWN_URLS)}",
    )
