"""Service `kept_sources`: sources are made, changed and removed while the directory serves."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import PelagosError
from pelagos.core.fanout import describe
from pelagos.directory import groups
from pelagos.directory.errors import DuplicateError, InvalidError, NotThereError
from pelagos.directory.groups import Kind
from pelagos.directory.roster import Roster
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.services.person import store_of
from pelagos.directory.services.source_body import SourceBody
from pelagos.directory.settings import PROFILE_SERVICES, SourceSettings, checks
from pelagos.directory.settings.masking import masked
from pelagos.directory.settings.source import read_source
from pelagos.directory.sources import Source, load_failure
from pelagos.directory.store.sources import KeptSource, KeptSources

log = logging.getLogger(__name__)

#: Sources that can be made.
MOST = 200
#: Seconds until a change that was made elsewhere is seen here.
PERIOD = 5.0

_NAMES = uuid.UUID("0f3d6a52-8f1b-5e0c-9a46-0e7f5b1c2d3e")

Item = dict[str, Any]


class KeptSourcesService:
    """The sources that were made here, beside those of the configuration, which stay as they are.

    A change is there for the next question. One that another directory on the same database made
    is there when `refresh` is called.

    Args:
        configured: the section `sources` of the configuration.
        profiles: names of the profiles that there are.
        trusted: back-ends that are allowed besides the harmless ones, and that may use files.
    """

    def __init__(
        self,
        store: KeptSources,
        roster: Roster,
        configured: Mapping[str, Mapping[str, Any]],
        profiles: Collection[str],
        trusted: Collection[str] = (),
    ) -> None:
        self._store = store
        self._roster = roster
        self._configured = configured
        self._profiles = profiles
        self._trusted = trusted
        self._changing = threading.Lock()
        self._known: dict[str, KeptSource] = {}  # by uuid, as they are in the roster
        self._revision = -1

    def all(self, backend: str) -> list[Item]:
        """The sources of a back-end, those of the configuration first; secrets are masked.

        Each has `uuid`, `name`, `backend`, `is_kept`, `is_loaded`, its keys, and `error` when it
        is not loaded.

        Raises:
            NotThereError: there is no such back-end.
        """
        self._refuse_unknown(backend)
        kept = (self._kept(one) for one in self._store.all() if one.backend == backend)
        return [*self._of_configuration(backend), *kept]

    def get(self, backend: str, source_uuid: str) -> Item:
        """One of them.

        Raises:
            NotThereError: the back-end has none of this id.
        """
        found = (one for one in self.all(backend) if one["uuid"] == source_uuid)
        if (item := next(found, None)) is None:
            raise _no_source(backend, source_uuid)
        return item

    def create(self, backend: str, body: object) -> Item:
        """Make a source, which is there for the next question.

        Raises:
            NotThereError: there is no such back-end.
            InvalidError: it cannot be started with these keys; nothing was kept.
            DuplicateError: there is one of this name.
        """
        self._refuse_unknown(backend)
        wanted = self._read(backend, body)
        name, profiles, config = wanted.name, wanted.profiles, wanted.with_secrets({})
        with self._changing:
            self._refuse_taken(name)
            if len(self._store.all()) >= MOST:
                raise InvalidError([f"there are {MOST} sources already; remove some"])
            source = self._start(backend, name, config)
            try:
                made = self._store.add(name, backend, profiles, config)
            except PelagosError:
                source.unload()
                raise
            self._roster.put(source, profiles)
            self._known[made.uuid] = made
        log.info("source %s (%s) was made", name, backend)
        return self._kept(made)

    def edit(self, backend: str, source_uuid: str, body: object) -> None:
        """Give a source another name, other profiles and keys, instead of all that it has.

        A masked secret stands for the one that is kept, as long as the source asks where it
        asked before.

        Raises:
            NotThereError: the back-end has none of this id.
            InvalidError: it cannot be started with these keys; nothing was changed.
            DuplicateError: another one has this name, or it stands in the configuration.
        """
        self._refuse_unknown(backend)
        with self._changing:
            former = self._former(backend, source_uuid)
            wanted = self._read(backend, body)
            name, profiles, config = (
                wanted.name,
                wanted.profiles,
                wanted.with_secrets(former.config),
            )
            if name != former.name:
                self._refuse_taken(name)
            source = self._start(backend, name, config)
            made = KeptSource(source_uuid, name, backend, profiles, config)
            try:
                self._store.replace(made)
            except PelagosError:
                source.unload()
                raise
            self._roster.put(source, profiles)
            if name != former.name:
                self._roster.drop(former.name)
            self._known[source_uuid] = made
        log.info("source %s (%s) was changed", name, backend)

    def remove(self, backend: str, source_uuid: str) -> None:
        """Remove a source, and whose favourites were in it.

        Raises:
            NotThereError: the back-end has none of this id.
            DuplicateError: it stands in the configuration.
        """
        self._refuse_unknown(backend)
        with self._changing:
            former = self._former(backend, source_uuid)
            self._store.remove(source_uuid)
            self._roster.drop(former.name)
            self._known.pop(source_uuid, None)
        log.info("source %s (%s) was removed", former.name, backend)

    def refresh(self) -> None:
        """Take over what was changed elsewhere, or before the start.

        Raises:
            StoreError: the database cannot be used.
        """
        revision = self._store.revision()
        if revision == self._revision:
            return
        with self._changing:
            kept = {one.uuid: one for one in self._store.all()}
            for gone in self._known.keys() - kept.keys():
                self._roster.drop(self._known.pop(gone).name)
            for one in kept.values():
                if one != self._known.get(one.uuid) and not self._roster.is_configured(one.name):
                    self._take_over(one)
            self._revision = revision

    def _take_over(self, one: KeptSource) -> None:
        former = self._known.get(one.uuid)
        if former is not None and former.name != one.name:
            self._roster.drop(former.name)
        self._known[one.uuid] = one
        settings = SourceSettings(one.name, one.backend, one.config)
        try:
            settings = read_source(one.name, {**one.config, "type": one.backend})
            source = self._roster.load(settings)
        # Whatever a back-end raises keeps out its own source only.
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the boundary of plugin loading
            self._roster.put_failed(settings, one.profiles, load_failure(settings, error))
        else:
            self._roster.put(source, one.profiles)

    # ---- what is asked for --------------------------------------------------------------------

    def _read(self, backend: str, body: object) -> SourceBody:
        is_trusted = backend in self._trusted
        return SourceBody.of(body, backend, self._profiles, is_trusted=is_trusted)

    def _start(self, backend: str, name: str, config: Mapping[str, Any]) -> Source:
        try:
            return self._roster.load(read_source(name, {**config, "type": backend}))
        except PelagosError as error:
            hint = f"; {error.hint}" if error.hint else ""
            raise InvalidError([f"{error.message}{hint}"]) from error
        except (Exception, SystemExit) as error:  # the boundary of plugin loading
            log.exception("source %s (%s) cannot start", name, backend)
            raise InvalidError([f"it cannot start: {describe(error)}"]) from error

    def _former(self, backend: str, source_uuid: str) -> KeptSource:
        for one in self._of_configuration(backend):
            if one["uuid"] == source_uuid:
                raise DuplicateError(
                    [f"source {one['name']!r} stands in the configuration; change it there"]
                )
        for kept in self._store.all():
            if (kept.uuid, kept.backend) == (source_uuid, backend):
                return kept
        raise _no_source(backend, source_uuid)

    def _refuse_unknown(self, backend: str) -> None:
        known = groups.names(Kind.BACKEND)
        if backend not in known:
            more = spelling.hint(backend, known, quoted=True)
            raise NotThereError([f"there is no back-end {backend!r}; {more}"])

    def _refuse_taken(self, name: str) -> None:
        if name in self._roster.backends:
            raise DuplicateError([f"there is a source {name!r} already"])

    # ---- what is answered ---------------------------------------------------------------------

    def _of_configuration(self, backend: str) -> list[Item]:
        own = {n: b for n, b in self._roster.backends.copy().items() if b == backend}
        return [
            self._item(str(uuid.uuid5(_NAMES, name)), name, backend, config, is_kept=False)
            for name, config in self._configured.items()
            if name in own
        ]

    def _kept(self, one: KeptSource) -> Item:
        config = {**one.config, "profiles": list(one.profiles)}
        return self._item(one.uuid, one.name, one.backend, config, is_kept=True)

    def _item(
        self,
        source_uuid: str,
        name: str,
        backend: str,
        config: Mapping[str, Any],
        *,
        is_kept: bool,
    ) -> Item:
        is_loaded = name in self._roster.sources
        about: Item = {
            **masked({k: v for k, v in config.items() if k != "type"}),
            "uuid": source_uuid, "name": name, "backend": backend,
            "is_kept": is_kept, "is_loaded": is_loaded,
        }  # fmt: skip
        error = None if is_loaded else self._roster.failures.get(name)
        return about if error is None else {**about, "error": error}


def _no_source(backend: str, source_uuid: str) -> NotThereError:
    return NotThereError([f"back-end {backend} has no source {source_uuid}"])


class KeptSourcesPlugin(BaseServicePlugin):
    """The plugin `kept_sources` of `pelagos.directory.services`, with a thread that looks."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self, args: Mapping[str, Any]) -> KeptSourcesService:
        """The service; takes over what is kept.

        Raises:
            ConfigError: a key that is not known, or a value of the wrong type.
            DirectoryError: there is no store.
        """
        config, roster = needed(args, "config", "roster")
        section = checks.section(checks.section(config, "services"), "kept_sources", "services")
        checks.known(section, ("trusted", "period"), "services.kept_sources")
        trusted = checks.texts(section.get("trusted") or (), "services.kept_sources.trusted")
        period = checks.seconds(section.get("period", PERIOD), "services.kept_sources.period")
        profiles = {name for kind in PROFILE_SERVICES for name in roster.profiles(kind)}
        service = KeptSourcesService(
            store_of(args).sources, roster, config.get("sources") or {}, profiles, trusted
        )
        _look(service)
        self._thread = threading.Thread(
            target=self._run, args=(service, period), name="kept sources", daemon=True
        )
        self._thread.start()
        return service

    def unload(self) -> None:
        """End the thread."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self, service: KeptSourcesService, period: float) -> None:
        while not self._ending.wait(period):
            _look(service)


def _look(service: KeptSourcesService) -> None:
    try:
        service.refresh()
    except PelagosError as error:  # the sources stay as they are; the next look may succeed
        log.warning("the kept sources cannot be read: %s", error)
