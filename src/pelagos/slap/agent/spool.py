"""Usage journals on disk, on their way to the master: kept over a kill, bounded, none told twice.

Each journal carries the list of files that it was made of, so that an agent that was killed in
between neither loses nor repeats one. What a partition tells has files of its own, so that none
of them can crowd out the others'.
"""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pelagos.core import wire
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.files import write_atomic
from pelagos.slap.errors import SlapError

log = logging.getLogger(__name__)

#: Journals that wait for a master that does not answer, and their bytes; beyond that the oldest
#: of the partition that has the most are given up.
WAITING = 1000
WAITING_BYTES = 128 << 20
#: Files that were put aside because they cannot be handed in, and their bytes; the newest stay.
ASIDE = 20
ASIDE_BYTES = 16 << 20
_COMPUTER = "computer"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that went into a journal, as it was then.

    Attributes:
        path: its bytes, each that is not a plain character as `%XX`: a name may be no text.
    """

    path: str
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path, seen: os.stat_result) -> Source:
        """The source that this file is now."""
        name = urllib.parse.quote_from_bytes(os.fsencode(path))
        return cls(name, seen.st_size, seen.st_mtime_ns)

    @property
    def file(self) -> Path:
        """Where it was."""
        return Path(os.fsdecode(urllib.parse.unquote_to_bytes(self.path)))


@dataclass(frozen=True, slots=True)
class _Journal:
    texts: tuple[str, ...]
    sources: tuple[Source, ...]


class Spool:
    """The journals of one computer, in one folder. Belongs to one thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(
        self, texts: tuple[str, ...], sources: tuple[Source, ...], *, now: float, whose: str = ""
    ) -> None:
        """Keep journals until they were handed in, and remove what they were made of.

        Args:
            now: Unix seconds.
            whose: the partition; empty: the computer's own.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        journal = wire.encode(_Journal(texts, sources))
        write_atomic(self._free_path(now, whose or _COMPUTER), journal, mode=0o600)
        self.finish_sources()

    def _free_path(self, now: float, whose: str) -> Path:
        """By time, as a rule; a clock that was set back must not have one replace another."""
        number = int(now * 1000)
        while (path := self._folder / f"{number:015d}-{whose}.json").exists():
            number += 1
        return path

    def finish_sources(self) -> None:
        """Remove the files that went into journals, unless they were written again since."""
        for path in self._waiting():
            journal = _read(path)
            if journal is None or not journal.sources:
                continue
            for source in journal.sources:
                _remove(source)
            write_atomic(path, wire.encode(_Journal(journal.texts, ())), mode=0o600)

    def _waiting(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def send(self, hand_in: Callable[[str], None]) -> None:
        """Hand in what waits, the oldest first; what the master never takes is put aside.

        Args:
            hand_in: takes one journal; raises SlapError.
        """
        self._make_room()
        for path in self._waiting():
            journal = _read(path)
            if journal is None:
                log.warning("%s is damaged; it is put aside", path)
                path.replace(path.with_suffix(".damaged"))
            elif not self._send(path, journal, hand_in):
                return

    def _send(self, path: Path, journal: _Journal, hand_in: Callable[[str], None]) -> bool:
        """Hand in one file's journals; whether the master can be talked to."""
        for done, text in enumerate(journal.texts):
            try:
                hand_in(text)
            except SlapError as error:
                if error.status not in {400, 413}:
                    log.info("usage waits for the master: %s", error)
                    rest = _Journal(journal.texts[done:], journal.sources)
                    write_atomic(path, wire.encode(rest), mode=0o600)
                    return False
                log.warning("the master refuses a usage report: %s", error)
                aside = path.with_name(f"{path.stem}-{done}.refused")
                write_atomic(aside, text, mode=0o600)
        path.unlink()
        return True

    # ---- bounds ------------------------------------------------------------------------------

    def _make_room(self) -> None:
        held: defaultdict[str, list[tuple[Path, int]]] = defaultdict(list)
        for path in self._waiting():
            held[path.stem.partition("-")[2]].append((path, path.stat().st_size))
        count = sum(map(len, held.values()))
        size = sum(size for files in held.values() for _, size in files)
        given_up: defaultdict[str, int] = defaultdict(int)
        while count > WAITING or size > WAITING_BYTES:
            measure = _count if count > WAITING else _bytes
            whose = max(held, key=lambda one: measure(held[one]))
            path, its_size = held[whose].pop(0)
            path.unlink()
            count, size = count - 1, size - its_size
            given_up[whose] += 1
        for whose, number in given_up.items():
            log.warning("%d old usage journals of %s are given up: too many wait", number, whose)
        self._drop_aside()

    def _drop_aside(self) -> None:
        aside = [*self._folder.glob("*.refused"), *self._folder.glob("*.damaged")]
        size, dropped = 0, 0
        for number, path in enumerate(sorted(aside, key=lambda one: one.name, reverse=True)):
            size += path.stat().st_size
            if number >= ASIDE or size > ASIDE_BYTES:
                path.unlink()
                dropped += 1
        if dropped:
            log.warning("%d old usage reports that were put aside are removed", dropped)


def _count(files: list[tuple[Path, int]]) -> int:
    return len(files)


def _bytes(files: list[tuple[Path, int]]) -> int:
    return sum(size for _, size in files)


def _remove(source: Source) -> None:
    path = source.file
    try:
        with acting_as(owner_of(path.parents[2])):
            seen = path.lstat()
            if (seen.st_size, seen.st_mtime_ns) == (source.size, source.changed_ns):
                path.unlink()
    except FileNotFoundError:
        return
    except (OSError, AgentError, IndexError) as error:
        log.warning("%a was told and cannot be removed: %s", str(path), error)


def _read(path: Path) -> _Journal | None:
    try:
        return wire.decode(path.read_bytes(), _Journal)
    except (OSError, wire.WireError):
        return None
