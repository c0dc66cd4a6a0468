"""Service `lookup`: a term to all sources of a profile, one deadline, a verdict for each."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.core.fanout import Fanout, Reply, Verdict
from pelagos.directory.errors import BadTermError
from pelagos.directory.merge import merge
from pelagos.directory.model import Answer, Asker, SourceAnswer, SourceResult, SourceVerdict
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.settings import ServiceProfile, service_profiles
from pelagos.directory.sources import Source

log = logging.getLogger(__name__)

#: Characters of a term; longer ones find nothing and cost every source time.
MAX_TERM_LENGTH = 256

_NOT_THERE = "no source of this name is configured"
_Found = list[SourceResult]


def check_term(term: str) -> str:
    """The term without spaces around it.

    Raises:
        BadTermError: too long, or not text (control characters, bytes that are not UTF-8).
    """
    if len(term) > MAX_TERM_LENGTH:
        raise BadTermError(
            [f"the term has {len(term):,} characters; at most {MAX_TERM_LENGTH} are searched"]
        )
    if "\ufffd" in term or any(unicodedata.category(c) in {"Cc", "Cs"} for c in term.strip()):
        raise BadTermError(["the term is not text: it has control characters or broken UTF-8"])
    return term.strip()


class LookupService:
    """Asks the sources of a profile; safe to share between threads."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        profiles: Mapping[str, ServiceProfile],
        fanout: Fanout,
        failures: Mapping[str, str] | None = None,
    ) -> None:
        self._sources = sources
        self._profiles = profiles
        self._fanout = fanout
        self._failures = dict(failures or {})

    def lookup(self, term: str, profile: str, asker: Asker | None = None) -> Answer:
        """What the sources of the profile know, at the profile's deadline at the latest.

        The empty term occurs in every entry. A profile without sources has an empty answer.

        Raises:
            BadTermError: see `check_term`.
        """
        term = check_term(term)
        settings = self._profiles.get(profile)
        if settings is None:
            log.warning("lookup: profile %s has no sources", profile)
            return Answer()
        who = asker or Asker()
        questions = {
            name: _question(self._sources[name], term, who)
            for name in settings.sources
            if name in self._sources
        }
        replies = {
            reply.name: _answer(reply)
            for reply in self._fanout.ask(questions, timeout=settings.timeout)
        }
        return merge(replies.get(name) or self._absent(name) for name in settings.sources)

    def _absent(self, name: str) -> SourceAnswer:
        reason = self._failures.get(name, _NOT_THERE)
        return SourceAnswer(SourceVerdict(name, Verdict.FAILED, 0.0, reason))


def _question(source: Source, term: str, who: Asker) -> Callable[[], _Found]:
    return lambda: source.search(term, who.args())


def _answer(reply: Reply[_Found]) -> SourceAnswer:
    verdict = SourceVerdict(reply.name, reply.verdict, round(reply.elapsed_ms, 1), reply.error)
    return SourceAnswer(verdict, tuple(reply.value or ()))


class LookupPlugin(BaseServicePlugin):
    """The plugin `lookup` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> LookupService:
        """The service, made from the section `services.lookup`."""
        config, sources, fanout = needed(args, "config", "sources", "fanout")
        profiles = service_profiles(config, "lookup")
        return LookupService(sources, profiles, fanout, args.get("failures"))
