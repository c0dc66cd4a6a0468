"""A certificate that others renew: the server takes the new files without a pause."""

from __future__ import annotations

import logging
import threading

from pelagos.core.errors import PelagosError
from pelagos.core.web.server import Server
from pelagos.core.web.tls import ServerTls

log = logging.getLogger(__name__)

#: Seconds between two looks at the files.
PERIOD = 10.0

_State = tuple[tuple[int, int, int], ...]


class CertificateWatch:
    """A thread that looks whether the files have changed, until `stop`.

    Files that do not fit, as between the writing of one and of the other, change nothing: the
    former pair stays in use, and the next look tries again.

    Args:
        server: that has started with these files.
        period: seconds between two looks; None: `PERIOD`.
    """

    def __init__(self, server: Server, tls: ServerTls, period: float | None = None) -> None:
        self._server = server
        self._files = (tls.certificate, tls.key)
        self._period = PERIOD if period is None else period
        self._taken = self._failed = self._state()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate", daemon=True)
        self._thread.start()

    def look(self) -> bool:
        """Let the server take files that have changed; tell whether it did."""
        state = self._state()
        if state is None or state == self._taken:
            return False
        try:
            self._server.renew_certificate()
        except PelagosError as error:
            if state != self._failed:  # once for these files
                log.warning("a renewed certificate cannot be used, the former stays: %s", error)
            self._failed = state
            return False
        self._taken = state
        log.info("took the renewed certificate %s", self._files[0])
        return True

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ending.wait(self._period):
            self.look()

    def _state(self) -> _State | None:
        """What changes with the files; None while one is missing."""
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return None
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)
