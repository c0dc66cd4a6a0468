"""One thing that an agent does to a release or partition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pelagos.slap.model import Cause, Partition


class StepKind(StrEnum):
    """What can be done to one release or partition."""

    BUILD = "build"
    REMOVE = "remove"
    ANNOUNCE = (
        "announce"  # tell the master of a release that was complete before this agent started
    )
    DEPLOY = "deploy"  # configure, then start or stop
    STOP = "stop"  # stop what runs although nothing can be configured
    CHECK = "check"  # look at programs and promises
    REVIVE = "revive"  # start programs again that were given up
    DESTROY = "destroy"
    REFUSE = "refuse"  # report why nothing can be done


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do now.

    Attributes:
        subject: URL of the release or id of the partition; at most one step of a subject runs at
            a time.
        partition: the wish, for steps on partitions.
        cause: what a refusal reports.
    """

    kind: StepKind
    subject: str
    partition: Partition | None = None
    cause: Cause | None = None
