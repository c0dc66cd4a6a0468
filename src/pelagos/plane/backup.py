"""Backups of a plane in the object storage of a cloud.

A backup holds the master's database as it was at one moment, as a file of SQLite, and what else
makes the plane (`backup_content`), packed and, with a key, sealed; whatever kind the database is
of, and whether a master runs on it or not.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pelagos import __version__
from pelagos.clients.errors import NotFound
from pelagos.core.errors import PelagosError
from pelagos.core.files import write_atomic
from pelagos.plane import backup_content, db_copy
from pelagos.plane.backup_file import OTHER, pack, unpack
from pelagos.plane.cloud_place import CloudStorage
from pelagos.plane.data_folder import DataFolder
from pelagos.slap import master

Progress = Callable[[str, int, int], None]

#: What stands for the newest backup.
LATEST = "latest"

_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}\.tar\.gz(\.sealed)?")
_STAMP = "%Y%m%dT%H%M%SZ"
_KEY_BYTES = 32
#: Bytes of an unpacked backup at the most, when the backup does not say how many it has.
_LIMIT = 1 << 40


class NoSuchBackup(PelagosError):
    """There is no backup of that name."""

    status = 404


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup.

    Attributes:
        name: of the object, below the place.
        made: seconds since 1970.
        size: bytes in the cloud.
        is_sealed: whether a key is needed to read it.
    """

    name: str
    made: float
    size: int
    is_sealed: bool


def read_key(path: Path, *, make: bool = False) -> bytes:
    """The key in a file.

    Args:
        make: write a new one, for its owner only, when there is no such file.

    Raises:
        PelagosError: it cannot be read, or is too short to be a key.
    """
    if make and not path.exists():
        write_atomic(path, secrets.token_hex(_KEY_BYTES) + "\n", mode=0o600)
    try:
        content = path.read_bytes().strip()
    except OSError as error:
        raise PelagosError(
            f"cannot read the key {path}: {error.strerror}", hint="name the file with the key"
        ) from error
    if len(content) < _KEY_BYTES:
        raise PelagosError(
            f"{path} holds no key: {len(content)} bytes, {_KEY_BYTES} are needed",
            hint="let `pelagos db backup --key FILE` make one",
        )
    return hashlib.sha256(content).digest()


def back_up(
    database_url: str,
    storage: CloudStorage,
    now: float,
    progress: Progress,
    key: bytes | None = None,
    *,
    folder: DataFolder | None = None,
) -> tuple[Backup, list[master.CopiedTable]]:
    """Put a backup of a plane into a cloud.

    Args:
        database_url: URL or path; a master may run on it.
        folder: of the plane; None: the database alone is kept.
        now: seconds since 1970, for the backup's name.
        progress: told while the database is read.
        key: seals it; None: who can read the container can read the backup.

    Returns:
        the backup, and what is in it.

    Raises:
        PelagosError: there is no new backup.
    """
    url = db_copy.as_url(database_url)
    db_copy.check_there(url)
    with tempfile.TemporaryDirectory(prefix="pelagos-backup-") as near:
        database, plain = Path(near) / backup_content.DATABASE, Path(near) / "plane.tar"
        copy_url = db_copy.as_url(str(database))
        tables = master.copy_database(url, copy_url, progress, is_running=True)
        _in_one_file(database)
        backup_content.collect(plain, database, folder, secrets=key is not None)
        digest = _sha256(plain)
        stamp = datetime.fromtimestamp(now, UTC).strftime(_STAMP)
        name = f"{stamp}-{digest[:8]}.tar.gz" + (".sealed" if key else "")
        packed = Path(near) / name
        pack(plain, packed, key, name)
        meta = {
            "sha256": digest,
            "bytes": str(plain.stat().st_size),
            "rows": str(sum(table.rows for table in tables)),
            "pelagos": __version__,
        }
        with packed.open("rb") as body:
            storage.keep(name, body, "application/octet-stream", meta)
        made = Backup(name, float(int(now)), packed.stat().st_size, key is not None)
    return made, tables


