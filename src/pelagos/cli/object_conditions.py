"""Conditions on which an object is brought: only when it is that one, or changed since a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import Argument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import CommandError, UsageError
from pelagos.cli.storage import Spot, StorageCommand

CONDITIONS: Mapping[str, Argument] = {
    "if_match": ValueArgument("only when its hash is this one", "--if-match", metavar="HASH"),
    "if_none_match": ValueArgument(
        "only when its hash is another one", "--if-none-match", metavar="HASH"
    ),
    "if_modified_since": ValueArgument(
        "only when it changed after a time, as 2026-07-14T09:30",
        "--if-modified-since",
        metavar="TIME",
    ),
    "if_unmodified_since": ValueArgument(
        "only when it did not change after a time", "--if-unmodified-since", metavar="TIME"
    ),
}
"""The options; see `conditions`."""


def conditions(command: Command) -> dict[str, str]:
    """What the options say, as the client's methods take it.

    Raises:
        UsageError: a time is none.
    """
    given = {name: command[name] for name in CONDITIONS if command[name]}
    times = {name: http_time(CONDITIONS[name].name, given[name]) for name in _TIMES & given.keys()}
    return {**given, **times}


_WELL = 200
_TIMES = {"if_modified_since", "if_unmodified_since"}


def at_time(option: str, text: str) -> float:
    """Seconds since 1970 of a time that a person wrote: without a zone, the wall's.

    Raises:
        UsageError: it is none.
    """
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no time", hint="write for example: 2026-07-14T09:30"
        ) from error


def http_time(option: str, text: str) -> str:
    """The same as a header field says it.

    >>> http_time("--if-modified-since", "2026-07-14T09:30:00+00:00")
    'Tue, 14 Jul 2026 09:30:00 GMT'
    """
    from email.utils import formatdate

    return formatdate(at_time(option, text), usegmt=True)


def check(command: StorageCommand, spot: Spot) -> dict[str, Any]:
    """What the options say, for the transfer; see that it holds now.

    Raises:
        CommandError: it does not.
        UsageError: a time is none.
    """
    wanted = conditions(command)
    if wanted:
        reply = command.client.object_head(
            spot.name,
            command["version"],
            wanted.get("if_match"),
            wanted.get("if_none_match"),
            wanted.get("if_modified_since"),
            wanted.get("if_unmodified_since"),
            success=(200, 304, 412),
            **spot.where,
        )
        if reply.status != _WELL:
            raise CommandError(
                f"{spot} was not brought: the condition does not hold",
                hint=f"see what is there: pelagos object info {spot}",
            )
    return wanted
