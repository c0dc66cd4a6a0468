"""The bus of a plane: a broker elsewhere, this process's memory, or the plane's own broker.

The plane's own is the embedded broker: AMQP on loopback, for the programs of this machine. Its
address, with the password, stands in the file `bus` of the data folder (0600); both stay the same
from one start to the next.
"""

from __future__ import annotations

import secrets
import socket
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
    found = read_token(address_file(data))
    if found is None:
        raise PelagosError(
            f"the broker of {data} was not started yet",
            hint="start it: pelagos up (with the part master, which runs the broker)",
        )
    return found


def address_file(data: Path) -> Path:
    """Where the URL of the plane's own broker stands, with its password."""
    return data / _FILE


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
    """Why no broker answers where the bus of the plane should be; None when one does.

    It only knocks, at one host after the other: `pelagos bus doctor` logs in. A bus in memory
    cannot be away.

    Args:
        bus: the settings.
        data: the plane's data folder.
        timeout: seconds for all hosts together.
    """
    try:
        hosts = _hosts(bus_url(bus, data))
        said = [_knock(host, port, timeout / len(hosts)) for host, port in hosts]
    except PelagosError as error:
        return error
    if not hosts or None in said:
        return None
    told = [f"{host}:{port} ({why})" for (host, port), why in zip(hosts, said, strict=True)]
    return PelagosError(
        f"no broker answers at {'; '.join(told)}",
        hint="see that it runs and that the network lets this computer through; "
        "pelagos bus doctor says more",
    )


def _hosts(url: str) -> list[tuple[str, int]]:
    """Where a broker's hosts listen; none for a bus in memory."""
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("amqp"):
        return []
    usual = 5671 if scheme.startswith("amqps") else 5672
    places = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].split(",")
    try:
        parts = [urlsplit(f"//{place}") for place in places]
        return [(part.hostname or "localhost", part.port or usual) for part in parts]
    except ValueError as error:
        raise ConfigError(
            "bus.url names no host and port", hint="amqp://USER:PASSWORD@HOST:PORT/VHOST"
        ) from error


def _knock(host: str, port: int, timeout: float) -> str | None:
    """Why nobody lets one in there; None when somebody does."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return error.strerror or str(error)
    return None


class PlaneBroker:
    """The plane's own broker, from now until `stop`."""

    def __init__(self, bus: BusConfig, data: Path) -> None:
        from pelagos.messaging.broker.server import EmbeddedBroker
        from pelagos.messaging.errors import BrokerUnreachableError

        former = urlsplit(read_token(address_file(data)) or "")
        password = former.password or secrets.token_urlsafe(24)

        def started(port: int) -> EmbeddedBroker:
            return EmbeddedBroker("127.0.0.1", port, users={_USER: password}).start()

        try:
            self._broker = started(bus.port or former.port or 0)
        except BrokerUnreachableError as error:
            if bus.port:
                hint = "choose another, or 0 for a free one: pelagos config set bus.port PORT"
                raise BrokerUnreachableError(error.message, hint=hint) from error
            self._broker = started(0)  # somebody took the former port
        self.url = f"amqp://{_USER}:{password}@127.0.0.1:{self._broker.port}/"
        write_atomic(address_file(data), f"{self.url}\n", mode=0o600)

    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._broker.is_running

    def stop(self) -> None:
        """End all connections."""
        self._broker.stop()
