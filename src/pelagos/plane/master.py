"""The master as a program: its store, its HTTP face and the administrator's token."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from pelagos.plane.data_folder import DataFolder
from pelagos.plane.listening import listen
from pelagos.plane.settings import PlaneSettings
from pelagos.slap.master import Master
from pelagos.slap.model import Event

log = logging.getLogger(__name__)

#: Requests at once; those that wait for events hold a third of them at the most.
_THREADS = 24

Notify = Callable[[tuple[Event, ...]], None]


class MasterProgram:
    """A master that serves from threads of this process until `stop`."""

    def __init__(self, settings: PlaneSettings, folder: DataFolder, notify: Notify) -> None:
        with contextlib.ExitStack() as undoing:
            self._master = Master(f"sqlite:///{folder.database}", notify=notify)
            undoing.callback(self._master.close)
            former_url = folder.endpoints().master_url
            self._server = listen(
                self._master.app,
                settings.master.host,
                settings.master.port,
                former_url,
                threads=_THREADS,
            )
            undoing.callback(self._server.stop)
            self.url = self._server.url
            folder.note(master_url=self.url)
            _see_to_the_token(self._master, folder)
            undoing.pop_all()

    def node_token(self, computer_id: str, folder: DataFolder) -> str:
        """The token with which this computer's agent calls, made when there is no good one."""
        token = folder.node_token()
        identity = self._master.service.identify(token) if token else None
        if token is None or identity is None or identity.name != computer_id:
            token = self._master.service.register_computer(computer_id)
            folder.keep_node_token(token)
        return token

    def alive(self) -> bool:
        """Whether it still accepts requests."""
        return self._server.alive()

    def stop(self) -> None:
        """Let running requests end, then close the store."""
        self._master.end_waiting()  # else a follower of events holds the server for long
        self._server.stop()
        self._master.close()


def _see_to_the_token(master: Master, folder: DataFolder) -> None:
    token = folder.token()
    if token is None or master.service.identify(token) is None:
        folder.keep_token(master.service.create_person("admin"))
        log.info("a new administrator's token is in %s", folder.path / "token")
