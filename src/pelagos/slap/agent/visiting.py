"""A program that a person runs from afar in a partition: with its user, for a while, bounded."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from pelagos.slap.agent.process import MARK, as_owner, clean_environment, end_marked, end_tree
from pelagos.slap.remote import Ran

_CHUNK = 65536
_NAP_MS = 250


def visit(
    words: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    seconds: float,
    limit: int,
    stop: threading.Event,
) -> Ran:
    """Run a program in a partition and leave nothing of it behind.

    Args:
        words: the program and what it is given.
        folder: of the partition; as root it runs as the folder's owner.
        environ: the agent's own environment.
        seconds: after these it is ended.
        limit: bytes of its output, and of its errors, that are kept: the first ones.
        stop: ends it, too.

    Raises:
        OSError: it cannot be started.
    """
    mark = uuid.uuid4().hex
    with subprocess.Popen(  # noqa: S603 - the person's own program, no shell
        list(words),
        cwd=folder,
        **as_owner(folder, {**clean_environment(environ, folder), MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        umask=0o027,
    ) as process:
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018, S101
        kept = _Kept((process.stdout.fileno(), process.stderr.fileno()), limit)
        is_late = True
        try:
            is_late = kept.read(process.pid, seconds, stop)
        finally:
            end_tree(process.pid, has_ended=not is_late)
        status = process.wait()
    end_marked(mark)
    output, errors = (bytes(data) for data in kept.data)
    return Ran(status, output, errors, is_late=is_late, is_cut=kept.is_cut)


class _Kept:
    """The first bytes of two pipes."""

    def __init__(self, pipes: tuple[int, int], limit: int) -> None:
        self.data = (bytearray(), bytearray())
        self.is_cut = False
        self._limit = limit
        self._open = dict(zip(pipes, self.data, strict=True))
        for pipe in pipes:
            os.set_blocking(pipe, False)

    def read(self, pid: int, seconds: float, stop: threading.Event) -> bool:
        """Until the program itself has ended, whoever holds its pipes; whether it is late."""
        deadline = time.monotonic() + seconds
        pidfd = os.pidfd_open(pid)
        try:
            poll = select.poll()
            for file in (pidfd, *self._open):
                poll.register(file, select.POLLIN)
            while True:
                left = (deadline - time.monotonic()) * 1000
                ready = {file for file, _ in poll.poll(max(0.0, min(_NAP_MS, left)))}
                for pipe in ready & self._open.keys():
                    if not self._drain(pipe):
                        poll.unregister(pipe)
                        del self._open[pipe]
                if pidfd in ready:
                    for pipe in list(self._open):
                        self._drain(pipe)
                    return False
                if left <= 0 or stop.is_set():
                    return True
        finally:
            os.close(pidfd)

    def _drain(self, pipe: int) -> bool:
        """Take at most 1 MiB that is ready; whether more may come."""
        kept = self._open[pipe]
        for _ in range(16):
            try:
                chunk = os.read(pipe, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            room = max(0, self._limit - len(kept))
            self.is_cut |= len(chunk) > room
            kept += chunk[:room]
        return True
