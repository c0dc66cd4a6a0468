"""What promises said, on disk: `.slapgrid/promise/{result,cache,log}` as SlapOS lays it out.

The agent writes, commands read. A file that cannot be read counts as none.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pelagos.core import wire
from pelagos.slap.agent.files import write_atomic
from pelagos.slap.agent.untrusted import read_untrusted

#: Changes between held and failed that are kept of each promise.
HISTORY = 20
_SIZE_LIMIT = 1 << 20
_LOG_LIMIT = 256 * 1024
_LOG_KEPT = 64 * 1024
_DATE = "%Y-%m-%dT%H:%M:%S+0000"


@dataclass(frozen=True, slots=True)
class Change:
    """When a promise began to hold, or no longer held.

    Attributes:
        date: Unix seconds.
        message: what it said then.
    """

    failed: bool
    date: float
    message: str


@dataclass(frozen=True, slots=True)
class PromiseRecord:
    """One promise of a partition, as it was last seen.

    Attributes:
        kind: "plugin" or "executable".
        is_held: whether it held when it was last asked.
        since: Unix seconds since when that is so; 0 when not known.
        checked: Unix seconds of the last run that was written down.
        next_run: Unix seconds of the next run, not before then; 0 when not known.
        periodicity: seconds between two runs while all is well.
        elapsed: seconds that the last run took.
        history: its last changes, oldest first.
    """

    name: str
    kind: str
    is_held: bool
    since: float
    message: str
    checked: float
    next_run: float = 0.0
    periodicity: float = 0.0
    elapsed: float = 0.0
    history: tuple[Change, ...] = ()


def records_folder(folder: Path) -> Path:
    """Where a partition's records are."""
    return folder / ".slapgrid" / "promise"


def prepare(folder: Path) -> None:
    """Make the folders."""
    base = records_folder(folder)
    for path in (base, base / "result", base / "cache", base / "log"):
        path.mkdir(mode=0o750, parents=True, exist_ok=True)


def write(folder: Path, title: str, path: Path, record: PromiseRecord, result_type: str) -> None:
    """Write one promise's record."""
    base = records_folder(folder)
    document = {
        "title": title,
        "name": record.name,
        "path": str(path),
        "execution-time": round(record.elapsed, 3),
        "result": {
            "type": result_type,
            "failed": not record.is_held,
            "date": _text(record.checked),
            "message": record.message,
        },
        "kind": record.kind,
        "history": [
            {"failed": one.failed, "date": _text(one.date), "message": one.message}
            for one in record.history
        ],
    }
    cache = {
        "title": title,
        "periodicity": round(record.periodicity / 60.0, 3),
        "next_run_after": round(record.next_run, 3),
        "timestamp": round(record.checked, 3),
    }
    file = base / "result" / f"{title}.status.json"
    write_atomic(file, wire.encode(document), mode=0o640, durable=False)
    write_atomic(base / "cache" / title, wire.encode(cache), mode=0o640, durable=False)


def read(folder: Path) -> tuple[PromiseRecord, ...]:
    """What is written down of a partition's promises, those that do not hold first, by name."""
    found = [record for _, record in _all(folder)]
    return tuple(sorted(found, key=lambda one: (one.is_held, one.name)))


def read_one(folder: Path, title: str) -> PromiseRecord | None:
    """What is written down of one promise."""
    return _read(folder, title)


def drop_others(folder: Path, titles: frozenset[str]) -> None:
    """Remove the records of promises that are no longer there."""
    base = records_folder(folder)
    for title, _ in _all(folder):
        if title not in titles:
            (base / "result" / f"{title}.status.json").unlink(missing_ok=True)
            (base / "cache" / title).unlink(missing_ok=True)


def _all(folder: Path) -> Iterator[tuple[str, PromiseRecord]]:
    for file in sorted((records_folder(folder) / "result").glob("*.status.json")):
        title = file.name.removesuffix(".status.json")
        record = _read(folder, title)
        if record is not None:
            yield title, record


def _read(folder: Path, title: str) -> PromiseRecord | None:
    base = records_folder(folder)
    document = _mapping(base / "result" / f"{title}.status.json")
    result = document.get("result")
    if not isinstance(result, dict):
        return None
    cache = _mapping(base / "cache" / title)
    history = tuple(_changes(document.get("history")))
    return PromiseRecord(
        name=str(document.get("name") or title),
        kind=str(document.get("kind") or "executable"),
        is_held=not result.get("failed"),
        since=history[-1].date if history else _date(result.get("date")),
        message=str(result.get("message") or ""),
        checked=_number(cache.get("timestamp")) or _date(result.get("date")),
        next_run=_number(cache.get("next_run_after")),
        periodicity=_number(cache.get("periodicity")) * 60.0,
        elapsed=_number(document.get("execution-time")),
        history=history,
    )


def _changes(found: object) -> Iterator[Change]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            message = str(one.get("message") or "")
            yield Change(bool(one.get("failed")), _date(one.get("date")), message)


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        found = wire.decode(read_untrusted(path, limit=_SIZE_LIMIT) or b"", dict[str, Any])
    except wire.WireError:
        return {}
    return found


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime(_DATE)


def _date(text: object) -> float:
    try:
        return datetime.strptime(str(text), _DATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def append_log(folder: Path, title: str, said: PromiseRecord) -> None:
    """Add a run of an executable to its log, in the form in which plugins write theirs.

    The instance may do anything there, so nothing but a plain file is written to.
    """
    path = records_folder(folder) / "log" / f"{title}.log"
    level = "INFO" if said.is_held else "ERROR"
    date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(said.checked))
    line = f"{date} - {level} - {int(said.checked)}-100 - {said.message}\n".encode()
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(path, flags, 0o640)
    except OSError:
        if path.is_symlink() or not path.is_file():
            return
        raise
    with os.fdopen(handle, "r+b") as stream:
        _append(stream, line)


def _append(stream: BinaryIO, line: bytes) -> None:
    seen = os.fstat(stream.fileno())
    if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1:
        return
    if seen.st_size > _LOG_LIMIT:
        stream.seek(-_LOG_KEPT, os.SEEK_END)
        kept = stream.read().partition(b"\n")[2]
        stream.seek(0)
        stream.write(kept)
        stream.truncate()
    stream.seek(0, os.SEEK_END)
    stream.write(line)
