"""How a plugin of the ancestor gets into our directory."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from pelagos.compat.aliases import AliasFinder, add_finder, already_loaded
from pelagos.compat.python2 import told

log = logging.getLogger(__name__)


def adopt_xivo_dird(kind: str, load: Callable[[], Any]) -> Any:
    """What `load` imports for a group of `xivo_dird`, made to work in our directory."""
    return _adopt("xivo_dird", kind, load)


def adopt_wazo_dird(kind: str, load: Callable[[], Any]) -> Any:
    """What `load` imports for a group of `wazo_dird`, made to work in our directory."""
    return _adopt("wazo_dird", kind, load)


def _adopt(package: str, kind: str, load: Callable[[], Any]) -> Any:
    if package not in sys.modules and importlib.util.find_spec(package) is None:
        log.info("%s is not installed: plugins that import it get our names", package)
        install_names(package)
    try:
        plugin_class = load()
    except SyntaxError as error:
        raise told(error) from error
    return _adopted_view(plugin_class) if kind == "views" else plugin_class


def install_names(package: str) -> None:
    """Let `import xivo_dird`, or `wazo_dird`, mean our names in this process; again is harmless.

    Raises:
        PelagosError: another module of that name has been imported already.
    """
    loaded = sys.modules.get(package)
    if loaded is not None and not isinstance(loaded.__loader__, _Names):
        raise already_loaded(package)
    add_finder(_Finder(package))


class _Finder(AliasFinder):
    """Makes the ancestor's modules, which have no files here, when they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] != self.name:
            return None
        from pelagos.compat.xivo_dird import names  # noqa: PLC0415  # loads Flask

        modules = names.modules(self.name)
        if fullname not in modules:
            return None
        below = [path for path in modules if path.rpartition(".")[0] == fullname]
        return ModuleSpec(fullname, _Names(modules[fullname], below), is_package=True)


class _Names(Loader):
    def __init__(self, values: Mapping[str, Any], below: Sequence[str]) -> None:
        self._values = values
        self._below = below

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._values)
        for path in self._below:
            importlib.import_module(path)


def _adopted_view(plugin_class: Any) -> Callable[[], Any]:
    def make() -> _View:
        return _View(plugin_class())

    return make


class _View:
    """A view of the ancestor: its module's own `api` is that of the directory that loads it."""

    def __init__(self, plugin: Any) -> None:
        self._plugin = plugin

    def load(self, args: Mapping[str, Any]) -> Any:
        from pelagos.compat.xivo_dird import rest_api  # noqa: PLC0415  # loads Flask

        more = {"api": args["rest_api"], "flask_app": args["http_app"]}
        with rest_api.serving(args["rest_api"]):
            return self._plugin.load({**more, **args})

    def unload(self) -> None:
        unload = getattr(self._plugin, "unload", None)
        if unload is not None:
            unload()
