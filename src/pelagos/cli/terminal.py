"""What may be written to a terminal: harmless characters, and colour where a person watches.

Knows nothing of commands; nothing here may import what costs start-up time.
"""

from __future__ import annotations

from collections.abc import Mapping

_COLOURS = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "dim": "2"}


def clean(text: str, *, keep: str = "") -> str:
    r"""The text with everything that could steer a terminal written as an escape.

    Control characters (C0, DEL, C1), the characters that turn the direction of writing and lone
    surrogates become ``\xNN`` or ``\uNNNN``.

    Args:
        text: what to print.
        keep: control characters that may stay, e.g. a newline.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep or _is_harmless(char) else _escaped(char) for char in text)


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char in "\u00a0\u2003\u2009\u202f\u3000"


def _escaped(char: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if short is not None:
        return short
    return (
        char.encode("ascii", "backslashreplace").decode()
        if char > "\x7f"
        else f"\\x{ord(char):02x}"
    )


def is_terminal(stream: object) -> bool:
    """Whether a person watches this stream (False for None and closed streams)."""
    try:
        return bool(getattr(stream, "isatty", bool)())
    except ValueError:  # closed
        return False


def wants_colour(stream: object, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to this stream: a terminal that can, and no NO_COLOR."""
    return is_terminal(stream) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def paint(text: str, colour: str) -> str:
    """The text in a colour ("bold", "red", "green", "yellow", "dim")."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"
