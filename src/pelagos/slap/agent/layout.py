"""Where everything of one computer lies below its root. Names only, no disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pelagos.slap.agent.errors import AgentError

PARTITION_PREFIX = "slappart"
#: The folder of locks beside the partitions; only the agent's own user can open them.
LOCKS = ".locks"


class Layout:
    """The folders and files below one root.

    Args:
        root: that folder.
        partition_count: how many partitions there are: slappart0, slappart1 …
        names: their names, when they are others.
    """

    __slots__ = ("_known", "needs_owner", "partition_ids", "root")

    def __init__(
        self, root: Path, partition_count: int = 0, names: Sequence[str] | None = None
    ) -> None:
        self.root = root
        self.rename(
            [f"{PARTITION_PREFIX}{n}" for n in range(partition_count)] if names is None else names
        )

    def rename(self, names: Sequence[str], *, needs_owner: bool = False) -> None:
        """Take other partitions, after formatting; other threads see all of them or none.

        Args:
            names: theirs.
            needs_owner: each has a user of its own, so nothing of it may run as root.
        """
        self.needs_owner = needs_owner
        self.partition_ids = tuple(names)
        self._known = frozenset(names)

    @property
    def software(self) -> Path:
        """Holds one folder for each software release."""
        return self.root / "software"

    @property
    def instance(self) -> Path:
        """Holds one folder for each partition, and the supervisor's files in `etc`."""
        return self.root / "instance"

    @property
    def logs(self) -> Path:
        """Holds the logs of builds and of the supervisor."""
        return self.root / "log"

    def service_logs(self, partition_id: str) -> Path:
        """Holds the logs of the programs of a partition that has a user of its own."""
        return self.logs / partition_id

    @property
    def format_file(self) -> Path:
        """What formatting made of this computer, as JSON; see `format`."""
        return self.root / "format.json"

    @property
    def status_file(self) -> Path:
        """What the agent last did and whether it reaches its master, as JSON."""
        return self.root / "agent-status.json"

    def release(self, url: str) -> Path:
        """The folder of a release: the MD5 of its URL, so that none can leave `software`."""
        return self.software / release_key(url)

    def release_log(self, url: str) -> Path:
        """The log of the last build of a release; it outlives the release's folder."""
        return self.logs / f"software-{release_key(url)}.log"

    def release_lock(self, url: str) -> Path:
        """The file whose lock a running build holds; releases' own users cannot open it."""
        return self.instance / LOCKS / f"software-{release_key(url)}"

    def partition(self, partition_id: str) -> Path:
        """The folder of one of our partitions.

        Raises:
            AgentError: the id is not one of ours (another computer's, or one that tries to leave
                the folder).
        """
        if not self.is_ours(partition_id):
            names = self.partition_ids
            known = f"Partitions here are {names[0]} … {names[-1]}." if names else ""
            raise AgentError(
                f"{partition_id[:80]!r} is not a partition of this computer.",
                hint=f"{known} Format the computer for others: pelagos node format".strip(),
            )
        return self.instance / partition_id

    def is_ours(self, partition_id: str) -> bool:
        """Whether this exact id was announced by this computer."""
        return partition_id in self._known


def release_key(url: str) -> str:
    """The name of a release's folder: 32 hexadecimal digits."""
    return hashlib.md5(url.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
