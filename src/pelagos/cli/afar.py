"""What lies on another computer: asked of its agent, through the master."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO, TypeVar

from pelagos.cli.failures import CommandError

T = TypeVar("T")

#: What a master answers that cannot reach an agent, or that knows no such call.
_NO_WAY = frozenset({405, 502, 503, 504})


def asked(ask: Callable[[], T], there: CommandError) -> T:
    """What the agent says; when it cannot be reached, also how to go there.

    Raises:
        CommandError: it cannot be reached; the hint says both ways.
        SlapError: the master or the agent refuses.
    """
    from pelagos.slap.errors import SlapError

    try:
        return ask()
    except SlapError as error:
        if error.status not in _NO_WAY:
            raise
        hints = [text for text in (error.hint, there.hint) if text]
        raise CommandError(f"{there.message}; {error.message}", hint="\n".join(hints)) from error


def pass_on(data: bytes, stream: TextIO) -> None:
    """Write what a program wrote, byte by byte where the stream can."""
    stream.flush()
    raw = getattr(stream, "buffer", None)
    if raw is None:
        stream.write(data.decode("utf-8", "backslashreplace"))
    else:
        raw.write(data)
    stream.flush()
