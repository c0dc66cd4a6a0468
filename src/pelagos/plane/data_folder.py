"""What a plane keeps on this machine's disk, and how a command here finds the plane.

token          credential of the administrator, 0600
plane.json     where the parts answer, 0600
plane.db       the master's state, unless the configuration names another database
capacity.json  the machines that the plane made in clouds, 0600
ca/            the certificate authority, its key, and the master's own certificate
run/PART.lock  held while PART runs; names its process
node/          the agent's folder: software, instances, logs, its own token
log/           details of unexpected errors
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.core.files import read_token, write_atomic
from pelagos.core.http import ClientTls
from pelagos.plane.endpoints import FILE, Endpoints, read_endpoints
from pelagos.plane.settings import Part


class AlreadyRunning(PelagosError):
    """Another process runs this part on the same data.

    Attributes:
        pid: that process, 0 when it has not written it yet.
    """

    def __init__(self, part: Part, folder: Path, pid: int, url: str) -> None:
        where = f" at {url}" if url else ""
        super().__init__(
            f"the {part} of {folder} already runs (process {pid or 'unknown'}{where})",
            hint="use it as it is, end it with `pelagos down`, or give another folder with --data",
        )
        self.pid = pid


class DataFolder:
    """The folder of one plane."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "plane.db"
        self.machines = path / "capacity.json"
        self.ca = path / "ca"
        self.node = path / "node"
        self.log = path / "log"

    def create(self) -> None:
        """Make the folder, closed to others.

        Raises:
            PelagosError: it cannot be made or written; says why.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.ca, self.node, self.log, self.path / "run"):
                folder.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise PelagosError(
                f"cannot use {self.path} as data folder: {error.strerror or error}",
                hint="give another folder with --data or PELAGOS_DATA",
            ) from error

    # ---- credentials ----

    def token(self) -> str | None:
        """The administrator's token, None when this folder has none."""
        return read_token(self.path / "token") or None

    def node_token(self) -> str | None:
        """The token of this computer's agent, None when it has none."""
        return read_token(self.node / "token") or None

    def keep_token(self, token: str) -> None:
        """Write the administrator's token (0600, whole or not at all)."""
        write_atomic(self.path / "token", f"{token}\n", mode=0o600)

    def keep_node_token(self, token: str) -> None:
        """Write the token of this computer's agent (0600, whole or not at all)."""
        write_atomic(self.node / "token", f"{token}\n", mode=0o600)

    # ---- where the parts answer ----

    def endpoints(self) -> Endpoints:
        """What was last noted; empty values when nothing was.

        Raises:
            PelagosError: the file cannot be read or is damaged.
        """
        return read_endpoints(self.path)

    def client_tls(self) -> ClientTls | None:
        """Whom a client of this folder's master trusts; None while it speaks plain HTTP."""
        authority = self.endpoints().authority
        return ClientTls(authority=Path(authority)) if authority else None

    def note(self, **values: str | int) -> Endpoints:
        """Change some of the endpoints; others of this folder may be noted at the same time."""
        with (self.path / "run" / "endpoints.lock").open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            endpoints = replace(self.endpoints(), **values)  # type: ignore[arg-type]  # checked by its fields
            write_atomic(self.path / FILE, wire.encode(endpoints), mode=0o600)
        return endpoints

    # ---- who runs ----

    @contextlib.contextmanager
    def hold(self, part: Part) -> Iterator[None]:
        """Be the one process that runs this part here; the system lets go when the process ends.

        Raises:
            AlreadyRunning: another one is.
        """
        with self._lock_file(part).open("a+") as held:
            if not _taken(held):
                url = ""
                with contextlib.suppress(PelagosError):  # that it runs is what matters here
                    url = getattr(self.endpoints(), f"{part}_url", "")
                raise AlreadyRunning(part, self.path, _pid_in(self._lock_file(part)), url)
            held.truncate(0)
            held.write(str(os.getpid()))
            held.flush()
            yield
            held.truncate(0)

    def running(self, part: Part) -> int | None:
        """The process that runs this part, None when nobody does."""
        try:
            with self._lock_file(part).open() as held:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
        except FileNotFoundError:
            return None
        except BlockingIOError:
            return _pid_in(self._lock_file(part))

    def pids(self) -> list[int]:
        """The processes that run parts, each once."""
        return sorted({pid for part in Part if (pid := self.running(part))})

    def _lock_file(self, part: Part) -> Path:
        return self.path / "run" / f"{part}.lock"


def _taken(file: IO[str]) -> bool:
    # Somebody who only looks (`running`) holds the lock for a moment: try for a tenth of a second.
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False


def _pid_in(path: Path) -> int:
    text = path.read_text().strip()
    return int(text) if text.isdigit() else 0
