"""The master as a program: its store, its HTTP face and the administrator's token."""

from __future__ import annotations

import contextlib
import logging
from socket import gethostname
from time import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from pelagos.core.certificate import Authority
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Announcer
from pelagos.plane.hauling import cache_settings
from pelagos.plane.https import (
    Renewer,
    ServerCertificate,
    local_host,
    outward_host,
    plain_http_is_risky,
    server_names,
    shows_own,
    speaks_https,
)
from pelagos.plane.listening import listen
from pelagos.plane.products import products
from pelagos.plane.sections import MasterConfig
from pelagos.plane.settings import PlaneSettings
from pelagos.slap.master import AgentLine, Master, MasterSettings
from pelagos.slap.model import Event

if TYPE_CHECKING:  # a plane without such machines does not pay for them
    from pelagos.plane.capacity.program import CapacityProgram

log = logging.getLogger(__name__)

#: Requests at once; those that wait for events hold a third of them at the most.
_THREADS = 24


class MasterProgram:
    """A master that serves from threads of this process until `stop`.

    Args:
        settings: of the plane.
        folder: with its data.
        announcer: announces its events, and is stopped with it.
        line: carries its calls to agents.
        machines: makes machines for those who wait; begun and stopped with it.
    """

    def __init__(
        self,
        settings: PlaneSettings,
        folder: DataFolder,
        announcer: Announcer,
        line: AgentLine | None = None,
        machines: CapacityProgram | None = None,
    ) -> None:
        self._announcer, self._machines = announcer, machines
        with contextlib.ExitStack() as undoing:
            wished = settings.master
            https = speaks_https(wished.host, wished.https)
            _warn_of_plain_http(wished.host, https=https)
            authority = Authority.open(folder.ca, name=f"pelagos {gethostname()}", now=time())
            database = settings.master.database or f"sqlite:///{quote(str(folder.database))}"
            cache = cache_settings(settings.cache, folder)
            self._master = Master(
                database,
                notify=self._notify,
                line=line,
                capacity=None if machines is None else machines.line,
                authority=authority,
                settings=_tuned(wished),
                cache=cache,
            )
            undoing.callback(self._master.close)
            announcer.begin(self._master.announcements())
            undoing.callback(announcer.stop)
            former_url = folder.endpoints().master_url
            certificate = None
            names = server_names(wished.host, wished.names) if https else ()
            if https:
                certificate = ServerCertificate(folder, authority, names)
                certificate.see_to()
            self._server = listen(
                self._master.app,
                wished.host,
                wished.port,
                former_url,
                section="master",
                threads=_THREADS,
                tls=None if certificate is None else certificate.tls,
            )
            undoing.callback(self._server.stop)
            self._renewer = None
            if certificate is not None:
                self._renewer = Renewer(certificate, self._server.renew_certificate)
                undoing.callback(self._renewer.stop)
            self.url = self._at(local_host(wished.host))
            outward = wished.public_url or self._at(outward_host(wished.host))
            self._master.announce(outward, is_own=shows_own(outward, names))
            _see_to_the_token(self._master, folder)  # whoever finds the address will want it
            folder.note(master_url=self.url, authority=str(folder.ca / "ca.pem") if https else "")
            if machines is not None:
                is_own = https and shows_own(outward, names)
                undoing.callback(machines.stop)
                machines.begin(
                    self._master.service, outward, authority.fingerprint if is_own else None
                )
            undoing.pop_all()

    def node_token(self, computer_id: str, folder: DataFolder) -> str:
        """The token with which this computer's agent calls, made when there is no good one."""
        token = folder.node_token()
        identity = self._master.service.identify(token) if token else None
        if token is None or identity is None or identity.name != computer_id:
            token = self._master.service.register_computer(computer_id)
            folder.keep_node_token(token)
        return token

    def _at(self, host: str) -> str:
        scheme = "http" if self._renewer is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._server.port}"

    def _notify(self, events: tuple[Event, ...]) -> None:
        self._announcer.wake(events)
        if self._machines is not None:
            self._machines.wake(events)

    def alive(self) -> bool:
        """Whether it still accepts requests."""
        return self._server.alive()

    def stop(self) -> None:
        """Let running requests end, then close the store."""
        if self._machines is not None:
            self._machines.stop()
        self._master.end_waiting()  # else a follower of events holds the server for long
        if self._renewer is not None:
            self._renewer.stop()
        self._server.stop()
        self._announcer.stop()
        self._master.close()


def _warn_of_plain_http(host: str, *, https: bool) -> None:
    if plain_http_is_risky(host, https=https):
        log.warning(
            "[master] https = false on %s: whoever listens on the network between reads all "
            "tokens, unless a proxy in front speaks HTTPS",
            host,
        )


def _tuned(wished: MasterConfig) -> MasterSettings:
    return MasterSettings(
        refuse_invalid_parameters=wished.refuse_invalid_parameters,
        products=products(wished.products),
        events_lifetime=wished.events_days * 86_400.0,
        events_kept=wished.events_kept,
        usage_lifetime=wished.usage_days * 86_400.0,
    )


def _see_to_the_token(master: Master, folder: DataFolder) -> None:
    token = folder.token()
    if token is not None and master.service.identify(token) is not None:
        return
    made = master.service.restore_operator("admin")
    if made is None:
        log.warning(
            "admin is no operator of this plane any more, so %s is left as it is; another "
            "operator lets you in: pelagos person add NAME",
            folder.path / "token",
        )
        return
    folder.keep_token(made)
    log.info("a new administrator's token is in %s", folder.path / "token")
