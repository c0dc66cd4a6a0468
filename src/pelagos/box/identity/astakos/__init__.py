"""Identity asked as Astakos 0.21, of Synnefo."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.identity.astakos.accounts import Accounts
from pelagos.box.identity.astakos.accounts_for_services import ServiceAccounts
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.identity.astakos.commissions import Commissions
from pelagos.box.identity.astakos.memberships import Memberships
from pelagos.box.identity.astakos.oauth import TOKEN, OAuth, Programs
from pelagos.box.identity.astakos.pages import Pages
from pelagos.box.identity.astakos.projects import Projects
from pelagos.box.identity.astakos.tokens import TokensApi
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.quotas import Quotas
from pelagos.box.service import Service, SynnefoOffer
from pelagos.box.synnefo import dressed, endpoint_missing, shaped
from pelagos.box.web import NO_ROUTE, Answer, Request, Router

__all__ = ["astakos"]

PREFIX = "/astakos"


def astakos(identity: Identity, quotas: Quotas, programs: Programs) -> Service:
    """The service."""
    router = Router()
    callers = Callers(identity)
    projects = Projects(identity, quotas, callers)
    for part in (
        TokensApi(identity, programs),
        Accounts(identity, quotas),
        ServiceAccounts(identity, quotas, callers),
        Commissions(identity, quotas, callers),
        projects,
        Memberships(identity, callers, projects),
        Pages(),
        OAuth(programs, callers),
    ):
        part.routes(router)

    def answer(request: Request) -> Answer:
        try:
            made = dressed(router.answer(request), identity.clock)
        except Refused as refused:
            if refused.status == 404 and refused.message != NO_ROUTE:  # noqa: PLR2004  # RFC 9110
                raise
            raise endpoint_missing(refused) from refused
        if request.path == TOKEN and not programs.are_known:
            del made.headers["Cache-Control"]
        return made

    return Service(
        (PREFIX,),
        answer,
        shaped(identity.clock),
        synnefo_offers=(
            SynnefoOffer("account", "astakos_account", f"{PREFIX}/account/v1.0", "v1.0"),
            SynnefoOffer("astakos_auth", "astakos_oauth2", f"{PREFIX}/oauth2"),
            SynnefoOffer("identity", "astakos_identity", f"{PREFIX}/identity/v2.0", "v2.0"),
        ),
    )
