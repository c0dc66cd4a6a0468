"""JSON for a terminal: nothing in it can steer one."""

from __future__ import annotations

import json
from typing import Any

from pelagos.cli.terminal import clean


def dumps(data: Any) -> str:
    """The data as indented JSON text."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    is_harmless = text.isascii() and "\x7f" not in text
    return text if is_harmless else _escaped_json(text)


def _escaped_json(text: str) -> str:
    """JSON text with an escape for each character that could steer a terminal."""
    # json itself escapes only C0, and DEL not even when it writes ASCII.
    return "".join(
        char if char == "\n" or clean(char) == char else json.dumps(char)[1:-1] for char in text
    ).replace("\x7f", "\\u007f")
