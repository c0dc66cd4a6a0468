"""The causes that a master itself can name; each code has a row in docs/reference/causes.md.

Pure: the caller says when. `since` of a cause that goes on is kept with `going_on`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pelagos.slap.model import Cause

MASTER = "master"

_LINE_LIMIT = 1000


def going_on(former: Cause, cause: Cause) -> Cause:
    """The cause, holding since the former one began when that was of the same code."""
    return replace(cause, since=former.since) if former.code == cause.code else cause


def waiting_for_agent(computer_id: str, now: float) -> Cause:
    """The agent was told and has not answered yet."""
    return Cause(
        "waiting-for-agent",
        f"the agent of {computer_id} has not acted on this yet",
        hint=f"pelagos computer info {computer_id}",
        since=now,
        seen_by=MASTER,
    )


def release_unknown(url: str, computers: Sequence[str], now: float) -> Cause:
    """Nobody was asked to supply this release."""
    computer_id = computers[0] if computers else "COMPUTER"
    return Cause(
        "release-unknown",
        f"no computer was asked to supply {url}",
        hint=f"pelagos supply {url} {computer_id}",
        since=now,
        seen_by=MASTER,
    )


def release_not_supplied(
    url: str, wanted: str, now: float, *, elsewhere: Sequence[str] = ()
) -> Cause:
    """Supplied, but not where the instance sits or may sit."""
    there = f"; it is supplied on {_some(elsewhere)}" if elsewhere else ""
    return Cause(
        "release-not-supplied",
        f"{url} is not supplied on {wanted}{there}",
        hint=f"pelagos supply {url} {wanted}",
        since=now,
        seen_by=MASTER,
    )


def no_partition_free(computers: Sequence[str], count: int, now: float) -> Cause:
    """All partitions that would do are taken, or none was ever announced."""
    where = _some(computers)
    return Cause(
        "no-partition-free",
        f"all {count} partitions of {where} are taken"
        if count
        else f"{where} has announced no partitions yet",
        hint="destroy a service that is not needed (pelagos service list), or supply the release "
        "on another computer"
        if count
        else f"pelagos computer info {computers[0]}",
        since=now,
        seen_by=MASTER,
    )


def filter_unmatched(names: Sequence[str], now: float) -> Cause:
    """The requester asks for a property that no computer has."""
    return Cause(
        "filter-unmatched",
        f"no computer is known to match the filter {', '.join(names)}",
        hint="request again without it; computer_guid=COMPUTER chooses a computer",
        since=now,
        seen_by=MASTER,
    )


def no_shared_host(url: str, now: float) -> Cause:
    """The instance that served a shared one is gone."""
    return Cause(
        "no-shared-host",
        f"no instance of {url} is there to serve this shared instance",
        hint=f"request an instance of {url} that is not shared",
        since=now,
        seen_by=MASTER,
    )


def computer_silent(computer_id: str, since: float) -> Cause:
    """The agent has not been heard of for too long."""
    return Cause(
        "computer-silent",
        f"the agent of {computer_id} has not called for too long",
        hint=f"start it on {computer_id} (pelagos up), or look why it does not reach the master",
        since=since,
        seen_by=MASTER,
    )


def never_seen(computer_id: str, since: float) -> Cause:
    """The computer was registered, and its agent never called."""
    return Cause(
        "never-seen",
        f"the agent of {computer_id} has never called",
        hint=f"start it on {computer_id} (pelagos up)",
        since=since,
        seen_by=MASTER,
    )


def destroying(computer_id: str, children: Sequence[str], since: float) -> Cause:
    """The end was asked for and has not come yet."""
    waits = f"its children to go: {_some(children)}" if children else f"the agent of {computer_id}"
    return Cause(
        "destroying",
        f"being destroyed; waits for {waits}",
        hint="nothing to do; the name is free again when it is gone",
        since=since,
        seen_by=MASTER,
    )


def plain(code: str, message: str, now: float, seen_by: str = MASTER) -> Cause:
    """A cause that needs nobody."""
    return Cause(code, message, since=now, seen_by=seen_by)


def one_line(text: str) -> str:
    """A text from outside as one line that a terminal can show: no control characters."""
    return "".join(char if char.isprintable() else " " for char in text[:_LINE_LIMIT]).strip()


def clean(text: str) -> str:
    """A log from outside without what could move a terminal's cursor or change its colours."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004  # as shown
