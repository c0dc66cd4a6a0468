"""Identity asked as Astakos 0.21, of Synnefo."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.accounts import Accounts
from pelagos.box.identity.astakos.tokens import TokensApi
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.synnefo import dressed, endpoint_missing, shaped
from pelagos.box.web import Answer, Request, Router

__all__ = ["astakos"]

PREFIX = "/astakos"


def astakos(identity: Identity, quotas: Quotas) -> Service:
    """The service."""
    router = Router()
    TokensApi(identity).routes(router)
    Accounts(identity, quotas).routes(router)

    def answer(request: Request) -> Answer:
        try:
            return dressed(router.answer(request), identity.clock)
        except Refused as refused:
            raise endpoint_missing(refused) from refused

    return Service(
        (PREFIX,),
        answer,
        shaped(identity.clock),
        synnefo_offers=(
            SynnefoOffer("account", "astakos_account", f"{PREFIX}/account/v1.0", "v1.0"),
            SynnefoOffer("identity", "astakos_identity", f"{PREFIX}/identity/v2.0", "v2.0"),
        ),
    )
