"""Locks that outlive a killed agent: whatever it had started holds them on by inheritance.

The files of the locks lie where only the agent's user can open them, so whoever holds one without
being the agent has got it from an agent. What is left of a run that is over is ended; what an
agent left behind when it was killed is ended or waited for, as it had asked for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from pelagos.slap.agent.files import ensure_folder
from pelagos.slap.agent.process import end_tree, is_marked

_PLAIN, _PATIENT = 0o600, 0o640
#: Tries, and seconds between them, in which a child that is just being started lets go.
_TRIES, _PAUSE = 5, 0.02


class Held(BlockingIOError):
    """Somebody else holds a lock.

    Attributes:
        is_patient: the holder is to be waited for, however long it takes.
    """

    def __init__(self, path: Path, *, is_patient: bool) -> None:
        super().__init__(errno.EAGAIN, "Somebody else holds this lock", str(path))
        self.is_patient = is_patient


class Lock:
    """One lock. Any number of these objects may be of the same file.

    Args:
        path: its file; the folder is made, for this user alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def hold(self, *, is_patient: bool = False) -> Iterator[int]:
        """Hold it; yields its descriptor, for a child to hold it on.

        Args:
            is_patient: what inherits it may go on after this agent was killed, and whoever comes
                later waits for it. A mode of the file tells: a full disk has no room for words.

        Raises:
            Held: somebody else does.
        """
        handle = self._take()
        try:
            os.fchmod(handle, _PATIENT if is_patient else _PLAIN)
            yield handle
        finally:
            os.close(handle)
            self._end_heirs()

    def end_holders(self) -> list[int]:
        """End what holds the lock and was started by an agent; those that are let be."""
        holders = self._holders()
        ours = {pid for pid in holders if _is_ours(pid)}
        for pid in ours:
            end_tree(pid)
        return sorted(holders - ours)

    def remove(self) -> None:
        """Remove the file; nobody holds the lock."""
        self.path.unlink(missing_ok=True)

    def _take(self) -> int:
        ensure_folder(self.path.parent, 0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.path, flags, _PLAIN)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            mode = stat.S_IMODE(os.fstat(handle).st_mode)
            os.close(handle)
            raise Held(self.path, is_patient=mode == _PATIENT) from None
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _end_heirs(self) -> None:
        """End what a run that is over has left behind."""
        for _ in range(_TRIES):
            try:
                os.close(self._take())
            except FileNotFoundError:
                return
            except Held:
                time.sleep(_PAUSE)
            else:
                return
        self.end_holders()

    def _holders(self) -> set[int]:
        """The other processes that have the file open."""
        try:
            wanted = self.path.stat()
        except FileNotFoundError:
            return set()
        found = set()
        for entry in os.listdir("/proc"):  # noqa: PTH208 - names are enough
            if entry.isdigit() and int(entry) != os.getpid() and _has_open(entry, wanted):
                found.add(int(entry))
        return found


def _has_open(pid: str, wanted: os.stat_result) -> bool:
    try:
        for handle in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - names are enough
            with contextlib.suppress(FileNotFoundError):
                seen = os.stat(f"/proc/{pid}/fd/{handle}")  # noqa: PTH116 - a name
                if (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino):
                    return True
    except OSError:  # gone, or not ours to look into
        return False
    return False


def _is_ours(pid: int) -> bool:
    """Whether a process that holds a lock of the agent's was started by an agent."""
    if is_marked(pid):
        return True
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return False
    return os.geteuid() == 0 and owner != 0  # it cannot have opened the file itself