def backups(storage: CloudStorage) -> list[Backup]:
    """The backups of a place, the newest first; what is called otherwise is none."""
    place = storage.place
    found = storage.client.list_objects(prefix=place.prefix or None, container=place.container)
    ready = []
    for one in found:
        name = str(one.get("name", "")).removeprefix(place.prefix)
        if match := _NAME.fullmatch(name):
            made = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC).timestamp()
            ready.append(Backup(name, made, int(one.get("bytes") or 0), bool(match[2])))
    return sorted(ready, key=lambda one: (one.made, one.name), reverse=True)


def forget(storage: CloudStorage, keep: int) -> list[Backup]:
    """Remove all backups but the newest; those that are gone."""
    old = backups(storage)[max(1, keep) :]
    for one in old:
        name = storage.place.prefix + one.name
        storage.client.delete_object(name, container=storage.place.container)
    return old


def restore(
    storage: CloudStorage,
    name: str,
    target: str,
    progress: Progress,
    key: bytes | None = None,
) -> list[master.CopiedTable]:
    """Bring the database of a backup into an empty one.

    Args:
        name: of the backup, or "latest".
        target: URL of an empty database, or path of a file to be made; it stays empty when
            anything fails.

    Returns:
        what is in it.

    Raises:
        PelagosError: nothing was restored.
    """
    with tempfile.TemporaryDirectory(prefix="pelagos-restore-") as near:
        archive = _fetched(storage, name, Path(near), key)
        database = backup_content.database_of(archive, Path(near))
        return db_copy.run(str(database), target, progress)


def restore_plane(
    storage: CloudStorage,
    name: str,
    folder: DataFolder,
    target: str,
    progress: Progress,
    key: bytes | None = None,
) -> tuple[list[master.CopiedTable], list[str]]:
    """Bring a plane back into an empty data folder; it stays empty when anything fails.

    Args:
        name: of the backup, or "latest".
        target: the database of its master, empty.

    Returns:
        what is in the database, and the other files that were brought back.

    Raises:
        PelagosError: nothing was restored.
    """
    backup_content.check_empty(folder)
    tables: list[master.CopiedTable] = []

    def fill(database: Path) -> None:
        tables.extend(db_copy.run(str(database), target, progress))

    with tempfile.TemporaryDirectory(prefix="pelagos-restore-") as near:
        archive = _fetched(storage, name, Path(near), key)
        return tables, backup_content.bring_back(archive, folder, fill)


def _fetched(storage: CloudStorage, name: str, near: Path, key: bytes | None) -> Path:
    """The archive of a backup as a file in a folder, found to be whole."""
    one = _named(storage, name)
    if one.is_sealed and key is None:
        raise PelagosError(f"{one.name} is sealed", hint="name the file with its key: --key FILE")
    place = storage.place
    path = place.prefix + one.name
    packed, plain = near / one.name, near / "plane.tar"
    try:
        info = storage.client.get_object_info(path, container=place.container)
        with packed.open("w+b") as body:
            storage.client.download_object(path, body, container=place.container)
    except NotFound as error:
        raise PelagosError(f"the backup {one.name} is gone", hint="choose another") from error
    said = info.get("x-object-meta-bytes", "")
    limit = int(said) if said.isdecimal() else _LIMIT
    unpack(packed, plain, key if one.is_sealed else None, one.name, limit)
    wanted = info.get("x-object-meta-sha256", "")
    if wanted and _sha256(plain) != wanted:
        raise PelagosError(f"{one.name} is damaged: its SHA-256 is another", hint=OTHER)
    return plain


def _named(storage: CloudStorage, name: str) -> Backup:
    known = backups(storage)
    for one in known:
        if name in (one.name, LATEST):
            return one
    if not known:
        raise NoSuchBackup(
            f"there are no backups in {storage.url('').rstrip('/')}",
            hint="make one: pelagos db backup",
        )
    raise NoSuchBackup(f"there is no backup {name}", hint=OTHER)


def _in_one_file(path: Path) -> None:
    """Leave nothing of a database beside its file."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
