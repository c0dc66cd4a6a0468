"""Tokens of OpenStack's Keystone (identity API v3), whose roles become rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient
from pelagos.directory.auth.rights import KEYSTONE, rights_of

#: The token asks about itself, so 401 says that it is none; 404 that it is none for services
#: which do not understand its access rules.
_UNKNOWN = frozenset([401, 404])
_OK = 200
_FORBIDDEN = 403
_ABOUT_POLICY = (
    "its policy identity:validate_token has to let a token ask about itself, as it does by default"
)


@dataclass(frozen=True, slots=True)
class _Ref:
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Member:
    id: str
    name: str
    domain: _Ref


@dataclass(frozen=True, slots=True)
class _Token:
    user: _Member
    expires_at: str
    project: _Member | None = None
    roles: tuple[_Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class _Body:
    token: _Token


class KeystoneTokens:
    """Asks Keystone whose a token is, with that token itself. Safe to share between threads.

    The directory needs no account of its own there. Rights come from the roles that the token
    has in its project, so an unscoped one has none.

    Args:
        http: the address of the identity service with the version, such as https://host:5000/v3.
        rights: patterns of `auth.acl` by role.
        projects: ids of the projects whose tokens are taken; None: of all.
        timeout: seconds for an answer.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        rights: Mapping[str, Iterable[str]] = KEYSTONE,
        projects: Iterable[str] | None = None,
        timeout: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self._http = http
        self._rights = rights
        self._projects = None if projects is None else frozenset(projects)
        self._timeout = timeout
        self._clock = clock or SystemClock()

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        """The infos of a token, or None when it is not valid here.

        Raises:
            PelagosError: Keystone does not say.
        """
        answer = self._http.request(
            "GET",
            "auth/tokens",
            params={"nocatalog": ""},
            headers={"X-Auth-Token": token, "X-Subject-Token": token},
            timeout=self._timeout,
        )
        if answer.status in _UNKNOWN:
            return None
        if answer.status != _OK:
            raise PelagosError(
                f"Keystone at {self._http.base_url} cannot tell whose the token is "
                f"(status {answer.status})",
                hint=_ABOUT_POLICY if answer.status == _FORBIDDEN else "its log says why",
            )
        try:
            found = answer.json(_Body).token
            end = datetime.fromisoformat(found.expires_at)
            expires_in = end.timestamp() - self._clock.time()
        except (wire.WireError, ValueError) as error:
            raise PelagosError(
                f"the answer of {self._http.base_url} about a token is not that of Keystone v3",
                hint="check the address, which ends in /v3",
            ) from error
        if self._projects is not None and (
            found.project is None or found.project.id not in self._projects
        ):
            return None
        return self._infos(token, found, expires_in)

    def _infos(self, token: str, found: _Token, expires_in: float) -> dict[str, Any]:
        roles = [role.name for role in found.roles]
        return {
            "token": token,
            "auth_id": found.user.id,
            "xivo_user_uuid": found.user.id,
            "acls": rights_of(roles, self._rights),
            "expires_in": expires_in,
            "metadata": {
                "uuid": found.user.id,
                "pbx_user_uuid": found.user.id,
                "tenant_uuid": found.project.id if found.project else None,
                "name": found.user.name,
                "roles": roles,
            },
        }
