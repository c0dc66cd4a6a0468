"""Answers as JSON shows them, and the profile's display that they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from pelagos.core.spelling import nearest
from pelagos.core.verdict import Verdict
from pelagos.directory.auth import acl
from pelagos.directory.errors import RequestError, UnknownProfileError
from pelagos.directory.merge import cell, row
from pelagos.directory.model import Answer, Asker, Display, SourceVerdict
from pelagos.directory.views.rest import may

#: What people are told who cannot mend a source.
_SHORT: Mapping[str, str] = {
    Verdict.LATE: "no answer in time",
    Verdict.FAILED: "it cannot answer now",
    Verdict.BUSY: "too many questions wait for it",
    Verdict.OPEN: "it failed lately and is left alone for a moment",
    Verdict.STALE: "it cannot answer now; this is what it answered a while ago",
}


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
    answer: Answer,
    display: Display,
    who: Asker,
    favorites: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Any]:
    """The columns, the results, and under `sources` what each source did.

    Args:
        who: asked; see `told`.
        favorites: the unique ids of the asker's favourites, by name of their source.
    """
    return {
        "column_headers": display.headers,
        "column_types": display.types,
        "results": [row(result, display, favorites) for result in answer.results],
        "sources": [verdict_body(verdict) for verdict in told(answer.sources, who)],
    }


def told(verdicts: Iterable[SourceVerdict], who: Asker) -> list[SourceVerdict]:
    """The verdicts as this person may know them; only while a request is served.

    What a source failed with may name hosts, files and people. Whoever may check sources is told
    all; others are told that it has no answer now.
    """
    found = list(verdicts)
    if all(verdict.error is None for verdict in found) or sees_errors(who):
        return found
    return [in_short(verdict) for verdict in found]


def in_short(verdict: SourceVerdict) -> SourceVerdict:
    """A verdict with a reason that says nothing of the source's inside."""
    return (
        verdict if verdict.error is None else replace(verdict, error=_SHORT.get(verdict.verdict))
    )


def sees_errors(who: Asker) -> bool:
    """Whether somebody may know what sources fail with; only while a request is served."""
    try:
        return may(who, acl.fill("dird.sources.check.read", {}))
    except RequestError:  # it cannot be told now
        return False


def verdict_body(verdict: SourceVerdict) -> dict[str, Any]:
    """A verdict as JSON answers show it; `error` only when there is one."""
    body = {"name": verdict.name, "verdict": str(verdict.verdict), "ms": verdict.ms}
    return body if verdict.error is None else {**body, "error": cell(verdict.error)}
