"""How a plugin of the ancestor gets into our directory."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from pelagos.compat.xivo_dird import names, rest_api

log = logging.getLogger(__name__)


def adopt_xivo_dird(kind: str, load: Callable[[], Any]) -> Any:
    """What `load` imports for a group of `xivo_dird`, made to work in our directory."""
    return _adopt("xivo_dird", kind, load)


def adopt_wazo_dird(kind: str, load: Callable[[], Any]) -> Any:
    """What `load` imports for a group of `wazo_dird`, made to work in our directory."""
    return _adopt("wazo_dird", kind, load)


def _adopt(package: str, kind: str, load: Callable[[], Any]) -> Any:
    _install(package)
    plugin_class = load()
    return _adopted_view(plugin_class) if kind == "views" else plugin_class


def _install(package: str) -> None:
    """Let `import xivo_dird` mean our names, unless there is a real one; again is harmless."""
    if package in sys.modules or importlib.util.find_spec(package) is not None:
        return
    log.info("%s is not installed: plugins that import it get our names", package)
    for path, values in names.modules(package).items():
        module = ModuleType(path, f"The names of {path}, from {__package__}.")
        module.__path__ = []  # a package without files: what is not below it is not found
        vars(module).update(values)
        sys.modules[path] = module
    for path in sorted(names.modules(package)):
        parent, _, name = path.rpartition(".")
        if parent:
            setattr(sys.modules[parent], name, sys.modules[path])


def _adopted_view(plugin_class: Any) -> Callable[[], Any]:
    def make() -> _View:
        return _View(plugin_class())

    return make


class _View:
    """A view of the ancestor: its module's own `api` is that of the directory that loads it."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin

    def load(self, args: Mapping[str, Any]) -> Any:
        more = {"api": args["rest_api"], "flask_app": args["http_app"]}
        with rest_api.serving(args["rest_api"]):
            return self._plugin.load({**more, **args})

    def unload(self) -> None:
        unload = getattr(self._plugin, "unload", None)
        if unload is not None:
            unload()
