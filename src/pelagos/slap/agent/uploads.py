"""Releases that were built here, on their way into the binary cache: in the background, retried.

A release that is to be uploaded carries a note in its folder until that has been done, so an agent
that was killed goes on where it was.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.core.http.errors import HttpError
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.archive import ArchiveRefused, pack
from pelagos.slap.agent.cache import OWN_NAMES, BinaryCache, CacheRefused
from pelagos.slap.agent.files import read_text, write_atomic
from pelagos.slap.agent.layout import Layout

log = logging.getLogger(__name__)

NOTE = ".pelagos-upload"
_SHARED = ".shared"
_COMPLETED = ".completed"
_NAP = 5.0


class Uploads:
    """One thread that uploads what is noted; started by the first note, or when some are found."""

    def __init__(self, cache: BinaryCache, layout: Layout, *, clock: Clock) -> None:
        self._cache = cache
        self._layout = layout
        self._clock = clock
        self._retry = Backoff(cache.use.retry_first, 2.0, cache.use.retry_limit)
        self._stop = threading.Event()
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failures: dict[str, tuple[int, float]] = {}

    def offer(self, url: str) -> None:
        """Have a release uploaded that was just built here, unless it is not meant for others."""
        folder = self._layout.release(url)
        if not self._cache.use.upload or self._cache.is_excluded(url):
            return
        if (folder / _SHARED).exists():
            log.info("%s uses shared parts, so it is not uploaded", url)
            return
        with acting_as(owner_of(self._layout.software)):
            write_atomic(folder / NOTE, url, mode=0o644)
        self.start()

    def start(self) -> None:
        """Go on with what an earlier agent did not finish; nothing when there is none."""
        if not any(self._noted()):
            return
        with self._lock:
            self._news.set()
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Begin nothing more; what is under way is done again by the next agent."""
        self._stop.set()
        self._news.set()

    def _noted(self) -> list[Path]:
        return list(self._layout.software.glob(f"*/{NOTE}"))

    def _work(self) -> None:
        while not self._stop.is_set():
            self._news.clear()
            for note in self._noted():
                self._try(note)
            self._news.wait(_NAP)

    def _try(self, note: Path) -> None:
        with acting_as(owner_of(self._layout.software)):
            url = read_text(note) or ""
            if self._layout.release(url) != note.parent:  # copied there by whoever built it
                log.warning("%s names another release, %s; it is not uploaded", note, url)
                note.unlink(missing_ok=True)
                return
        failures, not_before = self._failures.get(url, (0, 0.0))
        is_complete = (note.parent / _COMPLETED).exists()
        if self._stop.is_set() or not is_complete or self._clock.monotonic() < not_before:
            return
        try:
            self._upload(url, note.parent)
        except (CacheRefused, ArchiveRefused) as error:
            log.warning("%s is not uploaded to the binary cache: %s", url, error.message)
        except (HttpError, OSError) as error:
            wait = self._retry.delay(failures + 1)
            self._failures[url] = (failures + 1, self._clock.monotonic() + wait)
            log.warning("uploading %s waits %.0f s: %s", url, wait, error)
            return
        else:
            log.info("%s was uploaded to the binary cache", url)
        self._failures.pop(url, None)
        with acting_as(owner_of(self._layout.software)):
            note.unlink(missing_ok=True)

    def _upload(self, url: str, folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".upload-", dir=self._layout.root) as made:
            archive = Path(made) / "archive.tar.gz"
            # As who owns them: a link that a build left behind must not lead to root's files.
            with archive.open("wb") as out, acting_as(owner_of(self._layout.software)):
                names = [path.name for path in folder.iterdir()]
                left_out = frozenset(name for name in names if OWN_NAMES.fullmatch(name))
                pack(folder, out, leave_out=left_out)
            if self._stop.is_set():
                raise InterruptedError("the agent stops")
            self._cache.share(url, archive)
