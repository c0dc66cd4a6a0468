"""What an agent sees of its own computer, as values: made by `observe`, read by `plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ProgramState(StrEnum):
    """What the supervisor says of one program."""

    STOPPED = "stopped"
    STARTING = "starting"  # runs, but not yet long enough to count
    RUNNING = "running"
    BACKOFF = "backoff"  # ended at once; will be tried again
    STOPPING = "stopping"
    EXITED = "exited"  # ended by itself and is not to be started again
    FATAL = "fatal"  # given up
    UNKNOWN = "unknown"


ALIVE = frozenset({ProgramState.STARTING, ProgramState.RUNNING, ProgramState.STOPPING})


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """One program of a partition as its supervisor sees it now.

    Attributes:
        name: the file's name in `etc/service` or `etc/run`.
        is_kept: whether it is restarted when it ends (`etc/service`).
        pid: None when it does not run.
        started_at: Unix seconds of the last start, 0 before the first.
        exit_status: of the last end, None before it; negative for a signal where the supervisor
            knows it.
        log: path of the file that holds its output.
    """

    name: str
    state: ProgramState
    is_kept: bool = True
    pid: int | None = None
    started_at: float = 0.0
    exit_status: int | None = None
    log: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether a process exists."""
        return self.state in ALIVE


@dataclass(frozen=True, slots=True)
class PartitionSeen:
    """One partition folder.

    Attributes:
        timestamp: the wish that was last carried out and reported, as the master's text; None =
            none.
        guid: the instance whose files lie here; None when empty or unknown.
        is_empty: whether nothing of any instance lies here.
        is_unsupervised: there are executables to run, and the supervisor knows none of them.
        age: seconds since the last wish was carried out; None when none was, or it is not known.
    """

    timestamp: str | None = None
    guid: str | None = None
    is_empty: bool = True
    programs: tuple[ProgramStatus, ...] = ()
    is_unsupervised: bool = False
    age: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at this computer.

    Attributes:
        complete_releases: URLs whose folder is complete and may be used.
        partitions: by partition id; every partition of this computer is there.
        periods: release URL -> seconds after which its instances are configured again although
            all is well; never for those that are not there.
    """

    complete_releases: frozenset[str] = frozenset()
    partitions: Mapping[str, PartitionSeen] = field(default_factory=dict)
    periods: Mapping[str, float] = field(default_factory=dict)
