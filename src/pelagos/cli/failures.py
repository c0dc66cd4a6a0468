"""What a person reads when a command cannot go on, and the exit code that a script reads.

0  done
1  failed
2  the command line, a file that it names or the configuration is wrong
3  accepted, but not ready in time
4  no such service, computer, release, person, exchange, queue or thing of a cloud
5  credentials are missing, wrong or not enough
6  the plane, the message broker or a cloud cannot be reached
130  interrupted (Ctrl-C)
"""

from __future__ import annotations

from collections.abc import Iterable

from pelagos.cli.terminal import clean
from pelagos.core.errors import ConfigError, PelagosError

OK = 0
FAILED = 1
USAGE = 2
NOT_READY = 3
NOT_FOUND = 4
NOT_ALLOWED = 5
UNREACHABLE = 6
INTERRUPTED = 130

EXIT_CODES = {
    OK: "done",
    FAILED: "failed",
    USAGE: "the command line, a file that it names or the configuration is wrong",
    NOT_READY: "accepted, but not ready in time",
    NOT_FOUND: "no such service, computer, release, person, exchange, queue or thing of a cloud",
    NOT_ALLOWED: "credentials are missing, wrong or not enough",
    UNREACHABLE: "the plane, the message broker or a cloud cannot be reached",
    INTERRUPTED: "interrupted (Ctrl-C)",
}
"""Every exit code and its meaning; docs/reference/exit-codes.md says the same."""

# By the name of the error, so that deciding does not load rooms which the command did not use.
_CODES = {
    ("pelagos.core.http.errors", "HttpUnreachable"): UNREACHABLE,
    ("pelagos.core.http.errors", "HttpTimeout"): UNREACHABLE,
    ("pelagos.core.http.errors", "HttpTlsError"): UNREACHABLE,
    ("pelagos.slap.errors", "MasterUnreachable"): UNREACHABLE,
    ("pelagos.directory.errors", "DirectoryUnreachable"): UNREACHABLE,
    ("pelagos.slap.errors", "NotFoundError"): NOT_FOUND,
    ("pelagos.slap.errors", "ResourceNotReady"): NOT_READY,
    ("pelagos.slap.errors", "AuthenticationError"): NOT_ALLOWED,
    ("pelagos.slap.errors", "Unauthorized"): NOT_ALLOWED,
    ("pelagos.slap.errors", "BadRequest"): USAGE,
    ("pelagos.messaging.errors", "BrokerUnreachableError"): UNREACHABLE,
    ("pelagos.messaging.errors", "ConnectionLostError"): UNREACHABLE,
    ("pelagos.messaging.errors", "PublishTimeoutError"): NOT_READY,
    ("pelagos.messaging.errors", "LoginError"): NOT_ALLOWED,
    ("pelagos.messaging.errors", "BusUrlError"): USAGE,
    ("pelagos.one.errors", "OneTransportException"): UNREACHABLE,
    ("pelagos.one.errors", "OneAuthenticationException"): NOT_ALLOWED,
    ("pelagos.one.errors", "OneAuthorizationException"): NOT_ALLOWED,
    ("pelagos.one.errors", "OneNoExistsException"): NOT_FOUND,
    ("pelagos.one.errors", "OneWaitException"): NOT_READY,
    ("pelagos.one.errors", "OneConfigException"): USAGE,
    ("pelagos.one.errors", "OneCallException"): USAGE,
}

_BY_STATUS = {400: USAGE, 401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND, 408: NOT_READY}


class CommandError(PelagosError):
    """A command cannot do what it was asked.

    Attributes:
        code: the exit code of the program.
    """

    def __init__(self, message: str, *, hint: str | None = None, code: int = FAILED) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class EnoughSeen(Exception):
    """Whoever reads the output in a pager has left it: the rest need not be made."""


class UsageError(CommandError):
    """The command line is wrong: an unknown word, a missing or malformed value."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, code=USAGE)


class CommandClassError(CommandError):
    """The class of a command is not as it has to be."""


class NoPlaneError(CommandError):
    """No plane is known or running where the command looks for one."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or "start one here: pelagos up", code=UNREACHABLE)


def exit_code(error: PelagosError) -> int:
    """The exit code of the program that ends with this error."""
    if isinstance(error, CommandError):
        return error.code
    if isinstance(error, ConfigError):
        return USAGE
    if answers_otherwise(error):
        return UNREACHABLE
    for kind in type(error).__mro__:
        code = _CODES.get((kind.__module__, kind.__qualname__))
        if code is not None:
            return code
    return _BY_STATUS.get(getattr(error, "status", None) or 0, FAILED)


def answers_otherwise(error: PelagosError) -> bool:
    """Whether something answered in the master's place that is none."""
    return "address of a Pelagos master?" in (error.hint or "")


def unknown(kind: str, word: str, known: Iterable[str], *, hint: str | None = None) -> UsageError:
    """A `UsageError` about a word that is none of the known ones; it names the nearest."""
    from pelagos.core.spelling import nearest

    choices = list(known)
    near = nearest(word, choices)
    if near is not None:
        hint = f"did you mean {near}?"
    elif hint is None:
        hint = f"use one of: {', '.join(choices)}"
    return UsageError(f"unknown {kind}: {word}", hint=hint)


def as_written(error: PelagosError) -> str:
    """The error as lines for stderr: what happened and why, then what to do next."""
    lines = [f"pelagos: {clean(error.message.rstrip(), keep=chr(10))}"]
    if error.hint:
        lines += [f"  {clean(line)}" for line in error.hint.splitlines()]
    return "\n".join(lines) + "\n"
