"""The directory as a program: its sources, among them the plane itself, behind an HTTP face."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.core.http import HttpClient
from pelagos.core.http.transports.pooled import PooledTransport
from pelagos.core.web import ServerTls
from pelagos.core.web.watch import CertificateWatch
from pelagos.directory import Directory
from pelagos.directory.auth.remembered import Remembered
from pelagos.directory.auth.settings import AuthSettings
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.directory_bus import DirectoryBus
from pelagos.plane.directory_config import directory_config, place_told, with_database
from pelagos.plane.events import Listener
from pelagos.plane.listening import listen
from pelagos.plane.master_tokens import MasterTokens
from pelagos.plane.sections import DirectoryConfig
from pelagos.plane.settings import PlaneSettings
from pelagos.slap.client import SlapClient

#: What is announced when a person comes, goes, or gets other credentials.
_OF_PEOPLE = ("plane.person.#", "plane.certificate.#")
#: To the master: each of its two sources may ask sixteen questions at once, and tokens are asked
#: about besides.
_CONNECTIONS = 40
#: The queues of a directory on the bus begin with it.
_NAME = "pelagos.directory"
#: Requests that are worked on at once: 20 a second, each of which waits 2 s for a hung source.
_THREADS = 64


class DirectoryProgram:
    """A directory that serves from threads of this process until `stop`.

    It has no token of its own: the master is asked with the token of the person who asks here.

    Args:
        settings: of the plane.
        folder: of the plane; the database is there, unless the settings name another.
        master_url: whose services and computers are sources, and who knows the tokens. Empty for a
            directory without a plane, whose settings must name another verification.
        bus: URL of the plane's bus; empty for none.

    Attributes:
        url: where it answers.
        phone_urls: where desk phones ask; none unless the settings have a section `phones`.

    Raises:
        ConfigError: the settings are wrong.
        PelagosError: a database, an address or a file cannot be had.
    """

    def __init__(
        self, settings: PlaneSettings, folder: DataFolder, master_url: str, bus: str
    ) -> None:
        own = settings.directory
        config = directory_config(own.settings, has_plane=bool(master_url))
        config = with_database(config, str(folder.path))
        self._alive: list[Callable[[], bool]] = []
        self.phone_urls: tuple[str, ...] = ()
        with contextlib.ExitStack() as undoing:
            context: dict[str, Any] = {"environ": settings.environ}
            http = None
            if master_url:
                # Of nobody, even when the address has a token in it.
                carrier = PooledTransport(pool_size=_CONNECTIONS, tls=folder.client_tls())
                http = HttpClient(master_url, transport=carrier).with_token(None)
                undoing.callback(http.close)
                context["slap"] = SlapClient(http.base_url, http=http)
            verify = _verifier(config, http)
            line = None
            if bus:
                line = DirectoryBus(bus, own.exchange, _NAME)
                undoing.callback(line.stop)
                listener = Listener(bus, _OF_PEOPLE, verify.forget)
                undoing.callback(listener.stop)
                self._alive += [line.alive, listener.alive]
            with place_told():
                directory = Directory(config, verify=verify, context=context, bus=line)
            undoing.callback(directory.close)
            if "phones" in config:
                with place_told():
                    self._open_to_phones(config, directory.services, undoing)
            former_url = folder.endpoints().directory_url
            tls = _tls(own)
            server = listen(
                directory.app,
                own.host,
                own.port,
                former_url,
                section="directory",
                threads=_THREADS,
                tls=tls,
            )
            undoing.callback(server.stop)
            if tls is not None:
                undoing.callback(CertificateWatch(server, tls).stop)
            self._alive.append(server.alive)
            self.url = server.url
            folder.note(directory_url=self.url, phone_urls=" ".join(self.phone_urls))
            self._ending = undoing.pop_all()

    def _open_to_phones(
        self,
        config: Mapping[str, Any],
        services: Mapping[str, Any],
        undoing: contextlib.ExitStack,
    ) -> None:
        from pelagos.directory.views.phones.servers import PhoneServers

        if "lookup" not in services:
            raise ConfigError(
                "phones: there is no service lookup to ask",
                hint="enable it, or take the section phones out",
            )
        phones = PhoneServers(config, services["lookup"])
        undoing.callback(phones.stop)
        self._alive.append(phones.alive)
        self.phone_urls = phones.urls

    def alive(self) -> bool:
        """Whether it still accepts requests, and hears of revoked tokens."""
        return all(is_alive() for is_alive in self._alive)

    def stop(self) -> None:
        """Let running requests end, then unload the plugins."""
        self._ending.close()


def _tls(own: DirectoryConfig) -> ServerTls | None:
    if own.certificate is None and own.key is None:
        return None
    if own.certificate is None or own.key is None:
        missing = "certificate" if own.certificate is None else "key"
        raise ConfigError(
            f"[directory] {missing} is missing", hint="HTTPS needs both certificate and key"
        )
    return ServerTls(own.certificate, own.key)


def _verifier(config: Mapping[str, Any], http: HttpClient | None) -> Remembered:
    """Who says whose a token is: what the settings name, else the master."""
    auth = AuthSettings.from_mapping(config)
    verifier = auth.verifier()
    if verifier is None and http is not None:
        verifier = MasterTokens(http, rights=auth.rights)
    if verifier is None:
        raise ConfigError(
            "nobody is known who could tell whose a token is: there is no plane, and the "
            "directory's settings have no section auth",
            hint="name a plane with --master-url, or write [directory.settings.auth]",
        )
    return Remembered(verifier, seconds=auth.trust)
