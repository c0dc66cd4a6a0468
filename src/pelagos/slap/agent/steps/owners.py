"""Nothing of a partition or release runs as root, where they have users of their own."""

from __future__ import annotations

from pathlib import Path

from pelagos.slap.agent.account import owner_of
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.agent.layout import Layout


def check_owner(layout: Layout, folder: Path, causes: Causes) -> None:
    """Pass, when what is run in a folder would not run as root against the format's word.

    Raises:
        StepFailed: it would.
    """
    if layout.needs_owner and owner_of(folder) is None:
        raise StepFailed(
            causes.plain(
                "node-error",
                f"{folder} belongs to root; neither instances nor builds may run as root.",
                "Format the computer again: pelagos node format",
            )
        )
