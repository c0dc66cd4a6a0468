"""What a directory is configured to be, checked as a whole before anything starts.

The mapping has the sections of the YAML era (`sources`, `services`, `views`, `enabled_plugins`).
A key that is not known is an error that names the nearest known one; a name that refers to nothing
(a source in a profile, a display) is a warning and a verdict, because the rest can be served.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError
from pelagos.directory.model import Column, Display

log = logging.getLogger(__name__)

#: Seconds that a query may take when its profile does not say. Below the 3 s that people and
#: phones wait, and above what a healthy source needs.
DEFAULT_TIMEOUT = 2.0

_MAX_TIMEOUT = 3600  # seconds; more is a slip of units

#: Plugins that are enabled unless the configuration says otherwise.
DEFAULT_SERVICES = ("lookup",)
DEFAULT_VIEWS = ("lookup_json",)

_PROFILE_SERVICES = ("lookup",)
_DISPLAY_KEYS = ("displays", "profile_to_display")
#: Keys of the YAML era that would change nothing: refused, so that nobody waits for their effect.
_NOT_SERVED = frozenset({
    "displays_phone", "profile_to_display_phone", "number_display", "reverse", "favorites",
})  # fmt: skip
_PLUGIN_KINDS = ("backends", "services", "views")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One source.

    Attributes:
        config: its whole mapping, as its back-end gets it, `name` and `type` included.
        backend: name of the back-end plugin; empty when the configuration names none.
    """

    name: str
    backend: str
    config: Mapping[str, Any]
    unique_column: str | None = None
    format_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """What a service does for one profile.

    Attributes:
        sources: names of the sources to ask, in the order of the answer.
        timeout: seconds for the whole query.
    """

    sources: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """The configuration, read and checked.

    Attributes:
        raw: the mapping as given; services get it whole, views get its `views`.
        services: names of the enabled service plugins.
        views: names of the enabled view plugins.
        displays: the display of each profile that has one.
    """

    raw: Mapping[str, Any]
    sources: Mapping[str, SourceSettings]
    backends: Collection[str]
    services: tuple[str, ...]
    views: tuple[str, ...]
    displays: Mapping[str, Display]

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> DirectorySettings:
        """Read a configuration.

        Raises:
            ConfigError: an unknown key, or a value of the wrong type; names its place.
        """
        _known(config, ("sources", "services", "views", "enabled_plugins"), "")
        enabled = _section(config, "enabled_plugins", "")
        _known(enabled, _PLUGIN_KINDS, "enabled_plugins")
        sources = {
            name: _source(name, _mapping(value, f"sources.{name}"))
            for name, value in _section(config, "sources", "").items()
        }
        services = _enabled(enabled, "services", DEFAULT_SERVICES)
        views = _enabled(enabled, "views", DEFAULT_VIEWS)
        _check_services(config, services, sources)
        _known(_section(config, "views", ""), (*_DISPLAY_KEYS, *views), "views")
        return cls(
            raw=config,
            sources=sources,
            backends=_enabled(enabled, "backends", {s.backend for s in sources.values()}),
            services=services,
            views=views,
            displays=profile_displays(_section(config, "views", "")),
        )


