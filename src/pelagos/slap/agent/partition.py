"""The files of one partition: what was left, what the next run needs, its services."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from pelagos.slap.agent.account import Account, acting_as, owner_of
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.facts import PartitionSeen, ProgramStatus
from pelagos.slap.agent.files import ensure_folder, write_atomic
from pelagos.slap.agent.layout import LOCKS
from pelagos.slap.agent.process import end_processes_of
from pelagos.slap.agent.removal import remove
from pelagos.slap.agent.supervisors.base import Program
from pelagos.slap.agent.untrusted import list_untrusted, open_untrusted, read_untrusted
from pelagos.slap.model import Cause

TIMESTAMP = ".timestamp"
STATE = ".slapgrid"
RESOURCE = ".slapos-resource"
_INSTALLED_LIMIT = 1 << 26
#: Files in `etc/run` or `etc/service`; each look at a partition goes through them.
_ENTRIES = 1000
#: Bytes of an executable that are read to know it again.
_HASHED = 1 << 24
_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,100}")
S = TypeVar("S", bound="PartitionFiles")
P = ParamSpec("P")
T = TypeVar("T")


def _as_owner(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """Have a method touch the disk as the owner of the partition."""

    @wraps(method)
    def method_as_owner(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            owner = owner_of(self.folder)
        except FileNotFoundError:  # not made yet
            owner = None
        with acting_as(owner):
            return method(self, *args, **kwargs)

    return method_as_owner  # type: ignore[return-value]  # mypy names `self` in it


class PartitionFiles:
    """One partition folder. Methods touch the disk; nothing is remembered between two calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / STATE
        self._ssl = self._state / "ssl"

    @property
    def log(self) -> Path:
        """The output of the last configuration."""
        return self._state / "log" / "instance.log"

    @property
    def lock(self) -> Path:
        """Locked while the partition is being changed, by whatever changes it.

        It lies where the instance cannot open it: a lock that it held would hold up the agent.
        """
        return self.folder.parent / LOCKS / self.folder.name

    @_as_owner
    def ensure(self) -> None:
        """Make the folder, mode 0750, and the agent's own folders in it."""
        ensure_folder(self.folder, 0o750)
        ensure_folder(self._state, 0o750)
        ensure_folder(self._state / "log", 0o750)

    @_as_owner
    def see(self, programs: tuple[ProgramStatus, ...]) -> PartitionSeen:
        """What lies here now; nothing that an instance left in its folder makes this fail."""
        guid = _read(self._state / "guid", 500)
        is_unsupervised = False
        if not programs:
            with contextlib.suppress(OSError, StepFailed):
                is_unsupervised = any(self._executables())
        return PartitionSeen(
            timestamp=_read(self.folder / TIMESTAMP, 200),
            guid=guid,
            is_empty=guid is None,
            programs=programs,
            is_unsupervised=is_unsupervised,
        )

    @_as_owner
    def begin(self, guid: str, release: Path) -> None:
        """Note that a run begins: from here until `finish` nothing is up to date.

        buildout rewrites its `.installed.cfg` in place; when a run was killed in the middle of
        that, the copy of the last good one comes back.
        """
        (self.folder / TIMESTAMP).unlink(missing_ok=True)
        # The original's library notes there what a run requests.
        (self.folder / f".slapos-request-transaction-{self.folder.name}").unlink(missing_ok=True)
        running, kept = self._state / "running", self._state / "installed.cfg"
        installed = self.folder / ".installed.cfg"
        if running.exists():
            _copy(kept, installed)
        elif installed.exists():
            _copy(installed, kept)
        write_atomic(self._state / "guid", guid, mode=0o640)
        running.touch()
        link = self.folder / "software_release"
        if not link.is_symlink() or link.readlink() != release:
            link.unlink(missing_ok=True)
            link.symlink_to(release)

    @_as_owner
    def end(self) -> None:
        """Note that a run came to its end, good or bad."""
        (self._state / "running").unlink(missing_ok=True)

    @_as_owner
    def finish(self, timestamp: str) -> None:
        """Note that a wish was carried out and reported."""
        write_atomic(self.folder / TIMESTAMP, timestamp, mode=0o640)

    @_as_owner
    def token(self, guid: str) -> str | None:
        """The partition's token for this instance, if the master gave one before."""
        known = (_read(self._state / "token") or "").split("\n")
        return known[1] if known[0] == guid and known[1:] else None

    @_as_owner
    def keep_token(self, guid: str, token: str) -> None:
        """Keep the token for the next run."""
        write_atomic(self._state / "token", f"{guid}\n{token}", mode=0o600)

    @_as_owner
    def forget_token(self) -> None:
        """Ask the master for a new token next time."""
        (self._state / "token").unlink(missing_ok=True)

    @_as_owner
    def certificate(self, guid: str) -> str | None:
        """The certificate (PEM) that is kept for this instance, if there is one with its key."""
        if _read(self._ssl / "guid") != guid or not (self._ssl / "partition.key").exists():
            return None
        return _read(self._ssl / "partition.crt", 65536)

    @_as_owner
    def certificate_paths(self, guid: str) -> tuple[str, str] | None:
        """The files of the key and the certificate of this instance, if they are there."""
        if _read(self._ssl / "guid") != guid:
            return None
        return str(self._ssl / "partition.key"), str(self._ssl / "partition.crt")

    @_as_owner
    def keep_certificate(self, guid: str, key: str, certificate: str) -> None:
        """Keep the key (0600) and the certificate; the note of whose they are comes last."""
        ensure_folder(self._ssl, 0o700)
        (self._ssl / "guid").unlink(missing_ok=True)
        write_atomic(self._ssl / "partition.key", key, mode=0o600)
        write_atomic(self._ssl / "partition.crt", certificate, mode=0o644)
        write_atomic(self._ssl / "guid", guid, mode=0o640)

    @_as_owner
    def keep_authority(self, certificate: str) -> str:
        """Keep the certificate (PEM) that the master's comes from; the path of the file."""
        ensure_folder(self._ssl, 0o700)
        path = self._ssl / "authority.crt"
        write_atomic(path, certificate, mode=0o644)
        return str(path)

    @_as_owner
    def note_error(self, text: str) -> None:
        """Keep what went wrong where the instance's user finds it; empty: nothing did."""
        path = self.folder / f".slapgrid-{self.folder.name}-error.log"
        if text:
            write_atomic(path, text, mode=0o640, durable=False)
        else:
            path.unlink(missing_ok=True)

    @_as_owner
    def programs(self) -> tuple[Program, ...]:
        """What the instance wants to run, by name; `etc/service` wins over `etc/run`."""
        found = {
            path.name: self._program(path, is_kept=is_kept)
            for path, is_kept in self._executables()
        }
        return tuple(found[name] for name in sorted(found))

    def _executables(self) -> Iterator[tuple[Path, bool]]:
        """What is to be run, and whether it is to be kept running.

        Raises:
            StepFailed: there are more files than anybody means to run.
        """
        for kind in ("run", "service"):
            folder = self.folder / "etc" / kind
            names = list_untrusted(folder, limit=_ENTRIES + 1)
            if len(names) > _ENTRIES:
                raise _too_many(folder)
            for name in names:
                path = folder / name
                if _is_to_run(name) and path.is_file() and os.access(path, os.X_OK):
                    yield path, kind == "service"

    def _program(self, path: Path, *, is_kept: bool) -> Program:
        digest = _fingerprint(path)
        return Program(
            name=path.name,
            path=path,
            folder=self.folder,
            log=self.folder / f".{self.folder.name}_{path.name}.log",
            is_kept=is_kept,
            fingerprint=digest,
            user=owner.name if (owner := owner_of(self.folder)) else "",
        )

    def wipe(self) -> None:
        """Remove everything but the folder and what formatting wrote into it.

        The note of whose files these are goes last. A user of the partition's own has no process
        left then, so that the next instance there meets nobody.
        """
        if not self.folder.exists():
            return
        owner = owner_of(self.folder)
        if owner is not None and owner.home == self.folder:  # nobody else's
            end_processes_of(owner.uid)
        with acting_as(owner):
            self.folder.chmod(0o750)
        _clear(self.folder, {STATE, RESOURCE}, owner)
        if self._state.is_dir() and not self._state.is_symlink():
            _clear(self._state, {"guid"}, owner)
        _remove(self._state, owner)


