"""The binary cache on the master's disk: archives by their SHA-512, and what is said of them.

    sha/ab/ab…       one file for each archive, written whole or not at all
    dir/ab/ab….json  what is said of one key (named by the key's SHA-256)
    tmp/             uploads that are under way, each as long as it shall become

Several masters may share one folder on a network file system. Nothing here knows HTTP.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pelagos.core import wire
from pelagos.core.errors import ConfigError
from pelagos.core.files import write_atomic
from pelagos.core.signature import Verifier
from pelagos.slap.binary_cache import ENTRY_LIMIT, SignedText, is_key, is_sha512, read_pair
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master.errors import StoreFull, TooLarge

_PIECE = 256 * 1024
#: Entries kept of one key, the newest first; above, who said most loses his oldest one.
_ENTRIES = 50
#: Seconds after which an upload that left its file behind counts as dead.
_DEAD_AFTER = 24 * 3600.0
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """How a master keeps built releases for others.

    Attributes:
        folder: where; made on first use.
        archive_limit: bytes of one archive. 8 GiB: above the largest releases that are known.
        size_limit: bytes of all archives; the ones that were not asked for longest make room.
            50 GiB.
        spare: bytes of the disk that stay free whatever is uploaded. 1 GiB: the master's
            database may be on the same disk.
        uploaders: ids of the computers that may add archives, besides operators; "*" for all
            of the site's, not those of tenants. None: an archive is run by every computer that
            takes it.
        certificates: file with the certificates whose signatures (SHA-256) make an entry
            welcome, in PEM. Without one, and without `old_certificates`, each entry is, and who
            fetches it judges.
        old_certificates: the same for signatures with SHA-1, of the original's programs.
    """

    folder: Path
    archive_limit: int = 8 << 30
    size_limit: int = 50 << 30
    spare: int = 1 << 30
    uploaders: tuple[str, ...] = ()
    certificates: Path | None = None
    old_certificates: Path | None = None


class CacheStore:
    """Both halves of the cache; safe to share between threads and processes.

    Raises:
        ConfigError: the folder, or a file of certificates, cannot be used.
    """

    def __init__(self, settings: CacheSettings) -> None:
        self.settings = settings
        files = (settings.certificates, settings.old_certificates)
        self._modern, self._old = (None if file is None else Verifier.load(file) for file in files)
        folder = settings.folder
        self._archives, self._entries, self._tmp = folder / "sha", folder / "dir", folder / "tmp"
        try:
            for path in (self._archives, self._entries, self._tmp):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
        except OSError as error:
            raise ConfigError(
                f"the folder of the binary cache, {folder}, cannot be used: {error.strerror}",
                hint="choose a folder that the master can write",
            ) from error

    def _sweep(self) -> None:
        """Remove what uploads left behind when they were killed."""
        for path in self._tmp.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _DEAD_AFTER:
                    path.unlink()

    # ---- archives ----------------------------------------------------------------------------

    def open(self, sha512: str) -> tuple[IO[bytes], int]:
        """An archive, and how many bytes it has; the caller closes it.

        Raises:
            NotFoundError: it is not here.
        """
        path = self._archive(sha512)
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            raise NotFoundError(
                f"the cache has no archive {sha512[:16]}…",
                status=404,
                hint="build the release instead, or ask another cache",
            ) from None
        with suppress(OSError):  # a read-only folder serves as well
            os.utime(path)
        return stream, os.fstat(stream.fileno()).st_size

    def put(self, stream: IO[bytes], length: int | None, *, sha512: str | None = None) -> str:
        """Take an archive; return its SHA-512. It counts only once it is here whole.

        Args:
            stream: gives `length` bytes.
            sha512: what it must be, when known.

        Raises:
            BadRequest: it ended early, or is another one than it should be.
            TooLarge: it is above the limit.
            StoreFull: there is no room for it.
        """
        if length is None:
            raise BadRequest(
                "an archive needs its Content-Length", status=411, hint="send its size with it"
            )
        if length > self.settings.archive_limit:
            raise TooLarge(
                f"the archive has {length:,} bytes; at most {self.settings.archive_limit:,} are "
                "taken",
                status=413,
                hint="raise cache.archive_limit of the master, or do not upload this release",
            )
        try:
            return self._take(stream, length, sha512)
        except OSError as error:
            if error.errno in _FULL:
                raise _full() from error
            raise

    def _take(self, stream: IO[bytes], length: int, sha512: str | None) -> str:
        name = self._reserve(length)
        try:
            with Path(name).open("r+b") as out:
                found = _copy(stream, out, length)
                if sha512 is not None and found != sha512:
                    raise BadRequest(
                        "the archive has another SHA-512 than announced",
                        status=400,
                        hint="send it again: it was changed on its way",
                    )
                out.flush()
                os.fsync(out.fileno())
            target = self._archive(found)
            target.parent.mkdir(mode=0o700, exist_ok=True)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
        return found

    def _reserve(self, length: int) -> str:
        """A file of that length, which counts from now on; what goes in comes later.

        Of two uploads at once, each sees the other's: together they stay within the limits, too.
        """
        with self._alone("sha.lock"):
            self._sweep()
            self._make_room(length)
            handle, name = tempfile.mkstemp(dir=self._tmp)
            try:
                os.ftruncate(handle, length)
            except OSError:
                Path(name).unlink()
                raise
            finally:
                os.close(handle)
        return name

    def _make_room(self, length: int) -> None:
        """Let go what was not asked for longest, until the new one fits."""
        seen = sorted((at, size, path) for path, at, size, _ in _files(self._archives.glob("*/*")))
        under_way = _files(self._tmp.iterdir())
        total = sum(size for _, size, _ in seen) + sum(size for _, _, size, _ in under_way)
        for _, size, path in seen:
            if total + length <= self.settings.size_limit:
                break
            path.unlink(missing_ok=True)
            total -= size
        room = os.statvfs(self._tmp)
        promised = sum(max(0, size - there) for _, _, size, there in under_way)
        free = room.f_bavail * room.f_frsize - promised
        if total + length > self.settings.size_limit or free < length + self.settings.spare:
            raise _full()

    def _archive(self, sha512: str) -> Path:
        if not is_sha512(sha512):
            raise NotFoundError(
                "an archive is named by its SHA-512 in hexadecimal",
                status=404,
                hint="send 128 digits of 0-9 and a-f",
            )
        return self._archives / sha512[:2] / sha512

    # ---- what is said of them ----------------------------------------------------------------

    def entries(self, key: str) -> list[list[str]]:
        """The pairs of a key, the newest first.

        Raises:
            NotFoundError: nothing is said of it.
        """
        try:
            return [one[:2] for one in self._said(self._file(key))]
        except FileNotFoundError:
            raise NotFoundError(
                f"the cache knows nothing of {key[:80]}",
                status=404,
                hint="build the release instead, or ask another cache",
            ) from None

    @staticmethod
    def _said(file: Path) -> list[list[str]]:
        """The pairs in a file, each with who said it; of former versions nobody."""
        found: list[list[str]] = wire.decode(file.read_bytes(), list[list[str]])
        return found

    def add_entry(self, key: str, pair: Any, uploader: str = "") -> None:
        """Keep one more pair of a key; the same once more takes the place of the former.

        Args:
            uploader: who says it; can replace and push out what he said himself before others'.

        Raises:
            BadRequest: it is none, nobody who is believed signed it, or the key cannot be one.
            StoreFull: the disk is full.
        """
        entry = read_pair(pair)
        if entry is None:
            raise BadRequest(
                "an entry is a pair of a JSON text and its signature",
                status=400,
                hint=f'send ["{{…}}", "…"] with a text of at most {ENTRY_LIMIT:,} characters',
            )
        self._check_signed(entry)
        file = self._file(key)
        said = [entry.text, entry.signature, uploader]
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            with self._alone("dir.lock"):
                known = self._said(file) if file.exists() else []
                others = [one for one in known if not _is_again(one, said)]
                write_atomic(file, wire.encode(_bounded([said, *others])), mode=0o600)
        except OSError as error:
            if error.errno in _FULL:
                raise _full() from error
            raise

    def _check_signed(self, entry: SignedText) -> None:
        if self._modern is None and self._old is None:
            return
        is_new = self._modern is not None and self._modern.verifies(
            entry.modern_text, entry.modern
        )
        is_old = self._old is not None and self._old.verifies_old(
            entry.text.encode(), entry.signature
        )
        if not (is_new or is_old):
            raise BadRequest(
                "nobody whose certificate this cache knows signed the entry",
                status=400,
                hint="sign it with a key whose certificate is in cache.certificates of the master",
            )

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with (self.settings.folder / name).open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _file(self, key: str) -> Path:
        if not is_key(key):
            raise BadRequest(
                f"{key[:80]!r} cannot be a key",
                status=400,
                hint="a key has letters, digits and . _ : = + @ , ~ - only, at most 200 of them",
            )
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._entries / name[:2] / f"{name}.json"


def _files(paths: Iterable[Path]) -> list[tuple[Path, float, int, int]]:
    """Files with when they were last asked for, their bytes, and their bytes on the disk."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            known = path.stat()
            found.append((path, known.st_mtime, known.st_size, known.st_blocks * 512))
    return found


def _is_again(former: list[str], said: list[str]) -> bool:
    """Whether something was said before: by the same one, or in the very same words."""
    return former[0] == said[0] and (former[1] == said[1] or former[2:] == said[2:])


def _bounded(entries: list[list[str]]) -> list[list[str]]:
    """As many entries as are kept: nobody pushes out those who say less."""
    while len(entries) > _ENTRIES:
        counts = Counter("".join(one[2:]) for one in entries)
        most = max(counts.values())
        at = max(number for number, one in enumerate(entries) if counts["".join(one[2:])] == most)
        entries = entries[:at] + entries[at + 1 :]
    return entries


def _copy(stream: IO[bytes], out: IO[bytes], length: int) -> str:
    digest = hashlib.sha512()
    left = length
    while left:
        piece = stream.read(min(left, _PIECE))
        if not piece:
            raise BadRequest(
                f"the archive ended {left:,} bytes early",
                status=400,
                hint="send it again: the connection broke off",
            )
        digest.update(piece)
        out.write(piece)
        left -= len(piece)
    return digest.hexdigest()


def _full() -> StoreFull:
    return StoreFull(
        "the binary cache has no room for this archive; nothing was changed",
        status=507,
        hint="free some space on the master's disk, or raise cache.size_limit",
    )
