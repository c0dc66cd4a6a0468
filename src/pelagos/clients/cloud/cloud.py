"""A cloud by its name, and one client for each of its services."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from pelagos.clients.base import Client, Dialect
from pelagos.clients.cloud.known import KnownClouds
from pelagos.clients.cloud.session import CloudSession
from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.access import Access
from pelagos.clients.login.catalogue import versioned
from pelagos.clients.login.settings import CloudSettings
from pelagos.core.clock import Clock
from pelagos.core.http import HttpClient
from pelagos.core.http.transports.base import Transport

if TYPE_CHECKING:  # a program pays for the services that it asks
    from pelagos.clients.astakos import AstakosClient
    from pelagos.clients.blockstorage import BlockStorageClient
    from pelagos.clients.cloud.kept import KeptLogins
    from pelagos.clients.compute import ComputeClient
    from pelagos.clients.identity import IdentityClient
    from pelagos.clients.image import ImageClient
    from pelagos.clients.network import NetworkClient
    from pelagos.clients.pithos import PithosClient

AnyClient = TypeVar("AnyClient", bound=Client)

#: The classes of each service: of an OpenStack, of a Synnefo.
_CLASSES: Mapping[str, tuple[str, str]] = {
    "compute": ("compute:ComputeClient", "cyclades:CycladesComputeClient"),
    "network": ("network:NetworkClient", "cyclades:CycladesNetworkClient"),
    "volume": ("blockstorage:BlockStorageClient", "cyclades:CycladesBlockStorageClient"),
    "image": ("image:ImageClient", "image:ImageClient"),
    "object_store": ("pithos:PithosClient", "pithos:PithosClient"),
}


class Cloud:
    """One cloud: logs in once, when a service is first asked for, and has a client for each.

    Safe to share between threads. The clients share the login and the connections.

    Args:
        name: as configured; None: the one that `KnownClouds.get` takes then.
        settings: instead of a configured one.
        http: over whose connections; by default some of its own, with the cloud's TLS settings.
        environ: the environment; None: this process'.
        clock: tells when the token ends.

    Raises:
        CloudNotConfigured: there is no such cloud, or its configuration cannot be used. Nothing
            is sent yet.

    >>> from pelagos.clients.cloud import CloudSettings
    >>> Cloud(settings=CloudSettings("http://127.0.0.1:5000/v3", token="T"))
    Cloud('http://127.0.0.1:5000/v3')
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        settings: CloudSettings | None = None,
        http: HttpClient | Transport | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        if settings is None:
            settings = KnownClouds(environ).get(name)
        self.name = name
        self.settings = settings
        if http is None:
            http = HttpClient(settings.auth_url, tls=settings.tls)
        self._http = http.transport if isinstance(http, HttpClient) else http
        self._kept: KeptLogins | None = None
        if settings.keep_token and not settings.token:
            from pelagos.clients.cloud.kept import KeptLogins, login_folder  # noqa: PLC0415  # few do

            self._kept = KeptLogins(login_folder(environ), clock)
        self._is_first = True
        self.session = CloudSession(self._login, clock)
        self._lock = threading.Lock()
        self._clients: dict[type[Client], Client] = {}

    def __repr__(self) -> str:
        return f"Cloud({self.name or self.settings.auth_url!r})"

    def _login(self) -> Access:
        if self._kept is None:
            return self._enter()
        found = self._kept.find(self.settings) if self._is_first else None
        self._is_first = False  # one that was kept may be refused
        if found is None:
            found = self._enter()
            self._kept.keep(self.settings, found)
        return found

    def _enter(self) -> Access:
        # A program pays for the one way in that it takes.
        family = "astakos" if self.settings.is_synnefo else "keystone"
        module = import_module(f"pelagos.clients.login.{family}")
        found: Access = module.login(self.settings, self._http)
        return found

    # ---- what is known after the login; each of these logs in when nobody has yet

    @property
    def access(self) -> Access:
        """The login that is good now: token, user, project, catalogue."""
        return self.session.access()

    @property
    def dialect(self) -> Dialect:
        """The family of the cloud."""
        return self.settings.dialect or ("synnefo" if self.settings.is_synnefo else "openstack")

    def endpoint(self, service_type: str) -> str:
        """The address of a service: as configured, or else by the catalogue.

        Raises:
            CloudNotConfigured: there is none.
            ClientError: the login failed.
        """
        names = (service_type, *_CONFIGURED_AS.get(service_type, ()))
        own = next((url for name in names if (url := self.settings.endpoints.get(name))), None)
        if own is not None:
            return versioned(own, service_type, "", self.dialect)
        try:
            return self.access.catalogue.url(
                service_type, interface=self.settings.interface, region=self.settings.region
            )
        except CloudNotConfigured:
            if service_type != "identity" or self.dialect != "openstack":
                raise
            return self.settings.auth_url  # a token without a project has no catalogue

    # ---- clients

    def client(self, kind: type[AnyClient], **more: Any) -> AnyClient:
        """A client of this class for this cloud; the same one each time.

        Args:
            kind: its `service_type` says for which service.
            more: further arguments of the class; with any, the client is a new one.

        Raises:
            CloudNotConfigured: the cloud has no such service.
            ClientError: the login failed.
        """
        found = self._clients.get(kind)
        if found is not None and not more:
            return found  # type: ignore[return-value]  # kept under its own class
        made = kind(**{**self._terms(kind), **more})
        if more:
            return made
        with self._lock:
            return self._clients.setdefault(kind, made)  # type: ignore[return-value]

    def _terms(self, kind: type[Client]) -> dict[str, Any]:
        if not kind.service_type:
            raise CloudNotConfigured(f"{kind.__name__} does not say for which service it is")
        terms: dict[str, Any] = {
            "endpoint_url": self.endpoint(kind.service_type),
            "http": self._http,
            "session": self.session,
            "dialect": self.dialect,
            "timeout": self.settings.timeout,
            **self._neighbours(kind),
        }
        if kind.service_type == "object-store":
            is_synnefo = self.dialect == "synnefo"  # others say the account in the address
            terms["account"] = self.settings.account or (
                self.access.user_id if is_synnefo else None
            )
            terms["container"] = self.settings.container
        return terms

    def _neighbours(self, kind: type[Client]) -> dict[str, str]:
        """Where the other services are that a client speaks to, as far as the cloud has them."""
        found = {}
        for argument, service in kind.NEIGHBOURS.items():
            with contextlib.suppress(CloudNotConfigured):
                found[argument] = self.endpoint(service)
        return found

    def _of(self, service: str) -> Any:
        package, _, name = _CLASSES[service][self.dialect == "synnefo"].partition(":")
        return self.client(getattr(import_module(f"pelagos.clients.{package}"), name))

    @property
    def compute(self) -> ComputeClient:
        """Servers, flavours, keys; of a Synnefo, a `CycladesComputeClient`."""
        return self._of("compute")  # type: ignore[no-any-return]  # by the table

    @property
    def network(self) -> NetworkClient:
        """Networks, ports, addresses; of a Synnefo, a `CycladesNetworkClient`."""
        return self._of("network")  # type: ignore[no-any-return]  # by the table

    @property
    def volume(self) -> BlockStorageClient:
        """Volumes and snapshots; of a Synnefo, a `CycladesBlockStorageClient`."""
        return self._of("volume")  # type: ignore[no-any-return]  # by the table

    @property
    def image(self) -> ImageClient:
        """Images."""
        return self._of("image")  # type: ignore[no-any-return]  # by the table

    @property
    def object_store(self) -> PithosClient:
        """Containers and objects."""
        return self._of("object_store")  # type: ignore[no-any-return]  # by the table

    @property
    def identity(self) -> IdentityClient:
        """Users, projects and roles of an OpenStack.

        Raises:
            CloudNotConfigured: it is a Synnefo, whose users are `astakos`' affair.
        """
        if self.dialect == "synnefo":
            raise CloudNotConfigured("a Synnefo has no Keystone", hint="use its `astakos`")
        from pelagos.clients.identity import IdentityClient  # noqa: PLC0415  # only when asked for

        return self.client(IdentityClient)

    @property
    def astakos(self) -> AstakosClient:
        """Users, projects and quotas of a Synnefo; of an OpenStack, what Keystone has of it."""
        from pelagos.clients.astakos import AstakosClient  # noqa: PLC0415  # only when asked for

        found = self._clients.get(AstakosClient)
        if found is None:
            made = AstakosClient(
                self.settings.auth_url,
                http=self._http,
                session=self.session,
                dialect=self.dialect,
                timeout=self.settings.timeout,
            )
            with self._lock:
                found = self._clients.setdefault(AstakosClient, made)
        return found  # type: ignore[return-value]  # kept under its own class


#: Further names under which an address may be configured.
_CONFIGURED_AS: Mapping[str, tuple[str, ...]] = {
    "volume": ("block-storage", "volumev3", "block-store"),
    "object-store": ("object-storage",),
}
