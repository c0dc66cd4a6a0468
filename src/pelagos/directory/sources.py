"""Sources: instances of back-end plugins, made tolerant and kept apart from each other."""

from __future__ import annotations

import builtins
import contextlib
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.core.fanout import describe
from pelagos.core.plugins import PluginFailure
from pelagos.core.wanted import is_wanted
from pelagos.directory.backends.base import BaseSourcePlugin
from pelagos.directory.errors import SourceError
from pelagos.directory.groups import Kind, load_enabled
from pelagos.directory.model import SourceResult
from pelagos.directory.result import make_result_class
from pelagos.directory.settings import DirectorySettings, SourceSettings

log = logging.getLogger(__name__)

#: Results that one source may give to one question; more fill the memory, and nobody reads them.
MAX_RESULTS = 100_000

_CHUNK = 250  # results that are made without looking up
_FEW = 1000  # results of a source that never wait for those of others
#: Held while some of many results are made, and for a pause: threads of pure work would keep the
#: interpreter from those who have little to do.
_LARGE = threading.Lock()
_PAUSE = 0.0005  # seconds, about half of what a chunk takes


class Source:
    """One configured source, as services see it.

    It calls the plugin as the plugin can be called (with or without `args`), gives each call its
    own `args`, and makes every result a `SourceResult`.

    Attributes:
        plugin: the instance of the back-end.
        settings: what it is configured to be.
    """

    def __init__(self, settings: SourceSettings, plugin: Any) -> None:
        self.settings = settings
        self.name = settings.name
        self.backend = settings.backend
        self.plugin = plugin
        self._make = make_result_class(
            settings.name,
            settings.unique_column,
            settings.format_columns,
            backend=settings.backend,
        )
        self._search = _tolerant(plugin, "search")
        self._first_match = _tolerant(plugin, "first_match")
        self._list = _tolerant(plugin, "list")
        is_loop = getattr(type(plugin), "match_all", None) is BaseSourcePlugin.match_all
        self._match_all = None if is_loop else _tolerant(plugin, "match_all")
        if self._search is None:
            raise SourceError(f"back-end {self.backend} has no method search")

    def __repr__(self) -> str:
        return f"Source({self.name!r}, {self.backend!r})"

    @property
    def answers_from_memory(self) -> bool:
        """Whether its back-end says that it never waits for anything."""
        return bool(getattr(self.plugin, "answers_from_memory", False))

    def search(
        self, term: str, args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The entries in which the term occurs.

        Raises:
            SourceError: the back-end gave something that is not a result, or too many.
            Exception: whatever the back-end raised.
        """
        return self._results(self._search, term, args)

    def first_match(
        self, exten: str, args: Mapping[str, Any] | None = None
    ) -> SourceResult | None:
        """One entry of which a column equals `exten`; None also when the back-end cannot tell."""
        if self._first_match is None:
            return None
        found = self._first_match(exten, dict(args or {}))
        return None if found is None else self._result(found)

    def list(
        self, uids: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> builtins.list[SourceResult]:
        """The entries with these unique ids."""
        return self._results(self._list, [str(uid) for uid in uids], args)

    @property
    def matches_many(self) -> bool:
        """Whether its back-end looks for many numbers at once, rather than one by one."""
        return self._match_all is not None

    def match_all(
        self, extens: Iterable[str], args: Mapping[str, Any] | None = None
    ) -> dict[str, SourceResult]:
        """`first_match` for many at once: those found, by what was asked."""
        wanted = dict.fromkeys(extens)
        if self._match_all is not None:
            found = dict(self._match_all(builtins.list(wanted), dict(args or {})))
        else:
            found = {exten: self.first_match(exten, args) for exten in wanted}
        return {k: self._result(v) for k, v in found.items() if v is not None and k in wanted}

    def unload(self) -> None:
        """Release what the back-end took; whatever it raises is its own affair."""
        unload_plugin(self.plugin, f"source {self.name}")

    def _results(
        self, method: Callable[..., Any] | None, asked: Any, args: Mapping[str, Any] | None
    ) -> builtins.list[SourceResult]:
        found = None if method is None else method(asked, dict(args or {}))
        if found is None:
            return []
        if isinstance(found, str | bytes | Mapping):
            raise SourceError(f"the back-end gave a {type(found).__name__}, not a list of results")
        results: builtins.list[SourceResult] = []
        rows = iter(found)
        while chunk := builtins.list(islice(rows, _CHUNK)):
            if len(results) < _FEW:
                results += map(self._result, chunk)
            else:
                with _LARGE:
                    results += map(self._result, chunk)
                    time.sleep(_PAUSE)
                if not is_wanted():
                    raise SourceError("nobody waits any more for its many results")
            if len(results) > MAX_RESULTS:
                raise SourceError(f"more than {MAX_RESULTS:,} results; ask for less")
        return results

    def _result(self, found: Any) -> SourceResult:
        if isinstance(found, SourceResult):  # made by the back-end itself, with or without a name
            return found if found.backend else replace(found, backend=self.backend)
        if isinstance(found, Mapping):
            return self._make(found)
        raise SourceError(f"the back-end gave a {type(found).__name__} as a result")


@dataclass(frozen=True, slots=True)
class LoadedSources:
    """The sources that are there, in the order of the configuration, and those that are not.

    Attributes:
        failures: sources that could not be loaded, by their own names.
        unused: enabled back-ends that could not be loaded and that no source needs.
        backends: names of the back-ends that could be loaded.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    failures: tuple[PluginFailure, ...] = ()
    unused: tuple[PluginFailure, ...] = ()
    backends: tuple[str, ...] = ()

    @property
    def reasons(self) -> dict[str, str]:
        """Why each failed source is not there, by its name."""
        return {failure.name: why(failure) for failure in self.failures}


def load_sources(
    settings: DirectorySettings, context: Mapping[str, Any], store: object = None
) -> LoadedSources:
    """One instance of its back-end for each configured source. Never raises for one of them."""
    backends = load_enabled(Kind.BACKEND, settings.backends)
    args = {"main_config": settings.raw, "context": context, "store": store}
    broken = {failure.name: failure for failure in backends.failures}
    sources: dict[str, Source] = {}
    failures: list[PluginFailure] = []
    for name, source in settings.sources.items():
        try:
            backend = _backend_of(source, backends.plugins, broken)
            sources[name] = load_source(source, backend, args)
        # Whatever a back-end raises keeps out its own source only.
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the boundary of plugin loading
            failures.append(load_failure(source, error))
    needed = {source.backend for source in settings.sources.values()}
    unused = (failure for failure in backends.failures if failure.name not in needed)
    return LoadedSources(sources, tuple(failures), tuple(unused), tuple(backends.plugins))


def why(failure: PluginFailure) -> str:
    """What a failure says, with what to do about it."""
    return f"{failure.reason}; {failure.hint}" if failure.hint else failure.reason


def load_failure(source: SourceSettings, error: BaseException) -> PluginFailure:
    """Why a source could not be loaded, which the log says, too."""
    what = "Failed to load back-end %s for source %s: %s"
    is_ours = isinstance(error, PelagosError)  # says all by itself; a stranger's needs its place
    log.error(what, source.backend, source.name, error, exc_info=None if is_ours else error)
    hint = getattr(error, "hint", None)
    return PluginFailure(Kind.BACKEND.group, source.name, describe(error), hint or "")


def _backend_of(
    source: SourceSettings, found: Mapping[str, Any], broken: Mapping[str, PluginFailure]
) -> Any:
    if not source.backend:
        raise SourceError("it has no type", hint="set `type` to the name of a back-end")
    if source.backend in found:
        return found[source.backend]
    if (failure := broken.get(source.backend)) is not None:
        raise SourceError(f"back-end {source.backend}: {failure.reason}", hint=failure.hint)
    raise SourceError(f"back-end {source.backend} is not enabled")


def load_source(settings: SourceSettings, backend: Any, args: Mapping[str, Any]) -> Source:
    """A started source.

    Args:
        backend: the class of its plugin.
        args: `main_config`, `context` and `store`, for the plugin.

    Raises:
        SourceError: the class is no back-end, or refuses the settings.
        Exception: whatever else the back-end raised.
    """
    plugin = backend()
    for attribute, value in (("name", settings.name), ("backend", settings.backend)):
        with contextlib.suppress(AttributeError):  # a property or __slots__ of a stranger's class
            setattr(plugin, attribute, value)
    source = Source(settings, plugin)
    plugin.load({"config": settings.config, **args})
    return source


def _tolerant(plugin: Any, name: str) -> Callable[[Any, Any], Any] | None:
    """The method, callable with `args` whether it takes them or not; None when there is none."""
    method: Callable[..., Any] | None = getattr(plugin, name, None)
    if not callable(method):
        return None
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):  # a method written in C tells nothing
        return method
    kinds = [parameter.kind for parameter in parameters.values()]
    positional = sum(kind in _POSITIONAL for kind in kinds)
    if inspect.Parameter.VAR_POSITIONAL in kinds or positional > 1:
        return method
    if "args" in parameters or inspect.Parameter.VAR_KEYWORD in kinds:
        return lambda asked, args: method(asked, args=args)
    return lambda asked, _args: method(asked)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def unload_plugin(plugin: Any, name: str) -> None:
    """Call a plugin's `unload`, if it has one; what it raises is logged."""
    unload = getattr(plugin, "unload", None)
    if unload is None:
        return
    try:
        unload()
    except (Exception, SystemExit):  # one that cannot end must not keep the others
        log.exception("%s failed to unload", name)
