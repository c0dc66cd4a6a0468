"""The directory as a WSGI application: starts back-ends, services and views, and ends them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from flask import Flask

from pelagos.core import plugins
from pelagos.core.clock import Clock
from pelagos.core.fanout import Fanout, describe
from pelagos.core.plugins import PluginFailure
from pelagos.core.web import make_app
from pelagos.directory.settings import DirectorySettings
from pelagos.directory.sources import LoadedSources, load_sources, unload_plugin
from pelagos.directory.views.rest import RestApi, Verify

log = logging.getLogger(__name__)

SERVICES = "pelagos.directory.services"
VIEWS = "pelagos.directory.views"

_MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DirectoryStatus:
    """What of the configuration is there, and what is not.

    Attributes:
        sources: names of the loaded sources.
        failures: what could not be loaded, and why: plugins by their name, sources by theirs.
    """

    sources: tuple[str, ...]
    services: tuple[str, ...]
    views: tuple[str, ...]
    failures: tuple[PluginFailure, ...]


class Directory:
    """One question to many sources, served over HTTP below `/0.1`.

    Back-ends are loaded first (one instance per source), then services, which get the sources,
    then views, which get the services. A plugin that fails is named in the log and in `status`,
    and the rest goes on. Whoever makes a directory closes it.

    Args:
        config: the sections `sources`, `services`, `views` and `enabled_plugins`.
        verify: tells whom a token belongs to; see `pelagos.directory.views.rest.Verify`.
        context: objects that back-ends may need, by name.

    Attributes:
        app: the WSGI application.

    Raises:
        ConfigError: the configuration has an unknown key or a value of the wrong type.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        verify: Verify,
        context: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = DirectorySettings.from_mapping(config)
        self.app: Flask = make_app(__name__, max_body=_MAX_BODY)
        self._api = RestApi(self.app, verify, clock)
        self._ending = ExitStack()  # undoes what was done, last first
        self._fanout = Fanout(clock=clock)
        self._ending.callback(self._fanout.close)
        self._sources = load_sources(self.settings, context or {})
        for source in self._sources.sources.values():
            self._ending.callback(source.unload)
        self._services, service_failures = self._load_services(self._sources)
        self._views, view_failures = self._load_views()
        self.status = DirectoryStatus(
            tuple(self._sources.sources),
            tuple(self._services),
            tuple(self._views),
            (
                *self._sources.unused,
                *self._sources.failures,
                *service_failures,
                *view_failures,
            ),
        )

    def close(self) -> None:
        """Unload views, services and sources, in this order, and end the threads."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load_services(self, loaded: LoadedSources) -> tuple[dict[str, Any], list[PluginFailure]]:
        args = {
            "config": self.settings.raw,
            "sources": dict(loaded.sources),
            "failures": loaded.reasons,
            "fanout": self._fanout,
        }
        return self._load_kind(SERVICES, self.settings.services, lambda p: _service(p, args))

    def _load_views(self) -> tuple[dict[str, Any], list[PluginFailure]]:
        args = {
            "config": self.settings.raw.get("views") or {},
            "services": dict(self._services),
            "http_app": self.app,
            "rest_api": self._api,
        }
        return self._load_kind(VIEWS, self.settings.views, lambda plugin: plugin.load(dict(args)))

    def _load_kind(
        self, group: str, names: tuple[str, ...], start: Callable[[Any], Any]
    ) -> tuple[dict[str, Any], list[PluginFailure]]:
        """Instances of the named plugins, started; by name what `start` returned."""
        found = plugins.load_enabled(group, names)
        failures = list(found.failures)
        started: dict[str, Any] = {}
        for name, plugin_class in found.plugins.items():
            try:
                plugin = plugin_class()
                started[name] = start(plugin)
            # The boundary of plugin loading: one that cannot start leaves the others alone.
            except (Exception, SystemExit) as error:
                log.exception("plugin %s of %s cannot start", name, group)
                failures.append(PluginFailure(group, name, describe(error)))
            else:
                self._ending.callback(unload_plugin, plugin, f"plugin {name} of {group}")
        return started, failures


def _service(plugin: Any, args: Mapping[str, Any]) -> Any:
    service = plugin.load(dict(args))
    if service is None:
        raise TypeError("load returned None; a service plugin returns its service")
    return service
