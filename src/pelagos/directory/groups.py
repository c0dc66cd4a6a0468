"""Where the directory's plugins are found: in its own groups of entry points, then the ancestors'.

An ancestor is a program whose plugins work here. Each is an entry point of `ANCESTORS`, named as
its package was, so that its groups are `NAME.backends`, `NAME.services` and `NAME.views`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from pelagos.core import plugins
from pelagos.core.plugins import Loaded, PluginError, PluginFailure

log = logging.getLogger(__name__)

#: Entry points of this group are called with the kind of a plugin and what imports it, and return
#: the plugin's class as the directory can use it.
ANCESTORS = "pelagos.directory.ancestors"

Adopt = Callable[[str, Callable[[], Any]], Any]


class Kind(StrEnum):
    """A kind of plugin; the value is the last word of its groups."""

    BACKEND = "backends"
    SERVICE = "services"
    VIEW = "views"

    @property
    def group(self) -> str:
        """Our own group."""
        return f"pelagos.directory.{self}"


def load_enabled(kind: Kind, names: Iterable[str]) -> Loaded:
    """The named plugins of a kind; those that fail are in `failures` and in the log."""
    found: dict[str, Any] = {}
    failures: list[PluginFailure] = []
    for name in dict.fromkeys(names):
        try:
            found[name] = load(kind, name)
        except PluginError as error:
            # A traceback helps only when a module failed, not when a name is wrong.
            log.error("%s (%s)", error, error.hint, exc_info=error.__cause__)  # noqa: TRY400  # the cause, if any
            failures.append(error.failure)
    return Loaded(found, tuple(failures))


def load(kind: Kind, name: str) -> Any:
    """The class of a plugin; of two with the same name ours is taken, not an ancestor's.

    Raises:
        PluginError: there is none, two packages offer it, or it cannot be imported.
    """
    ancestor = _ancestor(kind, name)
    if ancestor is None:
        return plugins.load(kind.group, name)
    adopt: Adopt = plugins.load(ANCESTORS, ancestor)
    return adopt(kind, lambda: plugins.load(f"{ancestor}.{kind}", name))


def _ancestor(kind: Kind, name: str) -> str | None:
    if name in plugins.names(kind.group):
        return None
    ancestors = plugins.names(ANCESTORS)
    return next((one for one in ancestors if name in plugins.names(f"{one}.{kind}")), None)


def names(kind: Kind) -> tuple[str, ...]:
    """All plugins of a kind that installed packages offer, sorted; nothing is imported."""
    groups = (kind.group, *(f"{ancestor}.{kind}" for ancestor in plugins.names(ANCESTORS)))
    return tuple(sorted({name for group in groups for name in plugins.names(group)}))
