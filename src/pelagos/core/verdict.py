"""What one source did for a question, and its errors in one line for a person."""

from __future__ import annotations

import logging
from collections.abc import Sized
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pelagos.core.errors import PelagosError
from pelagos.core.logs import hide

log = logging.getLogger(__name__)

T = TypeVar("T")

_ERROR_LENGTH = 300


class Verdict(StrEnum):
    """What became of one source's part of an answer."""

    ANSWERED = "answered"
    EMPTY = "empty"  # answered, and had nothing
    LATE = "late"  # asked, and had not answered at the deadline
    FAILED = "failed"  # raised an error, or could not be loaded
    BUSY = "busy"  # not asked: former questions still occupy all its slots
    OPEN = "open"  # not asked: it failed so often that it is left alone for a moment
    STALE = "stale"  # has no answer now; what it answered a while ago stands in
    UNNEEDED = "unneeded"  # asked, and not waited for: another source had settled the question


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What one source said.

    Attributes:
        elapsed_ms: milliseconds from the question to this verdict, waiting for a slot included.
        value: what the source returned; None unless `answered` or `empty`.
        error: one line that says why there is no value, secrets masked; None when there is one.
    """

    name: str
    verdict: Verdict
    elapsed_ms: float
    value: T | None = None
    error: str | None = None


def verdict_on(value: object) -> Verdict:
    """Whether what a source returned is something or nothing."""
    is_nothing = value is None or (isinstance(value, Sized) and len(value) == 0)
    return Verdict.EMPTY if is_nothing else Verdict.ANSWERED


def log_failure(name: str, error: BaseException) -> None:
    """Say that a source failed, and where, unless the error is one that says all by itself."""
    if isinstance(error, PelagosError):
        log.warning("source %s failed: %s", name, describe(error))
    else:
        log.warning("source %s failed", name, exc_info=error)


def describe(error: BaseException) -> str:
    r"""One line for a person: what went wrong, secrets masked, at most 300 characters.

    >>> describe(ValueError("no such host\nhttp://joe:pw@h/"))
    'ValueError: no such host http://***@h/'
    """
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # a source's exception may be as broken as the source
        text = ""
    text = " ".join(hide(text).split())
    if not isinstance(error, PelagosError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= _ERROR_LENGTH else text[: _ERROR_LENGTH - 1] + "…"
