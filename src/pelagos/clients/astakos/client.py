"""The client of Astakos: who somebody is, what he may use, and where the services are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from pelagos.clients.astakos.projects import Projects
from pelagos.clients.astakos.quotas import QuotasAndCommissions
from pelagos.clients.astakos.types import Service, User
from pelagos.clients.astakos.users import Users
from pelagos.clients.base import Client, Dialect, Reply
from pelagos.clients.errors import ClientError, NotFound, Unsupported, WrongAnswer
from pelagos.clients.login import keystone
from pelagos.clients.login.access import Access
from pelagos.clients.login.catalogue import Catalogue, versioned
from pelagos.clients.login.settings import CloudSettings

#: What programs of the ancestor catch; each error of these clients is one.
AstakosClientError = ClientError


class AstakosClient(Client, Users, QuotasAndCommissions, Projects):
    """Who has a token, and what there is for him.

    Of an OpenStack, what Keystone has of it: login, catalogue, the user. Quotas, commissions and
    memberships are refused there, and nothing is sent.

    Args:
        endpoint_url: of Astakos (…/identity/v2.0), or of Keystone (…/v3).
        token: of the user, or of a service where a method says so.
        more: as `Client` takes it.
    """

    service_type: ClassVar[str] = "identity"
    DEFAULT_API_VERSION: ClassVar[str] = "2.0"

    def __init__(
        self,
        endpoint_url: str | None = None,
        token: str | None = None,
        *,
        base_url: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(endpoint_url, token, base_url=base_url, **more)
        self._lock = threading.Lock()
        self._account: Client | None = None
        self._known: Any = None

    @property
    def is_keystone(self) -> bool:
        """Whether an OpenStack's Keystone answers, and not Astakos."""
        family: Dialect | None = self.dialect
        if family is not None:
            return family == "openstack"
        return urlsplit(self.endpoint_url).path.endswith("/v3")

    # ---- the login

    def authenticate(self, token: str | None = None) -> Any:
        """Who has the token, and the catalogue, in Astakos' shape: {"access": {…}}.

        Args:
            token: instead of the client's own.

        Raises:
            Unauthorized: the token is wrong or has ended.
        """
        mine = token or self.token
        known: Any
        if self.is_keystone:
            known = _in_astakos_shape(self._look_up(mine or ""))
        else:
            body = {"auth": {"token": {"id": mine}}}
            known = self.post("/tokens", json=body, success=(200, 203)).json
        self._check(known)
        if mine == self.token:
            self._known = known
        return known

    def get_endpoints(self) -> Any:
        """The catalogue alone, which needs no token: {"access": {"serviceCatalog": […]}}."""
        if self.is_keystone:
            return self._details()
        headers = {"Content-Type": "application/json", "Content-Length": "0"}
        known = self.post("/tokens", data=b"", headers=headers, success=(200, 203)).json
        self._check(known)
        return known

    def _check(self, known: Any) -> None:
        """See whether an answer is that to a login, all its parts of the right shape.

        Raises:
            WrongAnswer: it is another.
        """
        access = known.get("access") if isinstance(known, dict) else None
        if isinstance(access, dict):
            parts = [access.get(name) or {} for name in ("user", "token")]
            services = access.get("serviceCatalog") or []
            endpoints = [
                one.get("endpoints") or [] if isinstance(one, dict) else None
                for one in (services if isinstance(services, list) else [None])
            ]
            if _are(parts, dict) and all(isinstance(e, list) and _are(e, dict) for e in endpoints):
                return
        raise WrongAnswer(
            f"{self.endpoint_url} did not answer as Astakos does",
            hint="check that the address is that of Astakos",
        )

    def _offered(self) -> list[dict[str, Any]]:
        return self.get_endpoints()["access"].get("serviceCatalog") or []

    def _look_up(self, token: str) -> Access:
        settings = CloudSettings(self.endpoint_url, token=token, timeout=self.timeout)
        return keystone.login(settings, self._sender.transport)

    def _details(self) -> Any:
        return self._known if self._known is not None else self.authenticate()

    # ---- what it gave

    @property
    def user_info(self) -> User:
        """The user, as the login said; logs in when nobody has yet."""
        return cast(User, self._details()["access"].get("user") or {})

    def user_term(self, term: str) -> Any:
        """One fact of the user.

        Raises:
            NotFound: there is none.
        """
        user = cast("dict[str, Any]", self.user_info)
        if term not in user:
            known = ", ".join(sorted(user))
            raise NotFound(f"nothing is known as {term} of the user", hint=f"known: {known}")
        return user[term]

    def get_services(self) -> list[Service]:
        """The services of the catalogue."""
        return cast("list[Service]", self._details()["access"].get("serviceCatalog") or [])

    def get_service_details(self, service_type: str) -> Service:
        """The first service of a type, without regard to case.

        Raises:
            NotFound: there is none.
        """
        for service in self.get_services():
            if str(service.get("type", "")).lower() == service_type.lower():
                return service
        kinds = sorted({str(one.get("type")) for one in self.get_services()})
        raise NotFound(
            f"the catalogue has no service of type {service_type}", hint=f"it has: {kinds}"
        )

    def get_service_endpoints(
        self, service_type: str, version: str | None = None
    ) -> dict[str, Any]:
        """The first endpoint of a type, and of a version; empty when there is none."""
        for service in self.get_services():
            if str(service.get("type", "")).lower() != service_type.lower():
                continue
            for endpoint in service.get("endpoints") or []:
                if version in (None, "", endpoint.get("versionId")):
                    return endpoint
        return {}

    def get_endpoint_url(self, service_type: str, version: str | None = None) -> str:
        """The address of a service, with its version in it.

        Raises:
            NotFound: there is none.
        """
        endpoint = self.get_service_endpoints(service_type, version)
        url = endpoint.get("publicURL")
        if not isinstance(url, str):
            self.get_service_details(service_type)
            raise NotFound(f"the catalogue has no address of {service_type} {version or ''}")
        family: Dialect = "openstack" if self.is_keystone else "synnefo"
        return versioned(url, service_type, str(endpoint.get("versionId") or ""), family)

    # ---- the account service

    def _call(self, method: str, path: Any, **how: Any) -> Reply:
        return self._account_client().request(method, path, **how)

    def _account_client(self) -> Client:
        if self.is_keystone:
            raise Unsupported(
                "Keystone has no quotas, commissions, memberships and lists of names for users",
                501,
                hint="ask compute, volumes and networks for quotas, `identity` for users",
            )
        found = self._account
        if found is None:
            found = Client(
                self._account_url(),
                self._token,
                http=self._sender.transport,
                timeout=self.timeout,
                session=self.session,
            )
            with self._lock:
                self._account = self._account or found
                found = self._account
        return found

    def _account_url(self) -> str:
        for service in self._offered():
            if service.get("name") == "astakos_account" or service.get("type") == "account":
                endpoint = (service.get("endpoints") or [{}])[0]
                return versioned(
                    str(endpoint.get("publicURL")),
                    "account",
                    str(endpoint.get("versionId") or ""),
                    "synnefo",
                )
        raise NotFound(
            f"the catalogue of {self.endpoint_url} has no account service",
            hint="check that the address is that of Astakos",
        )

    def get_ui_services(self) -> list[dict[str, Any]]:
        """What the cloud's web page offers: id, name, url, icon of each. Needs no token."""
        return cast("list[dict[str, Any]]", self._ui("get_services"))

    def get_menu(self) -> list[dict[str, Any]]:
        """The menu of the cloud's web page."""
        return cast("list[dict[str, Any]]", self._ui("get_menu"))

    def _ui(self, what: str) -> Any:
        for service in self._offered():
            for endpoint in service.get("endpoints") or []:
                url = endpoint.get("SNF:uiURL")
                if str(service.get("name", "")).startswith("astakos") and isinstance(url, str):
                    return Client(url, http=self._sender.transport).get(f"/{what}").json
        raise NotFound("the catalogue has no web page", hint="ask who runs the cloud")

    def get_token(
        self,
        grant_type: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        **params: Any,
    ) -> Any:
        """A token of OAuth 2.

        Args:
            grant_type: as "authorization_code".
            client_id, client_secret: of the program.
            params: what else the grant needs, as code and redirect_uri.
        """
        from base64 import b64encode  # noqa: PLC0415  # beside its one use
        from urllib.parse import urlencode  # noqa: PLC0415  # beside its one use

        found = [
            endpoint["publicURL"]
            for service in self._offered()
            for endpoint in service.get("endpoints") or []
            if service.get("name") == "astakos_oauth2" and endpoint.get("publicURL")
        ]
        if not found:
            raise NotFound("the catalogue has no OAuth 2", hint="ask who runs the cloud")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if client_id is not None:
            pair = f"{client_id}:{client_secret or ''}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        form = urlencode({"grant_type": grant_type, **params})
        return (
            Client(str(found[0]), http=self._sender.transport)
            .post("/token", data=form, headers=headers)
            .json
        )


def _are(things: list[Any], kind: type) -> bool:
    return all(isinstance(one, kind) for one in things)


def _in_astakos_shape(access: Access) -> dict[str, Any]:
    """A login at Keystone as Astakos would have answered it."""
    return {
        "access": {
            "token": {
                "id": access.token,
                "expires": access.expires,
                "tenant": {"id": access.project_id, "name": access.project_name},
            },
            "user": {
                "id": access.user_id,
                "name": access.user_name,
                "roles": [{"name": name} for name in access.roles],
                "roles_links": [],
            },
            "serviceCatalog": _services(access.catalogue),
        }
    }


def _services(catalogue: Catalogue) -> list[Mapping[str, Any]]:
    services: dict[tuple[str, str], dict[str, Any]] = {}
    for one in catalogue.endpoints:
        if one.interface != "public":
            continue
        service = services.setdefault(
            (one.service_type, one.name),
            {"type": one.service_type, "name": one.name, "endpoints": [], "endpoints_links": []},
        )
        service["endpoints"].append(
            {"publicURL": one.url, "region": one.region, "versionId": one.version}
        )
    return list(services.values())
