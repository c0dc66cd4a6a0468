"""A back-end's word that its answer is of a former state; whoever asked the source hears it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


def is_former(reason: str) -> None:
    """Say, while a source is asked, that what it will answer is not what it should know now.

    Args:
        reason: one line; the answer is then `stale`, with this as its error.
    """
    heard = _heard.get()
    if heard is not None:
        heard.append(reason)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Around a call to a source: the list has what was said by `is_former` in it."""
    heard: list[str] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
