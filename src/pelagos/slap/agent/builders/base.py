"""The contract of a builder: a release becomes files, an instance a filled partition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Connection:
    """What an instance is told about itself and its master (the section slap-connection).

    Attributes:
        server_url: may carry the partition's token as userinfo, so it is a secret.
        key_file: key of the partition's certificate; empty: it has none.
        cert_file: that certificate.
        authority_file: whom the instance trusts to be its master; empty: this system's.
    """

    computer_id: str
    partition_id: str
    server_url: str
    release_url: str
    requested_state: str
    key_file: str = ""
    cert_file: str = ""
    authority_file: str = ""

    def __repr__(self) -> str:
        return f"Connection({self.computer_id!r}, {self.partition_id!r})"


@dataclass(frozen=True, slots=True)
class Run:
    """One configuration of one partition.

    Attributes:
        folder: the partition; exists with mode 0750.
        log: where the output goes; its folder exists.
        lock: descriptor that a process of its own inherits, so that the lock of the partition is
            held as long as anything of the run lives.
    """

    folder: Path
    log: Path
    lock: int
    connection: Connection
    environ: Mapping[str, str]


class Builder(Protocol):
    """Builds releases and configures partitions with them. Safe to share between threads."""

    def build(self, url: str, on_start: Callable[[], None], stop: threading.Event) -> None:
        """Build a release; returns when everything an instance needs lies in its folder.

        The release may be used only after `complete`. Returns at once when an earlier call had
        finished.

        Args:
            url: the release.
            on_start: called once when the build itself begins, after the profile was seen to be
                one.
            stop: set when the agent stops, or when the release is to be removed.

        Raises:
            StepFailed: it cannot be built; says which part and where in the log.
            StepDeferred: another process is still building it, or it was stopped.
        """

    def complete(self, url: str) -> None:
        """Mark a built release as usable; the last thing, after the master has been told."""

    def is_complete(self, url: str) -> bool:
        """Whether a release may be used. Fast."""

    def prepare(self, url: str) -> None:
        """Get ready to configure instances of a complete release quickly. Fast, never fails."""

    def remove(self, url: str) -> None:
        """Remove a release and everything it built."""

    def configure(self, url: str, run: Run, stop: threading.Event) -> None:
        """Fill a partition from a complete release.

        Raises:
            StepFailed: the instance's profile cannot be carried out; says which part and where in
                the log.
            StepDeferred: the agent stops.
        """

    def close(self) -> None:
        """End every process that `prepare` started."""
