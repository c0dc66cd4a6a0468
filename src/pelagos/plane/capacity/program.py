"""Machines on demand as a program: the keeper with its book, its drivers and the way to join."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pelagos.core.clock import Clock, SystemClock
from pelagos.core.loopback import is_loopback
from pelagos.plane.capacity.base import Capacity
from pelagos.plane.capacity.errors import CapacityNotConfigured
from pelagos.plane.capacity.keeper import Keeper
from pelagos.plane.capacity.ledger import Ledger
from pelagos.plane.capacity.line import Line
from pelagos.plane.capacity.terms import Place, places
from pelagos.plane.capacity.user_data import agent_config, cloud_config, filled, in_base64
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.sections import CapacityConfig
from pelagos.slap import joining
from pelagos.slap.master import Service
from pelagos.slap.model import Event


class CapacityProgram:
    """The machines of the plane in one data folder; nothing runs before `begin`.

    Args:
        config: the section of the configuration.
        folder: with the book.
        bus_url: of the bus; machines are told of one that they can reach.
        environ: where clouds are looked for.
        clock: tells the time.

    Attributes:
        line: what a master asks.

    Raises:
        ConfigError: the section cannot be used.
        PelagosError: the book cannot be read.
    """

    def __init__(
        self,
        config: CapacityConfig,
        folder: DataFolder,
        bus_url: str = "",
        *,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        clock = clock or SystemClock()
        ledger = Ledger(folder.machines)
        self._bus_url = bus_url if _is_reached(bus_url) else ""
        self._url = ""
        self._fingerprint: str | None = None

        def driver(place: Place) -> Capacity:
            return place.open(environ)

        self.keeper = Keeper(
            places(config.named), ledger, driver, clock=clock, interval=config.interval
        )
        self.line = Line(self.keeper, clock.time, self._obstacles)

    def begin(self, service: Service, url: str, fingerprint: str | None) -> None:
        """Make and remove machines from now on, in threads.

        Args:
            service: the master's use cases.
            url: where machines reach the master.
            fingerprint: of the authority that they shall trust; None: those of their system.
        """
        self.know(service, url, fingerprint)
        self.keeper.start()

    def know(self, service: Service, url: str, fingerprint: str | None) -> None:
        """As `begin`, and nothing runs: whoever calls it has rounds made."""
        self._url = url
        self._fingerprint = fingerprint if url.startswith("https:") else None
        self.keeper.begin(service, self._user_data)

    def wake(self, events: Sequence[Event] = ()) -> None:
        """Something happened in the master."""
        self.keeper.wake(events)

    def stop(self) -> None:
        """End the threads; machines stay as they are."""
        self.keeper.stop()

    def alive(self) -> bool:
        """Whether its threads still run."""
        return self.keeper.alive()

    def _user_data(self, place: Place, name: str, secret: str) -> str:
        joins = joining.JoinToken(self._url, secret, self._fingerprint, "computer")
        token, terms = joining.encode(joins), place.terms
        if terms.user_data is None:
            return cloud_config(terms, token, self._bus_url)
        try:
            template = terms.user_data.expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise CapacityNotConfigured(
                f"the user data {terms.user_data} cannot be read: {why}",
                hint=f"mend capacity.named.{place.name}.user_data",
            ) from error
        values = {
            "TOKEN": token,
            "NAME": name,
            "PARTITIONS": str(terms.partitions),
            "CONFIG": in_base64(agent_config(terms, self._bus_url)),
        }
        return filled(template, values, str(terms.user_data))

    def _obstacles(self) -> tuple[str, ...]:
        if self._url and not _is_reached(self._url):
            said = f"machines are told to join at {self._url}, which they cannot reach"
            return (f"{said} (set master.public_url, or let the master listen: master.host)",)
        return ()


def _is_reached(url: str) -> bool:
    """Whether another machine may be there at an address; `memory:` is none."""
    host = urlsplit(url).hostname or ""
    return bool(host) and not is_loopback(host)
