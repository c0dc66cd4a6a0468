"""What the ways up and down share: looking, comparing, and carrying many files."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pelagos.clients.errors import ClientError, NoAnswer
from pelagos.clients.folder import local, remote
from pelagos.clients.folder.entries import Entry, LocalTree, RemoteTree
from pelagos.clients.folder.plan import Draft
from pelagos.clients.folder.remote import Place, Ruler
from pelagos.clients.pithos import PithosClient
from pelagos.clients.storage.local import Source
from pelagos.clients.storage.transfer import as_done
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.files import open_plain

log = logging.getLogger(__name__)

#: Bytes up to which several files travel at once; of larger ones the pieces do.
SMALL = 8 * 1024 * 1024

_AT_ONCE = 8
_ROUNDS = 3


class Watcher(Protocol):
    """Who is told how it goes; called by several threads."""

    def advance(self, size: int) -> None:
        """So many more bytes are done."""

    def done(self, path: str, what: str) -> None:
        """A path is `sent`, `fetched`, `removed` or `made`."""


@dataclass(slots=True)
class Report:
    """What came of it.

    Attributes:
        done: what was done, by paths: "sent", "fetched", "removed", "made".
        failed: what was not, with the errors.
        kept: what was to be removed and was not, because something failed.
    """

    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


class Exchange:
    """What both directions share.

    Args:
        client: of the object storage.
        folder: of this computer.
        place: of the container.
        delete: remove from the target what the source has not.
        exclude: patterns of paths that do not count on either side.
        fast: take files of equal size for equal when the target's is not older.
        clock: waits before something is tried again.
    """

    def __init__(
        self,
        client: PithosClient,
        folder: Path,
        place: Place,
        *,
        delete: bool = False,
        exclude: Iterable[str] = (),
        fast: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._folder = folder
        self._place = place
        self._delete = delete
        self._exclude = tuple(exclude)
        self._fast = fast
        self._clock = clock or SystemClock()
        self._here = LocalTree()
        self._there = RemoteTree()

    def _look(self) -> None:
        self._here = local.scan(self._folder, self._exclude)
        self._there = remote.scan(self._client, self._place, self._exclude)

    def _compared(self, found: Draft) -> tuple[list[str], list[str]]:
        """Of those whose content decides: what differs, and what is the same."""
        ruler = Ruler.of(self._client, self._place) if found.compare else None

        def is_equal(path: str) -> bool:
            stream = open_plain(self._folder / path, follow=True)
            if stream is None or ruler is None:
                return False
            with stream, Source.of(stream) as source:
                return ruler.is_equal(source, self._there.files[path].digest)

        differ: list[str] = []
        same: list[str] = []
        for path, equal in as_done(is_equal, found.compare, os.cpu_count() or 1):
            (same if equal else differ).append(path)
        return sorted(differ), sorted(same)

    def _carry_all(
        self, paths: Sequence[str], sizes: Mapping[str, Entry], one: Callable[..., Any], what: str
    ) -> Report:
        """Small files at once, then large ones one by one; each error is noted, and it goes on."""
        report = Report()
        small = [path for path in paths if sizes[path].size <= SMALL]
        large = [path for path in paths if sizes[path].size > SMALL]
        for several, group, workers in ((_AT_ONCE, small, 1), (1, large, None)):
            job = self._patient(one, workers)
            for path, error in as_done(job, group, several):
                if error is None:
                    report.done[path] = what
                else:
                    report.failed[path] = error
        return report

    def _patient(
        self, one: Callable[[str, int | None], Any], workers: int | None
    ) -> Callable[[str], Exception | None]:
        def job(path: str) -> Exception | None:
            for attempt in range(1, _ROUNDS + 1):
                try:
                    one(path, workers)
                except (ClientError, OSError) as error:
                    if attempt == _ROUNDS or not _may_pass(error):
                        return error
                    log.info("%s is tried again: %s", path, error)
                    self._clock.sleep(getattr(error, "retry_after", None) or 0.5)
                else:
                    return None
            raise AssertionError("the last attempt returns")

        return job


def join(report: Report, more: Report) -> None:
    """Add what came of something else."""
    report.done.update(more.done)
    report.failed.update(more.failed)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, NoAnswer):
        return True
    return isinstance(error, ClientError) and error.retry_after is not None
