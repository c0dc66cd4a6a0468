"""Logging for programs. Libraries only ever call `logging.getLogger(__name__)`."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from typing import TextIO

#: Libraries that report a lost connection ten times as errors; whoever uses them says it once.
_NOISY = ("pika",)

_SECRETS = (
    (
        re.compile(r"(?i)\b(authorization[\"']?[:=]\s*[\"']?(?:bearer|basic))\s+[\w.~+/=-]+"),
        r"\1 ***",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 ***"),  # not "the basic idea"
    (re.compile(r"(?i)(x-(?:auth|access)-token:?\s*)\S+"), r"\1***"),
    (re.compile(r"(\w+://)[^/\s@]*@"), r"\1***@"),
    (re.compile(r"(/token/)[\w.~%+=-]+"), r"\1***"),  # wazo-auth's, in a path
    (re.compile(r"(?i)([?&](?:access_|auth_)?token=)[^&\s\"']+"), r"\1***"),
)


def hide(text: str) -> str:
    """The text with bearer tokens, token headers and the userinfo of URLs masked.

    >>> hide("GET http://agent:s3cret@host/x Authorization: Bearer abc.def-123")
    'GET http://***@host/x Authorization: Bearer ***'
    """
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class _HidingFormatter(logging.Formatter):
    suffix: Callable[[], str] = str

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        return super().formatMessage(record) + self.suffix()

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))


def configure(
    level: int | str = logging.INFO,
    *,
    stream: TextIO | None = None,
    suffix: Callable[[], str] | None = None,
) -> None:
    """Send this process's log records to `stream` (default stderr), secrets masked, one line each.

    Calling it again replaces what the former call set.

    Args:
        suffix: says what to add to each line, in the thread that logs; e.g. the trace.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = _HidingFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    if suffix is not None:
        formatter.suffix = suffix
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for former in [h for h in root.handlers if getattr(h, "pelagos", False)]:
        root.removeHandler(former)
    handler.pelagos = True  # type: ignore[attr-defined]  # marks ours for the next call
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(
            logging.DEBUG if root.level <= logging.DEBUG else logging.CRITICAL
        )


def mute() -> None:
    """Keep log records of this process to itself, unless somebody configured where they go.

    Without any handler Python would print warnings as they are, with tracebacks.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
