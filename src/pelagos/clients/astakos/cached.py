"""Many users of one Astakos, each asked about once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, cast

from pelagos.clients.astakos.client import AstakosClient
from pelagos.clients.astakos.types import Service, User
from pelagos.clients.errors import ClientError, NotFound

Tokens = str | Iterable[str] | None


class CachedAstakosClient(AstakosClient):
    """Keeps what each token's login said, and the names and ids that were found.

    A method's `token` is whose; without, the client's own, or else the first that was used. Of a
    list of tokens the first counts.

    Args:
        endpoint_url: of Astakos, or of Keystone.
        token: the first user's.
        more: as `Client` takes it.
    """

    def __init__(self, endpoint_url: str | None = None, token: Tokens = None, **more: Any) -> None:
        super().__init__(endpoint_url, _first(token), **more)
        self._of_token: dict[str, tuple[AstakosClient, Any]] = {}
        self._usernames: dict[str, str] = {}
        self._uuids: dict[str, str] = {}
        self._guard = threading.RLock()

    def authenticate(self, token: Tokens = None) -> Any:
        """Who has a token; asked anew, and kept."""
        mine = self._whose(token)
        client = AstakosClient(
            self.endpoint_url,
            mine,
            http=self._sender.transport,
            dialect=self.dialect,
            timeout=self.timeout,
            session=self.session if mine == self.token else None,
        )
        found = client.authenticate()
        with self._guard:
            self._of_token[mine] = (client, found)
        return found

    def _whose(self, token: Tokens) -> str:
        mine = _first(token) or self.token or next(iter(self._of_token), None)
        if not mine:
            raise ClientError("no token is known", hint="give one: authenticate(token)")
        return mine

    def _of(self, token: Tokens) -> tuple[AstakosClient, Any]:
        mine = self._whose(token)
        if mine not in self._of_token:
            self.authenticate(mine)
        return self._of_token[mine]

    def _details(self) -> Any:
        return self._of(None)[1]

    def get_client(self, token: Tokens = None) -> AstakosClient:
        """The client of a user; logs in when nobody has yet."""
        return self._of(token)[0]

    def get_token(self, uuid: str) -> str:  # type: ignore[override]  # the ancestor's
        """The token of a user who has logged in.

        Raises:
            NotFound: none has this id.
        """
        for token, (_client, found) in self._of_token.items():
            if (found["access"].get("user") or {}).get("id") == uuid:
                return token
        raise NotFound(f"no user with the id {uuid} has logged in here")

    def remove_user(self, uuid: str) -> None:
        """Forget a user and his token.

        Raises:
            NotFound: none has this id.
        """
        with self._guard:
            del self._of_token[self.get_token(uuid)]

    def list_users(self) -> list[User]:
        """Who has logged in, each with his `auth_token`."""
        return [
            cast(User, {**(found["access"].get("user") or {}), "auth_token": token})
            for token, (_client, found) in self._of_token.items()
        ]

    def get_services(self, token: Tokens = None) -> list[Service]:
        """The services of the catalogue."""
        return self._of(token)[0].get_services()

    def get_service_details(self, service_type: str, token: Tokens = None) -> Service:
        """The first service of a type.

        Raises:
            NotFound: there is none.
        """
        return self._of(token)[0].get_service_details(service_type)

    def get_service_endpoints(
        self, service_type: str, version: str | None = None, token: Tokens = None
    ) -> dict[str, Any]:
        """The endpoint of a type, and of a version.

        Raises:
            ClientError: not exactly one is so.
        """
        service = self.get_service_details(service_type, token)
        found = [
            one
            for one in service.get("endpoints") or []
            if not version or str(one.get("versionId", "")).lower() == version.lower()
        ]
        if len(found) != 1:
            raise ClientError(
                f"{len(found)} endpoints of {service_type} match, and not one",
                600,
                hint="name a version, or look at the catalogue",
            )
        return found[0]

    def get_endpoint_url(
        self, service_type: str, version: str | None = None, token: Tokens = None
    ) -> str:
        """The address of a service, with its version in it.

        Raises:
            ClientError: not exactly one is so.
        """
        self.get_service_endpoints(service_type, version, token)
        return self._of(token)[0].get_endpoint_url(service_type, version)

    def user_info(self, token: Tokens = None) -> User:  # type: ignore[override]  # the ancestor's
        """A user, with his `default_project`."""
        access = self._of(token)[1]["access"]
        tenant = (access.get("token") or {}).get("tenant") or {}
        return cast(User, {**(access.get("user") or {}), "default_project": tenant.get("id")})

    def user_term(self, term: str, token: Tokens = None) -> Any:
        """One fact of a user; None when it is not known."""
        return self.user_info(token).get(term)

    def term(self, key: str, token: Tokens = None) -> Any:
        """The same."""
        return self.user_term(key, token)

    def user_set_default_project(self, project_id: str, token: Tokens = None) -> None:
        """Let this project be charged where a request names none."""
        self.get_client(token).set_default_project(project_id)

    def uuids2usernames(self, uuids: Iterable[str], token: Tokens = None) -> dict[str, str]:
        """Names by id, of these and of all that were asked for before."""
        missing = [one for one in uuids if one not in self._usernames]
        if missing:
            self._learn(self.get_client(token).post_user_catalogs(uuids=missing))
        return dict(self._usernames)

    def usernames2uuids(self, usernames: Iterable[str], token: Tokens = None) -> dict[str, str]:
        """Ids by name, of these and of all that were asked for before."""
        missing = [one for one in usernames if one not in self._uuids]
        if missing:
            self._learn(self.get_client(token).post_user_catalogs(displaynames=missing))
        return dict(self._uuids)

    def _learn(self, found: Any) -> None:
        with self._guard:
            self._usernames.update(found.get("uuid_catalog") or {})
            self._uuids.update(found.get("displayname_catalog") or {})


def _first(token: Tokens) -> str | None:
    if token is None or isinstance(token, str):
        return token
    return next(iter(token), None)
