"""The bus of a plane: a broker elsewhere, this process's memory, or the plane's own broker.

The plane's own is the embedded broker: AMQP on loopback, for the programs of this machine. Its
address, with the password, stands in the file `bus` of the data folder (0600); both stay the same
from one start to the next.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.core.files import read_token, write_atomic
from pelagos.plane.sections import BusConfig

if TYPE_CHECKING:  # only who starts it pays for it
    from pelagos.messaging.broker.server import EmbeddedBroker

_USER = "pelagos"
_FILE = "bus"


def bus_url(bus: BusConfig, data: Path) -> str:
    """Where the bus of the plane of this data folder is; holds a password, as a rule.

    Raises:
        ConfigError: the settings contradict each other.
        PelagosError: the plane's own broker was never started.
    """
    check(bus)
    if not bus.broker:
        return bus.url
    found = read_token(data / _FILE)
    if found is None:
        raise PelagosError(
            f"the broker of {data} was not started yet",
            hint="start it: pelagos up (with the part master, which runs the broker)",
        )
    return found


def check(bus: BusConfig) -> None:
    """Pass, when the settings do not contradict each other.

    Raises:
        ConfigError: they do.
    """
    if bus.broker and bus.url != BusConfig().url:
        raise ConfigError(
            "[bus] url names a bus, and broker = true asks for another",
            hint="remove url to run the plane's own broker, or set broker = false",
        )


def trouble(bus: BusConfig, data: Path, *, timeout: float) -> PelagosError | None:
    """Why the bus of the plane cannot be reached from here; None when it can, or is in memory."""
    from pelagos.messaging import connect

    try:
        transport = connect(bus_url(bus, data))
        if transport.capabilities.crosses_processes:
            transport.open(timeout).close()
    except PelagosError as error:
        return error
    return None


class PlaneBroker:
    """The plane's own broker, from now until `stop`."""

    def __init__(self, bus: BusConfig, data: Path) -> None:
        from pelagos.messaging.broker.server import EmbeddedBroker
        from pelagos.messaging.errors import BrokerUnreachableError

        former = urlsplit(read_token(data / _FILE) or "")
        password = former.password or secrets.token_urlsafe(24)

        def started(port: int) -> EmbeddedBroker:
            return EmbeddedBroker("127.0.0.1", port, users={_USER: password}).start()

        try:
            self._broker = started(bus.port or former.port or 0)
        except BrokerUnreachableError:
            if bus.port:
                raise
            self._broker = started(0)  # somebody took the former port
        self.url = f"amqp://{_USER}:{password}@127.0.0.1:{self._broker.port}/"
        write_atomic(data / _FILE, f"{self.url}\n", mode=0o600)

    def stop(self) -> None:
        """End all connections."""
        self._broker.stop()
