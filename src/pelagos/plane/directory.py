"""The directory as a program: its sources, among them the plane itself, behind an HTTP face."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient
from pelagos.directory import Directory
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.events import Listener
from pelagos.plane.listening import listen
from pelagos.plane.settings import PlaneSettings, default_directory_config
from pelagos.slap.client import SlapClient

#: What is announced when a person comes, goes, or gets other credentials.
_OF_PEOPLE = ("plane.person.#", "plane.certificate.#")
#: Seconds for which the master's word on a token is good, when no event ends it sooner.
TRUST = 5.0
#: Seconds that the master may take to say whose a token is.
_PATIENCE = 5.0
#: Tokens that are remembered at the most.
_REMEMBERED = 1000


class TokenVerifier:
    """Asks the master whose a token is, and remembers the answer for a moment."""

    def __init__(self, http: HttpClient, *, clock: Clock | None = None) -> None:
        self._http = http
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._forgotten = 0
        self._known: dict[str, tuple[float, Mapping[str, object] | None]] = {}

    def __call__(self, token: str) -> Mapping[str, object] | None:
        """The facts of a person's token as the directory's plugins see them, None of any other.

        The directory is for people; a computer or a partition has nothing to look up in it.

        Raises:
            PelagosError: the master does not say.
        """
        now = self._clock.monotonic()
        if (entry := self._known.get(token)) and now < entry[0]:
            return entry[1]
        seen = self._forgotten
        answer = self._http.request(
            "GET",
            "v1/identity",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_PATIENCE,
        )
        if answer.status == 200:  # noqa: PLR2004  # HTTP OK
            facts = _facts(token, answer.json())
        elif answer.status in {401, 403}:
            facts = None
        else:
            raise PelagosError(
                f"the master cannot tell whose the token is ({answer.status})",
                hint="its log says why",
            )
        with self._lock:
            if seen == self._forgotten:  # else what the master said may be of the time before
                if len(self._known) >= _REMEMBERED:
                    self._known = {}
                self._known[token] = (now + TRUST, facts)
        return facts

    def forget(self) -> None:
        """Ask the master anew from now on: it has said that somebody's credentials changed."""
        with self._lock:
            self._forgotten += 1
            self._known = {}


def _facts(token: str, answer: object) -> Mapping[str, object] | None:
    kind = answer.get("kind") if isinstance(answer, Mapping) else None
    name = answer.get("name") if isinstance(answer, Mapping) else None
    if not isinstance(kind, str) or not isinstance(name, str):
        raise wire.WireError(
            "the answer about a token is not that of a master",
            hint="check the address of the master",
        )
    if kind != "person":
        return None
    return {"token": token, "auth_id": name, "xivo_user_uuid": name}


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
            verifier = TokenVerifier(http)
            self._listener = Listener(bus, _OF_PEOPLE, verifier.forget)
            undoing.callback(self._listener.stop)
            self._directory = Directory(
                settings.directory.settings or default_directory_config(),
                verify=verifier,
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
