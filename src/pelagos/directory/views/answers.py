"""Answers as JSON shows them, and the profile's display that they need."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.core.spelling import nearest
from pelagos.directory.errors import UnknownProfileError
from pelagos.directory.merge import cell, row
from pelagos.directory.model import Answer, Display, SourceVerdict


def display_of(profile: str, displays: Mapping[str, Display]) -> Display:
    """The display of a profile.

    Raises:
        UnknownProfileError: it has none.
    """
    if profile not in displays:
        meant = nearest(profile, displays)
        more = f"; did you mean `{meant}`?" if meant else ""
        raise UnknownProfileError([f"the profile `{profile}` does not exist{more}"])
    return displays[profile]


def answer_body(
    answer: Answer, display: Display, favorites: Mapping[str, Collection[str]] | None = None
) -> dict[str, Any]:
    """The columns, the results, and under `sources` what each source did.

    Args:
        favorites: the unique ids of the asker's favourites, by name of their source.
    """
    return {
        "column_headers": display.headers,
        "column_types": display.types,
        "results": [row(result, display, favorites) for result in answer.results],
        "sources": [verdict_body(verdict) for verdict in answer.sources],
    }


def verdict_body(verdict: SourceVerdict) -> dict[str, Any]:
    """A verdict as JSON answers show it; `error` only when there is one."""
    body = {"name": verdict.name, "verdict": str(verdict.verdict), "ms": verdict.ms}
    return body if verdict.error is None else {**body, "error": cell(verdict.error)}
