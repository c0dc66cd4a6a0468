"""Clear away what an agent that was killed in the middle of something has left half done."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from pelagos.core.clock import Clock
from pelagos.core.files import UNFINISHED
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.removal import remove
from pelagos.slap.agent.untrusted import list_untrusted

log = logging.getLogger(__name__)

#: Names that are looked at in one folder.
_NAMES = 10_000
#: Folders of a partition in which the agent or a recipe writes files; "*": every one in there.
_INSIDE = (".", ".slapgrid", ".slapgrid/*", ".slapgrid/promise/*", "etc", "etc/*")
#: Seconds for which the next agent may go on with what was fetched in part.
_RESUMABLE = 86_400.0


def sweep(layout: Layout, clock: Clock) -> None:
    """Remove it; only while no other agent works there. What cannot be removed stays."""
    etc = layout.instance / "etc"
    inside = (etc / name for name in _names(etc, etc))
    for folder in (layout.root, layout.root / "usage", etc, *inside):
        _sweep(folder, folder, (UNFINISHED, ".upload-"))
    software = layout.software
    _sweep(software, software, (UNFINISHED, ".unpacked-"))
    _sweep(software, software, (".fetched-",), before=clock.time() - _RESUMABLE)
    for name in _names(software, software):
        _sweep(software / name, software, (UNFINISHED,))
    for name in layout.partition_ids:
        partition = layout.partition(name)
        for folder in _folders(partition):
            _sweep(folder, partition, (UNFINISHED,))


def _folders(partition: Path) -> Iterator[Path]:
    for inside in _INSIDE:
        folder = partition / inside.removesuffix("/*")
        if inside.endswith("/*"):
            yield from (folder / name for name in _names(folder, partition))
        else:
            yield folder


def _names(folder: Path, place: Path) -> list[str]:
    try:
        return list_untrusted(folder, limit=_NAMES, owner=owner_of(place))
    except (OSError, AgentError):
        return []


def _sweep(
    folder: Path, place: Path, beginnings: tuple[str, ...], before: float | None = None
) -> None:
    """Remove what begins so, as the owner of the place; only what is older than that."""
    for name in _names(folder, place):
        if not name.startswith(beginnings):
            continue
        try:
            with acting_as(owner_of(place)):
                if before is None or os.lstat(folder / name).st_mtime < before:
                    remove(folder / name)
        except OSError as error:
            log.warning("cannot clear away %s: %s", folder / name, error)
