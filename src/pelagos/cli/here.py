"""What lies on this computer: the folder of a service, for commands that look into it."""

from __future__ import annotations

from pathlib import Path

from pelagos.cli.commands.service import find
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_FOUND, CommandError


def partition_folder(context: Context, name: str, *, what: str, command: str) -> Path:
    """The folder of a service's partition on this computer.

    Args:
        context: of the command.
        name: of the service.
        what: what the command wants of it, e.g. "the logs".
        command: the words of the command, for the hint.

    Raises:
        NotFoundError: there is no such service.
        CommandError: it has no place yet, or its place is on another computer.
    """
    found = find(context, name)
    if found.computer_id is None or found.partition_id is None:
        raise CommandError(
            f"{name} has no place yet, so {what} cannot be had",
            hint=f"see: pelagos why {name}",
            code=NOT_FOUND,
        )
    root = context.endpoints.node_root
    if found.computer_id != context.endpoints.computer_id or not root:
        raise CommandError(
            f"{what} of {name} can be had on its computer, {found.computer_id}, in the partition "
            f"{found.partition_id}",
            hint=f"run there: pelagos {command} {name}",
        )
    # The id comes from the master: it must not lead out of the folder.
    if Path(found.partition_id).name != found.partition_id or found.partition_id == "..":
        raise CommandError(f"{found.partition_id!r} is not a partition")
    return Path(root).resolve() / "instance" / found.partition_id
