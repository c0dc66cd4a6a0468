"""What a session keeps from one line to the next: connections, and logins at clouds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # not for a cycle: a session pays for what its lines use
    from pelagos.clients.cloud import Cloud, CloudSettings
    from pelagos.core.http import ClientTls
    from pelagos.core.http.transports.lean import LeanTransport


class Kept:
    """Connections by whom they trust, and clouds by their settings; for one thread."""

    def __init__(self) -> None:
        self._transports: dict[ClientTls | None, LeanTransport] = {}
        self._clouds: dict[str, tuple[CloudSettings, Cloud]] = {}

    def transport(self, tls: ClientTls | None) -> LeanTransport:
        """What carries requests to whoever is to be trusted so."""
        from pelagos.core.http.transports.lean import LeanTransport

        if tls not in self._transports:
            self._transports[tls] = LeanTransport(tls=tls)
        return self._transports[tls]

    def cloud(self, name: str, settings: CloudSettings, make: Callable[[], Cloud]) -> Cloud:
        """The cloud, logged in when a line before was; a new one when its settings changed."""
        former = self._clouds.get(name)
        if former is None or former[0] != settings:
            former = self._clouds[name] = (settings, make())
        return former[1]

    def close(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()
        self._clouds.clear()
