"""Services that say what the directory is: `config`, `profile`, `display`, `source`, `status`.

They read the configuration as it was at the start, and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pelagos.directory import groups
from pelagos.directory.errors import UnknownProfileError
from pelagos.directory.groups import Kind
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.settings import (
    PROFILE_SERVICES,
    ServiceProfile,
    display_of,
    displays,
    service_profiles,
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
        configured: Mapping[str, Any],
        sources: Mapping[str, Source],
        failures: Mapping[str, str],
    ) -> None:
        self._items = [_source(name, configured[name], sources, failures) for name in configured]

    def sources(self) -> list[Item]:
        """In the configured order: `name`, `backend`, `is_loaded`, and `error` when it is not."""
        return [dict(item) for item in self._items]

    def backends(self) -> list[Item]:
        """All back-ends that installed packages offer, sorted: `name`."""
        return [{"name": name} for name in groups.names(Kind.BACKEND)]


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

    def __init__(self, config: Mapping[str, Any], sources: Sequence[Item]) -> None:
        self._sources = {item["name"]: item for item in sources}
        chosen = display_of(config.get("views") or {})
        services = {name: service_profiles(config, name) for name in PROFILE_SERVICES}
        names = dict.fromkeys((*chosen, *(p for service in services.values() for p in service)))
        self._profiles: dict[str, Item] = {
            name: {
                "name": name,
                "display": {"name": chosen[name]} if name in chosen else None,
                "services": {
                    service: _asked(profiles[name])
                    for service, profiles in services.items()
                    if name in profiles
                },
            }
            for name in names
        }

    def profiles(self) -> list[Item]:
        """In the configured order: `name`, `display`, and for each service sources and options."""
        return list(self._profiles.values())

    def sources(self, profile: str) -> list[Item]:
        """The sources that any service asks for this profile; see `SourceService.sources`.

        Raises:
            UnknownProfileError: there is no such profile.
        """
        if profile not in self._profiles:
            raise UnknownProfileError([f"the profile `{profile}` does not exist"])
        asked = self._profiles[profile]["services"].values()
        names = dict.fromkeys(source["name"] for service in asked for source in service["sources"])
        return [self._sources[name] for name in names if name in self._sources]


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
        return ProfileService(config, _sources_of(args).sources())


class StatusPlugin(BaseServicePlugin):
    """The plugin `status` of `pelagos.directory.services`."""

    def load(self, args: Mapping[str, Any]) -> StatusService:
        """The service."""
        (status,) = needed(args, "status")
        return StatusService(status)


def _sources_of(args: Mapping[str, Any]) -> SourceService:
    config, sources = needed(args, "config", "sources")
    return SourceService(config.get("sources") or {}, sources, args.get("failures") or {})


def _source(
    name: str,
    config: Mapping[str, Any],
    sources: Mapping[str, Source],
    failures: Mapping[str, str],
) -> Item:
    backend = config.get("type") or config.get("backend") or ""
    if name in sources:
        return {"name": name, "backend": backend, "is_loaded": True}
    why = failures.get(name, "it was not loaded")
    return {"name": name, "backend": backend, "is_loaded": False, "error": why}


def _asked(settings: ServiceProfile) -> Item:
    return {
        "sources": [{"name": name} for name in settings.sources],
        "options": {"timeout": settings.timeout},
    }


def _part(failures: list[dict[str, str]]) -> Item:
    return {"status": "fail", "failures": failures} if failures else {"status": "ok"}
