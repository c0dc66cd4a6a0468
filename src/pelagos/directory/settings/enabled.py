"""The section `enabled_plugins`: which plugins are used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import checks

#: Services that are enabled unless the configuration says otherwise. One a line, sorted.
DEFAULT_SERVICES = (
    "check",
    "config",
    "display",
    "lookup",
    "reverse",
    "profile",
    "source",
    "status",
)  # fmt: skip

#: The same for those that need a store, when there is one.
STORED_SERVICES: tuple[str, ...] = (
    "cleanup",
    "favorites",
    "kept_sources",
    "personal",
    "phonebook",
)

#: Views that are enabled unless the configuration says otherwise. One a line, sorted.
DEFAULT_VIEWS = (
    "api_view",
    "catalogue_json",
    "check",
    "lookup_json",
    "page",
    "reverse_json",
)  # fmt: skip

#: The same for those that need a store, when there is one.
STORED_VIEWS: tuple[str, ...] = (
    "favorites_json",
    "kept_sources_view",
    "personal_view",
    "phonebook_view",
)

_KINDS = ("backends", "services", "views")


def enabled_plugins(
    config: Mapping[str, Any], used: Collection[str], *, has_store: bool
) -> dict[str, tuple[str, ...]]:
    """The names of the enabled plugins, by kind: "backends", "services", "views".

    A list replaces the default, a mapping name → bool adds and removes.

    Args:
        config: the whole configuration.
        used: the back-ends that sources name; enabled unless the configuration says otherwise.
        has_store: whether there is a store for those that need one.

    Raises:
        ConfigError: an unknown kind, a value of the wrong type, or a kind of which nothing is
            left enabled.
    """
    section = checks.section(config, "enabled_plugins")
    checks.known(section, _KINDS, "enabled_plugins")
    defaults: dict[str, Collection[str]] = {
        "backends": sorted(used),
        "services": (*DEFAULT_SERVICES, *(STORED_SERVICES if has_store else ())),
        "views": (*DEFAULT_VIEWS, *(STORED_VIEWS if has_store else ())),
    }
    return {kind: _enabled(section.get(kind), kind, defaults[kind]) for kind in _KINDS}


def _enabled(value: Any, kind: str, default: Collection[str]) -> tuple[str, ...]:
    where = f"enabled_plugins.{kind}"
    if value is None:
        return tuple(default)
    if isinstance(value, Mapping):
        flags = dict.fromkeys(default, True)
        flags |= {name: checks.flag(on, f"{where}.{name}") for name, on in value.items()}
        names = tuple(name for name, is_on in flags.items() if is_on)
    else:
        names = tuple(dict.fromkeys(checks.texts(value, where)))
    if not names:
        raise ConfigError(
            f"{where}: none is enabled, so the directory could answer nothing",
            hint=f"name one, or take {where} out to have the usual ones",
        )
    return names
