"""A master with an authority, people and computers, whose clock stands."""

from __future__ import annotations

import ssl
from pathlib import Path

from pelagos.core.certificate import Authority
from pelagos.core.clock import ManualClock
from pelagos.slap import master
from pelagos.slap.master.auth import Identity, Kind, Role
from support import slap_site
from support.slap_site import announcement

ADMIN = master.person("admin")
ANN, BOB = (master.person(name, Role.TENANT) for name in ("ann", "bob"))
DAY = 86400.0


class Land:
    """A master with an authority, an operator and two tenants."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.clock = ManualClock()
        self.authority = Authority.open(folder / "ca", name="plane", now=self.clock.time())
        self.master = master.Master(
            url or slap_site.shared_url or f"sqlite:///{folder / 'master.db'}",
            clock=self.clock,
            authority=self.authority,
        )
        self.service = self.master.service
        self.tokens = {
            name: self.service.create_person(name, role)
            for name, role in (
                ("admin", Role.OPERATOR),
                ("ann", Role.TENANT),
                ("bob", Role.TENANT),
            )
        }

    def knows(self, token: str) -> bool:
        return self.service.identify(token) is not None

    def by_certificate(self, pem: str) -> Identity:
        peer = ssl.PEM_cert_to_DER_cert(pem)
        return self.service._desk.authenticator.identify(None, peer)

    def computer(self, name: str = "COMP-1", who: Identity = ADMIN) -> str:
        """A computer joins, with three partitions; its token."""
        secret, _ = self.service.invite(Kind.COMPUTER, who, name=name)
        joined = self.service.join(secret)
        self.service.format_computer(announcement(3, name), master.computer(name))
        return joined.token
