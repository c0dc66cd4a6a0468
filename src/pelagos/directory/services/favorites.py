"""Service `favorites`: which contacts a person has marked, and what their sources know of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.core.fanout import Verdict
from pelagos.core.spelling import nearest
from pelagos.directory.asking import Asking, Question
from pelagos.directory.bus import Bus
from pelagos.directory.errors import InvalidError, NotThereError, UnknownProfileError
from pelagos.directory.merge import merge
from pelagos.directory.model import Answer, Asker, SourceAnswer, SourceResult, SourceVerdict
from pelagos.directory.services.base import BaseServicePlugin, needed, profiles_of
from pelagos.directory.services.person import person_of, store_of
from pelagos.directory.settings import ServiceProfile
from pelagos.directory.sources import Source
from pelagos.directory.store import DirectoryStore

log = logging.getLogger(__name__)

ADDED = ("favorite_added", "directory.favorite.added")
DELETED = ("favorite_deleted", "directory.favorite.deleted")
#: Favourites of one person: more than anybody has, and less than would fill disk and memory.
MOST = 10_000
#: What to do where there are none.
_HOW = "services.favorites of the settings names the sources of each profile"


class FavoritesService:
    """The favourites of persons; safe to share between threads.

    Each method that reads or writes them raises `StoreError` when the database cannot be used.
    """

    def __init__(
        self,
        store: DirectoryStore,
        asking: Asking,
        profiles: Mapping[str, ServiceProfile],
        bus: Bus | None = None,
    ) -> None:
        self._store = store
        self._asking = asking
        self._profiles = profiles
        self._bus = bus

    def ids(self, profile: str, asker: Asker | None = None) -> Mapping[str, Collection[str]]:
        """The ids of a person's favourites by name of their source, of those of the profile.

        Nobody in particular has none, and so has a profile without favourites.
        """
        settings = self._profiles.get(profile)
        person = (asker or Asker()).user
        if settings is None or not person:
            return {}
        found = self._store.favorites.of(person)
        return {name: found[name] for name in settings.sources if name in found}

    def list(self, profile: str, asker: Asker) -> Answer:
        """What the sources know of a person's favourites; what they know no more is left out.

        Raises:
            UnknownProfileError: the profile has no favourites.
            TokenError: the token is nobody's in particular.
        """
        settings = self._profiles.get(profile)
        if settings is None:
            meant = nearest(profile, self._profiles)
            more = f"did you mean `{meant}`?" if meant else _HOW
            raise UnknownProfileError([f"the profile `{profile}` has no favorites; {more}"])
        person_of(asker)
        ids = self.ids(profile, asker)
        calls = {name: _call(ids[name], asker) for name in settings.sources if name in ids}
        what = ("list", tuple((name, tuple(sorted(ids[name]))) for name in calls))
        answers = {
            answer.verdict.name: answer
            for answer in self._asking.ask(calls, settings.timeout, Question(what, asker))
        }
        return merge(answers.get(name) or _nothing(name) for name in settings.sources)

    def add(self, source: str, contact: str, asker: Asker) -> None:
        """Make a contact a favourite; whether its source knows it is not asked.

        Raises:
            NotThereError: no profile has favourites in that source.
            DuplicateError: it is one already.
            InvalidError: the person has too many.
            TokenError: the token is nobody's in particular.
        """
        person = person_of(asker)
        source, contact = self._known(source, contact)
        if sum(map(len, self._store.favorites.of(person).values())) >= MOST:
            raise InvalidError([f"a person has at most {MOST:,} favorites; remove some"])
        self._store.favorites.add(person, source, contact)
        self._tell(ADDED, person, asker, source, contact)

    def remove(self, source: str, contact: str, asker: Asker) -> None:
        """Make it one no more.

        Raises:
            NotThereError: it is none, or no profile has favourites in that source.
            TokenError: the token is nobody's in particular.
        """
        person = person_of(asker)
        source, contact = self._known(source, contact)
        self._store.favorites.remove(person, source, contact)
        self._tell(DELETED, person, asker, source, contact)

    def _known(self, source: str, contact: str) -> tuple[str, str]:
        """Source and contact; a slash in a path may have parted them at another place."""
        whole = f"{source}/{contact}"
        profiles = list(self._profiles.values())
        sources = {name for profile in profiles for name in profile.sources}
        if source in sources:
            return source, contact
        fitting = [name for name in sources if whole.startswith(f"{name}/")]
        if not fitting:
            meant = nearest(source, sources)
            more = f"did you mean `{meant}`?" if meant else _HOW
            raise NotThereError([f"there is no source `{source}` that has favorites; {more}"])
        name = max(fitting, key=len)
        return name, whole[len(name) + 1 :]

    def _tell(
        self, event: tuple[str, str], person: str, asker: Asker, source: str, contact: str
    ) -> None:
        """Announce what is stored; a bus that is away takes nothing back."""
        if self._bus is None:
            return
        body = {
            "user_uuid": person,
            "tenant": asker.tenant or asker.token_infos.get("tenant"),
            "source": source,
            "source_entry_id": contact,
        }
        try:
            self._bus.publish(*event, body)
        except PelagosError as error:
            log.warning("%s is stored, but was not announced: %s", event[0], error)


def _call(ids: Collection[str], asker: Asker) -> Callable[[Source], list[SourceResult]]:
    return lambda source: source.list(sorted(ids), asker.args())


def _nothing(name: str) -> SourceAnswer:
    return SourceAnswer(SourceVerdict(name, Verdict.EMPTY, 0.0))


class FavoritesPlugin(BaseServicePlugin):
    """The plugin `favorites` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> FavoritesService:
        """The service, made from the section `services.favorites`.

        Raises:
            DirectoryError: there is no store.
        """
        (asking,) = needed(args, "asking")
        profiles = profiles_of(args, "favorites")
        return FavoritesService(store_of(args), asking, profiles, args.get("bus"))
