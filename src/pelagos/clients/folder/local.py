"""What stands in a folder of this computer."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pelagos.clients.errors import ClientError
from pelagos.clients.folder.entries import Entry, LocalTree, Passed
from pelagos.clients.folder.names import UNFINISHED, is_excluded, why_not


def scan(folder: Path, exclude: Iterable[str] = ()) -> LocalTree:
    """Look through a folder; links to files count as files, links to folders are passed over.

    Args:
        folder: may be missing, and is then empty.
        exclude: patterns of paths that do not count.

    Raises:
        ClientError: it is no folder, or cannot be read.
    """
    patterns = tuple(exclude)
    walk = _Walk(patterns)
    try:
        walk.into(os.fsencode(folder), "")
    except FileNotFoundError:
        return LocalTree()
    except OSError as error:
        raise ClientError(
            f"cannot read {folder}: {error.strerror}", hint="give a folder that you may read"
        ) from error
    return LocalTree(
        walk.files, frozenset(walk.folders), frozenset(walk.empty), tuple(walk.passed)
    )


class _Walk:
    """One look through a folder."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = patterns
        self.files: dict[str, Entry] = {}
        self.folders: set[str] = set()
        self.empty: set[str] = set()
        self.passed: list[Passed] = []

    def into(self, folder: bytes, path: str) -> None:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda one: one.name)
        for one in entries:
            self._look(one, path)
        if path and not entries:
            self.empty.add(path)

    def _look(self, one: os.DirEntry[bytes], above: str) -> None:
        try:
            name = one.name.decode()
        except UnicodeDecodeError:
            self._pass(above + one.name.decode(errors="backslashreplace"), "has a name not UTF-8")
            return
        path = f"{above}/{name}" if above else name
        if is_excluded(path, self._patterns):
            return
        if (reason := why_not(path)) is not None:
            self._pass(path, reason)
            return
        try:
            self._take(one, path)
        except OSError as error:
            self._pass(path, f"cannot be read: {error.strerror}")

    def _take(self, one: os.DirEntry[bytes], path: str) -> None:
        if one.is_dir(follow_symlinks=False):
            self.folders.add(path)
            self.into(one.path, path)
            return
        seen = one.stat()
        if stat.S_ISREG(seen.st_mode):
            self.files[path] = Entry(path, seen.st_size, seen.st_mtime)
        elif stat.S_ISDIR(seen.st_mode):
            self._pass(path, "is a link to a folder")
        else:
            self._pass(path, "is neither a file nor a folder")

    def _pass(self, path: str, reason: str) -> None:
        if not path.endswith(UNFINISHED):
            self.passed.append(Passed(path, reason))
