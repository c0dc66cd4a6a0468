"""Identity as the other services of a box see it: who asks, and what the catalogue says."""

from __future__ import annotations

from typing import Any

from pelagos.box.database import Database
from pelagos.box.errors import Refused
from pelagos.box.identity.groups import Groups
from pelagos.box.identity.people import People
from pelagos.box.identity.tokens import LIFE, Token, Tokens
from pelagos.box.service import Offer, Service, SynnefoOffer
from pelagos.box.web import Request
from pelagos.core.clock import Clock

REGION = "RegionOne"
_INTERFACES = ("public", "internal", "admin")


class Identity:
    """The persons and tokens of a box, and the catalogues of its services.

    Attributes:
        database: where all of it is kept.
        people: users, projects, roles.
        groups: who is in which group.
        tokens: who is who.
        clock: what says when a token ends.
    """

    def __init__(self, database: Database, clock: Clock, token_life: float = LIFE) -> None:
        self.database = database
        self.clock = clock
        self.people = People(database)
        self.groups = Groups(database, self.people)
        self.tokens = Tokens(database, self.people, clock, token_life)
        self._offers: list[Offer] = []
        self._synnefo_offers: list[SynnefoOffer] = []

    def enlist(self, service: Service) -> None:
        """Let the catalogues name a service."""
        self._offers.extend(service.offers)
        self._synnefo_offers.extend(service.synnefo_offers)

    def caller(self, request: Request) -> Token:
        """Who asks.

        Raises:
            Refused: nobody that is known: 401.
        """
        text = request.header("X-Auth-Token")
        token = self.tokens.known(text) if text else None
        if token is None:
            raise Refused(401, "The request you have made requires authentication.")
        return token

    def catalogue(self, host: str, project_id: str | None) -> list[dict[str, Any]]:
        """Keystone's catalogue, for a project."""
        return [
            {
                "id": f"{offer.name}-{offer.kind}",
                "type": offer.kind,
                "name": offer.name,
                "endpoints": [
                    {
                        "id": f"{offer.name}-{offer.kind}-{interface}",
                        "interface": interface,
                        "region_id": REGION,
                        "region": REGION,
                        "url": host + offer.path.replace("{project}", project_id or ""),
                    }
                    for interface in _INTERFACES
                ],
            }
            for offer in self._offers
            if project_id or "{project}" not in offer.path
        ]

    def synnefo_catalogue(self, host: str) -> list[dict[str, Any]]:
        """Astakos' catalogue."""
        return [
            {
                "endpoints": [
                    {
                        "SNF:uiURL": f"{host}/{offer.path.split('/')[1]}/ui",
                        "versionId": offer.version,
                        "region": "default",
                        "SNF:exposeVersion": str(offer.exposes_version),
                        "publicURL": host + offer.path,
                        **(
                            {"SNF:webloginURL": host + offer.path}
                            if offer.kind == "astakos_weblogin"
                            else {}
                        ),
                    }
                ],
                "endpoints_links": [],
                "type": offer.kind,
                "name": offer.name,
            }
            for offer in self._synnefo_offers
        ]
