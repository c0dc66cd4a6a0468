"""Conditions on which an object is brought: only when it is that one, or changed since a time."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pelagos.cli.argument import Argument, DateArgument, ValueArgument
from pelagos.cli.cloud.storage import Spot, StorageCommand
from pelagos.cli.command_base import Command
from pelagos.cli.failures import CommandError

CONDITIONS: Mapping[str, Argument] = {
    "if_match": ValueArgument("only when its hash is this one", "--if-match", metavar="HASH"),
    "if_none_match": ValueArgument(
        "only when its hash is another one", "--if-none-match", metavar="HASH"
    ),
    "if_modified_since": DateArgument(
        "only when it changed after a time, as 2026-07-14T09:30",
        "--if-modified-since",
        metavar="TIME",
    ),
    "if_unmodified_since": DateArgument(
        "only when it did not change after a time", "--if-unmodified-since", metavar="TIME"
    ),
}
"""The options; see `conditions`."""


def conditions(command: Command) -> dict[str, str]:
    """What the options say, as the client's methods take it."""
    from email.utils import formatdate

    given = {name: command[name] for name in CONDITIONS if command[name] is not None}
    return {
        name: formatdate(value, usegmt=True) if isinstance(value, float) else value
        for name, value in given.items()
    }


def check(command: StorageCommand, spot: Spot) -> dict[str, Any]:
    """What the options say, for the transfer; see that it holds now.

    Raises:
        CommandError: it does not.
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
        if reply.status != HTTPStatus.OK:
            raise CommandError(
                f"{spot} was not brought: the condition does not hold",
                hint=f"see what is there: pelagos object info {spot}",
            )
    return wanted
