"""The ancestor's sections `services` and `views` as ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

from pelagos.core.errors import ConfigError
from pelagos.directory.migration.remark import Note
from pelagos.directory.model import Column
from pelagos.directory.settings import (
    PROFILE_SERVICES,
    displays,
    phone_displays,
    service_profiles,
)

_COLUMN_KEYS = tuple(field.name for field in fields(Column))
_DISPLAY_KEYS = ("displays", "profile_to_display", "displays_phone", "profile_to_display_phone")


def carry_services(
    config: Mapping[str, Any], sources: Collection[str], strangers: Mapping[str, bool], note: Note
) -> dict[str, dict[str, Any]]:
    """The section `services`.

    Args:
        sources: names of the sources that were carried over.
        strangers: plugins of other packages, which are enabled and may have sections of their own.
    """
    carried: dict[str, dict[str, Any]] = {}
    for service, profiles in config.items():
        if service == "service_discovery":
            note(
                "services.service_discovery",
                "not carried over: sources are not added while the directory runs",
                "write each as a source of its own",
            )
        elif service not in PROFILE_SERVICES:
            if strangers.get(service):
                carried[service] = profiles
            else:
                note(f"services.{service}", "left out: no such service is enabled")
        else:
            place = f"services.{service}"
            table = profiles if isinstance(profiles, Mapping) else None
            if table is None and profiles is not None:
                note(place, "a mapping is needed; left out")
            carried[service] = {
                profile: kept
                for profile, value in (table or {}).items()
                if (kept := _profile(service, profile, value, sources, note)) is not None
            }
    return carried


def _profile(
    service: str, profile: str, value: Any, sources: Collection[str], note: Note
) -> dict[str, Any] | None:
    place = f"services.{service}.{profile}"
    if not isinstance(value, Mapping):
        note(place, "a mapping is needed; left out")
        return None
    options = value.get("options")
    known = {**value, **(options if isinstance(options, Mapping) else {})}
    known.pop("options", None)
    kept = {key: known.pop(key) for key in ("sources", "timeout") if known.get(key) is not None}
    for key, unused in known.items():
        if unused is not None:
            note(f"{place}.{key}", "left out: the ancestor ignored it, too")
    if "timeout" not in kept:
        seconds = PROFILE_SERVICES[service]
        note(place, f"no timeout, which meant to wait for ever: {seconds:g} s now")
    try:
        (settings,) = service_profiles({"services": {service: {profile: kept}}}, service).values()
    except ConfigError as error:
        note(place, f"left out: {error.message}")
        return None
    for name in settings.sources:
        if name not in sources:
            note(f"{place}.sources", f"there is no source {name}; it will be `failed` in answers")
    return kept


def carry_views(
    config: Mapping[str, Any], strangers: Mapping[str, bool], note: Note
) -> dict[str, Any]:
    """The section `views`.

    Args:
        strangers: plugins of other packages, which are enabled and may have sections of their own.
    """
    carried: dict[str, Any] = {}
    for key, value in config.items():
        if key not in _DISPLAY_KEYS and strangers.get(key):
            carried[key] = value
        elif key not in _DISPLAY_KEYS:
            note(f"views.{key}", "left out: no such view is enabled")
    for key, read in (("displays", displays), ("displays_phone", phone_displays)):
        found = {
            name: _known_columns(without_none(value), f"views.{key}.{name}", note)
            for name, value in table_of(config, key, "views", note).items()
        }
        carried[key] = {
            name: value for name, value in found.items() if _reads(read, key, name, value, note)
        }
    for key in ("profile_to_display", "profile_to_display_phone"):
        carried[key] = {
            profile: name
            for profile, name in table_of(config, key, "views", note).items()
            if _is_known(
                name, carried[key.replace("profile_to_display", "displays")], key, profile, note
            )
        }
    return {key: value for key, value in carried.items() if value}


def _known_columns(display: Any, place: str, note: Note) -> Any:
    """The columns without keys that the ancestor ignored."""
    if not isinstance(display, list):
        return display
    columns = []
    for number, column in enumerate(display):
        if not isinstance(column, Mapping):
            return display
        for key in column:
            if key not in _COLUMN_KEYS:
                note(f"{place}.{number}.{key}", "left out: the ancestor ignored it, too")
        columns.append({key: column[key] for key in _COLUMN_KEYS if key in column})
    return columns


def _reads(
    read: Callable[[Mapping[str, Any]], Any], key: str, name: str, value: Any, note: Note
) -> bool:
    try:
        read({key: {name: value}})
    except ConfigError as error:
        note(f"views.{key}.{name}", f"left out: {error.message}", error.hint or "")
        return False
    return True


def _is_known(name: Any, known: Collection[str], key: str, profile: str, note: Note) -> bool:
    if isinstance(name, str) and name in known:
        return True
    is_phone = key.endswith("phone")
    what = f"there is no display {name!r}; "
    what += "left out" if is_phone else "the profile shows no columns, as before"
    note(f"views.{key}.{profile}", what)
    return isinstance(name, str) and name != "" and not is_phone


def table_of(config: Mapping[str, Any], key: str, where: str, note: Note) -> Mapping[str, Any]:
    """The mapping below `key`; an empty one, and a remark, when it is something else."""
    value = config.get(key)
    if isinstance(value, Mapping):
        return value
    if value is not None:
        note(f"{where}.{key}" if where else key, "a mapping is needed; left out")
    return {}


def without_none(value: Any) -> Any:
    """A copy without what is None, which our configuration file cannot say and need not."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value if item is not None]
    return value
