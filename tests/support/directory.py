"""Plugins of strangers for the directory's tests, and how they are offered to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import pytest
from flask_restful import Resource
from stevedore import ExtensionManager

BACKENDS = "pelagos.directory.backends"
SERVICES = "pelagos.directory.services"
VIEWS = "pelagos.directory.views"
PATIENCE = 60.0


@dataclass(frozen=True)
class Offer:
    """An entry point of a package that is not really installed."""

    name: str
    group: str
    plugin: Any

    @property
    def value(self) -> str:
        return f"stranger:{self.name}"

    def load(self) -> Any:
        if isinstance(self.plugin, Exception):
            raise self.plugin
        return self.plugin


def offer(monkeypatch: pytest.MonkeyPatch, group: str, **plugins: Any) -> None:
    """Add plugins to those that the installed packages offer; an exception fails its import."""
    cache = ExtensionManager.ENTRY_POINT_CACHE
    known = cache.get(group) or list(entry_points(group=group))
    offers = [Offer(name, group, plugin) for name, plugin in plugins.items()]
    monkeypatch.setitem(cache, group, [*known, *offers])


class Rows:
    """A back-end without a base class, whose rows are in its configuration."""

    def load(self, args: Mapping[str, Any]) -> None:
        self.rows = args["config"].get("rows", [])

    def search(self, term: str, _args: Any = None) -> list[dict[str, Any]]:
        return [row for row in self.rows if term in str(row.get("name"))]


class Hung(Rows):
    """Hangs at each question until `release` is set."""

    release = threading.Event()
    asked = 0

    def search(self, _term: str, _args: Any = None) -> list[dict[str, Any]]:
        type(self).asked += 1
        self.release.wait(PATIENCE)
        return []


class Raising(Rows):
    def search(self, _term: str, _args: Any = None) -> list[dict[str, Any]]:
        raise ConnectionError("cannot reach http://agent:s3cret@crm/")


class Guide:
    """A back-end as the ancestor's guide shows it: no base, no first_match, name a method."""

    def name(self) -> str:
        return "guide"

    def load(self, args: Mapping[str, Any]) -> None:
        self.loaded_with = args

    def unload(self) -> None:
        pass

    def search(self, term: str) -> list[dict[str, str]]:
        return [{"first": "Ada", "last": term}]

    def list(self, uids: list[str]) -> list[dict[str, str]]:
        return [{"first": uid, "last": ""} for uid in uids]


class Ping(Resource):
    def get(self) -> dict[str, str]:
        return {"message": "pong"}


class PingView:
    """A view without a base class; it writes the prefix out, as the ancestor's guide does."""

    rule = "/0.1/directories/ping"

    def load(self, args: Mapping[str, Any]) -> None:
        args["rest_api"].add_resource(Ping, self.rule)


class ShortPingView(PingView):
    rule = "/directories/ping"


def config(sources: Mapping[str, Any], **lookup: Any) -> dict[str, Any]:
    """A configuration with one profile, `default`, over all sources."""
    return {
        "sources": dict(sources),
        "services": {
            "lookup": {"default": {"sources": list(sources), "timeout": PATIENCE, **lookup}}
        },
        "views": {
            "displays": {"people": [{"title": "Name", "field": "name", "type": "name"}]},
            "profile_to_display": {"default": "people"},
        },
    }
