"""Why a source of the directory is as it is: it is asked now, and its verdict is the cause."""

from __future__ import annotations

from pelagos.directory.client import DirectoryClient, SourceFact
from pelagos.slap.model import Cause, Explanation

_SEEN_BY = "the directory"
_CONFIG = "mend [directory.settings.sources.{name}] and start the directory again"


def explain_source(directory: DirectoryClient, name: str) -> Explanation | None:
    """The state of a source and its cause; None when the directory has no such source.

    Raises:
        RequestError: the directory refused to tell.
        DirectoryUnreachable: it does not answer.
    """
    states = {one.name: one for one in directory.sources()}
    if name not in states:
        return None
    if not states[name].is_loaded:
        cause = _cause("source-not-loaded", states[name].error or "", _CONFIG.format(name=name))
        return Explanation("source", name, "failed", cause)
    found = {one.name: one for one in directory.check([name])}
    return _of(found[name]) if name in found else None


def _of(fact: SourceFact) -> Explanation:
    verdict = str(fact.verdict)
    if verdict == "late":
        said = f"it gave no answer within {fact.ms / 1000:.1f} s; lookups go on without it"
        cause = _cause("source-late", said, "see that what it asks runs and can be reached")
    elif fact.error is not None or verdict not in {"answered", "empty"}:
        said = fact.error or verdict
        cause = _cause("source-failed", said, "mend that; it is asked again by itself")
    elif fact.said:
        first, *others = fact.said
        cause = _cause("source-limited", first, "it answers as far as it can; mend what you need")
        chain = tuple(_cause("source-limited", one, "") for one in others)
        return Explanation("source", fact.name, verdict, cause, chain)
    else:
        cause = _cause(
            "ok", f"it is a source of type {fact.backend} and answers in {fact.ms:g} ms"
        )
    return Explanation("source", fact.name, verdict, cause)


def _cause(code: str, message: str, hint: str = "") -> Cause:
    return Cause(code, message, hint, seen_by=_SEEN_BY)
