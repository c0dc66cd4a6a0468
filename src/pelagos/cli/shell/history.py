"""The lines of former sessions: one file that only its owner can read."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pelagos.cli.context import Context
from pelagos.cli.failures import CommandError
from pelagos.core.files import open_plain, write_atomic

_SLACK = 100
"""Lines above the limit before the oldest are dropped: a file is not written anew for each."""


class History:
    """Lines, the oldest first; several shells may add to it at a time.

    Args:
        path: the file; it may not exist.
        limit: lines that are kept; 0 keeps none.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit

    def lines(self) -> list[str]:
        """Those that are kept.

        Raises:
            CommandError: the file cannot be read.
        """
        return self._all()[-self._limit :] if self._limit else []

    def add(self, line: str) -> None:
        """Keep a line.

        Raises:
            CommandError: the file cannot be written.
        """
        if not self._limit:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            with self._alone():
                handle = os.open(self.path, flags, 0o600)
                try:
                    if os.fstat(handle).st_mode & 0o077:
                        os.fchmod(handle, 0o600)
                    os.write(handle, f"{line}\n".encode(errors="backslashreplace"))
                finally:
                    os.close(handle)
        except OSError as error:
            raise _unusable(self.path, "written", error.strerror) from error

    def trim(self) -> None:
        """Drop the oldest lines above the limit, when there are many.

        Raises:
            CommandError: the file cannot be read or written.
        """
        with self._alone():
            if len(self._all()) > self._limit + (_SLACK if self._limit else 0):
                self._replace("".join(f"{line}\n" for line in self.lines()))

    def clean(self) -> int:
        """Forget all lines; how many there were.

        Raises:
            CommandError: the file cannot be read or written.
        """
        with self._alone():
            found = self._all()
            if found:
                self._replace("")
        return len(found)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While another shell waits; the file is replaced, so its folder is what is locked."""
        handle = None
        try:
            with contextlib.suppress(OSError):  # no folder, or one without locks: then without
                handle = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _all(self) -> list[str]:
        try:
            stream = open_plain(self.path, follow=True)
            if stream is None:
                raise _unusable(self.path, "read", "it is not a file")
            with stream:
                return stream.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable(self.path, "read", error.strerror) from error

    def _replace(self, text: str) -> None:
        try:
            write_atomic(self.path, text, mode=0o600, durable=False)
        except OSError as error:
            raise _unusable(self.path, "written", error.strerror) from error


def history_of(context: Context) -> History:
    """The history of this user."""
    from pelagos.core.places import state_dir
    from pelagos.plane.sections import ShellConfig

    limit = context.config.of(ShellConfig).history
    return History(state_dir(context.environ) / "history", limit)


def _unusable(path: Path, how: str, why: str | None) -> CommandError:
    return CommandError(
        f"the history {path} cannot be {how}: {why}",
        hint="mend that, or keep none: pelagos config set shell.history 0",
    )
