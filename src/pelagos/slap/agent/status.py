"""What an agent says about itself, to programs on its own computer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pelagos.core import wire
from pelagos.slap.model import Cause


@dataclass(frozen=True, slots=True)
class RunningStep:
    """A step that is being done now.

    Attributes:
        kind: what is done, e.g. "build".
        subject: URL of the release or id of the partition.
        since: Unix seconds.
    """

    kind: str
    subject: str
    since: float


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """The agent's own view, written to `agent-status.json` below its root.

    Attributes:
        cause: ok, waiting-for-agent (no answer yet), master-unreachable or node-error.
        pid: of the agent's process.
        started: Unix seconds.
        last_contact: Unix seconds of the master's last good answer; None before the first.
        waiting_reports: reports that the master has not taken yet.
        reasons: subject → why nothing is being done to it.
    """

    computer_id: str
    master_url: str
    cause: Cause
    pid: int
    started: float
    last_contact: float | None = None
    running: tuple[RunningStep, ...] = ()
    waiting_reports: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)


def read_status(root: Path) -> tuple[AgentStatus, float] | None:
    """What the agent of this root last said, and when (Unix seconds); None when nothing is known.

    Reads one small file; whether that agent still runs is not told by it.
    """
    file = root / "agent-status.json"
    try:
        return wire.decode(file.read_bytes(), AgentStatus), file.stat().st_mtime
    except (OSError, wire.WireError):
        return None
