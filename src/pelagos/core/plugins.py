"""Plugins by entry-point group and name. The only door to stevedore.

A plugin that is unknown or cannot be imported is named, with its reason, and the rest goes on.
Only programs that load plugins import this module: stevedore is not cheap to import, and finding
plugins reads the metadata of every installed package.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, NoReturn

from stevedore import ExtensionManager, NamedExtensionManager

from pelagos.core import spelling
from pelagos.core.errors import PelagosError
from pelagos.core.fanout import describe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that is not there, and why.

    Attributes:
        group: entry-point group, e.g. "pelagos.directory.backends".
        name: name of the plugin in its group, or of the source that it was to serve.
        reason: one line for a person, secrets masked.
        hint: what to do next; empty when there is nothing to say.
    """

    group: str
    name: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The plugins that were asked for: those that are there and those that are not.

    Attributes:
        plugins: what each entry point names (usually a class), by plugin name, in the order asked.
    """

    plugins: Mapping[str, Any]
    failures: tuple[PluginFailure, ...] = ()


class PluginError(PelagosError):
    """A plugin is unknown, provided twice, or cannot be imported.

    Attributes:
        failure: the same as a value.
    """

    def __init__(self, failure: PluginFailure) -> None:
        super().__init__(
            f"plugin {failure.name!r} of {failure.group}: {failure.reason}",
            hint=failure.hint or "mend the package that offers it, or do not enable it",
        )
        self.failure = failure


def names(group: str) -> tuple[str, ...]:
    """The plugins that the installed packages offer in a group, sorted; nothing is imported."""
    return tuple(sorted({entry_point.name for entry_point in _known(group)}))


def load(group: str, name: str) -> Any:
    """What the entry point `name` of `group` names, usually a class.

    Raises:
        PluginError: there is no such plugin, two packages offer it, or it cannot be imported.
    """
    offers = {e.value for e in _known(group) if e.name == name}
    if not offers:
        raise PluginError(_unknown(group, name))
    if len(offers) > 1:
        reason = f"two packages offer it: {', '.join(sorted(offers))}"
        raise PluginError(PluginFailure(group, name, reason, "uninstall one of them"))
    try:
        manager: Any = NamedExtensionManager(group, [name], on_load_failure_callback=_reraise)
    # The boundary of plugin loading: whatever a stranger's module raises stays its own fault.
    except (Exception, SystemExit) as error:
        raise PluginError(PluginFailure(group, name, describe(error))) from error
    return manager[name].plugin


def load_enabled(group: str, names: Iterable[str]) -> Loaded:
    """The named plugins of a group; those that fail are in `failures` and in the log."""
    plugins: dict[str, Any] = {}
    failures: list[PluginFailure] = []
    for name in dict.fromkeys(names):
        try:
            plugins[name] = load(group, name)
        except PluginError as error:
            # A traceback helps only when a module failed, not when a name is wrong.
            log.error("%s (%s)", error, error.hint, exc_info=error.__cause__)  # noqa: TRY400  # the cause, if any
            failures.append(error.failure)
    return Loaded(plugins, tuple(failures))


def _known(group: str) -> list[Any]:
    # Filled here, stevedore does not keep its cache file in the user's home, which can be stale.
    cache: dict[str, list[Any]] = ExtensionManager.ENTRY_POINT_CACHE
    if group not in cache:
        cache[group] = list(entry_points(group=group))
    return cache[group]


def _unknown(group: str, name: str) -> PluginFailure:
    known = names(group)
    hint = spelling.hint(name, known, quoted=True) if known else "no installed package offers any"
    return PluginFailure(group, name, "no installed package offers it", hint)


def _reraise(_manager: object, _entry_point: object, error: BaseException) -> NoReturn:
    raise error
