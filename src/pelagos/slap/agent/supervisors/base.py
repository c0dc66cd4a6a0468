"""The contract of a process supervisor: groups of programs, one group for each partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pelagos.slap.agent.facts import ProgramStatus


@dataclass(frozen=True, slots=True)
class Program:
    """One executable of a partition.

    Attributes:
        name: file name; letters, digits and `._@+-` only.
        path: the executable; run without arguments.
        folder: working directory and HOME.
        log: file for its output, stderr included.
        is_kept: restart it whenever it ends; else it runs once.
        fingerprint: changes when the program must be restarted to be up to date.
        user: whom it runs as; empty: the supervisor's own user.
    """

    name: str
    path: Path
    folder: Path
    log: Path
    is_kept: bool
    fingerprint: str
    user: str = ""


class Supervisor(Protocol):
    """Keeps programs running, also after the agent has gone. Safe to share between threads.

    Every method raises SupervisorError when the supervisor cannot be reached or refuses.
    """

    def start(self) -> None:
        """Make the supervisor run; one that already runs is adopted with all its programs."""

    def observe(self) -> Mapping[str, tuple[ProgramStatus, ...]]:
        """All programs by group; a group without programs is absent."""

    def run(self, group: str, programs: tuple[Program, ...]) -> None:
        """Make the group consist of exactly these programs, all of them started.

        A program whose fingerprint is unchanged and that runs is left alone when the rest of its
        group is the same; a program that was given up is tried again. Returns without waiting for
        them to be up.
        """

    def remove(self, group: str) -> None:
        """Stop a group's programs, wait until they are gone, forget the group."""

    def restart(self, group: str, name: str) -> None:
        """Start a program again that ended or was given up."""

    def shutdown(self) -> None:
        """Stop every program and the supervisor itself; nothing happens when it does not run."""
