"""Back-end `csv`: a file with a header line, re-read when it changes."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pelagos.core.spelling import refuse_unknown
from pelagos.directory.backends import keys
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.former import is_former
from pelagos.directory.index import CsvRows, Problem, Table, read_csv
from pelagos.directory.number import ANYWHERE
from pelagos.directory.settings.source import COMMON_KEYS
from pelagos.directory.sources import MAX_RESULTS
from pelagos.directory.template import Template, TemplateError

log = logging.getLogger(__name__)

#: Bytes of a file that is read unless `max_size` says otherwise: more than a million contacts.
DEFAULT_MAX_SIZE = 256 * 1024 * 1024

#: Bytes above which a changed file is read aside: as many as are read in a tenth of a second.
LARGE = 1024 * 1024

_Stamp = tuple[int, int, int, int, int]
_KEYS = (*COMMON_KEYS, "file", "separator", "charset", "max_size", "region")
#: File systems whose files are on this computer.
_LOCAL = frozenset({
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs",
    "squashfs", "tmpfs", "vfat", "xfs", "zfs",
})  # fmt: skip
_PATIENCE = 5.0  # seconds
#: What spreadsheets and databases put between columns, the usual ones first.
_SEPARATORS = (",", ";", "\t", "|")
_BEHIND = "the file has changed and is still being read; this is from before"
_SHOWN_PROBLEMS = 20  # lines of a file that are logged one by one


@dataclass(frozen=True, slots=True)
class CsvSettings:
    """What a csv source is configured to be.

    Attributes:
        path: the file; `file://` is accepted before it.
        separator: one character between the columns. The comma, because RFC 4180 says so.
        charset: codec of the text.
        max_size: bytes; a larger file is refused.
        plan: how the numbers in it are written, so that two ways to write one are the same; None:
            they are compared as they are.
    """

    path: Path
    separator: str = ","
    charset: str = "utf-8-sig"
    max_size: int = DEFAULT_MAX_SIZE
    unique_column: str | None = None
    searched_columns: Sequence[str] = ()
    first_matched_columns: Sequence[str] = ()
    number_form: Callable[[str], str | None] = ANYWHERE.normal

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> CsvSettings:
        """Read the configuration of a source, from the `args` of `load`.

        Raises:
            SourceError, ConfigError: an unknown key, or a value that cannot be meant.
        """
        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        file = config.get("file")
        if not isinstance(file, str) or not file or "\0" in file:
            raise SourceError("`file` is needed: the path of the CSV file")
        path = unquote(file.removeprefix("file://")) if file.startswith("file://") else file
        return cls(
            Path(path).expanduser(),
            keys.character(config, "separator"),
            keys.codec(config) or "utf-8-sig",
            keys.size(config, "max_size", DEFAULT_MAX_SIZE),
            config.get("unique_column"),
            tuple(config.get("searched_columns") or ()),
            tuple(config.get("first_matched_columns") or ()),
            keys.number_form(args),
        )


class CsvBackend(BaseSourcePlugin):
    """Contacts from a CSV file.

    While a changed file is read by one thread, the others answer from what it was a moment ago;
    a large one is read by a thread of its own. A file that cannot be read makes the source fail
    until it can.
    """

    tells_everyone_the_same = True

    def __init__(self) -> None:
        self._settings = CsvSettings(Path())
        self._formats: Mapping[str, str] = {}
        self._reading = threading.Lock()
        self._reader: threading.Thread | None = None
        self._held: tuple[_Stamp, Table] | None = None
        self._refused: tuple[_Stamp, SourceError] | None = None
        self.problems: tuple[Problem, ...] = ()
        self._left_out = 0
        self._is_local = False

    @property
    def answers_from_memory(self) -> bool:
        """Whether the next answer waits for nothing: neither for reading nor for a file server."""
        held = self._held
        if held is None or not self._is_local:
            return False
        try:
            stamp = self._stamp()
            return held[0] == stamp or self._is_large(stamp)
        except SourceError:
            return True  # that it fails is known at once, too

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration and, if it is there, the file.

        Raises:
            SourceError, ConfigError: an unknown key, or a value that cannot be meant.
        """
        self._settings = CsvSettings.of(args)
        self._formats = args["config"].get(self.FORMAT_COLUMNS) or {}
        self._is_local = is_local(self._settings.path)
        try:
            self._table()
        except SourceError as error:
            log.warning("source %s: %s; it fails until this is mended", self.name, error)

    def unload(self) -> None:
        """Wait a moment for a file that is being read, and forget the rows."""
        if self._reader is not None:
            self._reader.join(_PATIENCE)
        self._held = None

    def search(self, term: str, args: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The rows in which the term occurs, without regard to case and accents."""
        del args
        return self._table().search(term, MAX_RESULTS + 1)

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """The first row one of whose first-matched columns equals `exten`, or is that number."""
        del args
        return self._table().first_match(exten)

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """`first_match` for many at once, all of one state of the file."""
        del args
        return self._table().match_all(extens)

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The rows with these unique ids."""
        del args
        return self._table().list(uids)

    def check(self) -> Iterator[str]:
        """What this source cannot do now, one line each; none when all is well.

        Raises:
            SourceError: the file cannot be read.
        """
        table, path = self._table(), self._settings.path
        if not table.columns:
            yield f"{path} is empty: not even a first line that names the columns"
            return
        only, separator = table.columns[0], self._settings.separator
        if len(table.columns) == 1 and (likely := [s for s in _SEPARATORS if s in only]):
            yield (
                f"{path} has one column, {only!r}: "
                f"is its separator {likely[0]!r} rather than {separator!r}?"
            )
            return
        has = f"it has {', '.join(table.columns)}"
        for column in table.missing:
            yield f"{path} has no column {column}; {has}"
        for column, unknown in self._unknown_in_templates(table.columns):
            yield f"format_columns.{column}: {path} has no column {unknown}; {has}"
        for problem in self.problems[:_SHOWN_PROBLEMS]:
            yield f"{path}, {problem}; left out"
        if self._left_out > _SHOWN_PROBLEMS:
            yield f"{path}: {self._left_out} lines are left out in all"

    def _unknown_in_templates(self, columns: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Formatted columns with what they name that is neither in the file nor made before."""
        known = set(columns)
        for name, text in self._formats.items():
            with contextlib.suppress(TemplateError):  # it was told at the start
                yield from ((name, c) for c in Template.parse(text).columns if c not in known)
            known.add(name)

    def _table(self) -> Table:
        """The rows as they are now, or as they were while a large file is read again.

        Raises:
            SourceError: the file cannot be read.
        """
        stamp, held = self._stamp(), self._held
        if held is not None and held[0] == stamp:
            return held[1]
        if self._refused is not None and self._refused[0] == stamp:
            raise self._refused[1]
        if not self._reading.acquire(blocking=held is None) and held is not None:
            is_former(_BEHIND)
            return held[1]  # another thread is reading the new one
        if held is not None and self._is_large(stamp):
            if self._held is held:
                self._begin_aside(stamp)
                is_former(_BEHIND)
                return held[1]
            self._reading.release()  # just read by another thread
            return self._table()
        try:
            if self._held is None or self._held[0] != stamp:
                self._held = self._read()
            return self._held[1]
        except SourceError as error:
            self._refuse(stamp, error)
            raise
        finally:
            self._reading.release()

    def _begin_aside(self, stamp: _Stamp) -> None:
        """Start a thread that reads the new file and then gives `_reading` back."""
        name = f"csv {self.name}"
        self._reader = threading.Thread(target=self._read_aside, args=(stamp,), name=name)
        self._reader.daemon = True
        try:
            self._reader.start()
        except RuntimeError:  # the machine has no thread left for us now
            self._reader = None
            self._reading.release()
            log.exception("source %s: cannot read what has changed", self.name)

    def _read_aside(self, stamp: _Stamp) -> None:
        """Read the new file while questions are answered from the former one."""
        try:
            self._held = self._read()
        except SourceError as error:
            log.warning("source %s: %s; it fails until this is mended", self.name, error)
            self._refuse(stamp, error)
        finally:
            self._reading.release()

    def _refuse(self, stamp: _Stamp, error: SourceError) -> None:
        """Remember what is wrong with a file, so that not each question reads it to see it."""
        if not isinstance(error.__cause__, OSError):
            self._refused = (stamp, error)

    def _is_large(self, stamp: _Stamp) -> bool:
        return stamp[2] > LARGE

    def _stamp(self) -> _Stamp:
        try:
            return _stamp(self._settings.path.stat())
        except OSError as error:
            raise _unreadable(self._settings.path, error) from error

    def _read(self) -> tuple[_Stamp, Table]:
        settings = self._settings
        try:
            # O_NONBLOCK, because opening a pipe in the file's place would wait for its writer.
            descriptor = os.open(settings.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(  # noqa: PTH123  # of a descriptor
                descriptor, encoding=settings.charset, errors="surrogateescape", newline=""
            ) as file:
                status = os.fstat(descriptor)
                _refuse_unfit(status, settings)
                found = read_csv(file, settings.separator)
                table = Table.of_lines(
                    found.columns,
                    found,
                    searched=settings.searched_columns,
                    first_matched=settings.first_matched_columns,
                    unique=settings.unique_column,
                    normal=settings.number_form,
                )
        except OSError as error:
            raise _unreadable(settings.path, error) from error
        except UnicodeError as error:
            raise SourceError(f"{settings.path} is not {settings.charset}: {error}") from error
        self._report(found, table)
        return _stamp(status), table

    def _report(self, found: CsvRows, table: Table) -> None:
        path = self._settings.path
        self.problems, self._left_out = tuple(found.problems), found.problem_count
        log.info("source %s: %d rows from %s", self.name, len(table), path)
        if not found.columns:
            log.warning("source %s: %s is empty", self.name, path)
        elif table.missing:
            log.warning(
                "source %s: %s has no column %s", self.name, path, ", ".join(table.missing)
            )
        for problem in self.problems[:_SHOWN_PROBLEMS]:
            log.warning("source %s: %s, %s; left out", self.name, path, problem)
        if found.problem_count > _SHOWN_PROBLEMS:
            log.warning("source %s: %d lines left out", self.name, found.problem_count)


def _refuse_unfit(status: os.stat_result, settings: CsvSettings) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{settings.path} is not a file")
    if status.st_size > settings.max_size:
        raise SourceError(
            f"{settings.path} has {status.st_size:,} bytes; max_size is {settings.max_size:,}",
            hint="set max_size of this source, in bytes, if it is meant to be so large",
        )


def is_local(path: Path) -> bool:
    """Whether a file is on a disk of this computer, where looking at it never takes long."""
    try:
        place = path.resolve()
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return False
    kinds: dict[Path, str] = {}
    for line in lines:
        words, _, more = line.partition(" - ")
        point = words.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        kinds[Path(point)] = more.partition(" ")[0]
    kind = next((kinds[p] for p in (place, *place.parents) if p in kinds), "")
    return kind in _LOCAL


def _stamp(status: os.stat_result) -> _Stamp:
    changed = (status.st_mtime_ns, status.st_ctime_ns)  # the latter by a change of rights, too
    return (status.st_dev, status.st_ino, status.st_size, *changed)


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(f"cannot read {path}: {error.strerror or error}")
