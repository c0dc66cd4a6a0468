"""What to do next, for an error that does not say so itself."""

from __future__ import annotations

from pelagos.cli.failures import (
    FAILED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_READY,
    UNREACHABLE,
    exit_code,
)
from pelagos.core.errors import PelagosError

_AFAR = (
    "pelagos.slap.",
    "pelagos.directory.",
    "pelagos.clients.",
    "pelagos.one.",
    "pelagos.core.http.",
)
"""Whose errors are about what another program answered."""


def advice(error: PelagosError, line: str) -> str:
    """What a person can do about an error, in one line.

    Args:
        error: what a command let out.
        line: the words of the command.
    """
    code = exit_code(error)
    is_from_afar = f"{type(error).__module__}.".startswith(_AFAR)
    if code == UNREACHABLE:
        return "see that it runs, and that the network lets this computer through"
    if code == NOT_ALLOWED:
        return "see that the login or the token is the right one, and that it may do this"
    if code == NOT_READY:
        return "it goes on; look again later"
    if code == NOT_FOUND:
        return _where_to_look(line)
    if code == FAILED and is_from_afar:
        return f"what was asked and answered: pelagos {line} … -v"
    return f"see: pelagos {line} --help"


def _where_to_look(line: str) -> str:
    from pelagos.cli.index import COMMANDS

    group = line.rpartition(" ")[0]
    names = {name for name, *_ in COMMANDS}
    if group and f"{group} list" in names:
        return f"see what there is: pelagos {group} list"
    return f"see: pelagos {line} --help"
