"""Services that say what the directory is: `config`, `profile`, `display`, `source`, `status`.

They change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pelagos.directory import groups
from pelagos.directory.errors import UnknownProfileError
from pelagos.directory.groups import Kind
from pelagos.directory.services.base import BaseServicePlugin, needed, profiles_of
from pelagos.directory.settings import (
    PROFILE_SERVICES,
    ServiceProfile,
    display_of,
    displays,
)
from pelagos.directory.settings.masking import masked
from pelagos.directory.sources import Source

Item = dict[str, Any]


class ConfigService:
    """The configuration, without its secrets."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config: Item = masked(config)

    def config(self) -> Item:
        """A copy of the whole configuration; what looks like a secret is masked."""
        return dict(self._config)


class SourceService:
    """The sources that are configured, and what became of them."""

    def __init__(
        self,
        backends: Mapping[str, str],
        sources: Mapping[str, Source],
        failures: Mapping[str, str],
    ) -> None:
        self._backends = backends
        self._sources = sources
        self._failures = failures

    def sources(self) -> list[Item]:
        """In the configured order: `name`, `backend`, `is_loaded`, and `error` when it is not."""
        return [self._about(name, backend) for name, backend in [*self._backends.items()]]

    def backends(self) -> list[Item]:
        """All back-ends that installed packages offer, sorted: `name`."""
        return [{"name": name} for name in groups.names(Kind.BACKEND)]

    def _about(self, name: str, backend: str) -> Item:
        about: Item = {"name": name, "backend": backend, "is_loaded": name in self._sources}
        if about["is_loaded"]:
            return about
        return {**about, "error": self._failures.get(name, "it was not loaded")}


class DisplayService:
    """The displays."""

    def __init__(self, views: Mapping[str, Any]) -> None:
        self._items = [
            {"name": name, "columns": [asdict(column) for column in display.columns]}
            for name, display in displays(views).items()
        ]

    def displays(self) -> list[Item]:
        """In the configured order: `name`, and `columns` with all keys of each."""
        return list(self._items)


class ProfileService:
    """The profiles: which display each has, and which sources are asked for it."""

    def __init__(
        self,
        display: Mapping[str, str],
        services: Mapping[str, Mapping[str, ServiceProfile]],
        sources: SourceService,
    ) -> None:
        self._display = display
        self._services = services
        self._sources = sources
        asked = (profile for profiles in services.values() for profile in profiles)
        self._names = tuple(dict.fromkeys((*display, *asked)))

    def profiles(self) -> list[Item]:
        """In the configured order: `name`, `display`, and for each service sources and options."""
        return [
            {
                "name": name,
                "display": {"name": self._display[name]} if name in self._display else None,
                "services": {
                    service: _asked(profiles[name])
                    for service, profiles in self._services.items()
                    if name in profiles
                },
            }
            for name in self._names
        ]

    def sources(self, profile: str) -> list[Item]:
        """The sources that any service asks for this profile; see `SourceService.sources`.

        Raises:
            UnknownProfileError: there is no such profile.
        """
        if profile not in self._names:
            raise UnknownProfileError([f"the profile `{profile}` does not exist"])
        asked = [profiles[profile] for profiles in self._services.values() if profile in profiles]
        there = {item["name"]: item for item in self._sources.sources()}
        names = dict.fromkeys(name for settings in asked for name in settings.sources)
        return [there[name] for name in names if name in there]


class StatusService:
    """Whether all of the directory is there."""

    def __init__(self, status: Callable[[], Any]) -> None:
        self._status = status

    def status(self) -> Item:
        """By part: `status`, "ok" or "fail", and what failed and why."""
        failures = [
            {"kind": failure.group.rpartition(".")[2], "name": failure.name, "why": failure.reason}
            for failure in self._status().failures
        ]
        sources = [failure for failure in failures if failure["kind"] == Kind.BACKEND]
        plugins = [failure for failure in failures if failure["kind"] != Kind.BACKEND]
        return {
            "rest_api": {"status": "ok"},
            "sources": _part(sources),
            "plugins": _part(plugins),
        }


class ConfigPlugin(BaseServicePlugin):
    """The plugin `config` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> ConfigService:
        """The service."""
        (config,) = needed(args, "config")
        return ConfigService(config)


class SourcePlugin(BaseServicePlugin):
    """The plugin `source` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> SourceService:
        """The service."""
        return _sources_of(args)


class DisplayPlugin(BaseServicePlugin):
    """The plugin `display` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> DisplayService:
        """The service."""
        (config,) = needed(args, "config")
        return DisplayService(config.get("views") or {})


class ProfilePlugin(BaseServicePlugin):
    """The plugin `profile` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> ProfileService:
        """The service."""
        (config,) = needed(args, "config")
        services = {name: profiles_of(args, name) for name in PROFILE_SERVICES}
        return ProfileService(display_of(config.get("views") or {}), services, _sources_of(args))


class StatusPlugin(BaseServicePlugin):
    """The plugin `status` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> StatusService:
        """The service."""
        (status,) = needed(args, "status")
        return StatusService(status)


def _sources_of(args: Mapping[str, Any]) -> SourceService:
    roster, sources, failures = needed(args, "roster", "sources", "failures")
    return SourceService(roster.backends, sources, failures)


def _asked(settings: ServiceProfile) -> Item:
    return {
        "sources": [{"name": name} for name in settings.sources],
        "options": {"timeout": settings.timeout},
    }


def _part(failures: list[dict[str, str]]) -> Item:
    return {"status": "fail", "failures": failures} if failures else {"status": "ok"}
