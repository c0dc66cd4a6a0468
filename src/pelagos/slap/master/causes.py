"""The causes that a master itself can name; each code has a row in docs/reference/causes.md.

Pure: the caller says when. `since` of a cause that goes on is kept with `going_on`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pelagos.slap.model import Cause

MASTER = "master"

#: How a host is called for those who do not see it.
ANOTHERS = "an instance of the site"

#: How many of many a message names.
NAMED = 3

_LINE_LIMIT = 1000
_CREDENTIALS = re.compile(r"(?<=://)[^\s/?#@]+(?:@[^\s/?#@]+)*@")


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
        f"no computer was asked to supply {masked(url)}",
        hint=f"pelagos supply {masked(url)} {computer_id}",
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
        f"{masked(url)} is not supplied on {wanted}{there}",
        hint=f"pelagos supply {masked(url)} {wanted}",
        since=now,
        seen_by=MASTER,
    )


def release_removing(url: str, computer_id: str, users: int, now: float) -> Cause:
    """The removal of a release was asked for; so many services still need it.

    They have no names here: everybody who knows of the computer reads this.
    """
    used = f"; {users} services still use it" if users > 1 else ""
    used = "; a service still uses it" if users == 1 else used
    return Cause(
        "release-removing",
        f"to be removed by {computer_id}{used}",
        hint=f"pelagos supply {masked(url)} {computer_id} keeps it" if users else "",
        since=now,
        seen_by=MASTER,
    )


def no_partition_free(
    computers: Sequence[str],
    count: int,
    now: float,
    *,
    capability: str | None = None,
    others: int = 0,
) -> Cause:
    """All partitions that would do are taken, or none was ever announced.

    Args:
        computers: that would do, by name.
        count: of their partitions.
        now: Unix seconds.
        capability: that the partition should have.
        others: how many computers there are besides, when only the first are named.
    """
    where = _some(computers, others)
    if capability is not None:
        message = (
            f"all {count} partitions of {where} with the capability {capability} are taken"
            if count
            else f"no partition of {where} has the capability {capability}"
        )
        hint = (
            "destroy a service that is not needed (pelagos service list)"
            if count
            else "request it without capability, or announce it for a partition"
        )
    elif count:
        message = f"all {count} partitions of {where} are taken"
        hint = (
            "destroy a service that is not needed (pelagos service list), or supply the release "
            "on another computer"
        )
    else:
        message = f"{where} has announced no partitions yet"
        hint = f"pelagos computer info {computers[0]}"
    return Cause("no-partition-free", message, hint=hint, since=now, seen_by=MASTER)


def filter_unmatched(message: str, hint: str, now: float) -> Cause:
    """The requester asks for something that no computer has."""
    return Cause("filter-unmatched", message, hint=hint, since=now, seen_by=MASTER)


def filter_unknown(names: Sequence[str], known: Iterable[str], now: float) -> Cause:
    """The requester filters by a key that nobody knows; names the nearest that is known."""
    near = difflib.get_close_matches(names[0], sorted(known), n=1)
    plural = "s" if len(names) > 1 else ""
    return filter_unmatched(
        f"no computer is known to match the filter{plural} {', '.join(names)}",
        f"did you mean {near[0]}?" if near else "request again without it",
        now,
    )


def computer_lost(computer_id: str, now: float) -> Cause:
    """Where it sat is no more; what it kept is lost."""
    return plain("computer-lost", f"{computer_id}, where it sat, is lost with what it kept", now)


def host_lost(host: str, computer_id: str, now: float) -> Cause:
    """What served a shared instance sat on a computer that is no more."""
    said = f"{computer_id}, where its host {host} sat, is lost; {host} begins anew elsewhere"
    return plain("computer-lost", said, now)


def no_shared_host(message: str, now: float, *, url: str | None = None) -> Cause:
    """Nobody can serve a shared instance, or nobody can any more."""
    return Cause(
        "no-shared-host",
        message,
        hint="request an instance of "
        + (f"{masked(url)} that is not shared" if url else "the release that is not shared"),
        since=now,
        seen_by=MASTER,
    )


def computer_silent(computer_id: str, since: float) -> Cause:
    """The agent has not been heard of for too long."""
    return Cause(
        "computer-silent",
        f"the agent of {computer_id} has not called for too long",
        hint=f"{_start(computer_id)}; or look why it does not reach the master; when it is "
        f"lost for good: pelagos computer remove {computer_id} --lost",
        since=since,
        seen_by=MASTER,
    )


def two_agents(computer_id: str, agents: tuple[str, str], since: float) -> Cause:
    """Two agents call for one computer, each with partitions of its own."""
    return Cause(
        "two-agents",
        f"two agents call as {computer_id}: {agents[0]} and {agents[1]}",
        hint="stop one of them; a copy of a machine joins under a name of its own: "
        "pelagos computer add NAME",
        since=since,
        seen_by=MASTER,
    )


def computer_draining(computer_id: str, since: float) -> Cause:
    """The computer takes nothing new."""
    return Cause(
        "computer-draining",
        f"{computer_id} is being drained: it takes nothing new, what runs there stays",
        hint=f"pelagos computer drain {computer_id} --undo, or supply the release elsewhere",
        since=since,
        seen_by=MASTER,
    )


def waiting_for_child(title: str, child: str, since: float) -> Cause:
    """An instance is not well, and neither is one that it requested."""
    return Cause(
        "waiting-for-child",
        f"{title} waits for {child}, which it requested",
        hint=f"pelagos why {child}",
        since=since,
        seen_by=MASTER,
    )


def waiting_for_host(
    title: str, host: str | None, since: float, *, is_well: bool = False
) -> Cause:
    """A shared instance waits for the one that serves it, which is well itself or not.

    `host` is None for one that whoever reads this may not see.
    """
    if host is None:
        return Cause(
            "waiting-for-host",
            f"{title} waits for a service of this site, which serves it",
            hint=f"ask an operator of the site: `pelagos why {title}` tells him more",
            since=since,
            seen_by=MASTER,
        )
    return Cause(
        "waiting-for-host",
        f"{host} runs, and has published nothing for {title} yet"
        if is_well
        else f"{title} waits for {host}, which serves it",
        hint="ask an operator of the site"
        if host == ANOTHERS
        else f"pelagos {'service logs' if is_well else 'why'} {host}",
        since=since,
        seen_by=MASTER,
    )


def never_seen(computer_id: str, since: float) -> Cause:
    """The computer was registered, and its agent never called."""
    return Cause(
        "never-seen",
        f"the agent of {computer_id} has never called",
        hint=_start(computer_id),
        since=since,
        seen_by=MASTER,
    )


#: What an agent says of an end that it holds up, and why.
HELD_AT_THE_END = frozenset({"retention", "destroy-failed", "node-error", "disk-full"})


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
    shown = "".join(char if char.isprintable() else " " for char in text[:_LINE_LIMIT])
    return masked(shown.strip())


def clean(text: str) -> str:
    """A log from outside without what could move a terminal's cursor or change its colours."""
    return masked("".join(char for char in text if char.isprintable() or char in "\n\t"))


def masked(text: str) -> str:
    """A text without the credentials of the URLs in it: causes and logs are read by many.

    >>> masked("cannot fetch https://ann:s3cret@example.com/a.cfg")
    'cannot fetch https://…@example.com/a.cfg'
    """
    return _CREDENTIALS.sub("…@", text)


def _start(computer_id: str) -> str:
    """How to start an agent; the master does not know in which of the two ways it runs."""
    return (
        f"start it on {computer_id}: `pelagos node run` where that joined with a token, "
        "`pelagos up` where the master runs, too"
    )


def _some(names: Sequence[str], others: int = 0) -> str:
    shown, more = names[:NAMED], len(names[NAMED:]) + others
    return f"{', '.join(shown)} and {more} more" if more else ", ".join(shown)
