"""Where everything of one computer lies below its root. Names only, no disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pelagos.slap.agent.errors import AgentError

PARTITION_PREFIX = "slappart"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files below one root."""

    root: Path
    partition_count: int

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

    @property
    def status_file(self) -> Path:
        """What the agent last did and whether it reaches its master, as JSON."""
        return self.root / "agent-status.json"

    @property
    def partition_ids(self) -> tuple[str, ...]:
        """The ids of this computer's partitions, in order."""
        return tuple(f"{PARTITION_PREFIX}{number}" for number in range(self.partition_count))

    def release(self, url: str) -> Path:
        """The folder of a release: the MD5 of its URL, so that none can leave `software`."""
        return self.software / release_key(url)

    def release_log(self, url: str) -> Path:
        """The log of the last build of a release; it outlives the release's folder."""
        return self.logs / f"software-{release_key(url)}.log"

    def release_lock(self, url: str) -> Path:
        """The file whose lock a running build holds."""
        return self.software / f".{release_key(url)}.lock"

    def partition(self, partition_id: str) -> Path:
        """The folder of one of our partitions.

        Raises:
            AgentError: the id is not one of ours (another computer's, or one that tries to leave
                the folder).
        """
        if not self.is_ours(partition_id):
            raise AgentError(
                f"{partition_id[:80]!r} is not a partition of this computer.",
                hint=f"Partitions here are {PARTITION_PREFIX}0 … "
                f"{PARTITION_PREFIX}{self.partition_count - 1}.",
            )
        return self.instance / partition_id

    def is_ours(self, partition_id: str) -> bool:
        """Whether this exact id was announced by this computer."""
        digits = partition_id.removeprefix(PARTITION_PREFIX)
        return (
            partition_id.startswith(PARTITION_PREFIX)
            and digits.isascii()
            and digits.isdigit()
            and str(int(digits)) == digits
            and int(digits) < self.partition_count
        )


def release_key(url: str) -> str:
    """The name of a release's folder: 32 hexadecimal digits."""
    return hashlib.md5(url.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
