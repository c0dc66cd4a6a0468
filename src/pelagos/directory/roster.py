"""The sources of a directory and the profiles that ask them, which may change while it serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pelagos.core.plugins import PluginFailure
from pelagos.directory import groups
from pelagos.directory.groups import Kind
from pelagos.directory.settings import (
    PROFILE_SERVICES,
    DirectorySettings,
    ServiceProfile,
    SourceSettings,
    service_profiles,
)
from pelagos.directory.sources import LoadedSources, Source, load_source, load_sources, why


class Roster:
    """What services and the asking read, changed in place.

    Each change is one step on a dictionary, so that a reader sees the former or the new source.
    Whoever goes through one copies it first.

    Args:
        settings: of the directory.
        context: for back-ends.
        store: for back-ends; None: there is none.

    Attributes:
        sources: those that are there, by name.
        failures: why the others are not, by name.
        backends: the back-end of each source, by name, whether it is there or not.
        changed: called with a name of which there is another source now, or none, and the former.
    """

    def __init__(
        self, settings: DirectorySettings, context: Mapping[str, Any], store: object = None
    ) -> None:
        self._args = {"main_config": settings.raw, "context": context, "store": store}
        self._loaded: LoadedSources = load_sources(settings, context, store)
        self._configured = frozenset(settings.sources)
        self._base = {name: service_profiles(settings.raw, name) for name in PROFILE_SERVICES}
        self._profiles = {name: dict(profiles) for name, profiles in self._base.items()}
        self._added: dict[str, tuple[str, ...]] = {}  # profiles by name of the source
        self._changing = threading.Lock()
        self._failed = {failure.name: failure for failure in self._loaded.failures}
        self.sources: dict[str, Source] = dict(self._loaded.sources)
        self.failures: dict[str, str] = self._loaded.reasons
        self.backends = {name: source.backend for name, source in settings.sources.items()}
        self.changed: Callable[[str, Source | None], None] = lambda _name, _former: None

    @property
    def plugins(self) -> tuple[str, ...]:
        """Names of the enabled back-ends that could be loaded."""
        return self._loaded.backends

    @property
    def plugin_failures(self) -> tuple[PluginFailure, ...]:
        """What is not there: back-ends that no source needs, then sources."""
        return (*self._loaded.unused, *self._failed.copy().values())

    def is_configured(self, name: str) -> bool:
        """Whether a source stands in the configuration, so that it cannot change here."""
        return name in self._configured

    def profiles(self, service: str) -> Mapping[str, ServiceProfile]:
        """The profiles of a service, by name; changes with the sources."""
        return self._profiles[service]

    def load(self, settings: SourceSettings) -> Source:
        """Start a source; nobody asks it before `put`.

        Raises:
            SourceError: its back-end is not there, or refuses these settings.
            Exception: whatever its back-end raised.
        """
        backend = groups.load(Kind.BACKEND, settings.backend)
        return load_source(settings, backend, self._args)

    def put(self, source: Source, profiles: tuple[str, ...]) -> None:
        """Let these profiles ask a source, instead of the former one of its name."""
        name = source.name
        with self._changing:
            former = self.sources.get(name)
            self.backends[name] = source.backend
            self.sources[name] = source
            self._failed.pop(name, None)
            self.failures.pop(name, None)
            self._ask(name, profiles)
        self._retire(name, former)

    def put_failed(
        self, settings: SourceSettings, profiles: tuple[str, ...], failure: PluginFailure
    ) -> None:
        """The same for a source that could not be loaded: who asks it is told why."""
        name = settings.name
        with self._changing:
            self.backends[name] = settings.backend
            self._failed[name] = failure
            self.failures[name] = why(failure)
            former = self.sources.pop(name, None)
            self._ask(name, profiles)
        self._retire(name, former)

    def drop(self, name: str) -> None:
        """Let nobody ask a source of this name any more."""
        with self._changing:
            self._ask(name, ())
            former = self.sources.pop(name, None)
            self.backends.pop(name, None)
            self._failed.pop(name, None)
            self.failures.pop(name, None)
        self._retire(name, former)

    def close(self) -> None:
        """Unload all sources, the last first."""
        for source in reversed(list(self.sources.values())):
            source.unload()

    def _retire(self, name: str, former: Source | None) -> None:
        self.changed(name, former)
        if former is not None:
            former.unload()

    def _ask(self, name: str, profiles: tuple[str, ...]) -> None:
        """Let exactly these profiles ask a source, behind those that are configured."""
        if profiles:
            self._added[name] = profiles
        else:
            self._added.pop(name, None)
        for service, base in self._base.items():
            asked = self._profiles[service]
            for profile, settings in base.items():
                more = (one for one, asking in self._added.items() if profile in asking)
                names = tuple(dict.fromkeys((*settings.sources, *more)))
                asked[profile] = replace(settings, sources=names)