def _is_to_run(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and name[0] != "." and not name.endswith("-on-watch")


def _too_many(folder: Path) -> StepFailed:
    return StepFailed(
        Cause(
            "instance-error",
            f"{folder} holds more than {_ENTRIES:,} files, so none of them is run.",
            "Have the instance keep there only what is to be run.",
        )
    )


def _fingerprint(path: Path) -> str:
    """What tells an executable from another; of a very large one its beginning and its stamp.

    Raises:
        OSError: it cannot be read.
    """
    stream = open_untrusted(path, follow=True)  # as the owner, who may have linked to a release
    if stream is None:
        raise PermissionError(errno.EACCES, "It is to be run and cannot be read", str(path))
    with stream:
        digest = hashlib.sha256(stream.read(_HASHED))
        seen = os.fstat(stream.fileno())
    if seen.st_size > _HASHED:
        digest.update(f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ino}".encode())
    return digest.hexdigest()[:32]


def _read(path: Path, limit: int = 4096) -> str | None:
    content = read_untrusted(path, limit=limit)
    return None if content is None else content.decode("utf-8", "replace")


def _copy(source: Path, target: Path) -> None:
    """Make a file the same as another; without that one, and with a huge one, it goes."""
    content = read_untrusted(source, limit=_INSTALLED_LIMIT + 1)
    if content is None or len(content) > _INSTALLED_LIMIT:
        target.unlink(missing_ok=True)
    else:
        write_atomic(target, content, mode=0o640)


def _clear(folder: Path, kept: Collection[str], owner: Account | None) -> None:
    for entry in folder.iterdir():
        if entry.name not in kept:
            _remove(entry, owner)


def _remove(path: Path, owner: Account | None) -> None:
    """Remove something as the owner; as root what belongs to others, as a container leaves it."""
    try:
        with acting_as(owner):
            remove(path)
    except PermissionError:
        if owner is None:
            raise
        remove(path)
