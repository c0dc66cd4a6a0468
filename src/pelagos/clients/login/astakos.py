"""Log in at Synnefo's Astakos: a token of its user, and what it says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.clients.base import Client
from pelagos.clients.errors import CloudNotConfigured, Unauthorized
from pelagos.clients.login.access import Access, lifetime
from pelagos.clients.login.catalogue import from_astakos
from pelagos.clients.login.settings import CloudSettings
from pelagos.core.http.transports.base import Transport


class _Door(Client):
    DEFAULT_API_VERSION = "2.0"


def login(settings: CloudSettings, http: Transport) -> Access:
    """Log in with the token of the settings.

    Raises:
        CloudNotConfigured: there is none.
        Unauthorized: Astakos does not know it.
        ClientError: Astakos did not answer, or not as agreed.
    """
    if not settings.token:
        raise CloudNotConfigured(
            f"{settings.origin} has no token for {settings.auth_url}",
            hint="copy it from the cloud's web page, `API access`, and give it as token",
        )
    door = _Door(settings.auth_url, http=http, timeout=settings.timeout)
    auth: dict[str, Any] = {"token": {"id": settings.token}}
    if settings.project_id:
        auth["tenantName"] = settings.project_id
    try:
        reply = door.post("/tokens", json={"auth": auth}, success=(200, 203))
    except Unauthorized as error:
        error.hint = "the token is wrong or has ended: copy a new one from the cloud's web page"
        raise
    access = reply.member("access")
    said: Mapping[str, Any] = access if isinstance(access, Mapping) else {}
    token, user = _table(said, "token"), _table(said, "user")
    tenant = _table(token, "tenant")
    return Access(
        token=str(token.get("id") or settings.token),
        lifetime=lifetime(token.get("expires"), reply),
        expires=str(token.get("expires") or ""),
        user_id=str(user.get("id") or ""),
        user_name=str(user.get("name") or ""),
        project_id=tenant.get("id"),
        project_name=tenant.get("name"),
        roles=(),
        catalogue=from_astakos(said.get("serviceCatalog") or []),
        details=said,
        is_own=False,
    )


def _table(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key)
    return found if isinstance(found, Mapping) else {}
