"""Folders of a test run that another user has to get into."""

from __future__ import annotations

import tempfile
from pathlib import Path


def open_to_others(folder: Path) -> None:
    """Let other users enter the folders above this one, as far as the run itself made them."""
    temporary = Path(tempfile.gettempdir()).resolve()
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & 0o001:
            continue
        if temporary not in parent.parents:
            raise RuntimeError(
                f"other users cannot enter {parent}, where temporary files go: set TMPDIR to a "
                "folder that they can enter, e.g. /var/tmp"
            )
        parent.chmod(mode | 0o011)