def service_profiles(config: Mapping[str, Any], service: str) -> dict[str, ServiceProfile]:
    """The profiles of one service, from the whole configuration.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    section = _section(_section(config, "services", ""), service, "services")
    return {
        profile: _profile(_mapping(value, where), where)
        for profile, value in section.items()
        for where in (f"services.{service}.{profile}",)
    }


def profile_displays(views: Mapping[str, Any]) -> dict[str, Display]:
    """The display of each profile, from the `views` section.

    A profile whose display does not exist has an empty one, and a warning.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
    """
    displays = {
        name: _display(value, f"views.displays.{name}")
        for name, value in _section(views, "displays", "views").items()
    }
    chosen = {}
    for profile, name in _section(views, "profile_to_display", "views").items():
        if name not in displays:
            hint = spelling.hint(str(name), sorted(displays), quoted=True)
            log.warning("profile %s: there is no display %s; %s", profile, name, hint)
        chosen[profile] = displays.get(name, Display())
    return chosen


def _source(name: Any, config: Mapping[str, Any]) -> SourceSettings:
    where = f"sources.{_text(name, 'sources')}"
    for key in ("searched_columns", "first_matched_columns"):
        _texts(config.get(key) or (), f"{where}.{key}")
    for key in ("type", "backend", "unique_column"):
        _text(config.get(key) or "none", f"{where}.{key}")
    templates = _section(config, "format_columns", where)
    for column, template in templates.items():
        if not isinstance(template, str):
            raise ConfigError(f"{where}.format_columns.{column}: a text is needed")
    if config.get("name", name) != name:
        raise ConfigError(f"{where}.name is {config['name']!r}, but the key is {name!r}")
    backend = config.get("type") or config.get("backend") or ""
    whole = {**config, "name": name, "type": backend}
    return SourceSettings(name, backend, whole, config.get("unique_column") or None, templates)


def _profile(config: Mapping[str, Any], where: str) -> ServiceProfile:
    _known(config, ("sources", "timeout"), where)
    sources = config.get("sources", ())
    if isinstance(sources, Mapping):
        sources = [name for name, is_on in sources.items() if _flag(is_on, f"{where}.{name}")]
    timeout = config.get("timeout")
    if timeout is None:
        timeout = DEFAULT_TIMEOUT
    if (
        isinstance(timeout, bool)
        or not isinstance(timeout, int | float)
        or not 0 < timeout <= _MAX_TIMEOUT
    ):
        raise ConfigError(f"{where}.timeout: {timeout!r} is not a number of seconds above 0")
    names = _texts(sources, f"{where}.sources")
    return ServiceProfile(tuple(dict.fromkeys(names)), float(timeout))


def _display(value: Any, where: str) -> Display:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a display is a list of columns")
    columns = []
    for number, item in enumerate(value):
        place = f"{where}.{number}"
        column = _mapping(item, place)
        _known(column, [f.name for f in fields(Column)], place)
        for key in ("title", "type", "field"):
            if column.get(key) is not None:
                _text(column[key], f"{place}.{key}")
        columns.append(Column(**column))
    if sum(column.type == "number" for column in columns) > 1:
        log.warning("%s: more than one column of type number; clients use one", where)
    return Display(tuple(columns))


def _check_services(
    config: Mapping[str, Any], enabled: Collection[str], sources: Mapping[str, Any]
) -> None:
    _known(_section(config, "services", ""), {*enabled, *_PROFILE_SERVICES}, "services")
    for service in _PROFILE_SERVICES:
        for profile, settings in service_profiles(config, service).items():
            for name in settings.sources:
                if name not in sources:
                    hint = spelling.hint(name, sorted(sources), quoted=True)
                    log.warning("%s.%s: there is no source %s; %s", service, profile, name, hint)


def _enabled(section: Mapping[str, Any], kind: str, default: Collection[str]) -> tuple[str, ...]:
    """The enabled plugins: a list replaces the default, a mapping name → bool adds and removes."""
    where = f"enabled_plugins.{kind}"
    value = section.get(kind)
    if value is None:
        return tuple(sorted(default))
    if not isinstance(value, Mapping):
        return tuple(dict.fromkeys(_texts(value, where)))
    flags = dict.fromkeys(sorted(default), True)
    flags |= {name: _flag(is_on, f"{where}.{name}") for name, is_on in value.items()}
    return tuple(name for name, is_on in flags.items() if is_on)


# ---- small checks -------------------------------------------------------------------------------


def _known(config: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in config:
        if key in _NOT_SERVED and key not in known:
            place = f"{where}: " if where else ""
            raise ConfigError(
                f"{place}unknown key {key!r}: not served by this version",
                hint="take it out; everything else works without it",
            )
    spelling.refuse_unknown(config, sorted(known), ConfigError, where=where)


def _section(config: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = config.get(key)
    return {} if value is None else _mapping(value, f"{where}.{key}" if where else key)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a table is needed, not {value!r}")
    return value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: a list of names is needed, not {value!r}")
    return [_text(item, where) for item in value]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: a text is needed, not {value!r}")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where}: true or false is needed, not {value!r}")
    return value
