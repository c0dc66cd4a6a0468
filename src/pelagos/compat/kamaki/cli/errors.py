"""What goes wrong in commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pelagos.cli.failures import FAILED, USAGE, CommandError

__all__ = [
    "CLIBaseUrlError",
    "CLICmdSpecError",
    "CLIError",
    "CLIInvalidArgument",
    "CLISyntaxError",
    "CLIUnimplemented",
    "CLIUnknownCommand",
    "raiseCLIError",
]


class CLIError(CommandError):
    """A command did not succeed.

    Args:
        message: what happened.
        details: lines that say more; one will do, too.
        importance: from 0, not much, to 3.
    """

    IMPORTANCE = 0

    def __init__(
        self, message: str, details: str | Iterable[str] = (), importance: int | None = None
    ) -> None:
        text = str(message)
        self.details = [details] if isinstance(details, str) else list(details)
        self.importance = self.IMPORTANCE if importance is None else int(importance)
        super().__init__(
            text if text.endswith("\n") else f"{text}\n",
            hint="\n".join(map(str, self.details)) or None,
            code=USAGE if self.importance == 1 else FAILED,
        )


class CLISyntaxError(CLIError):
    """A line is not as the command wants it."""

    IMPORTANCE = 1


class CLIInvalidArgument(CLISyntaxError):
    """A value cannot be used."""


class CLIUnknownCommand(CLIError):
    """There is no such command."""

    IMPORTANCE = 1


class CLICmdSpecError(CLIError):
    """A command's class is not as it has to be."""


class CLIBaseUrlError(CLIError):
    """The address of a service is not known.

    Args:
        service: its name.
    """

    IMPORTANCE = 2

    def __init__(self, service: str = "") -> None:
        super().__init__(
            f"No address of the {service or 'service'} is known",
            [f"write it into the section of the cloud: {service or 'SERVICE'}_url = ADDRESS"],
        )


class CLIUnimplemented(CLIError):
    """A command does not do that."""

    IMPORTANCE = 3


def raiseCLIError(  # noqa: N802  # the ancestor's
    err: Any, message: str = "", importance: int = 0, details: Iterable[str] = ()
) -> None:
    """Raise an error as one of a command.

    Args:
        err: an error, or its text; its status and details are told, too.
        message: instead of its own.
        importance: instead of what its status says.
        details: further lines.

    Raises:
        CLIError: always.
    """
    status = int(getattr(err, "status", 0) or 0)
    text = str(message or err).rstrip("\n")
    lines = [*details, *getattr(err, "details", ())]
    if message and str(err).strip():
        lines.append(str(err).strip())
    told = f"({status}) {text}" if status else text
    made = CLIError(told, [str(line) for line in lines], importance or status // 100)
    if isinstance(err, BaseException):
        raise made from err
    raise made
