"""The directory as a WSGI application: starts back-ends, services and views, and ends them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

from flask import Flask

from pelagos.core.clock import Clock
from pelagos.core.fanout import Fanout, describe
from pelagos.core.plugins import PluginFailure
from pelagos.core.turns import Turns
from pelagos.core.web import make_app
from pelagos.directory.asking import Asking
from pelagos.directory.auth import Verify
from pelagos.directory.bus import Bus
from pelagos.directory.groups import Kind, load_enabled
from pelagos.directory.roster import Roster
from pelagos.directory.settings import DirectorySettings
from pelagos.directory.settings.cors import Cors
from pelagos.directory.sources import unload_plugin
from pelagos.directory.store import DirectoryStore
from pelagos.directory.views import cors
from pelagos.directory.views.rest import RestApi

log = logging.getLogger(__name__)

_MAX_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DirectoryStatus:
    """What of the configuration is there, and what is not.

    Attributes:
        sources: names of the loaded sources.
        backends: names of the enabled back-ends that are there.
        failures: what could not be loaded, and why: plugins by their name, sources by theirs.
    """

    sources: tuple[str, ...]
    services: tuple[str, ...]
    views: tuple[str, ...]
    failures: tuple[PluginFailure, ...]
    backends: tuple[str, ...] = ()


class Directory:
    """One question to many sources, served over HTTP below `/0.1`.

    Back-ends are loaded first (one instance per source), then services, which get the sources,
    then views, which get the services. A plugin that fails is named in the log and in `status`,
    and the rest goes on. Whoever makes a directory closes it.

    Args:
        config: see `pelagos.directory.settings`.
        verify: tells whom a token belongs to; see `pelagos.directory.auth`.
        context: objects that back-ends may need, by name.
        store: where favorites, personal contacts and phonebooks are kept, which whoever gives it
            closes; None: the one that `db_uri` of the configuration names, or none.
        bus: where events are told and heard; None: nowhere.

    Attributes:
        app: the WSGI application.
        store: the one that is used, or None.

    Raises:
        ConfigError: the configuration has an unknown key or a value of the wrong type.
        DirectoryError: the store cannot be opened.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        verify: Verify,
        context: Mapping[str, Any] | None = None,
        store: DirectoryStore | None = None,
        bus: Bus | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = DirectorySettings.from_mapping(config, has_store=store is not None)
        self.app: Flask = make_app(__name__, max_body=_MAX_BODY)
        self.app.wsgi_app = Turns().around(self.app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents
        cors.install(Cors.from_mapping(config), self.app)
        self._api = RestApi(self.app, verify, clock)
        self._services: dict[str, Any] = {}
        self._views: dict[str, Any] = {}
        self._failures: list[PluginFailure] = []  # of services and views
        self._ending = ExitStack()  # undoes what was done, last first
        with self._ending:
            self.store = store if store is not None else self._open_store()
            self._start(context or {}, bus, clock)
            self._ending = self._ending.pop_all()

    def _start(self, context: Mapping[str, Any], bus: Bus | None, clock: Clock | None) -> None:
        slots = {s.name: s.slots for s in self.settings.sources.values() if s.slots}
        fanout = Fanout(slots_of=slots, clock=clock)
        self._ending.callback(fanout.close)
        roster = self._roster = Roster(self.settings, context, self.store)
        self._ending.callback(roster.close)
        asking = Asking(roster.sources, roster.failures, fanout, clock=clock)
        roster.changed = asking.changed
        self._services = self._load_kind(
            Kind.SERVICE,
            self.settings.services,
            {
                "config": self.settings.raw,
                "sources": roster.sources,
                "failures": roster.failures,
                "asking": asking,
                "roster": roster,
                "store": self.store,
                "bus": bus,
                "status": lambda: self.status,
            },
        )
        self._views = self._load_kind(
            Kind.VIEW,
            self.settings.views,
            {
                "config": self.settings.raw.get("views") or {},
                "services": dict(self._services),
                "http_app": self.app,
                "rest_api": self._api,
            },
        )

    @property
    def status(self) -> DirectoryStatus:
        """What of the configuration, and of what was added since, is there."""
        return DirectoryStatus(
            sources=tuple(self._roster.sources.copy()),
            services=tuple(self._services),
            views=tuple(self._views),
            failures=(*self._roster.plugin_failures, *self._failures),
            backends=self._roster.plugins,
        )

    def _open_store(self) -> DirectoryStore | None:
        if self.settings.db_uri is None:
            return None
        store = DirectoryStore(self.settings.db_uri)
        self._ending.callback(store.close)
        return store

    @property
    def services(self) -> Mapping[str, Any]:
        """The service objects by the names of their plugins, for programs that ask in-process."""
        return dict(self._services)

    def close(self) -> None:
        """Unload views, services and sources, in this order, and end the threads."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load_kind(
        self, kind: Kind, names: tuple[str, ...], args: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Instances of the named plugins, started; by name what `load` returned."""
        found = load_enabled(kind, names)
        self._failures += found.failures
        started: dict[str, Any] = {}
        for name, plugin_class in found.plugins.items():
            try:
                plugin = plugin_class()
                started[name] = _started(plugin, kind, args)
            # The boundary of plugin loading: one that cannot start leaves the others alone.
            except (Exception, SystemExit) as error:
                log.exception("plugin %s of %s cannot start", name, kind.group)
                self._failures.append(PluginFailure(kind.group, name, describe(error)))
            else:
                self._ending.callback(unload_plugin, plugin, f"plugin {name} of {kind.group}")
        return started


def _started(plugin: Any, kind: Kind, args: Mapping[str, Any]) -> Any:
    made = plugin.load(dict(args))
    if kind is Kind.SERVICE and made is None:
        raise TypeError("load returned None; a service plugin returns its service")
    return made
