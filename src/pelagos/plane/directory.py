"""The directory as a program: its sources, among them the plane itself, behind an HTTP face."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pelagos.core.errors import PelagosError
from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import PlaneSettings, default_directory_config
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError

log = logging.getLogger(__name__)


class DirectoryProgram:
    """A directory that serves from threads of this process until `stop`."""

    def __init__(self, settings: PlaneSettings, folder: DataFolder, master_url: str) -> None:
        self._master_url = master_url
        self._client = SlapClient(master_url, token=folder.token())
        self._directory = Directory(
            settings.directory_config or default_directory_config(),
            verify=self._verify,
            context={"slap": self._client},
        )
        former = folder.endpoints().directory_url.rpartition(":")[2]
        port = settings.directory_port or (int(former) if former.isdigit() else 0)
        try:
            self._server = Server(self._directory.app, "127.0.0.1", port)
            self._server.start()
        except PelagosError:
            if settings.directory_port:
                self._directory.close()
                raise
            self._server = Server(self._directory.app, "127.0.0.1", 0)
            self._server.start()
        self.url = self._server.url
        folder.note(directory_url=self.url)

    def _verify(self, token: str) -> Mapping[str, object] | None:
        """Who a token belongs to, as the master says."""
        client = SlapClient(self._master_url, token=token, timeout=5.0)
        try:
            identity = client.identity()
        except SlapError as error:
            if error.status in {401, 403}:
                return None
            raise
        finally:
            client.close()
        return {"token": token, "auth_id": identity["name"], "xivo_user_uuid": identity["name"]}

    def stop(self) -> None:
        """Let running requests end, then unload the plugins."""
        self._server.stop()
        self._directory.close()
        self._client.close()
