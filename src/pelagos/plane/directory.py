"""The directory as a program: its sources, among them the plane itself, behind an HTTP face."""

from __future__ import annotations

import contextlib

from pelagos.core.http import HttpClient
from pelagos.directory import Directory
from pelagos.directory.auth.remembered import Remembered
from pelagos.directory.auth.settings import AuthSettings
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Listener
from pelagos.plane.listening import listen
from pelagos.plane.master_tokens import MasterTokens
from pelagos.plane.settings import PlaneSettings, default_directory_config
from pelagos.slap.client import SlapClient

#: What is announced when a person comes, goes, or gets other credentials.
_OF_PEOPLE = ("plane.person.#", "plane.certificate.#")


class DirectoryProgram:
    """A directory that serves from threads of this process until `stop`.

    It has no token of its own: the master is asked with the token of the person who asks here.
    """

    def __init__(
        self, settings: PlaneSettings, folder: DataFolder, master_url: str, bus: str
    ) -> None:
        with contextlib.ExitStack() as undoing:
            # Of nobody, even when the address has a token in it.
            http = HttpClient(master_url, tls=folder.client_tls()).with_token(None)
            undoing.callback(http.close)
            config = settings.directory.settings or default_directory_config()
            auth = AuthSettings.from_mapping(config)
            verify = Remembered(
                auth.verifier() or MasterTokens(http, rights=auth.rights), seconds=auth.trust
            )
            self._listener = Listener(bus, _OF_PEOPLE, verify.forget)
            undoing.callback(self._listener.stop)
            self._directory = Directory(
                config,
                verify=verify,
                context={"slap": SlapClient(http.base_url, http=http)},
            )
            undoing.callback(self._directory.close)
            former_url = folder.endpoints().directory_url
            self._server = listen(
                self._directory.app, "127.0.0.1", settings.directory.port, former_url
            )
            undoing.callback(self._server.stop)
            self.url = self._server.url
            folder.note(directory_url=self.url)
            self._ending = undoing.pop_all()

    def alive(self) -> bool:
        """Whether it still accepts requests, and hears of revoked tokens."""
        return self._server.alive() and self._listener.alive()

    def stop(self) -> None:
        """Let running requests end, then unload the plugins."""
        self._ending.close()
