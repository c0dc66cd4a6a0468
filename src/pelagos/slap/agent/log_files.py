"""The log files of a partition, for who wants to read their ends."""

from __future__ import annotations

from pathlib import Path

from pelagos.slap.agent.account import Account, owner_of
from pelagos.slap.agent.untrusted import read_untrusted

#: Bytes of one file that are read at the most.
_MOST = 1024 * 1024


def log_files(folder: Path) -> dict[str, Path]:
    """Where the logs of a partition may be, by the name of their program.

    The programs of a partition that has a user of its own log into a folder of the agent's, named
    like the partition. Some may be missing, or be no plain files.
    """
    prefix = f".{folder.name}_"
    found = {"configure": folder / ".slapgrid" / "log" / "instance.log"}
    for path in sorted(folder.glob(f"{prefix}*.log")):
        found[path.name.removeprefix(prefix).removesuffix(".log")] = path
    for path in sorted((folder.parents[1] / "log" / folder.name).glob("*.log")):
        found[path.stem] = path
    for path in sorted((folder / "var" / "log").glob("*.log")):
        found.setdefault(path.stem, path)
    return found


def read_end(folder: Path, path: Path, number: int, limit: int = _MOST) -> tuple[str, ...] | None:
    """The last lines of one of them; bytes that are no UTF-8 as escapes.

    Args:
        folder: of the partition.
        path: of the log.
        number: lines at the most.
        limit: bytes at the most.

    Returns:
        None when it is no plain file that is reached over real folders.
    """
    owner = _owner(folder, path)
    if path.parent.resolve() != path.parent:
        return None
    data = read_untrusted(path, limit=limit, owner=owner, from_end=True)
    if data is None:
        return None
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return tuple(lines[-number:]) if number else ()


def _owner(folder: Path, path: Path) -> Account | None:
    """Whose rights count: the partition's below its folder, our own in the agent's."""
    return owner_of(folder) if path.is_relative_to(folder) else None
