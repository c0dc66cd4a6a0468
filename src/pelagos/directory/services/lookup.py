"""Service `lookup`: a term to all sources of a profile, one deadline, a verdict for each."""

from __future__ import annotations

import logging
import math
import unicodedata
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, TypeVar

from pelagos.core.fanout import Reply
from pelagos.directory.asking import Asking, Question
from pelagos.directory.errors import BadTermError
from pelagos.directory.merge import merge
from pelagos.directory.model import Answer, Asker, SourceAnswer, SourceResult
from pelagos.directory.services.base import BaseServicePlugin, needed, profiles_of
from pelagos.directory.settings import ServiceProfile
from pelagos.directory.sources import Source

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Characters of a term; longer ones find nothing and cost every source time.
MAX_TERM_LENGTH = 256


def check_term(term: str) -> str:
    """The term without spaces around it.

    Raises:
        BadTermError: too long, or not text (control characters, bytes that are not UTF-8).
    """
    if len(term) > MAX_TERM_LENGTH:
        raise BadTermError(
            [f"the term has {len(term):,} characters; at most {MAX_TERM_LENGTH} are searched"]
        )
    if "\ufffd" in term or not (
        term.isprintable()  # as nearly all are
        or all(unicodedata.category(c) not in {"Cc", "Cs"} for c in term.strip())
    ):
        raise BadTermError(["the term is not text: it has control characters or broken UTF-8"])
    return term.strip()


class LookupService:
    """Asks the sources of a profile; safe to share between threads."""

    def __init__(self, asking: Asking, profiles: Mapping[str, ServiceProfile]) -> None:
        self._asking = asking
        self._profiles = profiles

    def lookup(self, term: str, profile: str, asker: Asker | None = None) -> Answer:
        """What the sources of the profile know, at the profile's deadline at the latest.

        The empty term occurs in every entry. A profile without sources has an empty answer.

        Raises:
            BadTermError: see `check_term`.
        """
        calls, timeout, question = self._question(term, profile, asker or Asker())
        return merge(self._asking.ask(calls, timeout, question))

    def stream(
        self, term: str, profile: str, asker: Asker | None = None
    ) -> Generator[SourceAnswer, None, None]:
        """The same, each source's answer as soon as it is known.

        Whoever stops iterating gives up the rest. Asked when the first answer is wanted.

        Raises:
            BadTermError: see `check_term`; at once.
        """
        calls, timeout, question = self._question(term, profile, asker or Asker())
        return self._asking.stream(calls, timeout, question)

    def meanwhile(
        self, name: str, call: Callable[[], T], profile: str, limit: float = math.inf
    ) -> Iterator[Reply[T]]:
        """Begin a call that an answer needs besides the sources'; it has the same deadline.

        Args:
            name: what is asked; beside a source of this name, not instead of it.
            limit: seconds, where the call has less time than the sources.
        """
        settings = self._profiles.get(profile) or ServiceProfile()
        return self._asking.fanout.stream({f"({name})": call}, min(limit, settings.timeout))

    def sources(self, profile: str) -> tuple[str, ...]:
        """The names of the sources that are asked for a profile, in the order of the answer."""
        settings = self._profiles.get(profile)
        return settings.sources if settings is not None else ()

    def _question(
        self, term: str, profile: str, asker: Asker
    ) -> tuple[Mapping[str, Callable[[Source], list[SourceResult]]], float, Question]:
        term = check_term(term)
        settings = self._profiles.get(profile)
        if settings is None:
            log.warning("lookup: profile %s has no sources", profile)
            settings = ServiceProfile()

        def search(source: Source) -> list[SourceResult]:
            return source.search(term, asker.args())

        calls = dict.fromkeys(settings.sources, search)
        return calls, settings.timeout, Question(("search", term), asker)


class LookupPlugin(BaseServicePlugin):
    """The plugin `lookup` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> LookupService:
        """The service, made from the section `services.lookup`."""
        (asking,) = needed(args, "asking")
        return LookupService(asking, profiles_of(args, "lookup"))
