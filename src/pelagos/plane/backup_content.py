"""What a backup holds: the master's database, and with a data folder what else makes the plane.

A tar archive. What lets somebody in (`SECRETS`) is only in one that will be sealed.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pelagos.core.errors import PelagosError
from pelagos.core.files import UNFINISHED
from pelagos.plane.backup_file import OTHER
from pelagos.plane.data_folder import DataFolder

#: The master's database, whatever kind it is of.
DATABASE = "plane.db"
_DIRECTORY = "directory.db"
#: Of the data folder, without what runs there and what can be made anew.
_PLAIN = ("plane.json", "capacity.json", _DIRECTORY)
SECRETS = ("token", "bus", "ca")
_NAME = re.compile(
    r"(plane|directory)\.db|(plane|capacity)\.json|token|bus|ca/[\w-][\w.-]*", re.ASCII
)


def collect(archive: Path, database: Path, folder: DataFolder | None, *, secrets: bool) -> None:
    """Write the archive.

    Args:
        database: the copy of the master's database.
        folder: of the plane; None: the database alone.
        secrets: whether what lets somebody in belongs to it.
    """
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(database, DATABASE, recursive=False)
        if folder is None:
            return
        for name in (*_PLAIN, *(SECRETS if secrets else ())):
            for path in _files(folder.path / name):
                inside = str(path.relative_to(folder.path))
                if name == _DIRECTORY:
                    copy = database.with_name(_DIRECTORY)
                    _copy(path, copy)
                    tar.add(copy, inside, recursive=False)
                elif _NAME.fullmatch(inside):
                    content = path.read_bytes()  # it may be replaced by another one meanwhile
                    about = tarfile.TarInfo(inside)
                    about.size, about.mode = len(content), path.stat().st_mode & 0o644
                    tar.addfile(about, io.BytesIO(content))


def left_out(folder: DataFolder) -> list[str]:
    """The secrets that a backup without a key lacks."""
    return [name for name in SECRETS if any(_files(folder.path / name))]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(one for one in path.iterdir() if one.is_file() and not one.is_symlink())
    elif path.is_file():
        yield path


def _copy(source: Path, target: Path) -> None:
    """A database of SQLite as it is at one moment, whoever uses it meanwhile."""
    url = f"{source.absolute().as_uri()}?mode=rw"
    with (
        contextlib.closing(sqlite3.connect(url, uri=True)) as one,
        contextlib.closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")


def database_of(archive: Path, into: Path) -> Path:
    """The master's database out of an archive, as a file in a folder."""
    return next(path for name, path in _unpacked(archive, into, {DATABASE}) if name == DATABASE)


def check_empty(folder: DataFolder) -> None:
    """Pass, when no plane is in a data folder.

    Raises:
        PelagosError: there is one.
    """
    there = [name for name in (DATABASE, *_PLAIN, *SECRETS) if any(_files(folder.path / name))]
    if there:
        raise PelagosError(
            f"{folder.path} is not empty: it has {', '.join(there)}; nothing was restored",
            hint="name an empty folder with --data, or a target for the database alone",
        )


def bring_back(archive: Path, folder: DataFolder, fill: Callable[[Path], None]) -> list[str]:
    """Bring a plane back into an empty data folder; when it fails, the folder is as it was.

    Args:
        fill: brings the master's database from a file to its place.

    Returns:
        the other files that were brought back.
    """
    folder.create()
    done: list[Path] = []
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=folder.path) as near:
        found = dict(_unpacked(archive, Path(near), None))
        database = found.pop(DATABASE)
        try:
            for name, path in found.items():
                target = folder.path / name
                target.parent.mkdir(exist_ok=True, mode=0o700)
                shutil.move(path, target)
                done.append(target)
            fill(database)
        except BaseException:
            for target in done:
                target.unlink(missing_ok=True)
            raise
    return sorted(found)


def _unpacked(archive: Path, into: Path, wanted: set[str] | None) -> Iterator[tuple[str, Path]]:
    """Names and files of an archive.

    Raises:
        PelagosError: it is none of ours.
    """
    names = set()
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                data = tar.extractfile(member) if member.isreg() else None
                if data is None or not _NAME.fullmatch(member.name) or member.name in names:
                    said = f"the backup holds {member.name[:80]!r}, which no plane has"
                    raise PelagosError(said, hint=OTHER)
                names.add(member.name)
                if wanted is None or member.name in wanted:
                    path = into / f"{len(names)}"
                    with path.open("xb") as file:
                        shutil.copyfileobj(data, file, 1024 * 1024)
                    path.chmod(member.mode & 0o644)
                    yield member.name, path
    except tarfile.TarError as error:
        raise PelagosError(f"the backup cannot be unpacked: {error}", hint=OTHER) from error
    if DATABASE not in names:
        raise PelagosError("the backup has no database", hint=OTHER)
