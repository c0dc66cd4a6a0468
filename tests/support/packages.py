"""Packages as if they were installed: files and the record of their entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stevedore import ExtensionManager


def lay_out(
    folder: Path, name: str, files: Mapping[str, str], groups: Mapping[str, Mapping[str, str]]
) -> Path:
    """A package in `folder`, as an installer would leave it there.

    Args:
        groups: entry points by group and name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    record = folder / f"{name.replace('-', '_')}-0.0.1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.1\n")
    lines = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{point} = {value}" for point, value in points.items()), ""]
    (record / "entry_points.txt").write_text("\n".join(lines))
    return folder


@contextmanager
def installed(*folders: Path) -> Iterator[None]:
    """Let this process find the packages in these folders, and forget them afterwards."""
    before, path, finders = set(sys.modules), list(sys.path), list(sys.meta_path)
    cache = dict(ExtensionManager.ENTRY_POINT_CACHE)
    ExtensionManager.ENTRY_POINT_CACHE.clear()
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = path
        sys.meta_path[:] = finders
        ExtensionManager.ENTRY_POINT_CACHE.clear()
        ExtensionManager.ENTRY_POINT_CACHE.update(cache)
        ancestors = ("xivo_dird", "wazo_dird")
        homes = tuple(str(folder) for folder in folders)
        for name in set(sys.modules) - before:
            home = getattr(sys.modules[name], "__file__", None) or ""
            if name.partition(".")[0] in ancestors or home.startswith(homes):
                del sys.modules[name]
