"""Service `reverse`: who has this number, of all sources of a profile, within one deadline."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pelagos.core.fanout import Verdict
from pelagos.core.spelling import nearest
from pelagos.core.wanted import is_wanted
from pelagos.directory.asking import Asking, Question, verdict_of
from pelagos.directory.errors import BadTermError, UnknownProfileError
from pelagos.directory.model import Asker, SourceResult, SourceVerdict
from pelagos.directory.number import NumberPlan, plan_of
from pelagos.directory.services.base import BaseServicePlugin, needed, profiles_of
from pelagos.directory.services.lookup import check_term
from pelagos.directory.settings import ServiceProfile
from pelagos.directory.sources import Source

#: Numbers that one question may have.
MOST_EXTENS = 200

_Found = Mapping[str, SourceResult]


@dataclass(frozen=True, slots=True)
class ReverseAnswer:
    """Who has a number.

    Attributes:
        exten: the number, as it was asked.
        result: the entry that has it, or None.
        sources: one verdict per configured source, in their order; `unneeded` for those that had
            not answered when another one did.
    """

    exten: str
    result: SourceResult | None = None
    sources: tuple[SourceVerdict, ...] = ()

    @property
    def display(self) -> str | None:
        """The name to show: the column `reverse` of the entry; None when it has none."""
        found = self.result.fields.get("reverse") if self.result is not None else None
        return None if found is None else str(found)


class ReverseService:
    """Asks the sources of a profile for numbers; safe to share between threads.

    The first source that has a number wins; the others are not waited for. Of a profile that is
    `ordered`, the first in the order of the configuration wins, so those before it are.

    Args:
        plan: how numbers are written in the country of the people who ask; each is then looked
            for in all its usual forms. None: as it is given, only.
    """

    def __init__(
        self,
        asking: Asking,
        profiles: Mapping[str, ServiceProfile],
        plan: NumberPlan | None = None,
    ) -> None:
        self._asking = asking
        self._profiles = profiles
        self._plan = plan

    def reverse(self, exten: str, profile: str, asker: Asker | None = None) -> ReverseAnswer:
        """Who has one number, at the profile's deadline at the latest.

        Raises:
            BadTermError: the number is too long, or not text.
            UnknownProfileError: there is no such profile.
        """
        return self.reverse_many([exten], profile, asker)[0]

    def reverse_many(
        self, extens: Sequence[str], profile: str, asker: Asker | None = None
    ) -> tuple[ReverseAnswer, ...]:
        """Who has each of these numbers, in their order; every source is asked once for all.

        Raises:
            BadTermError: one is too long, or not text, or there are too many.
            UnknownProfileError: there is no such profile.
        """
        if len(extens) > MOST_EXTENS:
            raise BadTermError([f"{len(extens):,} numbers; at most {MOST_EXTENS} are looked for"])
        settings = self._settings(profile)
        forms = {exten: self._forms(check_term(exten)) for exten in extens}
        found, verdicts = self._ask(forms, settings, asker or Asker())
        return tuple(
            ReverseAnswer(exten, _first(exten, settings.sources, found), verdicts)
            for exten in extens
        )

    def _settings(self, profile: str) -> ServiceProfile:
        if profile not in self._profiles:
            meant = nearest(profile, self._profiles)
            more = f"; did you mean `{meant}`?" if meant else ""
            raise UnknownProfileError(
                [f"the profile `{profile}` has no sources for reverse lookups{more}"]
            )
        return self._profiles[profile]

    def _forms(self, exten: str) -> tuple[str, ...]:
        if not exten:
            return ()  # nobody has no number
        return (exten,) if self._plan is None else self._plan.forms(exten)

    def _ask(
        self, forms: Mapping[str, tuple[str, ...]], settings: ServiceProfile, asker: Asker
    ) -> tuple[Mapping[str, _Found], tuple[SourceVerdict, ...]]:
        """What each source found, and what each did."""
        wanted = {exten for exten, ways in forms.items() if ways}
        found: dict[str, _Found] = {}
        verdicts: dict[str, SourceVerdict] = {}
        last_ms = 0.0
        if wanted:
            question = Question(("match", tuple(forms.values())), asker)
            match = _Match(forms, asker, settings.sources, found)
            calls = dict.fromkeys(settings.sources, match)
            with closing(self._asking.replies(calls, settings.timeout, question)) as replies:
                for reply in replies:
                    verdicts[reply.name] = verdict_of(reply)
                    found[reply.name] = reply.value or {}
                    last_ms = max(last_ms, verdicts[reply.name].ms)
                    if _is_settled(wanted, settings, found):
                        break
        unneeded = {
            name: SourceVerdict(name, Verdict.UNNEEDED, last_ms)
            for name in settings.sources
            if name not in verdicts
        }
        return found, tuple((verdicts | unneeded)[name] for name in settings.sources)


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """What is asked of one source: for each number, the entry that one of its forms finds.

    Attributes:
        order: names of the sources, the first of which wins.
        found: what was found, by name of the source; filled while this is called.
        thread: that of the question.
    """

    forms: Mapping[str, tuple[str, ...]]
    asker: Asker
    order: Sequence[str]
    found: Mapping[str, _Found]
    thread: int = field(default_factory=threading.get_ident)

    def __call__(self, source: Source) -> _Found:
        forms = self._needed(source)
        every = dict.fromkeys(way for ways in forms.values() for way in ways)
        matches: dict[str, SourceResult] = {}
        if source.matches_many and len(every) > 1:
            matches = source.match_all(every, self.asker.args())
        else:
            for ways in forms.values():
                _match_one(source, ways, matches, self.asker)
        if not matches:
            return {}
        return {
            exten: matches[hits[0]]
            for exten, ways in forms.items()
            if (hits := [way for way in ways if way in matches])
        }

    def _needed(self, source: Source) -> Mapping[str, tuple[str, ...]]:
        """The numbers of which the source could change the answer.

        Sources that answer from memory are asked one after another in the thread of the question;
        what one before has found wins, whatever this one has. Others are asked at the same time,
        and what may stand in for a later answer has to be all.
        """
        if source.settings.stale or threading.get_ident() != self.thread:
            return self.forms
        before = self.order[: self.order.index(source.name)]
        known = {exten for name in before for exten in self.found.get(name, ())}
        needed = {exten: ways for exten, ways in self.forms.items() if exten not in known}
        return needed or self.forms


def _match_one(
    source: Source, ways: Sequence[str], matches: dict[str, SourceResult], asker: Asker
) -> None:
    """Add the entry of the first form that has one; the others need not be asked for."""
    for way in ways:
        if way in matches or not is_wanted():
            return
        result = source.first_match(way, asker.args())
        if result is not None:
            matches[way] = result
            return


def _is_settled(wanted: set[str], settings: ServiceProfile, found: Mapping[str, _Found]) -> bool:
    """Whether no further source can change the answer."""
    missing = set(wanted)
    for name in settings.sources:
        if name in found:
            missing.difference_update(found[name])
        elif settings.ordered:
            return not missing  # this one comes before those that have answered
        if not missing:
            return True
    return False


def _first(exten: str, sources: Sequence[str], found: Mapping[str, _Found]) -> SourceResult | None:
    """What the first source in the order of the configuration has."""
    return next((found[n][exten] for n in sources if exten in found.get(n, ())), None)


class ReversePlugin(BaseServicePlugin):
    """The plugin `reverse` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> ReverseService:
        """The service, made from the section `services.reverse` and from `region`."""
        config, asking = needed(args, "config", "asking")
        region = config.get("region")
        plan = plan_of(region) if region else None
        return ReverseService(asking, profiles_of(args, "reverse"), plan)
