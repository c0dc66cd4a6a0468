"""What lies on this computer: the folder of a service, for commands that look into it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from pelagos.cli.commands.service import find
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_ALLOWED, NOT_FOUND, CommandError, UsageError


class Elsewhere(CommandError):
    """The service's place is on another computer; a command that can ask its agent does."""


def partition_folder(
    context: Context, name: str, *, what: str, command: str, more: Sequence[str] = ()
) -> Path:
    """The folder of a service's partition on this computer.

    Args:
        context: of the command.
        name: of the service.
        what: what the command wants of it, e.g. "the logs".
        command: the words of the command, for the hint.
        more: words that come after the name, for the hint.

    Raises:
        NotFoundError: there is no such service.
        Elsewhere: its place is on another computer.
        CommandError: it has no place yet.
    """
    if context.token is None and context.is_own_plane and context.endpoints.node_root:
        return _noted_folder(context, name, command)
    found = find(context, name)
    if found.computer_id is None or found.partition_id is None:
        raise CommandError(
            f"{name} has no place yet, so {what} cannot be had",
            hint=f"see: pelagos why {name}",
            code=NOT_FOUND,
        )
    root = context.endpoints.node_root
    if found.computer_id != context.endpoints.computer_id or not root:
        raise Elsewhere(
            f"{what} of {name} can be had on its computer, {found.computer_id}, in the partition "
            f"{found.partition_id}",
            hint=f"run there: pelagos {command} {shlex.join([name, *more])}",
        )
    return _below(root, found.partition_id)


def _noted_folder(context: Context, name: str, command: str) -> Path:
    """The same without a person's token, on a computer that joined: as its agent noted it."""
    from pelagos.slap.agent.seats import find_seats

    root = context.endpoints.node_root
    try:
        seats = find_seats(Path(root), name)
    except PermissionError as error:
        raise CommandError(
            f"{root} cannot be read by this user",
            hint="run this as the user that runs the agent, or as root",
            code=NOT_ALLOWED,
        ) from error
    if seats is None:
        raise CommandError(
            f"the agent of this computer has noted no services in {root} yet",
            hint="start it: pelagos node run",
            code=NOT_FOUND,
        )
    if not seats:
        raise CommandError(
            f"there is no service {name} on this computer",
            hint="where it is, a person's computer tells: pelagos service info " + name,
            code=NOT_FOUND,
        )
    if len(seats) > 1:
        raise UsageError(
            f"{len(seats)} services on this computer have the name {name}",
            hint="\n".join(f"pelagos {command} {one.guid}" for one in seats),
        )
    return _below(root, seats[0].partition_id)


def _below(root: str, partition_id: str) -> Path:
    # The id comes from the master: it must not lead out of the folder.
    if Path(partition_id).name != partition_id or partition_id == "..":
        raise CommandError(f"{partition_id!r} is not a partition")
    return Path(root).resolve() / "instance" / partition_id
